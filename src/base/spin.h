/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long whoever waits for another thread looks before it sleeps.
 */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <sched.h>
#include <stdint.h>

/* About what it costs to be woken up on another processor. */
#define SPIN_NS 30000

/*
 * A device, its worker and the vCPU that drives them spin if each can have a
 * processor of its own. Where two of them share one, who spins keeps the other
 * from running: sched_yield() is no way out, Linux's scheduler since 6.6 comes back
 * to the one that yields as long as it has the earlier deadline (measured: 20 us of
 * yields at each hand-over, against 4 us for a sleep and a wake-up on the same
 * processor).
 *
 * To be called before a system call filter is entered. Return: nanoseconds, or 0.
 */
static inline uint64_t spin_time(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 3)
		return 0;
	return SPIN_NS;
}

#endif
