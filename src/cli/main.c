// SPDX-License-Identifier: BSD-2-Clause
/* The pviommu program: the user's side of everything. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "machine/machine.h"

static const struct {
	const char *name;
	const char *help;
	int (*run)(int argc, char *const *argv);
} commands[] = {
	{ "run", "run a VM (options: pviommu run --help)", run_command },
	{ "stat", "NAME [--json]: a running VM's statistics", stat_command },
	{ "stop", "NAME: end a running VM", stop_command },
	{ "doctor", "what this machine can do, and what to do about the rest",
	  doctor_command },
};

static void help(FILE *to)
{
	(void)fprintf(to, "usage: pviommu COMMAND [ARGUMENT]...\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(to, "  %-7s %s\n", commands[i].name,
			      commands[i].help);
}

/* What is opened later must not become standard input, output or error. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();
	if (argc < 2) {
		help(stderr);
		return MACHINE_USAGE;
	}
	if (!strcmp(argv[1], "--help")) {
		help(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	}
	log_err("cli", "%.80s: no such command: see pviommu --help", argv[1]);
	return MACHINE_USAGE;
}
