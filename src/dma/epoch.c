// SPDX-License-Identifier: BSD-2-Clause
#include "dma/epoch.h"

#include "base/bytes.h"
#include "base/counter.h"

/* About as long as the longest epoch takes: 32 KiB that no cache has. */
#define SPINS 2000

void epoch_sync(struct epoch *e)
{
	uint64_t seen;

	/* Pairs with epoch_enter(): the change, then the look. */
	shared_fence();
	seen = __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
	if (seen % 2 == 0)
		return;

	counter_add(&e->waits, 1);
	for (int i = 0; i < SPINS; i++) {
		if (__atomic_load_n(&e->count, __ATOMIC_ACQUIRE) != seen)
			return;
		__builtin_ia32_pause();
	}
	/* Its thread is not running: it may need this processor. */
	counter_add(&e->slow_waits, 1);
	while (__atomic_load_n(&e->count, __ATOMIC_ACQUIRE) == seen)
		(void)sched_yield();
}
