/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds for waits: a point of the monotonic clock, in milliseconds. */
#ifndef VFIO_DEADLINE_H
#define VFIO_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline int64_t deadline_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline int64_t deadline_in(unsigned int ms)
{
	return deadline_now() + ms;
}

/* Milliseconds left, for poll(2); 0: it has passed. */
static inline int deadline_left(int64_t deadline)
{
	int64_t left = deadline - deadline_now();

	return left > 0 ? (int)left : 0;
}

#endif
