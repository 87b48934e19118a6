// SPDX-License-Identifier: BSD-2-Clause
/* Endpoints: which space each of them sees, and translation in it. */
#include "viommu/domain.h"
#include "viommu/viommu_internal.h"

#include <errno.h>
#include <stdlib.h>

static const struct iova_range everything = { 0, UINT64_MAX };

static void set_space(struct viommu_endpoint *ep, uintptr_t space)
{
	/* Pairs with the load of translation, which goes on into the table. */
	__atomic_store_n(&ep->space, space, __ATOMIC_RELEASE);
}

static uintptr_t unattached_space(const struct viommu *mmu)
{
	return mmu->bypass ? VIOMMU_SPACE_BYPASS : VIOMMU_SPACE_BLOCKED;
}

struct viommu_endpoint *viommu_endpoint_find_locked(struct viommu *mmu,
						    uint32_t id)
{
	struct viommu_endpoint *ep;

	LIST_FOREACH(ep, &mmu->endpoints, of_viommu)
		if (ep->id == id)
			break;
	return ep;
}

bool viommu_endpoint_exists(struct viommu *mmu, uint32_t id)
{
	bool found;

	(void)pthread_mutex_lock(&mmu->lock);
	found = viommu_endpoint_find_locked(mmu, id) != NULL;
	(void)pthread_mutex_unlock(&mmu->lock);
	return found;
}

void viommu_endpoint_revoke_locked(struct viommu_endpoint *ep,
				   struct iova_range iova)
{
	if (ep->ops)
		ep->ops->unmap(ep->ctx, iova);
}

/* ---- coming and going ---- */

int viommu_endpoint_add(struct viommu *mmu, uint32_t id,
			const struct viommu_listener_ops *ops, void *ctx,
			struct viommu_endpoint **out)
{
	struct viommu_endpoint *ep;
	int ret = -EEXIST;

	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	ep->mmu = mmu;
	ep->id = id;
	ep->ops = ops;
	ep->ctx = ctx;

	(void)pthread_mutex_lock(&mmu->lock);
	if (viommu_endpoint_find_locked(mmu, id))
		goto err_unlock;
	set_space(ep, unattached_space(mmu));
	LIST_INSERT_HEAD(&mmu->endpoints, ep, of_viommu);
	mmu->stats.endpoints++;
	(void)pthread_mutex_unlock(&mmu->lock);
	*out = ep;
	return 0;

err_unlock:
	(void)pthread_mutex_unlock(&mmu->lock);
	free(ep);
	return ret;
}

void viommu_endpoint_remove(struct viommu_endpoint *ep)
{
	struct viommu *mmu = ep->mmu;

	(void)pthread_mutex_lock(&mmu->lock);
	if (ep->domain)
		viommu_endpoint_leave_locked(ep);
	set_space(ep, VIOMMU_SPACE_BLOCKED);
	viommu_endpoint_revoke_locked(ep, everything);
	LIST_REMOVE(ep, of_viommu);
	mmu->stats.endpoints--;
	(void)pthread_mutex_unlock(&mmu->lock);
	free(ep);
}

/*
 * Gives an endpoint another space; the domain that it leaves may be read until
 * the listener has returned, and goes only then.
 */
static void move_locked(struct viommu_endpoint *ep, struct viommu_domain *to,
			uintptr_t space)
{
	struct viommu_domain *from = ep->domain;
	struct viommu *mmu = ep->mmu;

	if (from) {
		LIST_REMOVE(ep, of_domain);
		mmu->stats.detaches++;
	}
	if (to) {
		LIST_INSERT_HEAD(&to->endpoints, ep, of_domain);
		mmu->stats.attaches++;
	}
	ep->domain = to;
	set_space(ep, space);
	viommu_endpoint_revoke_locked(ep, everything);
	if (from && LIST_EMPTY(&from->endpoints))
		viommu_domain_destroy_locked(mmu, from);
}

void viommu_endpoint_leave_locked(struct viommu_endpoint *ep)
{
	move_locked(ep, NULL, unattached_space(ep->mmu));
}

static int attach_locked(struct viommu *mmu, uint32_t domain, uint32_t id,
			 bool bypass)
{
	struct viommu_endpoint *ep = viommu_endpoint_find_locked(mmu, id);
	struct viommu_domain *dom = viommu_domain_find_locked(mmu, domain);
	int ret;

	if (!ep)
		return -ENOENT;
	if (dom && dom->bypass != bypass)
		return -EINVAL;
	if (dom && dom == ep->domain)
		return 0;
	if (!dom) {
		ret = viommu_domain_create_locked(mmu, domain, bypass, &dom);
		if (ret)
			return ret;
	}
	mmu->ever_attached = true;
	move_locked(ep, dom, viommu_domain_space(dom));
	return 0;
}

