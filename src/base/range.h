/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of I/O virtual addresses, and arithmetic that cannot wrap.
 *
 * A range is [start, last], both ends included: the whole 64-bit space can be
 * written down and no length can overflow. There is no empty range.
 */
#ifndef BASE_RANGE_H
#define BASE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct iova_range {
	uint64_t start;
	uint64_t last;
};

static inline bool iova_range_valid(const struct iova_range *r)
{
	return r->start <= r->last;
}

static inline bool iova_range_aligned(const struct iova_range *r,
				      uint64_t granule)
{
	/* last + 1 may wrap to 0, which is aligned: that is intended. */
	return ((r->start | (r->last + 1)) & (granule - 1)) == 0;
}

static inline bool iova_range_within(const struct iova_range *inner,
				     const struct iova_range *outer)
{
	return inner->start >= outer->start && inner->last <= outer->last;
}

static inline bool iova_range_overlaps(const struct iova_range *a,
				       const struct iova_range *b)
{
	return a->start <= b->last && b->start <= a->last;
}

/* True if [off, off + len) lies inside [0, size); len may be 0. */
static inline bool span_fits(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

#endif
