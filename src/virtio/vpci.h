/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-pci transport, without its legacy half: a virtio device as a PCI
 * function (VIRTIO 1.3, "Virtio Over PCI Bus").
 *
 * The transport has the registers, negotiates and keeps the status; the device
 * gets to know its queues when the driver has said DRIVER_OK, and forgets them at
 * a reset. Interrupts and vpci_needs_reset() take no lock and come from any
 * thread; what calls the device holds the transport's lock.
 */
#ifndef VIRTIO_VPCI_H
#define VIRTIO_VPCI_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VPCI_QUEUES_MAX 8
#define VPCI_CONFIG_MAX 4096 /* bytes of device configuration */

struct pci_bus;
struct pci_function;
struct vpci;
struct vq_layout;

/* None may be NULL. The first four are called with the transport's lock held. */
struct vpci_ops {
	/* Device configuration, [@off, @off + @len) inside config_len. */
	void (*config_read)(void *ctx, unsigned int off, void *buf,
			    unsigned int len);
	void (*config_write)(void *ctx, unsigned int off, const void *buf,
			     unsigned int len);
	/* DRIVER_OK: take the queues (vpci_queue_layout()) and start. An error
	 * becomes DEVICE_NEEDS_RESET. */
	int (*start)(void *ctx);
	/* Forget the queues. When it returns, nothing touches them any more and
	 * nothing calls vpci_interrupt() or vpci_needs_reset(). Also called
	 * when not started. */
	void (*reset)(void *ctx);
	/* The driver has made buffers of queue @i available. In the thread of
	 * the vCPU that says so, without a lock: a bounded amount of work.
	 * NULL: notify_fd is signalled instead, by KVM itself. */
	void (*notify)(void *ctx, unsigned int i);
	/* With the bus: stop and free. */
	void (*destroy)(void *ctx);
};

struct vpci_desc {
	const char *name;    /* as in struct pci_function_desc */
	uint16_t device;     /* virtio device id */
	uint32_t class_code; /* PCI class, 24 bits */
	uint64_t features;   /* offered; must have VIRTIO_F_VERSION_1 */
	unsigned int nr_queues;
	uint16_t queue_size;	 /* of each, at most */
	unsigned int config_len; /* 0: no device configuration */
	int notify_fd; /* borrowed: signalled for any queue; see ops->notify */
	const struct vpci_ops *ops;
	void *ctx;
};

/**
 * vpci_create() - Put a virtio device on the bus
 * @devfn: as for pci_function_add()
 * @out:   owned by the bus; after an error the caller still owns ctx
 *
 * Return: 0, -EINVAL (a number in @desc out of bounds), -ENOMEM, or as
 * pci_function_add().
 */
MUST_CHECK int vpci_create(struct pci_bus *bus, int devfn,
			   const struct vpci_desc *desc, struct vpci **out);

struct pci_function *vpci_function(struct vpci *v);

/* What was negotiated; 0 before FEATURES_OK. Call from ops only. */
uint64_t vpci_features(const struct vpci *v);

/* Where queue @i is. False: the driver has not enabled it. Call from ops only. */
bool vpci_queue_layout(const struct vpci *v, unsigned int i,
		       struct vq_layout *out);

/* Used buffer notification of queue @i. The caller has seen that the driver wants
 * it. */
void vpci_interrupt(struct vpci *v, unsigned int i);

/* The device is in an error state that it can not leave by itself; sets the
 * status, and tells the driver once. */
void vpci_needs_reset(struct vpci *v);

#endif
