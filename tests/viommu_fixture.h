/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of the IOMMU, as small as can be: requests from arguments. */
#ifndef TESTS_VIOMMU_FIXTURE_H
#define TESTS_VIOMMU_FIXTURE_H

#include "base/bytes.h"
#include "viommu/domain.h"
#include "viommu/viommu.h"

#include <linux/virtio_iommu.h>

#define FIXTURE_TAIL sizeof(struct virtio_iommu_req_tail)

static inline struct virtio_iommu_req_attach
fixture_attach(uint32_t domain, uint32_t ep, uint32_t flags)
{
	return (struct virtio_iommu_req_attach){
		.head.type = VIRTIO_IOMMU_T_ATTACH,
		.domain = htole32(domain),
		.endpoint = htole32(ep),
		.flags = htole32(flags),
	};
}

static inline struct virtio_iommu_req_detach fixture_detach(uint32_t domain,
							    uint32_t ep)
{
	return (struct virtio_iommu_req_detach){
		.head.type = VIRTIO_IOMMU_T_DETACH,
		.domain = htole32(domain),
		.endpoint = htole32(ep),
	};
}

static inline struct virtio_iommu_req_map
fixture_map(uint32_t domain, uint64_t start, uint64_t last, uint64_t gpa,
	    uint32_t flags)
{
	return (struct virtio_iommu_req_map){
		.head.type = VIRTIO_IOMMU_T_MAP,
		.domain = htole32(domain),
		.virt_start = htole64(start),
		.virt_end = htole64(last),
		.phys_start = htole64(gpa),
		.flags = htole32(flags),
	};
}

static inline struct virtio_iommu_req_unmap
fixture_unmap(uint32_t domain, uint64_t start, uint64_t last)
{
	return (struct virtio_iommu_req_unmap){
		.head.type = VIRTIO_IOMMU_T_UNMAP,
		.domain = htole32(domain),
		.virt_start = htole64(start),
		.virt_end = htole64(last),
	};
}

/* Sends @len bytes before the tail; the status, or -1 if there was no answer. */
static inline int fixture_send(struct viommu *mmu, const void *req, size_t len)
{
	struct virtio_iommu_req_tail tail = { .status = 0xff };

	if (viommu_request(mmu, req, len, &tail, sizeof(tail)) != sizeof(tail))
		return -1;
	return tail.status;
}

/* Sends a request struct whose last member is its tail. */
#define FIXTURE_SEND(mmu, req) \
	fixture_send(mmu, &(req), sizeof(req) - FIXTURE_TAIL)

/* Uniform enough below @n; the state must not be 0. */
static inline uint64_t fixture_rand(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

#endif
