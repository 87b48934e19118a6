/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One boot of a guest, seen from the parent: fresh devices, a fresh VMM, and what
 * becomes of them. The next boot is another boot_run() on the same struct.
 */
#ifndef CLI_BOOT_H
#define CLI_BOOT_H

#include "cli/device.h"
#include "cli/files.h"

struct devlog;
struct loop;
struct terminal;

struct boot {
	const struct run_options *opt; /* borrowed, as all of these */
	const struct run_files *files;
	struct loop *loop;
	struct terminal *terminal;
	/* the rest is private */
	pid_t vmm;
	int vmm_status;
	struct devlog *vmm_log;
	int life;	/* the VMM stops when this is closed */
	int kill_timer; /* … and is killed when this fires */
	bool stopping;
	bool killed;
	struct device devices[MACHINE_DEVS_MAX];
	unsigned int nr_devices; /* started */
};

/* The four borrowed members are set later, before boot_run(). */
void boot_init(struct boot *boot);

/**
 * boot_run() - Start everything, wait for the VMM's end, stop everything
 *
 * Return: how it ended, logged where the guest can not have said it itself;
 * MACHINE_USAGE if a device could not be started.
 */
enum machine_end boot_run(struct boot *boot);

/* Asks the VMM to stop, or, the second time, kills it. */
void boot_stop(struct boot *boot);
/* Was it asked to stop? */
bool boot_stopping(const struct boot *boot);

/* Children have ended: takes note of them. */
void boot_reap(struct boot *boot);

#endif
