/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of its DMA port: all that a device can do to guest memory,
 * to its backend, and to its registers.
 *
 * One thread. Posting never blocks: it fails with -EAGAIN where the ring is full,
 * and the device polls again later. Posted entries are seen by the worker after
 * port_submit(). Operations of a ring complete in order: completion is told by
 * counters, port_posted() (what the next entry gets) and port_done().
 */
#ifndef PORT_PORT_H
#define PORT_PORT_H

#include "base/compiler.h"
#include "base/irqline.h"
#include "wire/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port;

/* Descriptors are taken over. Return: 0, -EBADMSG (a layout that does not fit),
 * -ENOMEM, or -errno of mmap(2). */
MUST_CHECK int port_open(int memory_fd, size_t size, int kick_device,
			 int kick_worker, int drained, struct port **out);
void port_close(struct port *port);

/* ---- the parts of the shared memory: NULL where the device asked for none ---- */
uint32_t *port_regs(struct port *port); /* word i is register 4 * i */
void *port_state(struct port *port);
void *port_staging(struct port *port);
size_t port_staging_len(const struct port *port);
/* Cause, mask and eventfd; the device sets .fd when it gets SET_IRQS. NULL if it
 * asked for no level interrupt. */
struct irqline *port_irqline(struct port *port);

/* ---- rings ---- */

/* Entries that can be posted to ring @r now. */
uint32_t port_room(struct port *port, unsigned int r);
/* Counter values: of the next entry to be posted, and of completed entries. */
uint32_t port_posted_count(const struct port *port, unsigned int r);
uint32_t port_done(struct port *port, unsigned int r);
/* True once the entry that got counter value @seq has completed. */
bool port_is_done(struct port *port, unsigned int r, uint32_t seq);

/**
 * port_post() - Put one entry into ring @r
 * @staging: where the operation has an offset: in bytes, a multiple of
 *	     PORT_STAGING_UNIT; where it has a slot, or FILL's byte and stride: that
 *
 * Nothing is checked here: what can not be completes with PORT_E_ENTRY.
 *
 * Return: 0, or -EAGAIN (full).
 */
MUST_CHECK int port_post(struct port *port, unsigned int r, enum port_op op,
			 uint64_t iova, uint32_t len, uint32_t staging,
			 uint8_t flags);
/* Makes posted entries visible, wakes the worker if it sleeps. */
void port_submit(struct port *port, unsigned int r);

/**
 * port_take_error() - The oldest failure not yet taken of ring @r
 *
 * To be called until false after each look at port_done(), before more is
 * posted, so that the ring of errors can not overflow.
 */
bool port_take_error(struct port *port, unsigned int r, struct port_error *out);

/* Waits (spinning, then sleeping) until everything posted to @r has completed. */
void port_drain(struct port *port, unsigned int r);

/* ---- received frames ---- */

/* The oldest announcement not yet taken, copied; false if there is none. */
bool port_take_frame(struct port *port, struct port_frame *out);
bool port_has_frame(struct port *port);

/* ---- posted register writes ---- */

/* The oldest write not yet acted on, in host order; port_ack_posted() after acting
 * on it. */
bool port_next_posted(struct port *port, struct port_posted *out);
void port_ack_posted(struct port *port);

/* ---- sleeping ---- */

/* What a device waits for besides posted writes and its own `more`. */
struct port_wait {
	uint32_t wake_at[PORT_RINGS_MAX]; /* counter value of ring i … */
	uint32_t rings;			  /* … for which bit i is set */
	bool frames;			  /* also for a frame */
	int bell_fd; /* also until this eventfd is readable; 0: none */
};

/**
 * port_sleep() - Sleep until there is something to do
 * @more: device's own check (doorbells), called after the sleep flag is set;
 *	  true: do not sleep
 * @sock: also wake up when this is readable
 * @timeout_ms: -1: none
 *
 * Return: true if @sock was seen to be readable. A device that never comes to
 * sleep looks at it from time to time by itself.
 *
 * Spins first (with sched_yield), for about the price of a wake-up. May return
 * early: the caller looks at everything and sleeps again.
 */
bool port_sleep(struct port *port, const struct port_wait *wait,
		bool (*more)(void *ctx), void *ctx, int sock, int timeout_ms);

#endif
