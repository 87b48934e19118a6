/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a virtio-iommu for benchmarks: the same code drives ours
 * and the peer's, through memory and a few functions. Polls; no interrupts.
 */
#ifndef BENCH_VIOMMU_DRIVER_H
#define BENCH_VIOMMU_DRIVER_H

#include <stdint.h>

#define VIOMMU_DRIVER_BATCH 64 /* requests published at a time, at most */
#define VIOMMU_DRIVER_SLOTS (2 * VIOMMU_DRIVER_BATCH)

struct viommu_driver {
	uint8_t *ram;  /* where guest-physical 0 is mapped */
	uint64_t base; /* guest-physical start of 64 KiB for the queue */
	uint32_t (*config_read)(void *ctx, unsigned int off);
	uint32_t (*bar_read)(void *ctx, unsigned int bar, uint64_t off,
			     unsigned int len);
	void (*bar_write)(void *ctx, unsigned int bar, uint64_t off,
			  uint32_t value, unsigned int len);
	/* A write of 0 to the request queue's notify address. */
	void (*notify)(void *ctx, unsigned int bar, uint64_t off);
	void *ctx;

	unsigned int notify_bar;
	uint64_t notify_off;
	uint16_t size;
	uint16_t avail;		/* requests queued, ever */
	uint16_t published;	/* of them, seen by the device */
	uint64_t notifications; /* that the device asked for */
};

/* Finds the device's structures, negotiates, starts the request queue. */
void viommu_driver_start(struct viommu_driver *d);

void viommu_driver_attach(struct viommu_driver *d, uint32_t domain,
			  uint32_t endpoint);
/* Queue a request; published by viommu_driver_flush(), or when a batch is full.
 * Up to two batches are in flight, so that a device may stay busy. */
void viommu_driver_map(struct viommu_driver *d, uint32_t domain, uint64_t iova,
		       uint64_t len, uint64_t gpa);
void viommu_driver_unmap(struct viommu_driver *d, uint32_t domain,
			 uint64_t iova, uint64_t len);
/* Publishes what is left, waits for all answers; a refused request ends the benchmark. */
void viommu_driver_flush(struct viommu_driver *d);

#endif
