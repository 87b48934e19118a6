/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU core: endpoints, domains, mappings, translation, faults.
 *
 * It maps numbers to numbers. It knows no KVM, PCI, guest RAM, socket or
 * process, makes no system call and starts no thread.
 *
 * Locking: what changes anything takes the viommu's own lock. Translation takes
 * none: its caller is inside an epoch (dma/epoch.h), and whoever revokes calls
 * every endpoint's listener, which waits until epochs that could have seen the
 * old state have ended, before memory of the tables is freed or the guest is told.
 *
 * An endpoint is, at any time: attached to a domain, in bypass (IOVA = GPA, all
 * permitted), or blocked (reaches nothing). The rules are VIRTIO 1.3, "IOMMU
 * device"; deviations are in docs/architecture.md.
 */
#ifndef VIOMMU_VIOMMU_H
#define VIOMMU_VIOMMU_H

#include "base/compiler.h"
#include "base/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct viommu;
struct viommu_endpoint;

enum viommu_prot {
	VIOMMU_READ = 1,
	VIOMMU_WRITE = 2,
};

enum viommu_bypass {
	VIOMMU_BYPASS_NEVER,  /* --iommu on: blocked until attached */
	VIOMMU_BYPASS_BOOT,   /* --iommu boot-bypass */
	VIOMMU_BYPASS_ALWAYS, /* --iommu off: no front, identity for all */
};

struct viommu_config {
	uint64_t granule; /* power of two, 64 … 2^30; smallest mapping */
	uint64_t page_size_mask; /* as the guest reads it; has granule */
	struct iova_range input; /* what can be mapped */
	struct iova_range msi;	 /* reserved: never mapped nor reached by DMA */
	uint32_t domain_last;	 /* domain ids are 0 … domain_last <= 65535 */
	uint32_t max_mappings;	 /* quotas, per viommu; see viommu_map() */
	uint32_t max_domains;
	uint32_t max_faults; /* pending fault reports, power of two */
	enum viommu_bypass bypass;
};

/* Fills in what the product runs with: granule 4096, 48 bits, the x86 MSI window,
 * 2^20 mappings, 1024 domains, 256 faults. */
void viommu_config_default(struct viommu_config *config);

/**
 * struct viommu_listener_ops - What follows the mappings of an endpoint
 *
 * @unmap: Revoke @iova. Cannot fail. When it returns, no access of the endpoint
 *	   through what was there before is in flight any more. Also called, for
 *	   the whole space, when the endpoint is attached, detached or blocked.
 *
 * Called with the viommu lock held; must not call back into the viommu, but for
 * viommu_translate().
 */
struct viommu_listener_ops {
	void (*unmap)(void *ctx, struct iova_range iova);
};

/* Return: 0, -EINVAL (@config is not as said above), -ENOMEM. */
MUST_CHECK int viommu_create(const struct viommu_config *config,
			     struct viommu **out);
/* All endpoints must have been removed. NULL is fine. */
void viommu_destroy(struct viommu *mmu);

/**
 * viommu_endpoint_add() - A device behind the IOMMU
 * @id:	  endpoint id as the guest sees it (PCI: segment << 16 | bdf)
 * @ops:  listener, may be NULL; @ctx is handed to it
 *
 * Return: 0, -EEXIST if @id is taken, -ENOMEM.
 */
MUST_CHECK int viommu_endpoint_add(struct viommu *mmu, uint32_t id,
				   const struct viommu_listener_ops *ops,
				   void *ctx, struct viommu_endpoint **out);
/* Detaches and frees; the listener is called a last time. */
void viommu_endpoint_remove(struct viommu_endpoint *ep);

/**
 * viommu_translate() - Where an access of an endpoint goes
 * @iova:   first byte
 * @len:    bytes wanted, at least 1
 * @access: VIOMMU_READ, VIOMMU_WRITE or both
 * @gpa:    out: guest-physical address of the first byte
 * @run:    out: bytes from there on that are contiguous and permitted, 1 … @len;
 *	    there may be more than it says behind 512 granules
 *
 * Lock-free; the caller is inside an epoch, and forgets the answer at its end.
 *
 * Return: 0, -ENOENT (no domain or no mapping), -EACCES (mapped, not with this
 * permission), -ERANGE (wraps, or the MSI window).
 */
