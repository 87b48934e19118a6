/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A level interrupt as two words, cause and mask, and an eventfd.
 *
 * The line is asserted while cause & mask is not 0. vCPU, worker and device each
 * change either word by an atomic; whoever takes cause & mask from 0 signals the
 * eventfd. Both words are changed before the other is read, sequentially
 * consistent, so of two that race at least one sees both; a signal too many does
 * no harm, since the line is looked at again at the end of interrupt.
 */
#ifndef BASE_IRQLINE_H
#define BASE_IRQLINE_H

#include "base/fd.h"

#include <stdbool.h>
#include <stdint.h>

struct irqline {
	uint32_t *cause; /* borrowed, shared */
	uint32_t *mask; /* borrowed, shared; a set bit lets the cause through */
	int fd;		/* borrowed, atomic; -1: nobody listens */
};

static inline bool irqline_asserted(const struct irqline *line)
{
	return __atomic_load_n(line->cause, __ATOMIC_SEQ_CST) &
	       __atomic_load_n(line->mask, __ATOMIC_SEQ_CST);
}

static inline void irqline_signal(const struct irqline *line)
{
	int fd = __atomic_load_n(&line->fd, __ATOMIC_ACQUIRE);

	if (fd >= 0)
		fd_event_signal(fd);
}

/* Who is signalled from now on; at once if the line is asserted already. */
static inline void irqline_connect(struct irqline *line, int fd)
{
	__atomic_store_n(&line->fd, fd, __ATOMIC_SEQ_CST);
	if (irqline_asserted(line))
		irqline_signal(line);
}

static inline void irqline_raise(const struct irqline *line, uint32_t bits)
{
	uint32_t before =
	    __atomic_fetch_or(line->cause, bits, __ATOMIC_SEQ_CST);
	uint32_t mask = __atomic_load_n(line->mask, __ATOMIC_SEQ_CST);

	if (!(before & mask) && (bits & mask))
		irqline_signal(line);
}

static inline void irqline_unmask(const struct irqline *line, uint32_t bits)
{
	uint32_t before = __atomic_fetch_or(line->mask, bits, __ATOMIC_SEQ_CST);
	uint32_t cause = __atomic_load_n(line->cause, __ATOMIC_SEQ_CST);

	if (!(before & cause) && (bits & cause))
		irqline_signal(line);
}

static inline void irqline_mask(const struct irqline *line, uint32_t bits)
{
	__atomic_fetch_and(line->mask, ~bits, __ATOMIC_SEQ_CST);
}

/* Takes the causes and clears them, as a read-clear register does. */
static inline uint32_t irqline_take(const struct irqline *line)
{
	return __atomic_exchange_n(line->cause, 0, __ATOMIC_SEQ_CST);
}

#endif
