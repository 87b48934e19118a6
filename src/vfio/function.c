// SPDX-License-Identifier: BSD-2-Clause
/*
 * A VFIO device as a PCI function. Its config space, read once, is turned into a
 * description for pci/, which owns the header, the BARs and MSI-X. Of its
 * capabilities the guest gets MSI-X and the vendor's own, whose bytes stay the
 * device's; MSI, power management and PCI Express are left out, since nobody would
 * act on them.
 */
#include "vfio/vdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/range.h"
#include "pci/pci.h"

#define CONFIG_LEN 256
#define HEADER_LEN 0x40
#define CAPS_MAX   ((CONFIG_LEN - HEADER_LEN) / 4)
#define IRQ_INTX   0
#define IRQ_MSIX   2

struct function {
	struct vdev *dev;	 /* owned */
	struct pci_function *fn; /* the bus's */
	/* What the guest reads behind the header; bytes with a mark are asked of
	 * the device. */
	uint8_t config[CONFIG_LEN];
	bool devices[CONFIG_LEN];
	unsigned int msix_cap; /* 0: none */
	unsigned int nr_vectors;
	int *vector_fds; /* owned */
};

/* ---- what the bus calls ---- */

static void bar_read(void *ctx, unsigned int bar, uint64_t off, void *buf,
		     unsigned int len)
{
	struct vdev *dev = ((struct function *)ctx)->dev;

	if (dev->ops->region_read(dev, bar, off, buf, len))
		memset(buf, 0xff, len);
}

static void bar_write(void *ctx, unsigned int bar, uint64_t off,
		      const void *buf, unsigned int len)
{
	struct vdev *dev = ((struct function *)ctx)->dev;

	/* A write has no way to fail: the guest learns it from what it reads. */
	(void)dev->ops->region_write(dev, bar, off, buf, len);
}

/* Bytes of an access that are the device's to serve. */
static unsigned int count_devices(const struct function *f, unsigned int off,
				  unsigned int len)
{
	unsigned int n = 0;

	for (unsigned int i = off; i < off + len && i < CONFIG_LEN; i++)
		n += f->devices[i];
	return n;
}

static void config_read(void *ctx, unsigned int off, void *buf,
			unsigned int len)
{
	struct function *f = ctx;
	uint8_t *to = buf;
	uint8_t from[4];

	memset(to, 0, len);
	if (!span_fits(off, len, CONFIG_LEN) || len > sizeof(from))
		return;
	memcpy(to, f->config + off, len);
	if (count_devices(f, off, len) == 0)
		return;
	if (f->dev->ops->region_read(f->dev, VDEV_CONFIG, off, from, len))
		memset(from, 0xff, len);
	for (unsigned int i = 0; i < len; i++)
		if (f->devices[off + i])
			to[i] = from[i];
}

static void config_write(void *ctx, unsigned int off, const void *buf,
			 unsigned int len)
{
	struct function *f = ctx;

	if (count_devices(f, off, len) == len)
		(void)f->dev->ops->region_write(f->dev, VDEV_CONFIG, off, buf,
						len);
}

static void connect_intx(struct function *f, bool on)
{
	int fd = on ? pci_intx_fd(f->fn) : -1;

	if (pci_intx_fd(f->fn) >= 0 &&
	    f->dev->ops->set_irqs(f->dev, IRQ_INTX, 0, 1, &fd))
		vdev_fail(f->dev, "it does not take its INTx");
}

static void connect_msix(struct function *f, bool on)
{
	for (unsigned int i = 0; i < f->nr_vectors; i++)
		f->vector_fds[i] = on ? pci_msix_fd(f->fn, i) : -1;
	if (f->dev->ops->set_irqs(f->dev, IRQ_MSIX, 0, f->nr_vectors,
				  f->vector_fds))
		vdev_fail(f->dev, "it does not take its MSI-X vectors");
}

/* A device whose own config space says what it may raise is told, too. */
static void tell_msix_control(struct function *f, bool on)
{
	uint16_t control = (uint16_t)(f->nr_vectors - 1);
	uint8_t bytes[2];

	put_le16(bytes, on ? control | PCI_MSIX_FLAGS_ENABLE : control);
	(void)f->dev->ops->region_write(f->dev, VDEV_CONFIG,
					f->msix_cap + PCI_MSIX_FLAGS, bytes,
					sizeof(bytes));
}