int viommu_attach(struct viommu *mmu, uint32_t domain, uint32_t ep, bool bypass)
{
	int ret;

	(void)pthread_mutex_lock(&mmu->lock);
	ret = attach_locked(mmu, domain, ep, bypass);
	(void)pthread_mutex_unlock(&mmu->lock);
	return ret;
}

static int detach_locked(struct viommu *mmu, uint32_t domain, uint32_t id)
{
	struct viommu_endpoint *ep = viommu_endpoint_find_locked(mmu, id);

	if (!ep)
		return -ENOENT;
	if (!ep->domain || ep->domain->id != domain)
		return -EINVAL;
	/* What was open from boot shuts; what the guest has opened stays. */
	if (mmu->config.bypass == VIOMMU_BYPASS_BOOT && mmu->bypass_is_boot)
		viommu_bypass_close_locked(mmu);
	viommu_endpoint_leave_locked(ep);
	return 0;
}

int viommu_detach(struct viommu *mmu, uint32_t domain, uint32_t ep)
{
	int ret;

	(void)pthread_mutex_lock(&mmu->lock);
	ret = detach_locked(mmu, domain, ep);
	(void)pthread_mutex_unlock(&mmu->lock);
	return ret;
}

/* ---- bypass ---- */

void viommu_bypass_close_locked(struct viommu *mmu)
{
	struct viommu_endpoint *ep;

	mmu->bypass = 0;
	LIST_FOREACH(ep, &mmu->endpoints, of_viommu) {
		if (ep->domain || ep->space == VIOMMU_SPACE_BLOCKED)
			continue;
		set_space(ep, VIOMMU_SPACE_BLOCKED);
		viommu_endpoint_revoke_locked(ep, everything);
	}
}

static void bypass_open_locked(struct viommu *mmu)
{
	struct viommu_endpoint *ep;

	mmu->bypass = 1;
	LIST_FOREACH(ep, &mmu->endpoints, of_viommu)
		if (!ep->domain)
			set_space(ep, VIOMMU_SPACE_BYPASS);
}

int viommu_bypass_set(struct viommu *mmu, uint8_t value)
{
	if (value > 1)
		return -EINVAL;
	(void)pthread_mutex_lock(&mmu->lock);
	mmu->bypass_is_boot = false;
	if (value)
		bypass_open_locked(mmu);
	else
		viommu_bypass_close_locked(mmu);
	(void)pthread_mutex_unlock(&mmu->lock);
	return 0;
}

uint8_t viommu_bypass_get(struct viommu *mmu)
{
	uint8_t value;

	(void)pthread_mutex_lock(&mmu->lock);
	value = mmu->bypass;
	(void)pthread_mutex_unlock(&mmu->lock);
	return value;
}

/* ---- translation ---- */

int viommu_translate(const struct viommu_endpoint *ep, uint64_t iova,
		     uint64_t len, unsigned int access, uint64_t *gpa,
		     uint64_t *run)
{
	const struct iova_range *msi = &ep->mmu->config.msi;
	uintptr_t space = __atomic_load_n(&ep->space, __ATOMIC_ACQUIRE);

	if (space == VIOMMU_SPACE_BLOCKED)
		return -ENOENT;
	if (len - 1 > UINT64_MAX - iova)
		return -ERANGE;
	if (iova <= msi->last) {
		if (iova >= msi->start)
			return -ERANGE;
		len = MIN(len, msi->start - iova);
	}
	if (space == VIOMMU_SPACE_BYPASS) {
		*gpa = iova;
		*run = len;
		return 0;
	}
	return viommu_table_lookup((const struct viommu_table *)space, iova,
				   len, access, gpa, run);
}

void viommu_endpoint_stats(struct viommu_endpoint *ep,
			   struct viommu_endpoint_stats *out)
{
	struct viommu *mmu = ep->mmu;
	const struct viommu_domain *dom;

	(void)pthread_mutex_lock(&mmu->lock);
	dom = ep->domain;
	*out = (struct viommu_endpoint_stats){
		.id = ep->id,
		.domain = dom ? dom->id : UINT32_MAX,
		.bypass = ep->space == VIOMMU_SPACE_BYPASS,
		.live_mappings = dom ? dom->live_mappings : 0,
		.live_bytes = dom ? dom->live_bytes : 0,
		.readable_bytes = dom ? dom->readable_bytes : 0,
		.writable_bytes = dom ? dom->writable_bytes : 0,
	};
	(void)pthread_mutex_lock(&mmu->faults.lock);
	out->faults = ep->faults;
	(void)pthread_mutex_unlock(&mmu->faults.lock);
	(void)pthread_mutex_unlock(&mmu->lock);
}
