/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics: a counter has one writer, who needs no locked instruction, and
 * readers in other threads, who see a value that was true a moment ago.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdint.h>

static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
