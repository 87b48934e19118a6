/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parent opens for a VM, once, and keeps over the guest's reboots: the
 * VMM gets copies of the descriptors and has no way to open anything.
 */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "cli/options.h"

#include <sys/types.h>
#include <sys/un.h>

#define FILES_CMDLINE_MAX 2048 /* as x86 Linux: COMMAND_LINE_SIZE */

struct run_files {
	int kvm;
	int kernel;
	int initrd; /* -1: none */
	int stats;  /* -1: none */
	int control;
	int taps[MACHINE_DEVS_MAX]; /* -1: that device has none */
	uid_t uid;		    /* the VMM becomes these, if root */
	gid_t gid;
	char name[RUN_NAME_MAX + 1];
	char control_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char cmdline[FILES_CMDLINE_MAX];
};

/**
 * files_open() - Open everything that the options name
 *
 * Return: 0, or -errno, logged: one line that says what to do.
 */
MUST_CHECK int files_open(const struct run_options *opt,
			  struct run_files *files);
/* Also removes the control socket's name. */
void files_close(struct run_files *files);

#endif
