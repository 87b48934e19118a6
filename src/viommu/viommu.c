// SPDX-License-Identifier: BSD-2-Clause
/* The whole: configuration, life, counters. */
#include "viommu/viommu.h"

#include "viommu/viommu_internal.h"

#include <errno.h>
#include <stdlib.h>

/* Domains are found by an array; its length is not the guest's to choose. */
#define DOMAIN_LAST_MAX 0xffffu

/*
 * Nodes of tables that all domains together may have. Linux's allocators place
 * mappings side by side, 512 to a node; the limit allows for 64. Without one, a
 * guest could make each mapping cost two nodes, or 8 KiB of host memory.
 */
#define MAPPINGS_PER_NODE 64
#define NODES_PER_DOMAIN  4
#define NODES_AT_LEAST	  1024

void viommu_config_default(struct viommu_config *config)
{
	*config = (struct viommu_config){
		.granule = 4096,
		/* Few sizes: Linux cuts a range at each size that it is told. */
		.page_size_mask = 1u << 12 | 1u << 21 | 1u << 30,
		.input = { 0, ((uint64_t)1 << 48) - 1 },
		.msi = { 0xfee00000, 0xfeefffff },
		.domain_last = 1023,
		.max_mappings = 1u << 20,
		.max_domains = 1024,
		.max_faults = 256,
		.bypass = VIOMMU_BYPASS_NEVER,
	};
}

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static int check_config(const struct viommu_config *config)
{
	if (!is_power_of_two(config->granule) ||
	    config->granule < VIOMMU_GRANULE_MIN ||
	    config->granule > (uint64_t)1 << 30)
		return -EINVAL;
	if ((config->page_size_mask & -config->page_size_mask) !=
	    config->granule)
		return -EINVAL;
	if (!iova_range_valid(&config->input) ||
	    !iova_range_valid(&config->msi))
		return -EINVAL;
	if (config->domain_last > DOMAIN_LAST_MAX ||
	    !is_power_of_two(config->max_faults))
		return -EINVAL;
	return 0;
}

static uint32_t max_nodes(const struct viommu_config *config)
{
	uint64_t nr = config->max_mappings / MAPPINGS_PER_NODE +
		      (uint64_t)config->max_domains * NODES_PER_DOMAIN +
		      NODES_AT_LEAST;

	return (uint32_t)MIN(nr, UINT32_MAX);
}

int viommu_create(const struct viommu_config *config, struct viommu **out)
{
	struct viommu *mmu;
	int ret;

	ret = check_config(config);
	if (ret)
		return ret;
	mmu = calloc(1, sizeof(*mmu));
	if (!mmu)
		return -ENOMEM;
	mmu->config = *config;
	mmu->bypass = config->bypass != VIOMMU_BYPASS_NEVER;
	mmu->bypass_is_boot = true;
	mmu->pool.max_nodes = max_nodes(config);
	LIST_INIT(&mmu->endpoints);
	mmu->domains =
	    calloc((size_t)config->domain_last + 1, sizeof(*mmu->domains));
	if (!mmu->domains) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = viommu_fault_queue_init(&mmu->faults, config->max_faults);
	if (ret)
		goto err_free_domains;
	(void)pthread_mutex_init(&mmu->lock, NULL);
	*out = mmu;
	return 0;

err_free_domains:
	free(mmu->domains);
err_free:
	free(mmu);
	return ret;
}

void viommu_destroy(struct viommu *mmu)
{
	if (!mmu)
		return;
	(void)pthread_mutex_destroy(&mmu->lock);
	viommu_fault_queue_fini(&mmu->faults);
	viommu_pool_fini(&mmu->pool);
	free(mmu->domains);
	free(mmu);
}

void viommu_reset(struct viommu *mmu)
{
	struct viommu_endpoint *ep;

	(void)pthread_mutex_lock(&mmu->lock);
	/* Who comes after a reset has not asked for bypass, be it kexec'd. */
	if (mmu->ever_attached && mmu->config.bypass != VIOMMU_BYPASS_ALWAYS)
		viommu_bypass_close_locked(mmu);
	LIST_FOREACH(ep, &mmu->endpoints, of_viommu)
		if (ep->domain)
			viommu_endpoint_leave_locked(ep);
	(void)pthread_mutex_unlock(&mmu->lock);
	viommu_fault_queue_drop(&mmu->faults);
}

bool viommu_ever_attached(struct viommu *mmu)
{
	bool ever;

	(void)pthread_mutex_lock(&mmu->lock);
	ever = mmu->ever_attached;
	(void)pthread_mutex_unlock(&mmu->lock);
	return ever;
}

const struct viommu_config *viommu_config(const struct viommu *mmu)
{
	return &mmu->config;
}

void viommu_stats(struct viommu *mmu, struct viommu_stats *out)
{
	(void)pthread_mutex_lock(&mmu->lock);
	*out = mmu->stats;
	(void)pthread_mutex_unlock(&mmu->lock);

	out->requests_failed =
	    __atomic_load_n(&mmu->requests_failed, __ATOMIC_RELAXED);
	(void)pthread_mutex_lock(&mmu->faults.lock);
	out->faults = mmu->faults.total;
	out->faults_dropped = mmu->faults.dropped;
	(void)pthread_mutex_unlock(&mmu->faults.lock);
}
