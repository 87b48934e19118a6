// SPDX-License-Identifier: BSD-2-Clause
/*
 * A virtio device as a PCI function: capabilities, BARs, the configuration window,
 * interrupts. MSI-X is pci/'s, in a BAR of its own.
 */
#include "virtio/vpci_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/range.h"
#include "pci/pci.h"

#define VENDOR_ID      0x1af4
#define DEVICE_ID_BASE 0x1040 /* plus the virtio device id */
#define REVISION       1      /* not transitional */
#define SUBSYSTEM_ID   0x40   /* the least for that */

/* BAR 0: a page for each structure, so that each can be mapped by itself. */
#define BAR_REGS   0
#define BAR_SIZE   0x4000
#define COMMON_OFF 0x0000
#define COMMON_LEN (VIRTIO_PCI_COMMON_Q_USEDHI + 4)
#define ISR_OFF	   0x1000
#define CONFIG_OFF 0x2000
#define NOTIFY_OFF 0x3000
#define NOTIFY_MUL 4 /* an address for each queue */
#define BAR_MSIX   2
#define MSIX_SIZE  0x1000
#define MSIX_PBA   0x800

/* Capabilities in config space, one behind the other. */
#define CAP_COMMON 0x40
#define CAP_ISR	   0x50
#define CAP_CONFIG 0x60
#define CAP_NOTIFY 0x70
#define CAP_WINDOW 0x84
#define CAP_DATA   (CAP_WINDOW + sizeof(struct virtio_pci_cap))

#define ISR_QUEUE 1

/* ---- interrupts ---- */

static bool intx_asserted(void *ctx)
{
	const struct vpci *v = ctx;

	return __atomic_load_n(&v->isr, __ATOMIC_SEQ_CST) != 0 &&
	       !pci_msix_is_enabled(v->fn);
}

static void intx_eoi(void *ctx)
{
	const struct vpci *v = ctx;

	if (intx_asserted(ctx))
		fd_event_signal(pci_intx_fd(v->fn));
}

/* One notification: by MSI-X if that is on, else by the ISR status and INTx. */
static void notify_driver(struct vpci *v, const uint16_t *vector, uint8_t isr)
{
	if (pci_msix_is_enabled(v->fn)) {
		uint16_t at = __atomic_load_n(vector, __ATOMIC_SEQ_CST);

		if (at != VIRTIO_MSI_NO_VECTOR)
			fd_event_signal(pci_msix_fd(v->fn, at));
		return;
	}
	__atomic_fetch_or(&v->isr, isr, __ATOMIC_SEQ_CST);
	if (pci_intx_is_allowed(v->fn))
		fd_event_signal(pci_intx_fd(v->fn));
}

void vpci_interrupt(struct vpci *v, unsigned int i)
{
	notify_driver(v, &v->queues[i].vector, ISR_QUEUE);
}

