/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device of a VM as the parent sees it: its jailed process, and a passt if it
 * is a card of the user network. Made anew for each boot of the guest, passt too:
 * its stream of frames may have stopped in the middle of one. A tap is kept.
 */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include "cli/files.h"

struct devlog;
struct loop;

struct device {
	const struct run_device *spec; /* borrowed */
	pid_t pid;		       /* -1: none, or has ended */
	pid_t passt;
	struct devlog *log; /* owned; NULL: none */
	struct devlog *passt_log;
	char passt_name[48];
	/* The VMM's ends, until device_handed_over(). */
	int sock;
	int passt_sock;
};

/**
 * device_start() - Start what a device consists of, or connect to it
 * @index: its place among the VM's devices
 * @out:   for the VMM; the descriptors stay the device's and the files'
 *
 * Return: 0, or -errno, logged; then there is nothing to stop.
 */
MUST_CHECK int device_start(struct device *dev, const struct run_device *spec,
			    unsigned int index, const struct run_files *files,
			    struct loop *loop, struct machine_device *out);

/* The VMM has been forked: closes its ends here. */
void device_handed_over(struct device *dev);

/* True if the process that has ended was one of this device's. Logs, but for
 * one that ended well: that one has lost its VMM. */
bool device_reap(struct device *dev, pid_t pid, int status);

/* The VMM has ended, and so do they: waits a little, then kills. */
void device_stop(struct device *dev);

#endif
