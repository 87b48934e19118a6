/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device itself, one thread. It is created before the jail's filter and run
 * behind it; dmatest.h says what it does.
 */
#ifndef DEVICES_DMATEST_DEVICE_H
#define DEVICES_DMATEST_DEVICE_H

#include "base/compiler.h"

struct dmatest;

/**
 * dmatest_create() - Make the device and let the VMM connect it
 * @sock: its vfio-user socket; taken over
 *
 * Blocks until the VMM has sent the port.
 *
 * Return: 0, -ENOMEM, -EBADMSG (another port than asked for), -errno of eventfd(2)
 * or fcntl(2), or as server_handshake().
 */
MUST_CHECK int dmatest_create(int sock, struct dmatest **out);

/* Serves until the VMM closes the socket. Return: -ECONNRESET, or -EBADMSG. */
MUST_CHECK int dmatest_run(struct dmatest *dev);

#endif
