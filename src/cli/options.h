/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of `pviommu run`, from the command line to numbers.
 *
 * Only looks at the text: whether a file, a tap or a user exists is found out by
 * whoever opens it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/compiler.h"
#include "base/mac.h"
#include "machine/machine.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RUN_NAME_MAX	 32
#define RUN_MODEL_MAX	 20
#define RUN_SOCKET_MAX	 107 /* what fits sockaddr_un, without its 0 */
#define RUN_FORWARDS_MAX 8
#define RUN_MEMORY_MIN	 (32ull << 20)
#define RUN_MEMORY_MAX	 (1ull << 40)
#define RUN_MEMORY_ALIGN (2ull << 20)
#define RUN_WHY_MAX	 256

enum run_net { RUN_NET_NONE, RUN_NET_USER, RUN_NET_TAP };

/* A TCP port of the host that leads to one of the guest. */
struct run_forward {
	char address[INET_ADDRSTRLEN]; /* of the host */
	uint16_t host;
	uint16_t guest;
};

struct run_device {
	char model[RUN_MODEL_MAX + 1]; /* program pviommu-MODEL; "": @socket */
	char label[32];		       /* "e1000[net0]" */
	char socket[RUN_SOCKET_MAX + 1];
	enum run_net net;
	char tap[IFNAMSIZ];
	bool has_mac;
	uint8_t mac[MAC_LEN];
	struct run_forward forwards[RUN_FORWARDS_MAX];
	unsigned int nr_forwards;
};

/* Strings are borrowed from the arguments; NULL: not given. */
struct run_options {
	const char *kernel;
	const char *initrd;
	const char *cmdline; /* comes after the default command line */
	const char *name;
	const char *user;
	const char *stats;
	unsigned int nr_cpus;
	uint64_t memory;
	enum machine_iommu iommu;
	bool exit_on_reboot;
	bool help;
	struct run_device devices[MACHINE_DEVS_MAX];
	unsigned int nr_devices;
};

/**
 * options_parse() - Read the arguments of `pviommu run`
 * @argc, @argv: without the program's and the command's name
 * @out: filled in, defaults where nothing was given
 * @why: after an error, one line: which option, what is wrong, what to do
 *
 * Return: 0, or -EINVAL.
 */
MUST_CHECK int options_parse(int argc, char *const *argv,
			     struct run_options *out, char why[RUN_WHY_MAX]);

/* Prints what there is, one option a line. */
void options_help(FILE *to);

/* A name that can be a file's: letters, digits, "-", "_", "." inside. */
bool options_name_valid(const char *name);

#endif
