/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network backends: where a device's frames go to and come from.
 *
 * A backend is used by one thread, the DMA worker of its port, and never waits.
 * It sees only buffers of the VMM, never guest memory. Whoever created it
 * destroys it, after the worker has stopped.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* In front of every frame: struct virtio_net_hdr_v1 (linux/virtio_net.h). */
#define BACKEND_VNET_LEN 12

/* Written by the worker, read by any thread (base/counter.h). */
struct backend_stats {
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t received;
	uint64_t received_bytes;
	uint64_t send_dropped; /* no room in the backend, or it refused */
};

struct backend;

struct backend_ops {
	/*
	 * Sends one frame: @buf is a vnet header and the frame, contiguous,
	 * @len bytes in all, which the backend may change. All or nothing.
	 * Return: 0; -EAGAIN: no room, frame dropped; -EOPNOTSUPP: the vnet
	 * header asks for what this backend can not do; -EMSGSIZE: longer than
	 * it takes; or another -errno: frame dropped.
	 */
	int (*send)(struct backend *be, void *buf, size_t len);
	/*
	 * Receives one frame with its vnet header into @buf. Returns its
	 * length with the header; -EAGAIN if there is none; -EMSGSIZE if there
	 * was one that had to be dropped, longer than @cap or no frame at all;
	 * another -errno: no more will come. Unless it returns -EAGAIN there
	 * may be more.
	 */
	ssize_t (*receive)(struct backend *be, void *buf, size_t cap);
	/* Moves on what an earlier send left over. */
	void (*flush)(struct backend *be); /* NULL: nothing is left over */
	void (*destroy)(struct backend *be);
};

struct backend {
	const struct backend_ops *ops;
	int fd;		 /* to poll for input; -1: never any */
	bool want_write; /* also poll for output, then flush */
	struct backend_stats stats;
};

/*
 * A TAP interface that exists already, attached with vnet headers.
 * @fd: from backend_tap_open(), taken over.
 */
MUST_CHECK int backend_tap_create(int fd, struct backend **out);

/**
 * backend_tap_open() - Attach to a tap by name
 *
 * Return: 0, -ENODEV if there is no such interface, -EPERM, -EBUSY (in use), or
 * -errno of open(2) or ioctl(2).
 */
MUST_CHECK int backend_tap_open(const char *name, int *out);

/* A stream socket to passt: frames behind their length, 4 bytes big-endian.
 * @fd: taken over. */
MUST_CHECK int backend_passt_create(int fd, struct backend **out);

/* Counts frames and throws them away; receives nothing. */
MUST_CHECK int backend_sink_create(struct backend **out);

/**
 * backend_source_create() - As a sink, and always has a frame to receive
 * @len: of each frame, without header
 */
MUST_CHECK int backend_source_create(size_t len, struct backend **out);

/*
 * A UNIX datagram socket, one frame with its vnet header a datagram: the other
 * end is a test, or another program. @fd: taken over.
 */
MUST_CHECK int backend_datagram_create(int fd, struct backend **out);

#endif
