/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of virtio-pci, for tests: a bus without a machine, and access
 * to a device's structures as found by walking its capabilities.
 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

#include "pci/pci.h"

#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "base/bytes.h"
#include "tests/test.h"

#define DRIVER_STRUCTURES (VIRTIO_PCI_CAP_PCI_CFG + 1)
#define DRIVER_OK                                               \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

struct virtio_driver {
	struct pci_bus *bus;
	struct pci_function *fn; /* set by the test */
	unsigned int config_at;	 /* offset of the PCI_CFG capability */
	uint32_t notify_mul;
	struct {
		unsigned int bar;
		uint32_t off, len;
	} structures[DRIVER_STRUCTURES];
	bool unmasked[8]; /* MSI-X vectors that the machine was given */
};

static inline int driver_bar_map(void *ctx, struct pci_function *fn,
				 unsigned int bar, uint64_t addr)
{
	(void)ctx, (void)fn, (void)bar, (void)addr;
	return 0;
}

static inline void driver_bar_unmap(void *ctx, struct pci_function *fn,
				    unsigned int bar)
{
	(void)ctx, (void)fn, (void)bar;
}

static inline int driver_msix_set(void *ctx, struct pci_function *fn,
				  unsigned int vector, uint64_t addr,
				  uint32_t data, bool masked)
{
	struct virtio_driver *d = ctx;

	(void)fn, (void)addr, (void)data;
	d->unmasked[vector] = !masked;
	return 0;
}

static inline int driver_intx_connect(void *ctx, struct pci_function *fn,
				      unsigned int gsi)
{
	(void)ctx, (void)fn, (void)gsi;
	return 0;
}

static inline int driver_bus_create(struct virtio_driver *d)
{
	static const struct pci_windows windows = {
		.mem32_start = 0xc0000000,
		.mem32_last = 0xdfffffff,
		.mem64_start = 0x4000000000,
		.mem64_last = 0x7fffffffff,
		.gsi_first = 16,
		.nr_gsis = 4,
	};
	static const struct pci_host_ops host = {
		.bar_map = driver_bar_map,
		.bar_unmap = driver_bar_unmap,
		.msix_set = driver_msix_set,
		.intx_connect = driver_intx_connect,
	};

	memset(d, 0, sizeof(*d));
	return pci_bus_create(&windows, &host, d, &d->bus);
}

static inline uint32_t driver_config(struct virtio_driver *d, unsigned int off,
				     unsigned int len)
{
	uint8_t buf[4] = { 0 };

	pci_ecam_read(d->bus, (uint64_t)pci_function_bdf(d->fn) << 12 | off,
		      buf, len);
	return get_le32(buf);
}

static inline void driver_config_set(struct virtio_driver *d, unsigned int off,
				     uint32_t value, unsigned int len)
{
	uint8_t buf[4];

	put_le32(buf, value);
	pci_ecam_write(d->bus, (uint64_t)pci_function_bdf(d->fn) << 12 | off,
		       buf, len);
}

/* Finds all structures. */
static inline void driver_walk(struct virtio_driver *d)
{
	unsigned int at = driver_config(d, PCI_CAPABILITY_LIST, 1);

	for (unsigned int n = 0; at && n < 48; n++) {
		unsigned int type = driver_config(d, at + 3, 1);

		if (driver_config(d, at, 1) == PCI_CAP_ID_VNDR &&
		    type < DRIVER_STRUCTURES) {
			d->structures[type].bar = driver_config(d, at + 4, 1);
			d->structures[type].off = driver_config(d, at + 8, 4);
			d->structures[type].len = driver_config(d, at + 12, 4);
			if (type == VIRTIO_PCI_CAP_PCI_CFG)
				d->config_at = at;
			if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
				d->notify_mul = driver_config(d, at + 16, 4);
		}
		at = driver_config(d, at + 1, 1);
	}
}

static inline uint64_t driver_get(struct virtio_driver *d, unsigned int type,
				  unsigned int off, unsigned int len)
{
	uint8_t buf[8] = { 0 };

	pci_bar_read(d->fn, d->structures[type].bar,
		     d->structures[type].off + off, buf, len);
	return get_le64(buf);
}

