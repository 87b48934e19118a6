// SPDX-License-Identifier: BSD-2-Clause
#include "dma/access.h"

#include <errno.h>
#include <string.h>

#include "base/counter.h"
#include "dma/access_internal.h"
#include "memory/guard.h"

/* All of an epoch's bytes apart, at the smallest granule of a viommu (64 bytes),
 * from the middle of one on. */
#define SPANS_MAX (DMA_EPOCH_BYTES / 64 + 1)
/* A guest that keeps moving the mapping while we populate can have an error. */
#define TRIES_MAX 16

/* Guest memory as it is mapped here. Forgotten before the epoch ends. */
struct span {
	uint8_t *host;
	uint32_t len;
};

/* The longest run of [iova, +len) that is contiguous, permitted and resident. */
static inline int find_span(struct dma_master *m, uint64_t iova, uint64_t len,
			    unsigned int access, struct span *span,
			    struct dma_stop *stop)
{
	uint64_t gpa, run;
	int ret;

	ret = viommu_translate(m->ep, iova, len, access, &gpa, &run);
	if (likely(!ret)) {
		span->host = guest_ram_resident(m->ram, gpa, run);
		span->len = (uint32_t)run;
		if (likely(span->host))
			return 0;
		/* Not resident, or no RAM at all: that shows outside. */
		stop->gpa = gpa;
		stop->len = run;
		ret = -EAGAIN;
	}
	stop->iova = iova;
	return ret;
}

static void copy(const struct span *span, void *local, unsigned int access)
{
	if (access == VIOMMU_READ)
		memcpy(local, span->host, span->len);
	else
		memcpy(span->host, local, span->len);
}

/*
 * What does not lie in one piece, from its @first on; all of it is found before
 * a byte moves. Not inlined: the array costs its initialisation.
 */
static __attribute__((noinline)) int
move_spans(struct dma_master *m, uint64_t iova, uint8_t *local, uint32_t len,
	   unsigned int access, const struct span *first, struct dma_stop *stop)
{
	struct span spans[SPANS_MAX];
	uint32_t found = first->len;
	unsigned int nr = 1;

	spans[0] = *first;
	while (found < len) {
		int ret;

		if (nr == SPANS_MAX)
			return -EFAULT;
		ret = find_span(m, iova + found, len - found, access,
				&spans[nr], stop);
		if (ret)
			return ret;
		found += spans[nr++].len;
	}
	for (unsigned int i = 0; i < nr; i++) {
		copy(&spans[i], local, access);
		local += spans[i].len;
	}
	return 0;
}

int dma_move(struct dma_master *m, uint64_t iova, void *local, uint32_t len,
	     unsigned int access, struct dma_stop *stop)
{
	struct span span;
	int ret;

	ret = find_span(m, iova, len, access, &span, stop);
	if (unlikely(ret))
		return ret;
	if (unlikely(span.len < len))
		return move_spans(m, iova, local, len, access, &span, stop);
	copy(&span, local, access);
	return 0;
}

/* As find_span(), in bytes of a FILL: what lies between them need not be
 * permitted, and is not asked. */
static int find_fills(struct dma_master *m, uint64_t iova, uint32_t stride,
		      uint32_t nr, struct span *span, struct dma_stop *stop)
{
	const uint64_t len = (uint64_t)(nr - 1) * stride + 1;
	int ret = find_span(m, iova, len, VIOMMU_WRITE, span, stop);

	if (likely(!ret))
		span->len = (span->len - 1) / stride + 1;
	return ret;
}

static void fill(const struct span *span, uint8_t byte, uint32_t stride)
{
	for (size_t i = 0; i < span->len; i++)
		span->host[i * stride] = byte;
}

