/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a VM's network cards lead to: taps, and passt.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "cli/options.h"

#include <sys/types.h>

/* Return: 0, or -errno, logged with what to do. */
MUST_CHECK int network_tap_open(const char *name, int *out);

/**
 * network_passt_start() - Start a passt and wait until it answers
 * @stderr_fd: for its messages; borrowed
 * @sock:      out: stream socket to it, owned by the caller; passt ends with it
 * @pid:       out: to be waited for
 *
 * Return: 0, or -errno, logged.
 */
MUST_CHECK int network_passt_start(const struct run_device *dev, int stderr_fd,
				   int *sock, pid_t *pid);

/* What a message of passt calls for; NULL: nothing. */
const char *network_passt_hint(const char *message);

/* A card's address: as given, or made from the VM's name and the card's place, so
 * that it stays the same; locally administered. */
void network_mac(const struct run_device *dev, const char *vm,
		 unsigned int index, uint8_t mac[MAC_LEN]);

#endif