static inline void driver_set(struct virtio_driver *d, unsigned int type,
			      unsigned int off, uint64_t value,
			      unsigned int len)
{
	uint8_t buf[8];

	put_le64(buf, value);
	pci_bar_write(d->fn, d->structures[type].bar,
		      d->structures[type].off + off, buf, len);
}

static inline uint32_t common_get(struct virtio_driver *d, unsigned int off,
				  unsigned int len)
{
	return (uint32_t)driver_get(d, VIRTIO_PCI_CAP_COMMON_CFG, off, len);
}

static inline void common_set(struct virtio_driver *d, unsigned int off,
			      uint32_t value, unsigned int len)
{
	driver_set(d, VIRTIO_PCI_CAP_COMMON_CFG, off, value, len);
}

static inline uint8_t driver_status(struct virtio_driver *d)
{
	return (uint8_t)common_get(d, VIRTIO_PCI_COMMON_STATUS, 1);
}

static inline void driver_set_status(struct virtio_driver *d, uint8_t status)
{
	common_set(d, VIRTIO_PCI_COMMON_STATUS, status, 1);
}

static inline uint64_t driver_offered(struct virtio_driver *d)
{
	uint64_t features;

	common_set(d, VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
	features = (uint64_t)common_get(d, VIRTIO_PCI_COMMON_DF, 4) << 32;
	common_set(d, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	return features | common_get(d, VIRTIO_PCI_COMMON_DF, 4);
}

/* From reset to FEATURES_OK. Return: the device took the features. */
static inline bool driver_negotiate(struct virtio_driver *d, uint64_t features)
{
	driver_set_status(d, 0);
	driver_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	driver_set_status(d,
			  VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	common_set(d, VIRTIO_PCI_COMMON_GF, (uint32_t)features, 4);
	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	common_set(d, VIRTIO_PCI_COMMON_GF, (uint32_t)(features >> 32), 4);
	driver_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				 VIRTIO_CONFIG_S_DRIVER |
				 VIRTIO_CONFIG_S_FEATURES_OK);
	return driver_status(d) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static inline void driver_queue(struct virtio_driver *d, unsigned int queue,
				uint16_t size, uint64_t desc, uint64_t avail,
				uint64_t used)
{
	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, queue, 2);
	common_set(d, VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
	common_set(d, VIRTIO_PCI_COMMON_Q_DESCLO, (uint32_t)desc, 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_DESCHI, (uint32_t)(desc >> 32), 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_AVAILLO, (uint32_t)avail, 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_AVAILHI, (uint32_t)(avail >> 32), 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_USEDLO, (uint32_t)used, 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_USEDHI, (uint32_t)(used >> 32), 4);
	common_set(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static inline void driver_notify(struct virtio_driver *d, unsigned int queue)
{
	uint32_t off;

	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, queue, 2);
	off = common_get(d, VIRTIO_PCI_COMMON_Q_NOFF, 2);
	driver_set(d, VIRTIO_PCI_CAP_NOTIFY_CFG, off * d->notify_mul, queue, 2);
}

/* MSI-X on, all vectors programmed and unmasked, as the guest kernel does it. */
static inline void driver_msix_on(struct virtio_driver *d, unsigned int nr)
{
	unsigned int at = driver_config(d, PCI_CAPABILITY_LIST, 1);
	uint32_t table;

	while (driver_config(d, at, 1) != PCI_CAP_ID_MSIX)
		at = driver_config(d, at + 1, 1);
	table = driver_config(d, at + PCI_MSIX_TABLE, 4);
	driver_config_set(d, at + PCI_MSIX_FLAGS,
			  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	for (unsigned int i = 0; i < nr; i++) {
		static const uint32_t words[4] = { 0xfee00000, 0, 0x40, 0 };

		for (unsigned int w = 0; w < 4; w++)
			pci_bar_write(d->fn, table & PCI_MSIX_TABLE_BIR,
				      (table & PCI_MSIX_TABLE_OFFSET) + i * 16 +
					  w * 4,
				      &words[w], 4);
	}
	driver_config_set(d, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

#endif