MUST_CHECK int viommu_translate(const struct viommu_endpoint *ep, uint64_t iova,
				uint64_t len, unsigned int access,
				uint64_t *gpa, uint64_t *run);

/**
 * viommu_fault() - Report a refused access to the guest
 * @error: what viommu_translate() returned, or -EFAULT if the target is not RAM
 *
 * Queues a fault report and calls the notifier; drops and counts it where the
 * queue is full. Any thread, outside epochs.
 */
void viommu_fault(struct viommu_endpoint *ep, uint64_t iova,
		  unsigned int access, int error);

/*
 * Called after a fault report was queued, from any thread, without a lock; signals
 * somebody. A thread that is in viommu_fault() while the notifier is replaced may
 * still call the old one.
 */
typedef void viommu_fault_notifier(void *ctx);
void viommu_set_fault_notifier(struct viommu *mmu,
			       viommu_fault_notifier *notify, void *ctx);

/**
 * viommu_take_fault() - The oldest fault report as it goes on the event queue
 * @wire: struct virtio_iommu_fault, filled in
 *
 * Return: true if there was one.
 */
struct virtio_iommu_fault;
bool viommu_take_fault(struct viommu *mmu, struct virtio_iommu_fault *wire);

/* ---- the standard front (virtio-iommu requests) ---- */

#define VIOMMU_REQ_MAX	 72  /* longest request, without tail */
#define VIOMMU_PROBE_LEN 512 /* probe_size: properties of PROBE's answer */

/**
 * viommu_request() - Serve one request of the guest
 * @req:     what the driver wrote, @req_len bytes (a copy, not guest memory)
 * @resp:    what the device answers, with the tail
 * @resp_len: bytes that the driver left for it
 *
 * Total: any bytes give an answer. A request shorter than a header, of an
 * unknown type, or that leaves no room for its tail gets used length 0.
 *
 * Return: bytes of @resp filled in; 0 as said.
 */
size_t viommu_request(struct viommu *mmu, const void *req, size_t req_len,
		      void *resp, size_t resp_len);

/*
 * The bypass field of the config space, as the guest reads and writes it: whether
 * endpoints that are not attached are in bypass. With VIOMMU_BYPASS_BOOT it is 1
 * until the first DETACH, of whichever endpoint, or the first reset after an
 * ATTACH; from then on it reads 0. A guest that writes 1 says that it wants bypass,
 * and keeps it through DETACH, as VIRTIO has it; a reset after an ATTACH takes that
 * back too, since the driver that comes next may not know.
 */
uint8_t viommu_bypass_get(struct viommu *mmu);
/* Return: 0, or -EINVAL for a value other than 0 and 1. */
MUST_CHECK int viommu_bypass_set(struct viommu *mmu, uint8_t value);

/* virtio reset of the device: all endpoints detached, all domains gone, pending
 * fault reports dropped; bypass is closed once an endpoint has attached. */
void viommu_reset(struct viommu *mmu);

/* Has any endpoint ever been attached to a domain? */
bool viommu_ever_attached(struct viommu *mmu);

const struct viommu_config *viommu_config(const struct viommu *mmu);

/* Counters since creation, and of now. */
struct viommu_stats {
	uint64_t maps, unmaps;	     /* mappings made, removed in any way */
	uint64_t attaches, detaches; /* a move counts as both */
	uint64_t requests_failed;
	uint64_t faults, faults_dropped;
	uint64_t live_mappings, live_bytes;
	uint32_t domains, endpoints;
};
void viommu_stats(struct viommu *mmu, struct viommu_stats *out);

/* Of one endpoint. */
struct viommu_endpoint_stats {
	uint32_t id;
	uint32_t domain; /* UINT32_MAX: none */
	bool bypass;
	uint64_t faults;
	uint64_t live_mappings, live_bytes; /* of its domain */
	/* Of these bytes: what the device may read, and what it may write. */
	uint64_t readable_bytes, writable_bytes;
};
void viommu_endpoint_stats(struct viommu_endpoint *ep,
			   struct viommu_endpoint_stats *out);

#endif
