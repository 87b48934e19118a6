// SPDX-License-Identifier: BSD-2-Clause
#include "cli/options.h"

#include "cli/devspec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	const char *name;
	const char *value; /* how the help shows it */
	const char *help;
	bool repeats;
	/* Return: NULL, or what is wrong with the value. */
	const char *(*parse)(struct run_options *opt, const char *value);
};

static const char *parse_kernel(struct run_options *opt, const char *value)
{
	opt->kernel = value;
	return NULL;
}

static const char *parse_initrd(struct run_options *opt, const char *value)
{
	opt->initrd = value;
	return NULL;
}

static const char *parse_cmdline(struct run_options *opt, const char *value)
{
	opt->cmdline = value;
	return NULL;
}

static const char *parse_cpus(struct run_options *opt, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n < 1 ||
	    n > MACHINE_CPUS_MAX)
		return "give a number from 1 to 64";
	opt->nr_cpus = (unsigned int)n;
	return NULL;
}

static const char *parse_memory(struct run_options *opt, const char *value)
{
	char *end;
	unsigned long long n;
	unsigned int shift;

	if (*value < '0' || *value > '9')
		return "give a size such as 512M or 2G";
	errno = 0;
	n = strtoull(value, &end, 10);
	if (!strcmp(end, "M"))
		shift = 20;
	else if (!strcmp(end, "G"))
		shift = 30;
	else
		return "give a size such as 512M or 2G";
	if (errno || n > RUN_MEMORY_MAX >> shift || n << shift < RUN_MEMORY_MIN)
		return "give from 32M to 1024G";
	if ((n << shift) % RUN_MEMORY_ALIGN)
		return "give a multiple of 2M";
	opt->memory = n << shift;
	return NULL;
}

bool options_name_valid(const char *name)
{
	static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789-_.";
	size_t len = strlen(name);

	return len >= 1 && len <= RUN_NAME_MAX && name[0] != '.' &&
	       name[0] != '-' && strspn(name, inside) == len;
}

static const char *parse_name(struct run_options *opt, const char *value)
{
	if (!options_name_valid(value))
		return "give at most 32 letters, digits, \"-\", \"_\" and "
		       "\".\", a letter, digit or \"_\" first";
	opt->name = value;
	return NULL;
}

static const char *parse_iommu(struct run_options *opt, const char *value)
{
	static const char *const names[] = {
		[MACHINE_IOMMU_ON] = "on",
		[MACHINE_IOMMU_BOOT_BYPASS] = "boot-bypass",
		[MACHINE_IOMMU_OFF] = "off",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			opt->iommu = (enum machine_iommu)i;
			return NULL;
		}
	}
	return "give on, boot-bypass or off";
}

static const char *parse_reboot(struct run_options *opt, const char *value)
{
	if (strcmp(value, "restart") != 0 && strcmp(value, "exit") != 0)
		return "give restart or exit";
	opt->exit_on_reboot = !strcmp(value, "exit");
	return NULL;
}

static const char *parse_user(struct run_options *opt, const char *value)
{
	if (!*value)
		return "give the name of a user";
	opt->user = value;
	return NULL;
}

static const char *parse_stats(struct run_options *opt, const char *value)
{
	opt->stats = value;
	return NULL;
}

static const char *
add_device(struct run_options *opt, const char *value, const char *kind,
	   const char *(*parse)(const char *, struct run_device *))
{
	struct run_device *dev;
	unsigned int index = 0;
	const char *wrong;

	if (opt->nr_devices == MACHINE_DEVS_MAX)
		return "a VM has at most 16 devices";
	dev = &opt->devices[opt->nr_devices];
	*dev = (struct run_device){ 0 };
	wrong = parse(value, dev);
	if (wrong)
		return wrong;
	for (unsigned int i = 0; i < opt->nr_devices; i++)
		index += (opt->devices[i].net != RUN_NET_NONE) ==
			 (dev->net != RUN_NET_NONE);
	(void)snprintf(dev->label, sizeof(dev->label), "%s[%s%u]",
		       *dev->model ? dev->model : "vfio-user", kind, index);
	opt->nr_devices++;
	return NULL;
}

static const char *parse_net(struct run_options *opt, const char *value)
{
	return add_device(opt, value, "net", devspec_parse_net);
}

static const char *parse_device(struct run_options *opt, const char *value)
{
	return add_device(opt, value, "dev", devspec_parse_device);
}

static const struct rule rules[] = {
	{ "--kernel", "FILE", "an ELF kernel (PVH) or a bzImage", false,
	  parse_kernel },
	{ "--initrd", "FILE", "initial RAM disk", false, parse_initrd },
	{ "--cmdline", "TEXT", "appended to the kernel's command line", false,
	  parse_cmdline },
	{ "--cpus", "N", "1 to 64; default 1", false, parse_cpus },
	{ "--memory", "SIZE", "512M, 2G; default 512M", false, parse_memory },
	{ "--name", "NAME", "for stat and stop; default vm-PID", false,
	  parse_name },
	{ "--net", "user[,forward=tcp:HOST:GUEST]|tap=NAME[,model=M][,mac=A]",
	  "a network card", true, parse_net },
	{ "--device", "MODEL|vfio-user,socket=PATH", "another device", true,
	  parse_device },
	{ "--iommu", "on|boot-bypass|off", "default on", false, parse_iommu },
	{ "--on-reboot", "restart|exit", "default restart", false,
	  parse_reboot },
	{ "--user", "USER", "whom the VMM becomes, if root; default nobody",
	  false, parse_user },
	{ "--stats", "FILE", "write statistics there at the end, as JSON",
	  false, parse_stats },
};

_Static_assert(ARRAY_SIZE(rules) <= 32, "a bit for each in options_parse");

void options_help(FILE *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		(void)fprintf(to, "  %s %s\n        %s%s\n", rules[i].name,
			      rules[i].value, rules[i].help,
			      rules[i].repeats ? "; may be repeated" : "");
}

static PRINTF(2, 3) int refuse(char why[RUN_WHY_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why, RUN_WHY_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* "--name" or "--name=value"; NULL: none such. */
static const struct rule *find_rule(const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (strlen(rules[i].name) != len ||
		    strncmp(arg, rules[i].name, len) != 0)
			continue;
		*value = arg[len] ? arg + len + 1 : NULL;
		return &rules[i];
	}
	return NULL;
}

int options_parse(int argc, char *const *argv, struct run_options *out,
		  char why[RUN_WHY_MAX])
{
	uint32_t seen = 0;

	*out = (struct run_options){
		.nr_cpus = 1,
		.memory = 512ull << 20,
	};
	for (int i = 0; i < argc; i++) {
		const char *value = NULL, *wrong;
		const struct rule *rule;
		uint32_t bit;

		if (!strcmp(argv[i], "--help")) {
			out->help = true;
			return 0;
		}
		rule = find_rule(argv[i], &value);
		if (!rule)
			return refuse(why,
				      "%.80s: no such option: see "
				      "pviommu run --help",
				      argv[i]);
		if (!value && ++i < argc)
			value = argv[i];
		if (!value)
			return refuse(why, "%s: give a value: %s", rule->name,
				      rule->value);
		bit = 1u << (rule - rules);
		if ((seen & bit) && !rule->repeats)
			return refuse(why, "%s: given twice: give it once",
				      rule->name);
		seen |= bit;
		wrong = rule->parse(out, value);
		if (wrong)
			return refuse(why, "%s %.80s: %s", rule->name, value,
				      wrong);
	}
	return 0;
}
