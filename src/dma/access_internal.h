/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving bytes inside an epoch. The caller has entered one, runs under
 * guard_run(), and has bounded the length to what one epoch may move.
 */
#ifndef DMA_ACCESS_INTERNAL_H
#define DMA_ACCESS_INTERNAL_H

#include "dma/access.h"

#define DMA_EPOCH_OPS	16
#define DMA_EPOCH_BYTES 0x8000u
/* Bytes that one FILL may write in an epoch; each may be a translation. */
#define DMA_EPOCH_FILLS 256

/* Where and why a move stopped. */
struct dma_stop {
	uint64_t iova;	   /* the first byte that was refused */
	uint64_t gpa, len; /* -EAGAIN: what to populate before trying again */
};

/**
 * dma_move() - Copy between guest [iova, +len) and @local
 * @len:    1 to DMA_EPOCH_BYTES
 * @access: VIOMMU_READ (guest to @local) or VIOMMU_WRITE
 *
 * Whole or not at all.
 *
 * Return: 0; as viommu_translate(); -EFAULT (in too many pieces); -EAGAIN: leave
 * the epoch, populate what @stop says (which fails if it is not RAM), try again.
 */
MUST_CHECK int dma_move(struct dma_master *m, uint64_t iova, void *local,
			uint32_t len, unsigned int access,
			struct dma_stop *stop);

/**
 * dma_fill() - Store @byte at iova, iova + stride, …, @nr times
 * @stride: 1 at least
 * @nr:	    1 to DMA_EPOCH_FILLS
 *
 * As dma_move().
 */
MUST_CHECK int dma_fill(struct dma_master *m, uint64_t iova, uint8_t byte,
			uint32_t stride, uint32_t nr, struct dma_stop *stop);

#endif
