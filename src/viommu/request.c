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
#include "base/bytes.h"
#include "viommu/domain.h"
#include "viommu/viommu_internal.h"

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

/* A field of @req, which may lie anywhere: it is what a front has copied. */
#define FIELD(name, field) \
	(req + offsetof(struct virtio_iommu_req_##name, field))

static int do_attach(struct viommu *mmu, const uint8_t *req,
		     uint8_t *properties)
{
	uint32_t flags = get_le32(FIELD(attach, flags));

	(void)properties;
	if (get_le32(FIELD(attach, reserved)) ||
	    (flags & ~VIRTIO_IOMMU_ATTACH_F_BYPASS))
		return -EINVAL;
	return viommu_attach(mmu, get_le32(FIELD(attach, domain)),
			     get_le32(FIELD(attach, endpoint)),
			     flags & VIRTIO_IOMMU_ATTACH_F_BYPASS);
}

static int do_detach(struct viommu *mmu, const uint8_t *req,
		     uint8_t *properties)
{
	(void)properties;
	return viommu_detach(mmu, get_le32(FIELD(detach, domain)),
			     get_le32(FIELD(detach, endpoint)));
}

static int do_map(struct viommu *mmu, const uint8_t *req, uint8_t *properties)
{
	struct iova_range iova = {
		.start = get_le64(FIELD(map, virt_start)),
		.last = get_le64(FIELD(map, virt_end)),
	};
	uint32_t flags = get_le32(FIELD(map, flags));
	unsigned int prot = 0;

	(void)properties;
	if (flags & ~VIRTIO_IOMMU_MAP_F_MASK)
		return -EINVAL;
	if (flags & VIRTIO_IOMMU_MAP_F_READ)
		prot |= VIOMMU_READ;
	if (flags & VIRTIO_IOMMU_MAP_F_WRITE)
		prot |= VIOMMU_WRITE;
	return viommu_map(mmu, get_le32(FIELD(map, domain)), iova,
			  get_le64(FIELD(map, phys_start)), prot);
}

static int do_unmap(struct viommu *mmu, const uint8_t *req, uint8_t *properties)
{
	struct iova_range iova = {
		.start = get_le64(FIELD(unmap, virt_start)),
		.last = get_le64(FIELD(unmap, virt_end)),
	};

	(void)properties;
	if (get_le32(FIELD(unmap, reserved)))
		return -EINVAL;
	return viommu_unmap(mmu, get_le32(FIELD(unmap, domain)), iova);
}

/* @properties is zero, so what follows the one property is T_NONE. */
static int do_probe(struct viommu *mmu, const uint8_t *req, uint8_t *properties)
{
	const struct iova_range *msi = &viommu_config(mmu)->msi;
	struct virtio_iommu_probe_resv_mem resv = {
		.head.type = htole16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
		.head.length = htole16(sizeof(resv) - sizeof(resv.head)),
		.subtype = VIRTIO_IOMMU_RESV_MEM_T_MSI,
		.start = htole64(msi->start),
		.end = htole64(msi->last),
	};

	if (!viommu_endpoint_exists(mmu, get_le32(FIELD(probe, endpoint))))
		return -ENOENT;
	memcpy(properties, &resv, sizeof(resv));
	return 0;
}

/* What a request consists of, and who serves it. */
struct request_rule {
	size_t req_len;	 /* exactly */
	size_t resp_len; /* properties, if any, and the tail */
	int (*handle)(struct viommu *mmu, const uint8_t *req,
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
	size_t status_at;
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
	/* The rest of the tail is zero. */
	status_at = resp_len - TAIL_LEN +
		    offsetof(struct virtio_iommu_req_tail, status);
	((uint8_t *)resp)[status_at] = status_from_errno(ret);
	return resp_len;
}
