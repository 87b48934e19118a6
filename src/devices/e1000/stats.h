/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics registers. They live in the register page, where a vCPU takes and
 * clears them at any moment; the device gathers what it counts in a struct of
 * its own and adds it from time to time. They stick at their maximum.
 *
 * Not counted: sent multicast and broadcast frames, whose addresses the device
 * never sees, and errors of a wire that is not there.
 */
#ifndef DEVICES_E1000_STATS_H
#define DEVICES_E1000_STATS_H

#include <stdint.h>

#define E1000_NR_LENGTHS 6 /* 64, to 127, 255, 511, 1023, and longer */

struct e1000_counts {
	uint64_t frames;
	uint64_t bytes; /* check sequences included */
	uint64_t lengths[E1000_NR_LENGTHS];
	uint64_t multicast, broadcast; /* received */
};

/* @nr frames of @len bytes, check sequence included. */
static inline void e1000_counts_add(struct e1000_counts *c, uint64_t nr,
				    uint32_t len)
{
	unsigned int width = len <= 64 ? 6 : 32 - __builtin_clz(len);

	c->frames += nr;
	c->bytes += nr * len;
	c->lengths[width > 11 ? 5 : width - 6] += nr;
}

/* Adds @n to the register at @off. */
void e1000_stats_add(uint32_t *regs, uint32_t off, uint64_t n);

/* Add to the registers, and clear the counts. */
void e1000_stats_add_sent(uint32_t *regs, struct e1000_counts *c);
void e1000_stats_add_received(uint32_t *regs, struct e1000_counts *c);

#endif
