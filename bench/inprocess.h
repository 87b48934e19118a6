/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The e1000 linked into this process, with direct pointers into RAM in place of
 * the door, and a sink behind it: what the device costs without isolation. This
 * is an implementation of port/port.h of its own; the device's code is the same.
 */
#ifndef BENCH_INPROCESS_H
#define BENCH_INPROCESS_H

#include <stddef.h>
#include <stdint.h>

struct e1000;
struct port;

struct inprocess {
	uint8_t *ram; /* guest-physical 0 … ram_size */
	size_t ram_size;
	struct port *port;
	struct e1000 *dev;
};

void inprocess_start(struct inprocess *p, size_t ram_size);
void inprocess_stop(struct inprocess *p);

/* Register access; a write runs the device until it has nothing left to do.
 * @ctx: the struct inprocess. */
uint32_t inprocess_read32(void *ctx, uint64_t reg);
void inprocess_write32(void *ctx, uint64_t reg, uint32_t value);

#endif
