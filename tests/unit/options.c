// SPDX-License-Identifier: BSD-2-Clause
/* The options of `pviommu run`: what is taken, and the line for what is not. */
#include "cli/options.h"

#include "base/compiler.h"
#include "tests/test.h"

#include <errno.h>
#include <string.h>

#define ARGS_MAX 40

struct args {
	int nr;
	char *list[ARGS_MAX];
	char text[1024];
};

/* Splits at blanks. */
static void split(struct args *args, const char *line)
{
	char *save = NULL;

	assert_true(strlen(line) < sizeof(args->text));
	strcpy(args->text, line);
	args->nr = 0;
	for (char *p = strtok_r(args->text, " ", &save); p;
	     p = strtok_r(NULL, " ", &save)) {
		assert_true(args->nr < ARGS_MAX);
		args->list[args->nr++] = p;
	}
}

static int parse(struct args *args, const char *line, struct run_options *opt,
		 char why[RUN_WHY_MAX])
{
	why[0] = '\0';
	split(args, line);
	return options_parse(args->nr, args->list, opt, why);
}

static void test_refuses_with_a_reason(void **state)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{ "--kernal x",
		  "--kernal: no such option: see pviommu run --help" },
		{ "x", "x: no such option: see pviommu run --help" },
		{ "--kern x",
		  "--kern: no such option: see pviommu run --help" },
		{ "--kernel", "--kernel: give a value: FILE" },
		{ "--iommu", "--iommu: give a value: on|boot-bypass|off" },
		{ "--cpus 1 --cpus 2", "--cpus: given twice: give it once" },
		{ "--cpus 0", "--cpus 0: give a number from 1 to 64" },
		{ "--cpus 65", "--cpus 65: give a number from 1 to 64" },
		{ "--cpus -1", "--cpus -1: give a number from 1 to 64" },
		{ "--cpus 2x", "--cpus 2x: give a number from 1 to 64" },
		{ "--cpus=", "--cpus : give a number from 1 to 64" },
		{ "--cpus 99999999999999999999",
		  "--cpus 99999999999999999999: give a number from 1 to 64" },
		{ "--memory 512",
		  "--memory 512: give a size such as 512M or 2G" },
		{ "--memory M", "--memory M: give a size such as 512M or 2G" },
		{ "--memory 1T",
		  "--memory 1T: give a size such as 512M or 2G" },
		{ "--memory 30M", "--memory 30M: give from 32M to 1024G" },
		{ "--memory 1025G", "--memory 1025G: give from 32M to 1024G" },
		{ "--memory 18446744073709551615G",
		  "--memory 18446744073709551615G: give from 32M to 1024G" },
		{ "--memory 99999999999999999999G",
		  "--memory 99999999999999999999G: give from 32M to 1024G" },
		{ "--memory 33M", "--memory 33M: give a multiple of 2M" },
		{ "--name ../x",
		  "--name ../x: give at most 32 letters, digits, \"-\", \"_\" "
		  "and \".\", a letter, digit or \"_\" first" },
		{ "--name=",
		  "--name : give at most 32 letters, digits, \"-\", \"_\" "
		  "and \".\", a letter, digit or \"_\" first" },
		{ "--iommu yes", "--iommu yes: give on, boot-bypass or off" },
		{ "--on-reboot no", "--on-reboot no: give restart or exit" },
		{ "--user=", "--user : give the name of a user" },
		{ "--net bridge", "--net bridge: give user or tap=NAME first" },
		{ "--net tap=",
		  "--net tap=: an interface's name has 1 to 15 bytes" },
		{ "--net tap=abcdefghijklmnop",
		  "--net tap=abcdefghijklmnop: an interface's name has 1 to "
		  "15 bytes" },
		{ "--net tap=a/b",
		  "--net tap=a/b: an interface's name has 1 to 15 bytes" },
		{ "--net tap=t,forward=tcp:1:2",
		  "--net tap=t,forward=tcp:1:2: settings of tap are model= "
		  "and mac=" },
		{ "--net user,speed=1",
		  "--net user,speed=1: settings of user are forward=, model= "
		  "and mac=" },
		{ "--net user,mac",
		  "--net user,mac: settings of user are forward=, model= and "
		  "mac=" },
		{ "--net user,model=../../bin/sh",
		  "--net user,model=../../bin/sh: a model is 1 to 20 of a-z, "
		  "0-9 and \"-\"" },
		{ "--net user,mac=52:54:00:12:34",
		  "--net user,mac=52:54:00:12:34: a mac is six bytes such as "
		  "52:54:00:12:34:56" },
		{ "--net user,mac=52:54:00:12:34:5g",
		  "--net user,mac=52:54:00:12:34:5g: a mac is six bytes such "
		  "as 52:54:00:12:34:56" },
		{ "--net user,mac=53:54:00:12:34:56",
		  "--net user,mac=53:54:00:12:34:56: a card's mac is not 0, "
		  "and its first byte is even" },
		{ "--net user,mac=00:00:00:00:00:00",
		  "--net user,mac=00:00:00:00:00:00: a card's mac is not 0, "
		  "and its first byte is even" },
		{ "--net user,forward=udp:1:2",
		  "--net user,forward=udp:1:2: a forward is "
		  "tcp:HOSTPORT:GUESTPORT or tcp:ADDRESS/HOSTPORT:GUESTPORT" },
		{ "--net user,forward=tcp:0:2",
		  "--net user,forward=tcp:0:2: a forward is "
		  "tcp:HOSTPORT:GUESTPORT or tcp:ADDRESS/HOSTPORT:GUESTPORT" },
		{ "--net user,forward=tcp:1:65536",
		  "--net user,forward=tcp:1:65536: a forward is "
		  "tcp:HOSTPORT:GUESTPORT or tcp:ADDRESS/HOSTPORT:GUESTPORT" },
		{ "--net user,forward=tcp:x/1:2",
		  "--net user,forward=tcp:x/1:2: a forward is "
		  "tcp:HOSTPORT:GUESTPORT or tcp:ADDRESS/HOSTPORT:GUESTPORT" },
		{ "--device dmatest,x=1",
		  "--device dmatest,x=1: this device has no settings" },
		{ "--device vfio-user",
		  "--device vfio-user: give the server's socket: "
		  "vfio-user,socket=PATH" },
		{ "--device vfio-user,socket=",
		  "--device vfio-user,socket=: a socket's path has 1 to 107 "
		  "bytes" },
		{ "--device vfio-user,path=/x",
		  "--device vfio-user,path=/x: the setting of vfio-user is "
		  "socket=" },
		{ "--device A", "--device A: a model is 1 to 20 of a-z, 0-9 "
				"and \"-\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char why[RUN_WHY_MAX];
		struct run_options opt;
		struct args args;

		assert_int_equal(parse(&args, cases[i].line, &opt, why),
				 -EINVAL);
		assert_string_equal(why, cases[i].why);
	}
}

