/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-iommu device: the guest's view of the viommu, as a virtio-pci
 * function with a request queue and an event queue (VIRTIO 1.3, "IOMMU device").
 *
 * Requests are served by the vCPU that notifies; a thread fills the event queue
 * with faults. It uses guest memory directly, without translation: it is the
 * IOMMU.
 */
#ifndef VIRTIO_VIOMMU_FRONT_H
#define VIRTIO_VIOMMU_FRONT_H

#include "base/compiler.h"

#include <stdint.h>

struct guest_ram;
struct pci_bus;
struct pci_function;
struct viommu;
struct viommu_front;

struct viommu_front_stats {
	uint64_t requests;   /* of the request queue */
	uint64_t kicks;	     /* notifications by the driver */
	uint64_t events;     /* faults put on the event queue */
	uint64_t bad_chains; /* the queue's rules broken: device needs reset */
};

/**
 * viommu_front_create() - Put a virtio-iommu on the bus and start its thread
 * @mmu, @ram: borrowed, outlive the bus
 * @bus:   destroys the front with its function
 * @devfn: as for pci_function_add(); below the slots of its endpoints, so that
 *	   they are destroyed first and report no more faults
 * @enter: called by the new thread first: its system call filter (it polls, reads
 *	   and writes eventfds, locks, and allocates). Not 0: the thread ends at
 *	   once. NULL: none.
 *
 * Return: 0, -ENOMEM, as pci_function_add(), or -errno of pthread_create(3).
 */
MUST_CHECK int viommu_front_create(struct viommu *mmu, struct guest_ram *ram,
				   struct pci_bus *bus, int devfn,
				   int (*enter)(void),
				   struct viommu_front **out);

struct pci_function *viommu_front_function(struct viommu_front *front);
void viommu_front_stats(const struct viommu_front *front,
			struct viommu_front_stats *out);

#endif
