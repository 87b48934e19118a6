/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs where. The driver has processor 0 to itself, as a vCPU would, and our
 * threads and processes have the others: left to the scheduler, a driver that
 * polls and a device that polls sometimes share one, and a round in which they do
 * says nothing. The peer sleeps between commands; it is left to the scheduler, with
 * which it is faster. Two processors at least.
 */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

/* For what this thread starts from now on, and for itself. */
void place_ours(void);
void place_peer(void);
void place_driver(void);

/* What the driver does while it waits: as a vCPU, it goes on looking. */
static inline void place_wait(void)
{
	__builtin_ia32_pause();
}

#endif
