/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of the module, and what its files have of each other.
 *
 * viommu.lock guards them all; functions named _locked expect it. Two things are
 * read without it: an endpoint's space and the tables' entries, by translation.
 * The queue of faults has a lock of its own, the inner of the two.
 */
#ifndef VIOMMU_VIOMMU_INTERNAL_H
#define VIOMMU_VIOMMU_INTERNAL_H

#include "viommu/table_internal.h"
#include "viommu/viommu.h"

#include <pthread.h>
#include <sys/queue.h>

/* Values of an endpoint's space that are no domain. */
#define VIOMMU_SPACE_BLOCKED ((uintptr_t)0)
#define VIOMMU_SPACE_BYPASS  ((uintptr_t)1)

struct viommu_endpoint {
	/* Atomic. The table of the domain, or one of VIOMMU_SPACE_*. Changed
	 * under the lock; then the listener is called. */
	uintptr_t space;
	struct viommu *mmu;	      /* borrowed */
	struct viommu_domain *domain; /* borrowed; NULL: not attached */
	const struct viommu_listener_ops *ops; /* borrowed, may be NULL */
	void *ctx;			       /* borrowed */
	uint32_t id;
	uint64_t faults; /* under the lock of the faults */
	LIST_ENTRY(viommu_endpoint) of_viommu;
	LIST_ENTRY(viommu_endpoint) of_domain;
};

LIST_HEAD(viommu_endpoints, viommu_endpoint);

/* Lives as long as it has endpoints. */
struct viommu_domain {
	struct viommu_table table; /* not initialised if bypass */
	uint32_t id;
	bool bypass;
	uint64_t live_mappings;
	uint64_t live_bytes;
	uint64_t readable_bytes, writable_bytes; /* of them */
	struct viommu_endpoints endpoints;	 /* borrowed */
};

/* Pending reports; head and tail run freely, only their low bits index. */
struct viommu_fault_queue {
	pthread_mutex_t lock;		 /* guards all of this */
	struct virtio_iommu_fault *ring; /* owned */
	uint32_t size;			 /* power of two */
	uint32_t head, tail;		 /* next to take, next to fill */
	uint64_t total, dropped;
	viommu_fault_notifier *notify;
	void *ctx;
};

struct viommu {
	struct viommu_config config; /* constant */
	pthread_mutex_t lock;
	struct viommu_endpoints endpoints;
	struct viommu_domain **domains; /* owned, by id */
	struct viommu_pool pool;
	uint8_t bypass;	     /* the field of the config space */
	bool bypass_is_boot; /* the guest has not written it */
	bool ever_attached;
	struct viommu_stats stats; /* what is counted under the lock */
	uint64_t requests_failed;  /* atomic */
	struct viommu_fault_queue faults;
};

MUST_CHECK int viommu_fault_queue_init(struct viommu_fault_queue *q,
				       uint32_t size);
void viommu_fault_queue_fini(struct viommu_fault_queue *q);
/* Forgets what is pending, counting it as dropped. */
void viommu_fault_queue_drop(struct viommu_fault_queue *q);

struct viommu_endpoint *viommu_endpoint_find_locked(struct viommu *mmu,
						    uint32_t id);
/* For PROBE: takes the lock. */
bool viommu_endpoint_exists(struct viommu *mmu, uint32_t id);

/* NULL for an id that no domain has, also one out of range. */
struct viommu_domain *viommu_domain_find_locked(struct viommu *mmu,
						uint32_t id);

/**
 * viommu_domain_create_locked() - An empty domain with a new id
 *
 * Return: 0, -ERANGE (id), -ENOMEM (memory or quota).
 */
MUST_CHECK int viommu_domain_create_locked(struct viommu *mmu, uint32_t id,
					   bool bypass,
					   struct viommu_domain **out);
/* Destroys a domain without endpoints, which no translation can see any more. */
void viommu_domain_destroy_locked(struct viommu *mmu,
				  struct viommu_domain *dom);

/* What endpoints of the domain translate by. */
uintptr_t viommu_domain_space(const struct viommu_domain *dom);

/* Has the listener end accesses through what @iova was. */
void viommu_endpoint_revoke_locked(struct viommu_endpoint *ep,
				   struct iova_range iova);

/* Detaches an endpoint that has a domain; the domain goes with its last. */
void viommu_endpoint_leave_locked(struct viommu_endpoint *ep);

/* Blocks endpoints that are not attached and says so in the bypass field. */
void viommu_bypass_close_locked(struct viommu *mmu);

#endif
