/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VFIO device: the one interface that the machine has for devices, over two
 * transports: the kernel's VFIO (hardware; to come) and vfio-user (emulated ones).
 *
 * region_read and region_write may be called by several vCPUs at once. A device
 * that has died or misbehaved is `gone`: reads give all ones, writes nothing, one
 * line has been logged, and the machine lives on.
 */
#ifndef VFIO_VDEV_H
#define VFIO_VDEV_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VDEV_NR_REGIONS 9 /* as VFIO numbers them: BAR0-5, ROM, config, VGA */
#define VDEV_NR_IRQS	5 /* INTx, MSI, MSI-X, error, request */
#define VDEV_CONFIG	7

struct vdev;
struct viommu;
struct guest_ram;
struct backend;
struct dma_stats;

struct vdev_region {
	uint64_t size;
	uint32_t flags; /* VFIO_REGION_INFO_FLAG_* */
};

struct vdev_ops {
	/*
	 * A register page (vfio/regpage.h) is made of 32-bit words: reads of
	 * other widths are cut out of the words that they touch, writes of
	 * anything but aligned words are refused.
	 *
	 * Return: 0, -EINVAL (outside the region, or as said), -ENODEV (gone),
	 * or the device's error. After an error all of @buf is ones.
	 */
	int (*region_read)(struct vdev *dev, unsigned int region, uint64_t off,
			   void *buf, uint32_t len);
	int (*region_write)(struct vdev *dev, unsigned int region, uint64_t off,
			    const void *buf, uint32_t len);
	/* Interrupts @start … of kind @index signal @fds[i] (-1: none). Borrowed
	 * until the next call or destroy. -EINVAL: there are not so many. */
	int (*set_irqs)(struct vdev *dev, unsigned int index,
			unsigned int start, unsigned int nr, const int *fds);
	/* End of interrupt of INTx: signal again if still asserted. */
	void (*intx_eoi)(struct vdev *dev);
	/* Is INTx asserted now, as far as one can tell? Does not wait. */
	bool (*intx_asserted)(struct vdev *dev);
	int (*reset)(struct vdev *dev);
	/* An eventfd in place of writes to (@region, *off); *len 0: any size.
	 * False: no more. */
	bool (*io_fd)(struct vdev *dev, unsigned int i, unsigned int *region,
		      uint64_t *off, uint32_t *len, int *fd);
	/* Has its transport ended? */
	bool (*lost)(struct vdev *dev);
	/* Called once, by vdev_fail(): nothing of the device may touch guest
	 * memory after this, and no call may wait for it any more. */
	void (*fail)(struct vdev *dev);
	void (*destroy)(struct vdev *dev);
};

/* Embedded in each transport's own struct; what is in it is constant after
 * creation but for `gone`. */
struct vdev {
	const struct vdev_ops *ops;
	char name[32]; /* "e1000[net0]" */
	struct vdev_region regions[VDEV_NR_REGIONS];
	uint32_t irqs[VDEV_NR_IRQS];
	bool gone; /* atomic */
	/* To watch for its death: readable then, and only then. -1: none.
	 * Whoever watches calls vdev_check(), and stops watching if it is
	 * true: it stays readable. */
	int watch_fd;
};

static inline bool vdev_gone(const struct vdev *dev)
{
	return __atomic_load_n(&dev->gone, __ATOMIC_ACQUIRE);
}

/* Looks whether the device still lives; logs once if not. True: gone. */
bool vdev_check(struct vdev *dev);

/* Drops the device: hangs up its socket, stops its worker, says why, once. Any
 * thread but the worker; waits for the worker's operation to end. */
void vdev_fail(struct vdev *dev, const char *why);

/* NULL is fine. */
void vdev_destroy(struct vdev *dev);

/* ---- vfio-user (vfio/user.c) ---- */

struct vdev_user_config {
	const char *name;	 /* copied */
	int sock;		 /* taken over, also in case of error */
	struct viommu *viommu;	 /* borrowed */
	uint32_t endpoint;	 /* id for it: the bdf */
	struct guest_ram *ram;	 /* borrowed */
	struct backend *backend; /* owned by the caller; NULL: none */
};

/**
 * vdev_user_create() - Connect to a device behind a vfio-user socket
 *
 * Negotiates the version, learns regions and interrupts. One of our own devices
 * (it offers "pviommu_port") gets its port, whose worker is started. A foreign
 * one gets one DMA_MAP without a descriptor for the whole input range, and a
 * thread that serves its DMA_READ and DMA_WRITE through the IOMMU.
 *
 * All failures have been logged, by name.
 *
 * Return: 0, -EPROTO (message that makes no sense), -ECONNRESET, -ETIMEDOUT,
 * -EOPNOTSUPP (another version, no PCI device, or a server that insists on mapping
 * guest memory), -EINVAL (a port that can not be), -EEXIST (endpoint), -ENOMEM, or
 * -errno.
 */
MUST_CHECK int vdev_user_create(const struct vdev_user_config *config,
				struct vdev **out);

/* Counters of its DMA; false: the transport has none. */
bool vdev_dma_stats(struct vdev *dev, struct dma_stats *out);
struct viommu_endpoint *vdev_endpoint(struct vdev *dev);

/* ---- as a PCI function (vfio/function.c) ---- */

struct pci_bus;
struct pci_function;

/**
 * vdev_plug() - Put a VFIO device on the bus
 * @dev:   owned by the function from then on, if this succeeds
 * @devfn: as for pci_function_add()
 *
 * Return: 0, -EINVAL (a config space or BAR that can not be; was logged), -ENODEV
 * (gone), or as pci_function_add().
 */
MUST_CHECK int vdev_plug(struct vdev *dev, struct pci_bus *bus, int devfn,
			 struct pci_function **out);

#endif
