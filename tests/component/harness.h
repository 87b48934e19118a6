/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The component harness: the real device process in its jail, the real IOMMU and
 * real guest RAM, without a vCPU. The test (or benchmark) plays the guest's
 * driver: it maps memory in the viommu and reads and writes the device's BARs.
 * Where the harness itself fails it says why and ends the program: it is for
 * benchmarks, too.
 */
#ifndef TESTS_COMPONENT_HARNESS_H
#define TESTS_COMPONENT_HARNESS_H

#include "backend/backend.h"
#include "memory/guest_ram.h"
#include "vfio/vdev.h"
#include "viommu/domain.h"
#include "viommu/viommu.h"

#include <stdint.h>
#include <sys/types.h>

#define HARNESS_ENDPOINT 0x18 /* 00:03.0 */
#define HARNESS_DOMAIN	 1

struct harness {
	struct guest_ram *ram;
	struct viommu *mmu;
	struct vdev *dev;
	struct backend *backend; /* owned */
	pid_t pid;		 /* the device process; harness_stop() waits */
	int intx;		 /* eventfd that INTx signals */
	int stderr_fd; /* read end of the device's stderr; non-blocking */
};

/**
 * harness_start() - Start a device and connect to it
 * @program: name in the build's device folder, e.g. "pviommu-e1000" (found under
 *	     $PVIOMMU_LIBEXEC)
 * @ram_size: bytes of guest RAM
 * @backend: taken over; NULL: none
 * @iommu:  true: the endpoint is attached to HARNESS_DOMAIN, nothing mapped;
 *	    false: bypass always (as --iommu off)
 */
void harness_start(struct harness *h, const char *program, uint64_t ram_size,
		   struct backend *backend, bool iommu);
void harness_stop(struct harness *h);

/* Maps [iova, +len) to gpa. */
void harness_map(struct harness *h, uint64_t iova, uint64_t gpa, uint64_t len,
		 unsigned int prot);
void harness_unmap(struct harness *h, uint64_t iova, uint64_t len);

uint32_t harness_read32(struct harness *h, unsigned int bar, uint64_t off);
void harness_write32(struct harness *h, unsigned int bar, uint64_t off,
		     uint32_t value);

/* Waits up to @ms for INTx. True: it was signalled (and is drained). */
bool harness_wait_intx(struct harness *h, int ms);

/* Direct pointer into guest RAM, for the driver that the test plays. */
void *harness_ram(struct harness *h, uint64_t gpa, uint64_t len);

#endif
