/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What answers at which address: one bus for MMIO, one for I/O ports.
 *
 * Accesses take no lock: any number of vCPUs look up at once, while regions are
 * added and removed (a sequence count tells a reader that it must look again). A
 * region's handler may itself add and remove regions. A vCPU that found a region
 * just before it was removed still calls it, so @ctx lives as long as vCPUs run.
 */
#ifndef MACHINE_BUS_H
#define MACHINE_BUS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define BUS_REGIONS_MAX 256

/* @off from the start of the region; @len 1, 2, 4 or 8, inside the region. Any
 * vCPU thread; several at once. */
struct bus_ops {
	void (*read)(void *ctx, uint64_t off, void *buf, unsigned int len);
	void (*write)(void *ctx, uint64_t off, const void *buf,
		      unsigned int len);
};

struct bus_region {
	uint64_t start, last; /* both included */
	const struct bus_ops *ops;
	void *ctx; /* borrowed */
};

struct bus;

/* Return: 0 or -ENOMEM. */
MUST_CHECK int bus_create(struct bus **out);
/* No access may be in flight. NULL is fine. */
void bus_destroy(struct bus *bus);

/* Return: 0, -EINVAL (inverted), -EEXIST (overlaps another), -ENOSPC. */
MUST_CHECK int bus_add(struct bus *bus, const struct bus_region *region);
/* The region that starts at @start, if there is one. */
void bus_remove(struct bus *bus, uint64_t start);

/*
 * An access of any length, as an instruction of the guest made it: cut where it
 * leaves a region and into lengths that handlers take. Where nothing answers,
 * reads give all ones and writes go nowhere.
 */
void bus_read(struct bus *bus, uint64_t addr, void *buf, unsigned int len);
void bus_write(struct bus *bus, uint64_t addr, const void *buf,
	       unsigned int len);

#endif
