// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fault reports on their way to the guest's event queue. A guest that does not
 * fetch them loses the newest, and the count tells.
 */
#include "viommu/viommu_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <linux/virtio_iommu.h>

int viommu_fault_queue_init(struct viommu_fault_queue *q, uint32_t size)
{
	*q = (struct viommu_fault_queue){ .size = size };
	q->ring = calloc(size, sizeof(*q->ring));
	if (!q->ring)
		return -ENOMEM;
	(void)pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void viommu_fault_queue_fini(struct viommu_fault_queue *q)
{
	(void)pthread_mutex_destroy(&q->lock);
	free(q->ring);
}

void viommu_fault_queue_drop(struct viommu_fault_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->dropped += q->tail - q->head;
	q->head = q->tail;
	(void)pthread_mutex_unlock(&q->lock);
}

/* VIRTIO 1.3, "Fault reporting". */
static uint8_t reason_of(uintptr_t space, int error)
{
	if (space == VIOMMU_SPACE_BLOCKED)
		return VIRTIO_IOMMU_FAULT_R_DOMAIN;
	if (space == VIOMMU_SPACE_BYPASS || error == -EFAULT)
		return VIRTIO_IOMMU_FAULT_R_UNKNOWN;
	return VIRTIO_IOMMU_FAULT_R_MAPPING;
}

static struct virtio_iommu_fault report(const struct viommu_endpoint *ep,
					uint64_t iova, unsigned int access,
					int error)
{
	uintptr_t space = __atomic_load_n(&ep->space, __ATOMIC_RELAXED);
	uint32_t flags = VIRTIO_IOMMU_FAULT_F_ADDRESS;

	if (access & VIOMMU_READ)
		flags |= VIRTIO_IOMMU_FAULT_F_READ;
	if (access & VIOMMU_WRITE)
		flags |= VIRTIO_IOMMU_FAULT_F_WRITE;
	return (struct virtio_iommu_fault){
		.reason = reason_of(space, error),
		.flags = htole32(flags),
		.endpoint = htole32(ep->id),
		.address = htole64(iova),
	};
}

void viommu_fault(struct viommu_endpoint *ep, uint64_t iova,
		  unsigned int access, int error)
{
	struct virtio_iommu_fault fault = report(ep, iova, access, error);
	struct viommu_fault_queue *q = &ep->mmu->faults;
	viommu_fault_notifier *notify = NULL;
	void *ctx;

	(void)pthread_mutex_lock(&q->lock);
	ep->faults++;
	q->total++;
	if (q->tail - q->head < q->size) {
		q->ring[q->tail++ & (q->size - 1)] = fault;
		notify = q->notify;
	} else {
		q->dropped++;
	}
	ctx = q->ctx;
	(void)pthread_mutex_unlock(&q->lock);

	/* Outside the lock: whoever it signals may take the report at once. */
	if (notify)
		notify(ctx);
}

void viommu_set_fault_notifier(struct viommu *mmu,
			       viommu_fault_notifier *notify, void *ctx)
{
	struct viommu_fault_queue *q = &mmu->faults;

	(void)pthread_mutex_lock(&q->lock);
	q->notify = notify;
	q->ctx = ctx;
	(void)pthread_mutex_unlock(&q->lock);
}

bool viommu_take_fault(struct viommu *mmu, struct virtio_iommu_fault *wire)
{
	struct viommu_fault_queue *q = &mmu->faults;
	bool any;

	(void)pthread_mutex_lock(&q->lock);
	any = q->head != q->tail;
	if (any)
		*wire = q->ring[q->head++ & (q->size - 1)];
	(void)pthread_mutex_unlock(&q->lock);
	return any;
}