void vpci_needs_reset(struct vpci *v)
{
	uint8_t before = __atomic_fetch_or(
	    &v->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_SEQ_CST);

	if ((before & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    !(before & VIRTIO_CONFIG_S_NEEDS_RESET))
		notify_driver(v, &v->config_vector, VIRTIO_PCI_ISR_CONFIG);
}

/* ---- the structures in BAR 0 ---- */

static void read_isr(struct vpci *v, unsigned int off, void *buf,
		     unsigned int len)
{
	(void)off;
	memset(buf, 0, len);
	*(uint8_t *)buf = __atomic_exchange_n(&v->isr, 0, __ATOMIC_SEQ_CST);
}

static void read_config(struct vpci *v, unsigned int off, void *buf,
			unsigned int len)
{
	if (!span_fits(off, len, v->desc.config_len)) {
		memset(buf, 0xff, len);
		return;
	}
	pthread_mutex_lock(&v->lock);
	v->desc.ops->config_read(v->desc.ctx, off, buf, len);
	pthread_mutex_unlock(&v->lock);
}

static void write_config(struct vpci *v, unsigned int off, const void *buf,
			 unsigned int len)
{
	if (!span_fits(off, len, v->desc.config_len))
		return;
	pthread_mutex_lock(&v->lock);
	v->desc.ops->config_write(v->desc.ctx, off, buf, len);
	pthread_mutex_unlock(&v->lock);
}

static void read_notify(struct vpci *v, unsigned int off, void *buf,
			unsigned int len)
{
	(void)v, (void)off;
	memset(buf, 0, len);
}

/* Where KVM does not do it. */
static void write_notify(struct vpci *v, unsigned int off, const void *buf,
			 unsigned int len)
{
	(void)buf, (void)len;
	if (off % NOTIFY_MUL != 0 || off / NOTIFY_MUL >= v->desc.nr_queues)
		return;
	if (v->desc.ops->notify)
		v->desc.ops->notify(v->desc.ctx, off / NOTIFY_MUL);
	else
		fd_event_signal(v->desc.notify_fd);
}

static void write_nothing(struct vpci *v, unsigned int off, const void *buf,
			  unsigned int len)
{
	(void)v, (void)off, (void)buf, (void)len;
}

static const struct structure {
	uint64_t off, len;
	void (*read)(struct vpci *v, unsigned int off, void *buf,
		     unsigned int len);
	void (*write)(struct vpci *v, unsigned int off, const void *buf,
		      unsigned int len);
} structures[] = {
	{ COMMON_OFF, COMMON_LEN, vpci_common_read, vpci_common_write },
	{ ISR_OFF, 1, read_isr, write_nothing },
	{ CONFIG_OFF, VPCI_CONFIG_MAX, read_config, write_config },
	{ NOTIFY_OFF, VPCI_QUEUES_MAX *NOTIFY_MUL, read_notify, write_notify },
};

static const struct structure *find_structure(uint64_t off)
{
	for (size_t i = 0; i < ARRAY_SIZE(structures); i++)
		if (off - structures[i].off < structures[i].len)
			return &structures[i];
	return NULL;
}

static void bar_read(void *ctx, unsigned int bar, uint64_t off, void *buf,
		     unsigned int len)
{
	const struct structure *s =
	    bar == BAR_REGS ? find_structure(off) : NULL;

	if (s)
		s->read(ctx, (unsigned int)(off - s->off), buf, len);
	else
		memset(buf, 0xff, len);
}

static void bar_write(void *ctx, unsigned int bar, uint64_t off,
		      const void *buf, unsigned int len)
{
	const struct structure *s =
	    bar == BAR_REGS ? find_structure(off) : NULL;

	if (s)
		s->write(ctx, (unsigned int)(off - s->off), buf, len);
}

static bool io_fd(void *ctx, unsigned int i, struct pci_io_fd *out)
{
	const struct vpci *v = ctx;

	if (v->desc.ops->notify || i >= v->desc.nr_queues)
		return false;
	*out = (struct pci_io_fd){
		.bar = BAR_REGS,
		.off = NOTIFY_OFF + i * NOTIFY_MUL,
		.fd = v->desc.notify_fd,
	};
	return true;
}

/* ---- config space ---- */

/* A BAR access that the driver asks for by the window's registers. */
struct window {
	unsigned int bar, len;
	uint32_t off;
};

/* False: registers that make no access, which is the driver's fault. */
static bool window_get(struct vpci *v, struct window *w)
{
	const uint8_t *cap = v->caps + CAP_WINDOW;

	pthread_mutex_lock(&v->lock);
	w->bar = cap[VIRTIO_PCI_CAP_BAR];
	w->off = get_le32(cap + VIRTIO_PCI_CAP_OFFSET);
	w->len = get_le32(cap + VIRTIO_PCI_CAP_LENGTH);
	pthread_mutex_unlock(&v->lock);
	return (w->len == 1 || w->len == 2 || w->len == 4) &&
	       w->off % w->len == 0;
}

static void config_read(void *ctx, unsigned int off, void *buf,
			unsigned int len)
{
	struct vpci *v = ctx;
	struct window w;
	uint8_t data[4];

	if (off >= sizeof(v->caps)) {
		memset(buf, 0, len);
		return;
	}
	if (off == CAP_DATA && window_get(v, &w)) {
		pci_bar_read(v->fn, w.bar, w.off, data, w.len);
		pthread_mutex_lock(&v->lock);
		memcpy(v->caps + CAP_DATA, data, w.len);
		pthread_mutex_unlock(&v->lock);
	}
	pthread_mutex_lock(&v->lock);
	memcpy(buf, v->caps + off, len);
	pthread_mutex_unlock(&v->lock);
}

/* Of the window's capability: BAR, offset, length, data. */
static bool window_writable(unsigned int off)
{
	return off == CAP_WINDOW + VIRTIO_PCI_CAP_BAR ||
	       (off >= CAP_WINDOW + VIRTIO_PCI_CAP_OFFSET &&
		off < CAP_WINDOW + sizeof(struct virtio_pci_cfg_cap));
}

static void config_write(void *ctx, unsigned int off, const void *buf,
			 unsigned int len)
{
	const uint8_t *bytes = buf;
	struct vpci *v = ctx;
	struct window w;
	uint8_t data[4];

	pthread_mutex_lock(&v->lock);
	for (unsigned int i = 0; i < len; i++)
		if (window_writable(off + i))
			v->caps[off + i] = bytes[i];
	memcpy(data, v->caps + CAP_DATA, sizeof(data));
	pthread_mutex_unlock(&v->lock);
	if (off == CAP_DATA && window_get(v, &w))
		pci_bar_write(v->fn, w.bar, w.off, data, w.len);
}

static void add_cap(uint8_t *caps, unsigned int at, unsigned int next,
		    uint8_t type, uint32_t off, uint32_t len)
{
	struct virtio_pci_cap cap = {
		.cap_vndr = PCI_CAP_ID_VNDR,
		.cap_next = (uint8_t)next,
		.cap_len = sizeof(cap),
		.cfg_type = type,
		.bar = BAR_REGS,
		.offset = htole32(off),
		.length = htole32(len),
	};

	/* These two are longer by a word. */
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG || type == VIRTIO_PCI_CAP_PCI_CFG)
		cap.cap_len += 4;
	memcpy(caps + at, &cap, sizeof(cap));
}