static void test_has_defaults(void **state)
{
	char why[RUN_WHY_MAX];
	struct run_options opt;
	struct args args;

	(void)state;
	assert_int_equal(parse(&args, "", &opt, why), 0);
	assert_int_equal(opt.nr_cpus, 1);
	assert_int_equal(opt.memory, 512ull << 20);
	assert_int_equal(opt.iommu, MACHINE_IOMMU_ON);
	assert_false(opt.exit_on_reboot);
	assert_null(opt.kernel);
	assert_int_equal(opt.nr_devices, 0);
}

static void test_takes_every_option(void **state)
{
	char why[RUN_WHY_MAX];
	struct run_options opt;
	struct args args;

	(void)state;
	assert_int_equal(
	    parse(&args,
		  "--kernel K --initrd=I --cmdline C --cpus 64 --memory 3G "
		  "--name a.b --iommu boot-bypass --on-reboot exit --user U "
		  "--stats S",
		  &opt, why),
	    0);
	assert_string_equal(opt.kernel, "K");
	assert_string_equal(opt.initrd, "I");
	assert_string_equal(opt.cmdline, "C");
	assert_int_equal(opt.nr_cpus, 64);
	assert_int_equal(opt.memory, 3ull << 30);
	assert_string_equal(opt.name, "a.b");
	assert_int_equal(opt.iommu, MACHINE_IOMMU_BOOT_BYPASS);
	assert_true(opt.exit_on_reboot);
	assert_string_equal(opt.user, "U");
	assert_string_equal(opt.stats, "S");
	assert_int_equal(parse(&args, "--cpus x --help", &opt, why), -EINVAL);
	assert_int_equal(parse(&args, "--help --cpus x", &opt, why), 0);
	assert_true(opt.help);
}

