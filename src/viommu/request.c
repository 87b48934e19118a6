// SPDX-License-Identifier: BSD-2-Clause
/*
 * virtio-iommu requests: from bytes to calls, from errno to status.
 *
 * VIRTIO 1.3, "IOMMU device", "Device operations". Where it leaves a choice: a
 * request of a wrong length, and an UNMAP whose reserved bytes are not zero, are
 * refused with INVAL and do nothing. VIRTIO_IOMMU_MAP_F_MMIO is a memory type,
 * not a permission: it is accepted, changes nothing about what the mapping
 * grants, and does not make anything but RAM reachable.
 */
#include "viommu/domain.h"
#include "viommu/viommu_internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_iommu.h>

/* Bytes before the tail, which the device writes. */
#define REQ_LEN(name) offsetof(struct virtio_iommu_req_##name, tail)
#define PROBE_LEN     offsetof(struct virtio_iommu_req_probe, properties)
#define TAIL_LEN      sizeof(struct virtio_iommu_req_tail)

_Static_assert(REQ_LEN(attach) == 20 && REQ_LEN(detach) == 20,
	       "VIRTIO 1.3, \"ATTACH request\", \"DETACH request\"");
_Static_assert(REQ_LEN(map) == 36 && REQ_LEN(unmap) == 28,
	       "VIRTIO 1.3, \"MAP request\", \"UNMAP request\"");
_Static_assert(PROBE_LEN == 72 && PROBE_LEN <= VIOMMU_REQ_MAX,
	       "VIRTIO 1.3, \"PROBE request\"; the longest fits");

static bool is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return !any;
}

static int do_attach(struct viommu *mmu, const void *wire, uint8_t *properties)
{
	struct virtio_iommu_req_attach req;
	uint32_t flags;

	(void)properties;
	memcpy(&req, wire, REQ_LEN(attach));
	flags = le32toh(req.flags);
	if (!is_zero(req.reserved, sizeof(req.reserved)) ||
	    (flags & ~VIRTIO_IOMMU_ATTACH_F_BYPASS))
		return -EINVAL;
	return viommu_attach(mmu, le32toh(req.domain), le32toh(req.endpoint),
			     flags & VIRTIO_IOMMU_ATTACH_F_BYPASS);
}

static int do_detach(struct viommu *mmu, const void *wire, uint8_t *properties)
{
	struct virtio_iommu_req_detach req;

	(void)properties;
	memcpy(&req, wire, REQ_LEN(detach));
	return viommu_detach(mmu, le32toh(req.domain), le32toh(req.endpoint));
}

static int do_map(struct viommu *mmu, const void *wire, uint8_t *properties)
{
	struct virtio_iommu_req_map req;
	struct iova_range iova;
	unsigned int prot = 0;
	uint32_t flags;

	(void)properties;
	memcpy(&req, wire, REQ_LEN(map));
	flags = le32toh(req.flags);
	iova.start = le64toh(req.virt_start);
	iova.last = le64toh(req.virt_end);
	if (flags & ~VIRTIO_IOMMU_MAP_F_MASK)
		return -EINVAL;
	if (flags & VIRTIO_IOMMU_MAP_F_READ)
		prot |= VIOMMU_READ;
	if (flags & VIRTIO_IOMMU_MAP_F_WRITE)
		prot |= VIOMMU_WRITE;
	return viommu_map(mmu, le32toh(req.domain), iova,
			  le64toh(req.phys_start), prot);
}

static int do_unmap(struct viommu *mmu, const void *wire, uint8_t *properties)
{
	struct virtio_iommu_req_unmap req;
	struct iova_range iova;

	(void)properties;
	memcpy(&req, wire, REQ_LEN(unmap));
	if (!is_zero(req.reserved, sizeof(req.reserved)))
		return -EINVAL;
	iova.start = le64toh(req.virt_start);
	iova.last = le64toh(req.virt_end);
	return viommu_unmap(mmu, le32toh(req.domain), iova);
}

