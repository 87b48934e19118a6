// SPDX-License-Identifier: BSD-2-Clause
/*
 * What this machine can do for VMs, found out by trying it, and what to do about
 * what it can not.
 */
#include "cli/commands.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/kernel.h"
#include "machine/machine.h"

#define LINE 400

/* Each fills in one clause: what there is, or what is missing and what to do. */
struct check {
	const char *name;
	bool needed; /* no VM without it */
	bool (*passes)(char *line);
};

static PRINTF(2, 3) bool say(char *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, LINE, fmt, args);
	va_end(args);
	return false;
}

static bool can_run_guest(char *line)
{
	static const char *const advice[] = {
		[MACHINE_KVM_ABSENT] = "turn virtualisation on in the firmware "
				       "and load kvm_amd or kvm_intel",
		[MACHINE_KVM_FORBIDDEN] = "become a member of the group kvm",
		[MACHINE_KVM_NO_LONG_MODE] = "take another host, or let "
					     "testbed/run play one",
		[MACHINE_KVM_BROKEN] = "see the kernel's log; take another "
				       "host, or let testbed/run play one",
	};
	char why[256] = "";
	enum machine_kvm kvm = machine_kvm_probe(why, sizeof(why));

	if (kvm != MACHINE_KVM_OK)
		return say(line, "%s: %s", why, advice[kvm]);
	(void)say(line, "a 64-bit guest ran its first instructions");
	return true;
}

/* The names of loaded modules kvm_*, separated by blanks. */
static void list_kvm_modules(char *out, size_t len)
{
	DIR *dir = opendir("/sys/module");
	const struct dirent *entry;
	size_t used = 0;

	out[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "kvm_", 4) != 0 || used >= len)
			continue;
		used += (size_t)snprintf(out + used, len - used, "%s%s",
					 used ? " " : "", entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

static bool has_kvm_module(char *line)
{
	char names[128];

	list_kvm_modules(names, sizeof(names));
	if (strstr(names, "kvm_amd") || strstr(names, "kvm_intel")) {
		(void)say(line, "%s", names);
		return true;
	}
	return say(line,
		   "neither kvm_amd nor kvm_intel is loaded, there is %s: "
		   "load the one for this processor with modprobe",
		   *names ? names : "none at all");
}

static bool has_namespaces(char *line)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
			      CLONE_NEWNET)
			  ? errno
			  : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return say(line, "can not be tried: %s", strerror(errno));
	if (WEXITSTATUS(status))
		return say(line,
			   "%s: devices can not be jailed: allow it with "
			   "sysctl user.max_user_namespaces=10000 "
			   "kernel.unprivileged_userns_clone=1, and not in a "
			   "chroot",
			   strerror(WEXITSTATUS(status)));
	(void)say(line, "devices can be jailed");
	return true;
}

static bool has_tun(char *line)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return say(line,
			   "/dev/net/tun: %s: --net tap needs it: load it with "
			   "modprobe tun",
			   strerror(errno));
	(void)close(fd);
	(void)say(line, "--net tap works with a tap that you may use");
	return true;
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char text[4096], file[PATH_MAX], *save = NULL;

	(void)snprintf(text, sizeof(text), "%s", path ? path : "/usr/bin");
	for (char *dir = strtok_r(text, ":", &save); dir;
	     dir = strtok_r(NULL, ":", &save)) {
		(void)snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

/* Is there a route to 0.0.0.0? passt takes its addresses from there. */
static bool has_default_route(void)
{
	FILE *file = fopen("/proc/net/route", "re");
	char line[256], dest[16];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*31s %15s", dest) == 1 &&
			!strcmp(dest, "00000000");
	if (file)
		(void)fclose(file);
	return found;
}

static bool has_passt(char *line)
{
	if (!in_path("passt"))
		return say(line,
			   "not installed: --net user needs it: install passt");
	if (!has_default_route())
		return say(line,
			   "this machine has no default route, and passt needs "
			   "one: ip link add dummy0 type dummy && ip address "
			   "add 192.0.2.1/24 dev dummy0 && ip link set dummy0 "
			   "up && ip route add default dev dummy0");
	(void)say(line, "--net user works");
	return true;
}

static bool has_busybox(char *line)
{
	if (!in_path("busybox"))
		return say(line,
			   "not installed: pviommu run without --kernel needs "
			   "it: install busybox-static");
	(void)say(line, "an initramfs can be made");
	return true;
}

static bool has_kernel(char *line)
{
	char version[KERNEL_VERSION_MAX];

	if (kernel_find("/boot", true, version))
		return say(line,
			   "none in /boot has virtio_iommu: give one with "
			   "--kernel, or install one (Debian 12: "
			   "linux-image-amd64 of bookworm-backports)");
	(void)say(line, "/boot/vmlinuz-%s has virtio_iommu", version);
	return true;
}

static const struct check checks[] = {
	{ "KVM", true, can_run_guest },
	{ "KVM module", false, has_kvm_module },
	{ "namespaces", true, has_namespaces },
	{ "tap network", false, has_tun },
	{ "user network", false, has_passt },
	{ "busybox", false, has_busybox },
	{ "guest kernel", false, has_kernel },
};

/* With --kvm only the first check, for scripts. */
int doctor_command(int argc, char *const *argv)
{
	bool only_kvm = argc == 1 && !strcmp(argv[0], "--kvm");
	size_t nr = only_kvm ? 1 : ARRAY_SIZE(checks);
	bool able = true;

	if (argc > 0 && !only_kvm) {
		log_err("doctor", "%.80s: no such option: there is --kvm",
			argv[0]);
		return MACHINE_USAGE;
	}
	for (size_t i = 0; i < nr; i++) {
		char line[LINE] = "";
		bool ok = checks[i].passes(line);

		able &= ok || !checks[i].needed;
		(void)printf("%-8s %-13s %s\n", ok ? "ok" : "missing",
			     checks[i].name, line);
	}
	(void)printf("VMs can %sbe run here.\n", able ? "" : "not ");
	return able ? 0 : 1;
}