/* As VFIO has it, a device has one kind of interrupt at a time. */
static void msix_enabled(void *ctx, bool enabled)
{
	struct function *f = ctx;

	if (enabled)
		connect_intx(f, false);
	connect_msix(f, enabled);
	tell_msix_control(f, enabled);
	if (!enabled)
		connect_intx(f, true);
}

static void intx_eoi(void *ctx)
{
	struct vdev *dev = ((struct function *)ctx)->dev;

	dev->ops->intx_eoi(dev);
}

static bool intx_asserted(void *ctx)
{
	struct vdev *dev = ((struct function *)ctx)->dev;

	return dev->ops->intx_asserted(dev);
}

static bool io_fd(void *ctx, unsigned int i, struct pci_io_fd *out)
{
	struct vdev *dev = ((struct function *)ctx)->dev;

	return dev->ops->io_fd(dev, i, &out->bar, &out->off, &out->len,
			       &out->fd);
}

static void destroy(void *ctx)
{
	struct function *f = ctx;

	vdev_destroy(f->dev);
	free(f->vector_fds);
	free(f);
}

static const struct pci_function_ops function_ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_write = config_write,
	.msix_enabled = msix_enabled,
	.intx_eoi = intx_eoi,
	.intx_asserted = intx_asserted,
	.io_fd = io_fd,
	.destroy = destroy,
};

/* ---- the description, out of what the device says ---- */

static int refuse(const struct vdev *dev, const char *what)
{
	log_err(dev->name, "a config space that can not be: %s", what);
	return -EINVAL;
}

/* Sets *i to the last BAR that this one takes. */
static int take_bar(const struct vdev *dev, const uint8_t *config,
		    unsigned int *i, struct pci_bar *bars)
{
	uint32_t reg = get_le32(&config[PCI_BASE_ADDRESS_0 + *i * 4]);
	uint32_t type = reg & PCI_BASE_ADDRESS_MEM_TYPE_MASK;
	struct pci_bar *bar = &bars[*i];

	bar->size = dev->regions[*i].size;
	if (bar->size == 0)
		return 0;
	if (bar->size & (bar->size - 1))
		return refuse(dev, "size of a BAR");
	if (reg & PCI_BASE_ADDRESS_SPACE_IO) {
		bar->type = PCI_BAR_IO;
		return 0;
	}
	bar->prefetchable = reg & PCI_BASE_ADDRESS_MEM_PREFETCH;
	bar->type = PCI_BAR_MEM32;
	if (type == PCI_BASE_ADDRESS_MEM_TYPE_32)
		return 0;
	bar->type = PCI_BAR_MEM64;
	if (type != PCI_BASE_ADDRESS_MEM_TYPE_64 || *i == PCI_NR_BARS - 1 ||
	    dev->regions[*i + 1].size != 0)
		return refuse(dev, "type of a BAR");
	++*i;
	return 0;
}

/* One BAR holds both table and PBA, which pci/ serves: a PBA that the device has
 * elsewhere moves behind the table. */
