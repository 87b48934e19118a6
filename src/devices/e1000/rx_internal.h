/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive ring. Addresses of buffers are fetched ahead of the frames that
 * will need them. Frames for which there is no buffer wait, and the backend
 * with them, until the driver gives more.
 */
#ifndef DEVICES_E1000_RX_INTERNAL_H
#define DEVICES_E1000_RX_INTERNAL_H

#include "devices/e1000/regs.h"
#include "devices/e1000/stats.h"
#include "wire/port.h"

#include <stdbool.h>
#include <stdint.h>

#define E1000_RX_ENTRIES 1024
#define E1000_RX_FETCH	 256 /* descriptors at a time */
#define E1000_RX_CACHE	 512 /* buffers known */
#define E1000_RX_FRAMES	 256 /* frames a poll, at most */

/* In staging: descriptors as fetched, then a unit for each entry of the ring, for
 * what it writes. */
#define E1000_RX_WRITES	     (E1000_RX_FETCH * E1000_DESC_LEN)
#define E1000_RX_STAGING_LEN (E1000_RX_WRITES + E1000_RX_ENTRIES * 16)

struct e1000_rx {
	bool on;
	uint64_t base;
	uint32_t nr;	     /* descriptors of the ring */
	uint32_t next;	     /* the first that has not been used */
	uint32_t fetch_next; /* the first that has not been fetched */
	uint32_t done;	     /* the port's counter when it was last looked at */

	bool fetching;
	bool fetch_failed;
	uint32_t fetch_seq, fetch_nr;

	uint64_t buffers[E1000_RX_CACHE]; /* counters free-running */
	uint32_t cache_head, cache_tail;

	/* RDH follows `next` when what was posted until then is done. */
	bool mark_set;
	uint32_t mark_seq, mark_next;

	bool waiting;		 /* `frame` waits for buffers … */
	bool needs_room;	 /* … or, with this, for room in the ring */
	struct port_frame frame; /* the latest taken */
	struct e1000_counts counts;
};

#endif