/* @properties is zero, so what follows the one property is T_NONE. */
static int do_probe(struct viommu *mmu, const void *wire, uint8_t *properties)
{
	const struct iova_range *msi = &viommu_config(mmu)->msi;
	struct virtio_iommu_probe_resv_mem resv = {
		.head.type = htole16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
		.head.length = htole16(sizeof(resv) - sizeof(resv.head)),
		.subtype = VIRTIO_IOMMU_RESV_MEM_T_MSI,
		.start = htole64(msi->start),
		.end = htole64(msi->last),
	};
	struct virtio_iommu_req_probe req;

	memcpy(&req, wire, PROBE_LEN);
	if (!viommu_endpoint_exists(mmu, le32toh(req.endpoint)))
		return -ENOENT;
	memcpy(properties, &resv, sizeof(resv));
	return 0;
}

/* What a request consists of, and who serves it. */
struct request_rule {
	size_t req_len;	 /* exactly */
	size_t resp_len; /* properties, if any, and the tail */
	int (*handle)(struct viommu *mmu, const void *wire,
		      uint8_t *properties);
};

static const struct request_rule rules[] = {
	[VIRTIO_IOMMU_T_ATTACH] = { REQ_LEN(attach), TAIL_LEN, do_attach },
	[VIRTIO_IOMMU_T_DETACH] = { REQ_LEN(detach), TAIL_LEN, do_detach },
	[VIRTIO_IOMMU_T_MAP] = { REQ_LEN(map), TAIL_LEN, do_map },
	[VIRTIO_IOMMU_T_UNMAP] = { REQ_LEN(unmap), TAIL_LEN, do_unmap },
	[VIRTIO_IOMMU_T_PROBE] = { PROBE_LEN, VIOMMU_PROBE_LEN + TAIL_LEN,
				   do_probe },
};

static const struct request_rule *find_rule(uint8_t type)
{
	if (type >= ARRAY_SIZE(rules) || !rules[type].handle)
		return NULL;
	return &rules[type];
}

static uint8_t status_from_errno(int error)
{
	switch (error) {
	case 0:
		return VIRTIO_IOMMU_S_OK;
	case -ENOENT:
		return VIRTIO_IOMMU_S_NOENT;
	case -ERANGE:
		return VIRTIO_IOMMU_S_RANGE;
	case -EINVAL:
		return VIRTIO_IOMMU_S_INVAL;
	case -ENOMEM:
		return VIRTIO_IOMMU_S_NOMEM;
	default:
		return VIRTIO_IOMMU_S_DEVERR;
	}
}

static void count_failure(struct viommu *mmu)
{
	(void)__atomic_fetch_add(&mmu->requests_failed, 1, __ATOMIC_RELAXED);
}

size_t viommu_request(struct viommu *mmu, const void *req, size_t req_len,
		      void *resp, size_t resp_len)
{
	const struct request_rule *rule = NULL;
	struct virtio_iommu_req_tail tail = { 0 };
	int ret = -EINVAL;

	if (req_len >= sizeof(struct virtio_iommu_req_head))
		rule = find_rule(
		    ((const struct virtio_iommu_req_head *)req)->type);
	if (!rule || resp_len < TAIL_LEN) {
		count_failure(mmu);
		return 0;
	}
	resp_len = MIN(resp_len, rule->resp_len);
	memset(resp, 0, resp_len);
	if (req_len == rule->req_len && resp_len == rule->resp_len)
		ret = rule->handle(mmu, req, resp);
	if (ret)
		count_failure(mmu);
	tail.status = status_from_errno(ret);
	memcpy((uint8_t *)resp + resp_len - TAIL_LEN, &tail, TAIL_LEN);
	return resp_len;
}

size_t viommu_response_len(uint8_t type)
{
	const struct request_rule *rule = find_rule(type);

	return rule ? rule->resp_len : 0;
}
