/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access of an endpoint to guest memory: the one place where an IOVA becomes a
 * copy. Everything that moves bytes for a device comes through here: translated
 * and permission-checked by the viommu, bounded to RAM, inside an epoch.
 */
#ifndef DMA_ACCESS_H
#define DMA_ACCESS_H

#include "dma/epoch.h"
#include "memory/guest_ram.h"
#include "viommu/viommu.h"

#include <stddef.h>
#include <stdint.h>

struct dma_stats {
	uint64_t operations;		    /* entries served */
	uint64_t bytes_read, bytes_written; /* of guest memory */
	uint64_t refused;		    /* by the IOMMU, or not RAM */
	uint64_t bad_entries;
	uint64_t frames_sent, frames_received, frames_dropped;
};

/* One user of guest memory: single-threaded; the epoch is seen by revokers. */
struct dma_master {
	struct epoch epoch;
	struct guest_ram *ram;	    /* borrowed */
	struct viommu_endpoint *ep; /* borrowed */
	struct dma_stats stats;	    /* written by the owner, read by any */
};

/**
 * dma_read() - Guest memory to @buf, in epochs of its own
 * @moved: bytes that did move; may be NULL
 *
 * What fits one epoch (32 KiB) moves whole or not at all. A refusal is counted
 * and reported as a fault.
 *
 * Return: 0, -EACCES, -ENOENT, -ERANGE (as viommu_translate()), -EFAULT (no RAM).
 */
MUST_CHECK int dma_read(struct dma_master *m, uint64_t iova, void *buf,
			size_t len, size_t *moved);
MUST_CHECK int dma_write(struct dma_master *m, uint64_t iova, const void *buf,
			 size_t len, size_t *moved);

/* A listener for viommu_endpoint_add(); @ctx is the struct dma_master. */
extern const struct viommu_listener_ops dma_master_listener;

#endif