static void init_caps(struct vpci *v)
{
	const struct vpci_desc *desc = &v->desc;
	unsigned int config = desc->config_len ? CAP_CONFIG : CAP_NOTIFY;
	uint8_t *caps = v->caps;

	add_cap(caps, CAP_COMMON, CAP_ISR, VIRTIO_PCI_CAP_COMMON_CFG,
		COMMON_OFF, COMMON_LEN);
	add_cap(caps, CAP_ISR, config, VIRTIO_PCI_CAP_ISR_CFG, ISR_OFF, 1);
	if (desc->config_len)
		add_cap(caps, CAP_CONFIG, CAP_NOTIFY, VIRTIO_PCI_CAP_DEVICE_CFG,
			CONFIG_OFF, desc->config_len);
	add_cap(caps, CAP_NOTIFY, CAP_WINDOW, VIRTIO_PCI_CAP_NOTIFY_CFG,
		NOTIFY_OFF, desc->nr_queues * NOTIFY_MUL);
	put_le32(caps + CAP_NOTIFY + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_MUL);
	add_cap(caps, CAP_WINDOW, 0, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
}

static void destroy(void *ctx)
{
	struct vpci *v = ctx;

	v->desc.ops->destroy(v->desc.ctx);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static const struct pci_function_ops function_ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_write = config_write,
	.intx_eoi = intx_eoi,
	.intx_asserted = intx_asserted,
	.io_fd = io_fd,
	.destroy = destroy,
};

static void describe(struct vpci *v, struct pci_function_desc *out)
{
	*out = (struct pci_function_desc){
		.name = v->desc.name,
		.bars = {
			[BAR_REGS] = { PCI_BAR_MEM64, false, BAR_SIZE },
			[BAR_MSIX] = { PCI_BAR_MEM32, false, MSIX_SIZE },
		},
		.intx = true,
		/* One for each queue, one for the configuration. */
		.msix_vectors = v->desc.nr_queues + 1,
		.msix_bar = BAR_MSIX,
		.msix_pba_off = MSIX_PBA,
		.ops = &function_ops,
		.ctx = v,
	};
	memcpy(out->config, v->caps, sizeof(out->config));
	put_le16(out->config + PCI_VENDOR_ID, VENDOR_ID);
	put_le16(out->config + PCI_DEVICE_ID,
		 (uint16_t)(DEVICE_ID_BASE + v->desc.device));
	put_le32(out->config + PCI_CLASS_REVISION,
		 v->desc.class_code << 8 | REVISION);
	put_le16(out->config + PCI_SUBSYSTEM_VENDOR_ID, VENDOR_ID);
	put_le16(out->config + PCI_SUBSYSTEM_ID, SUBSYSTEM_ID);
	out->config[PCI_CAPABILITY_LIST] = CAP_COMMON;
}

int vpci_create(struct pci_bus *bus, int devfn, const struct vpci_desc *desc,
		struct vpci **out)
{
	struct pci_function_desc function;
	struct vpci *v;
	int ret;

	if (desc->nr_queues == 0 || desc->nr_queues > VPCI_QUEUES_MAX ||
	    desc->config_len > VPCI_CONFIG_MAX)
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->desc = *desc;
	pthread_mutex_init(&v->lock, NULL);
	vpci_common_init(v);
	init_caps(v);
	describe(v, &function);
	ret = pci_function_add(bus, devfn, &function, &v->fn);
	if (ret)
		goto err_free;
	*out = v;
	return 0;

err_free:
	pthread_mutex_destroy(&v->lock);
	free(v);
	return ret;
}

struct pci_function *vpci_function(struct vpci *v)
{
	return v->fn;
}
