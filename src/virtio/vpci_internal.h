/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's parts: vpci.c is the PCI function, common.c the registers of
 * the common configuration structure. */
#ifndef VIRTIO_VPCI_INTERNAL_H
#define VIRTIO_VPCI_INTERNAL_H

#include "virtio/vpci.h"

#include <pthread.h>

enum vpci_area { VPCI_DESC, VPCI_AVAIL, VPCI_USED, VPCI_NR_AREAS };

struct vpci_queue {
	uint16_t size;
	uint16_t vector; /* atomic */
	bool enabled;
	uint64_t addr[VPCI_NR_AREAS];
};

struct vpci {
	struct vpci_desc desc;
	struct pci_function *fn; /* borrowed from the bus */
	/*
	 * Guards all below but what is atomic. Taken before any lock of the
	 * device, and never inside one.
	 */
	pthread_mutex_t lock;
	uint32_t device_feature_select;
	uint32_t driver_feature_select;
	uint64_t driver_features;
	uint16_t queue_select;
	uint16_t config_vector; /* atomic */
	uint8_t status;		/* atomic: the device sets NEEDS_RESET */
	uint8_t isr;		/* atomic */
	struct vpci_queue queues[VPCI_QUEUES_MAX];
	uint8_t caps[256]; /* config space; the window's registers change */
};

/* Registers as after a reset. */
void vpci_common_init(struct vpci *v);

/* Access to the common configuration structure, locked by these. A field that
 * does not exist, or not with this width, reads as ones. */
void vpci_common_read(struct vpci *v, unsigned int off, void *buf,
		      unsigned int len);
void vpci_common_write(struct vpci *v, unsigned int off, const void *buf,
		       unsigned int len);

#endif
