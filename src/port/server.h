/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's end of its vfio-user socket: answers the messages of the VMM out
 * of a description of the device, and calls it for what only it can do.
 *
 * One thread. After server_handshake() no allocation, and system calls recvmsg,
 * sendmsg, poll and close only. A message that is malformed is answered with an
 * error; one that can not be parsed at all ends the connection (-EBADMSG).
 */
#ifndef PORT_SERVER_H
#define PORT_SERVER_H

#include "base/compiler.h"
#include "port/port.h"
#include "wire/vfio_user.h"

#include <stdint.h>

struct server;

struct server_region {
	uint64_t size;	/* 0: not there */
	uint32_t flags; /* VFIO_USER_REGION_F_* */
};

/* What the device is; constant, borrowed. */
struct server_device {
	const char *name;
	/* 256 bytes of PCI config space, initial. The server keeps it: of what is
	 * written, command, cache line size and interrupt line. */
	const uint8_t *config;
	struct server_region regions[VFIO_USER_NR_REGIONS];
	uint32_t irqs[VFIO_USER_NR_IRQS];	   /* number of each kind */
	const struct vfio_user_pv_port_info *port; /* host order */
	const struct vfio_user_pv_regs *runs;	   /* port->nr_runs of them */

	/*
	 * Access to a BAR that the register page does not cover. @len is 1, 2,
	 * 4 or 8 and inside the region. Return: 0, or -errno: the access fails
	 * (reads as all ones).
	 */
	int (*read)(void *ctx, unsigned int region, uint64_t off, void *buf,
		    uint32_t len);
	int (*write)(void *ctx, unsigned int region, uint64_t off,
		     const void *buf, uint32_t len);
	/* The port has arrived. Called once. @port is owned by the server. */
	int (*start)(void *ctx, struct port *port);
	/* Interrupt @vector of kind @index signals @fd from now on (-1: none, or
	 * masked); at once if it is asserted. Borrowed until the next call. */
	void (*set_irq)(void *ctx, unsigned int index, unsigned int vector,
			int fd);
	/* Stop, finish what is in flight, be as after power on. */
	void (*reset)(void *ctx);
	/* eventfd that the VMM may signal for a write to (@region, off): fills
	 * in *off and *fd (borrowed), 0-based @i; false: no more. NULL: none. */
	bool (*io_fd)(void *ctx, unsigned int region, unsigned int i,
		      uint64_t *off, int *fd);
};

/* @sock is taken over. Return: 0, -ENOMEM, or -errno of fcntl(2). */
MUST_CHECK int server_create(int sock, const struct server_device *dev,
			     void *ctx, struct server **out);
void server_destroy(struct server *s);
int server_sock(const struct server *s);

/**
 * server_handshake() - Serve messages until the port has arrived
 *
 * Before the jail's filter: may parse JSON and map memory. Blocks.
 *
 * Return: 0, -ECONNRESET (closed), -EBADMSG, or what start() returned.
 */
MUST_CHECK int server_handshake(struct server *s);

/**
 * server_serve() - Serve what has arrived, without blocking
 *
 * Return: 0, -ECONNRESET (closed: exit), or -EBADMSG.
 */
MUST_CHECK int server_serve(struct server *s);

#endif