static int take_msix(struct function *f, const uint8_t *cap,
		     struct pci_function_desc *desc)
{
	uint32_t table = get_le32(cap + PCI_MSIX_TABLE);
	uint32_t pba = get_le32(cap + PCI_MSIX_PBA);
	unsigned int nr =
	    1u + (get_le16(cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE);
	uint64_t size, end;

	nr = MIN(nr, f->dev->irqs[IRQ_MSIX]);
	desc->msix_vectors = nr;
	desc->msix_bar = table & PCI_MSIX_TABLE_BIR;
	desc->msix_table_off = table & PCI_MSIX_TABLE_OFFSET;
	desc->msix_pba_off = pba & PCI_MSIX_PBA_OFFSET;
	if (desc->msix_bar >= PCI_NR_BARS)
		return refuse(f->dev, "BAR of the MSI-X table");
	size = desc->bars[desc->msix_bar].size;
	end = desc->msix_table_off + nr * (uint64_t)PCI_MSIX_ENTRY_SIZE;
	if (end > size)
		return refuse(f->dev, "MSI-X table outside its BAR");
	if ((pba & PCI_MSIX_PBA_BIR) != desc->msix_bar)
		desc->msix_pba_off = (uint32_t)end;
	if (!span_fits(desc->msix_pba_off, (nr + 63ull) / 64 * 8, size))
		return refuse(f->dev, "MSI-X PBA outside its BAR");

	f->nr_vectors = nr;
	f->vector_fds = calloc(nr, sizeof(*f->vector_fds));
	return f->vector_fds ? 0 : -ENOMEM;
}

/* Bytes of a capability that the guest is to have; 0: none of it. */
static unsigned int kept_len(const struct function *f, const uint8_t *config,
			     unsigned int at)
{
	unsigned int len;

	switch (config[at]) {
	case PCI_CAP_ID_MSIX:
		/* A second one would not be served. */
		len = f->msix_cap || f->dev->irqs[IRQ_MSIX] == 0
			  ? 0
			  : PCI_CAP_MSIX_SIZEOF;
		break;
	case PCI_CAP_ID_VNDR:
		len = config[at + PCI_CAP_LIST_NEXT + 1];
		break;
	default:
		len = 0;
	}
	return len > PCI_CAP_FLAGS && span_fits(at, len, CONFIG_LEN) ? len : 0;
}

static int keep_cap(struct function *f, const uint8_t *config, unsigned int at,
		    unsigned int len, struct pci_function_desc *desc)
{
	memcpy(desc->config + at, config + at, len);
	desc->config[at + PCI_CAP_LIST_NEXT] = 0;
	if (config[at] == PCI_CAP_ID_MSIX) {
		f->msix_cap = at;
		return take_msix(f, config + at, desc);
	}
	memset(&f->devices[at + PCI_CAP_FLAGS], true, len - PCI_CAP_FLAGS);
	return 0;
}

static bool overlaps_kept(const struct pci_function_desc *desc, unsigned int at,
			  unsigned int len)
{
	for (unsigned int i = at; i < at + len; i++)
		if (desc->config[i])
			return true;
	return false;
}

/* Takes over what is kept of the list, linked anew. */
static int take_caps(struct function *f, const uint8_t *config,
		     struct pci_function_desc *desc)
{
	unsigned int link = PCI_CAPABILITY_LIST;
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3u;

	if (!(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	for (unsigned int i = 0; i < CAPS_MAX && at >= HEADER_LEN; i++) {
		unsigned int len = kept_len(f, config, at);
		int ret;

		if (len > 0 && overlaps_kept(desc, at, len))
			return refuse(f->dev, "list of capabilities");
		if (len > 0) {
			ret = keep_cap(f, config, at, len, desc);
			if (ret)
				return ret;
			desc->config[link] = (uint8_t)at;
			link = at + PCI_CAP_LIST_NEXT;
		}
		at = config[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return 0;
}

static int describe(struct function *f, struct pci_function_desc *desc)
{
	struct vdev *dev = f->dev;
	uint8_t config[CONFIG_LEN];
	int ret;

	if (dev->regions[VDEV_CONFIG].size < CONFIG_LEN)
		return refuse(dev, "its size");
	ret = dev->ops->region_read(dev, VDEV_CONFIG, 0, config, CONFIG_LEN);
	if (ret)
		return ret;
	if ((config[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return refuse(dev, "header type");
	memcpy(desc->config, config, HEADER_LEN);
	desc->config[PCI_CAPABILITY_LIST] = 0;
	desc->intx = config[PCI_INTERRUPT_PIN] && dev->irqs[IRQ_INTX];
	for (unsigned int i = 0; i < PCI_NR_BARS; i++) {
		ret = take_bar(dev, config, &i, desc->bars);
		if (ret)
			return ret;
	}
	ret = take_caps(f, config, desc);
	memcpy(f->config, desc->config, CONFIG_LEN);
	return ret;
}

/* pci/ decides whether BARs are decoded; a device that looks at its own command
 * register finds everything on. */
static void enable(struct vdev *dev)
{
	uint8_t command[2];

	put_le16(command,
		 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	(void)dev->ops->region_write(dev, VDEV_CONFIG, PCI_COMMAND, command,
				     sizeof(command));
}

int vdev_plug(struct vdev *dev, struct pci_bus *bus, int devfn,
	      struct pci_function **out)
{
	struct pci_function_desc desc = {
		.name = dev->name,
		.ops = &function_ops,
	};
	struct function *f;
	int ret;

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->dev = dev;
	desc.ctx = f;
	ret = describe(f, &desc);
	if (ret)
		goto err_free;
	ret = pci_function_add(bus, devfn, &desc, &f->fn);
	if (ret)
		goto err_free;
	enable(dev);
	connect_intx(f, true);
	*out = f->fn;
	return 0;

err_free:
	free(f->vector_fds);
	free(f);
	return ret;
}
