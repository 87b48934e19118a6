/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: address spaces that endpoints are attached to. What the requests
 * MAP and UNMAP come to; also used without a guest, by tests and benchmarks.
 *
 * All of these take the viommu's lock.
 */
#ifndef VIOMMU_DOMAIN_H
#define VIOMMU_DOMAIN_H

#include "viommu/viommu.h"

/**
 * viommu_attach() - Attach an endpoint; makes the domain if it is new
 * @bypass: make it a bypass domain (VIRTIO_IOMMU_ATTACH_F_BYPASS)
 *
 * An endpoint attached elsewhere is moved, without a moment in both. A domain
 * that loses its last endpoint is destroyed with its mappings. An endpoint that is
 * attached to @domain already stays, and nothing happens.
 *
 * Return: 0, -ENOENT (no such endpoint), -ERANGE (domain id), -EINVAL (an existing
 * domain of the other kind), -ENOMEM (memory or quota).
 */
MUST_CHECK int viommu_attach(struct viommu *mmu, uint32_t domain, uint32_t ep,
			     bool bypass);
/* Return: 0, -ENOENT (endpoint), -EINVAL (not attached to that domain). */
MUST_CHECK int viommu_detach(struct viommu *mmu, uint32_t domain, uint32_t ep);

/**
 * viommu_map() - Make guest memory visible to a domain's endpoints
 * @iova: range to map, aligned to the granule at both ends
 * @gpa:  guest-physical address behind @iova.start, equally aligned
 * @prot: set of enum viommu_prot; empty is allowed and grants nothing
 *
 * All or nothing.
 *
 * Return: 0, or
 *  -ENOENT	no such domain
 *  -ERANGE	off the granule, outside the input range, in the MSI window, or a
 *		target that wraps
 *  -EINVAL	inverted, unknown @prot, overlap with a mapping, bypass domain
 *  -ENOMEM	out of memory or over quota: max_mappings, or the table memory
 *		that goes with it (enough unless most mappings lie 64 granules or
 *		more from the next)
 */
MUST_CHECK int viommu_map(struct viommu *mmu, uint32_t domain,
			  struct iova_range iova, uint64_t gpa,
			  unsigned int prot);

/**
 * viommu_unmap() - Revoke every mapping inside a range
 *
 * Mappings are removed whole. When this returns, no access through them is in
 * flight. Nothing mapped there is no error.
 *
 * Return: 0, -ENOENT (no such domain), -EINVAL (inverted, bypass domain), -ERANGE
 * (would split a mapping: nothing is removed).
 */
MUST_CHECK int viommu_unmap(struct viommu *mmu, uint32_t domain,
			    struct iova_range iova);

#endif