static void test_takes_devices(void **state)
{
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0xAB, 0xcd, 0xef };
	const struct run_device *dev;
	char why[RUN_WHY_MAX];
	struct run_options opt;
	struct args args;

	(void)state;
	assert_int_equal(
	    parse(&args,
		  "--net user,forward=tcp:8080:80,forward=tcp:0.0.0.0/22:2222 "
		  "--device dmatest "
		  "--net tap=tap0,model=evil-e1000,mac=52:54:00:AB:cd:ef "
		  "--device vfio-user,socket=/run/x",
		  &opt, why),
	    0);
	assert_int_equal(opt.nr_devices, 4);
	dev = &opt.devices[0];
	assert_string_equal(dev->label, "e1000[net0]");
	assert_string_equal(dev->model, "e1000");
	assert_int_equal(dev->net, RUN_NET_USER);
	assert_false(dev->has_mac);
	assert_int_equal(dev->nr_forwards, 2);
	assert_string_equal(dev->forwards[0].address, "127.0.0.1");
	assert_int_equal(dev->forwards[0].host, 8080);
	assert_int_equal(dev->forwards[0].guest, 80);
	assert_string_equal(dev->forwards[1].address, "0.0.0.0");
	dev = &opt.devices[1];
	assert_string_equal(dev->label, "dmatest[dev0]");
	assert_int_equal(dev->net, RUN_NET_NONE);
	dev = &opt.devices[2];
	assert_string_equal(dev->label, "evil-e1000[net1]");
	assert_string_equal(dev->tap, "tap0");
	assert_true(dev->has_mac);
	assert_memory_equal(dev->mac, mac, sizeof(mac));
	dev = &opt.devices[3];
	assert_string_equal(dev->label, "vfio-user[dev1]");
	assert_string_equal(dev->model, "");
	assert_string_equal(dev->socket, "/run/x");
}

static void test_counts_devices_and_forwards(void **state)
{
	char line[1024] = "", why[RUN_WHY_MAX];
	struct run_options opt;
	struct args args;

	(void)state;
	for (int i = 0; i < MACHINE_DEVS_MAX; i++)
		strcat(line, "--device dmatest ");
	assert_int_equal(parse(&args, line, &opt, why), 0);
	assert_int_equal(opt.nr_devices, MACHINE_DEVS_MAX);
	strcat(line, "--net user");
	assert_int_equal(parse(&args, line, &opt, why), -EINVAL);
	assert_string_equal(why, "--net user: a VM has at most 16 devices");

	strcpy(line, "--net user");
	for (int i = 0; i < RUN_FORWARDS_MAX; i++)
		strcat(line, ",forward=tcp:1:2");
	assert_int_equal(parse(&args, line, &opt, why), 0);
	strcat(line, ",forward=tcp:1:2");
	assert_int_equal(parse(&args, line, &opt, why), -EINVAL);
	assert_non_null(strstr(why, ": a card has at most 8 forwards"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_with_a_reason),
		cmocka_unit_test(test_has_defaults),
		cmocka_unit_test(test_takes_every_option),
		cmocka_unit_test(test_takes_devices),
		cmocka_unit_test(test_counts_devices_and_forwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
