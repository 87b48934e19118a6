/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epochs: how a revocation waits for the accesses that may still be in flight.
 *
 * Whoever translates and copies does so inside an epoch: a counter in a cache
 * line of its own, odd inside. The revoker changes the table, then waits while
 * the counter equals the odd value that it saw (a busy worker is never seen
 * even). The full fence of enter and that of sync make one of the two true: the
 * access sees the new table, or the revoker sees the epoch.
 *
 * Inside: no system call, no lock, at most 16 operations and 32 KiB.
 */
#ifndef DMA_EPOCH_H
#define DMA_EPOCH_H

#include "base/compiler.h"

#include <sched.h>
#include <stdint.h>

struct epoch {
	_Alignas(CACHE_LINE) uint64_t count;
	_Alignas(CACHE_LINE) uint64_t waits; /* syncs that had to wait */
	uint64_t slow_waits;		     /* that gave up the processor */
};

static inline void epoch_enter(struct epoch *e)
{
	/* A locked instruction: full fence (pairs with epoch_sync). */
	__atomic_fetch_add(&e->count, 1, __ATOMIC_SEQ_CST);
}

static inline void epoch_leave(struct epoch *e)
{
	__atomic_store_n(&e->count, e->count + 1, __ATOMIC_RELEASE);
}

/**
 * epoch_sync() - Wait until what the epoch could have seen is out of use
 *
 * Called by revokers, one at a time (they hold the viommu's lock), after the
 * change. Spins for a while, then gives up the processor between looks.
 */
void epoch_sync(struct epoch *e);

#endif
