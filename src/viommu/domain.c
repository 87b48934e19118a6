// SPDX-License-Identifier: BSD-2-Clause
/* Domains: what MAP and UNMAP come to. */
#include "viommu/domain.h"

#include "viommu/viommu_internal.h"

#include <errno.h>
#include <stdlib.h>

#define PROT_ALL (VIOMMU_READ | VIOMMU_WRITE)

struct viommu_domain *viommu_domain_find_locked(struct viommu *mmu, uint32_t id)
{
	return id <= mmu->config.domain_last ? mmu->domains[id] : NULL;
}

uintptr_t viommu_domain_space(const struct viommu_domain *dom)
{
	return dom->bypass ? VIOMMU_SPACE_BYPASS : (uintptr_t)&dom->table;
}

int viommu_domain_create_locked(struct viommu *mmu, uint32_t id, bool bypass,
				struct viommu_domain **out)
{
	struct viommu_domain *dom;
	int ret = 0;

	if (id > mmu->config.domain_last)
		return -ERANGE;
	if (mmu->stats.domains >= mmu->config.max_domains)
		return -ENOMEM;
	dom = calloc(1, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->id = id;
	dom->bypass = bypass;
	LIST_INIT(&dom->endpoints);
	if (!bypass)
		ret = viommu_table_init(&dom->table, &mmu->pool,
					mmu->config.granule,
					mmu->config.input.last);
	if (ret)
		goto err_free;

	mmu->domains[id] = dom;
	mmu->stats.domains++;
	*out = dom;
	return 0;

err_free:
	free(dom);
	return ret;
}

static void account_removed(struct viommu *mmu, struct viommu_domain *dom,
			    const struct viommu_removed *removed)
{
	dom->live_mappings -= removed->nr_mappings;
	dom->live_bytes -= removed->bytes;
	dom->readable_bytes -= removed->readable;
	dom->writable_bytes -= removed->writable;
	mmu->stats.live_mappings -= removed->nr_mappings;
	mmu->stats.live_bytes -= removed->bytes;
	mmu->stats.unmaps += removed->nr_mappings;
}

void viommu_domain_destroy_locked(struct viommu *mmu, struct viommu_domain *dom)
{
	struct viommu_removed removed;

	if (!dom->bypass) {
		viommu_table_fini(&dom->table, &removed);
		account_removed(mmu, dom, &removed);
	}
	mmu->domains[dom->id] = NULL;
	mmu->stats.domains--;
	free(dom);
}

/* What MAP and UNMAP require first. */
static int find_for_change(struct viommu *mmu, uint32_t id,
			   const struct iova_range *iova,
			   struct viommu_domain **out)
{
	struct viommu_domain *dom = viommu_domain_find_locked(mmu, id);

	if (!dom)
		return -ENOENT;
	if (dom->bypass || !iova_range_valid(iova))
		return -EINVAL;
	*out = dom;
	return 0;
}

static int check_range(const struct viommu_config *config,
		       const struct iova_range *iova, uint64_t gpa)
{
	if (!iova_range_aligned(iova, config->granule) ||
	    (gpa & (config->granule - 1)))
		return -ERANGE;
	if (!iova_range_within(iova, &config->input) ||
	    iova_range_overlaps(iova, &config->msi))
		return -ERANGE;
	if (iova->last - iova->start > UINT64_MAX - gpa)
		return -ERANGE;
	return 0;
}

static int map_locked(struct viommu *mmu, uint32_t id, struct iova_range iova,
		      uint64_t gpa, unsigned int prot)
{
	struct viommu_domain *dom;
	uint64_t len = iova.last - iova.start + 1;
	int ret;

	ret = find_for_change(mmu, id, &iova, &dom);
	if (ret)
		return ret;
	ret = check_range(&mmu->config, &iova, gpa);
	if (ret)
		return ret;
	if (mmu->stats.live_mappings >= mmu->config.max_mappings)
		return -ENOMEM;
	ret = viommu_table_map(&dom->table, iova, gpa, prot);
	if (ret)
		return ret;

	dom->live_mappings++;
	dom->live_bytes += len;
	dom->readable_bytes += prot & VIOMMU_READ ? len : 0;
	dom->writable_bytes += prot & VIOMMU_WRITE ? len : 0;
	mmu->stats.live_mappings++;
	mmu->stats.live_bytes += len;
	mmu->stats.maps++;
	return 0;
}

int viommu_map(struct viommu *mmu, uint32_t domain, struct iova_range iova,
	       uint64_t gpa, unsigned int prot)
{
	int ret;

	if (prot & ~PROT_ALL)
		return -EINVAL;
	(void)pthread_mutex_lock(&mmu->lock);
	ret = map_locked(mmu, domain, iova, gpa, prot);
	(void)pthread_mutex_unlock(&mmu->lock);
	return ret;
}

static int unmap_locked(struct viommu *mmu, uint32_t id, struct iova_range iova)
{
	struct viommu_removed removed;
	struct viommu_endpoint *ep;
	struct viommu_domain *dom;
	int ret;

	ret = find_for_change(mmu, id, &iova, &dom);
	if (ret)
		return ret;
	ret = viommu_table_unmap(&dom->table, iova, &removed);
	if (ret || !removed.nr_mappings)
		return ret;
	LIST_FOREACH(ep, &dom->endpoints, of_domain)
		viommu_endpoint_revoke_locked(ep, iova);
	viommu_table_settle(&dom->table);
	account_removed(mmu, dom, &removed);
	return 0;
}

int viommu_unmap(struct viommu *mmu, uint32_t domain, struct iova_range iova)
{
	int ret;

	(void)pthread_mutex_lock(&mmu->lock);
	ret = unmap_locked(mmu, domain, iova);
	(void)pthread_mutex_unlock(&mmu->lock);
	return ret;
}