static __attribute__((noinline)) int
fill_spans(struct dma_master *m, uint64_t iova, uint8_t byte, uint32_t stride,
	   uint32_t nr, const struct span *first, struct dma_stop *stop)
{
	struct span spans[DMA_EPOCH_FILLS];
	uint32_t found = first->len;
	unsigned int nr_spans = 1;

	spans[0] = *first;
	while (found < nr) {
		int ret = find_fills(m, iova + (uint64_t)found * stride, stride,
				     nr - found, &spans[nr_spans], stop);

		if (ret)
			return ret;
		found += spans[nr_spans++].len;
	}
	for (unsigned int i = 0; i < nr_spans; i++)
		fill(&spans[i], byte, stride);
	return 0;
}

int dma_fill(struct dma_master *m, uint64_t iova, uint8_t byte, uint32_t stride,
	     uint32_t nr, struct dma_stop *stop)
{
	struct span span;
	int ret;

	ret = find_fills(m, iova, stride, nr, &span, stop);
	if (unlikely(ret))
		return ret;
	if (unlikely(span.len < nr))
		return fill_spans(m, iova, byte, stride, nr, &span, stop);
	fill(&span, byte, stride);
	return 0;
}

/* One epoch of dma_read() or dma_write(). */
struct piece {
	struct dma_master *m;
	uint64_t iova;
	void *local;
	uint32_t len;
	unsigned int access;
	struct dma_stop stop;
	int ret;
};

static void move_piece(void *ctx)
{
	struct piece *p = ctx;

	p->ret = dma_move(p->m, p->iova, p->local, p->len, p->access, &p->stop);
}

static int try_piece(struct piece *p)
{
	int ret;

	epoch_enter(&p->m->epoch);
	ret = guard_run(move_piece, p);
	epoch_leave(&p->m->epoch);
	return ret ? ret : p->ret;
}

static int run_piece(struct piece *p)
{
	int ret = try_piece(p);

	for (int tries = 1; ret == -EAGAIN && tries < TRIES_MAX; tries++) {
		ret = guest_ram_populate(p->m->ram, p->stop.gpa, p->stop.len);
		if (!ret)
			ret = try_piece(p);
	}
	return ret == -EAGAIN ? -EFAULT : ret;
}

static int run(struct piece *p, size_t len, size_t *moved)
{
	struct dma_stats *stats = &p->m->stats;
	uint64_t *bytes = p->access == VIOMMU_READ ? &stats->bytes_read
						   : &stats->bytes_written;
	size_t done = 0;
	int ret = 0;

	p->stop.iova = p->iova;
	if (len > 0 && p->iova + (len - 1) < p->iova)
		ret = -ERANGE;
	while (!ret && done < len) {
		p->len = (uint32_t)MIN(len - done, (size_t)DMA_EPOCH_BYTES);
		ret = run_piece(p);
		if (ret)
			break;
		p->iova += p->len;
		p->local = (uint8_t *)p->local + p->len;
		done += p->len;
	}
	counter_add(&stats->operations, 1);
	counter_add(bytes, done);
	if (ret) {
		counter_add(&stats->refused, 1);
		viommu_fault(p->m->ep, p->stop.iova, p->access, ret);
	}
	if (moved)
		*moved = done;
	return ret;
}

int dma_read(struct dma_master *m, uint64_t iova, void *buf, size_t len,
	     size_t *moved)
{
	struct piece p = {
		.m = m, .iova = iova, .local = buf, .access = VIOMMU_READ
	};

	return run(&p, len, moved);
}

int dma_write(struct dma_master *m, uint64_t iova, const void *buf, size_t len,
	      size_t *moved)
{
	struct piece p = { .m = m,
			   .iova = iova,
			   .local = (void *)(uintptr_t)buf,
			   .access = VIOMMU_WRITE };

	return run(&p, len, moved);
}

static void wait_for_epoch(void *ctx, struct iova_range iova)
{
	struct dma_master *m = ctx;

	/* An epoch is too short to be worth asking what it has touched. */
	(void)iova;
	epoch_sync(&m->epoch);
}

const struct viommu_listener_ops dma_master_listener = {
	.unmap = wait_for_epoch,
};
