// SPDX-License-Identifier: BSD-2-Clause
/*
 * The common configuration structure (VIRTIO 1.3, "Common configuration structure
 * layout"): a table of fields, each read and written by its own width only.
 */
#include "virtio/vpci_internal.h"

#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "base/bytes.h"
#include "dma/vq.h"

/* What the driver sets, and what stays until a reset. */
#define STATUS_DRIVER                                              \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_FAILED)

static uint8_t status(const struct vpci *v)
{
	return __atomic_load_n(&v->status, __ATOMIC_SEQ_CST);
}

static void store_vector(uint16_t *vector, uint32_t value)
{
	__atomic_store_n(vector, (uint16_t)value, __ATOMIC_SEQ_CST);
}

void vpci_common_init(struct vpci *v)
{
	v->device_feature_select = 0;
	v->driver_feature_select = 0;
	v->driver_features = 0;
	v->queue_select = 0;
	store_vector(&v->config_vector, VIRTIO_MSI_NO_VECTOR);
	for (unsigned int i = 0; i < v->desc.nr_queues; i++) {
		struct vpci_queue *q = &v->queues[i];

		q->size = v->desc.queue_size;
		q->enabled = false;
		store_vector(&q->vector, VIRTIO_MSI_NO_VECTOR);
		memset(q->addr, 0, sizeof(q->addr));
	}
}

/* ---- features ---- */

static uint32_t read_device_feature_select(struct vpci *v)
{
	return v->device_feature_select;
}

static void write_device_feature_select(struct vpci *v, uint32_t value)
{
	v->device_feature_select = value;
}

static uint32_t read_device_feature(struct vpci *v)
{
	if (v->device_feature_select > 1)
		return 0;
	return (uint32_t)(v->desc.features >> 32 * v->device_feature_select);
}

static uint32_t read_driver_feature_select(struct vpci *v)
{
	return v->driver_feature_select;
}

static void write_driver_feature_select(struct vpci *v, uint32_t value)
{
	v->driver_feature_select = value;
}

static uint32_t read_driver_feature(struct vpci *v)
{
	if (v->driver_feature_select > 1)
		return 0;
	return (uint32_t)(v->driver_features >> 32 * v->driver_feature_select);
}

/* Bits that can not exist are not kept, and so not refused. */
static void write_driver_feature(struct vpci *v, uint32_t value)
{
	unsigned int shift = 32 * v->driver_feature_select;

	if (v->driver_feature_select > 1 ||
	    (status(v) & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	v->driver_features &= ~(0xffffffffull << shift);
	v->driver_features |= (uint64_t)value << shift;
}

static bool features_are_good(const struct vpci *v)
{
	return !(v->driver_features & ~v->desc.features) &&
	       (v->driver_features & 1ull << VIRTIO_F_VERSION_1);
}

uint64_t vpci_features(const struct vpci *v)
{
	return status(v) & VIRTIO_CONFIG_S_FEATURES_OK ? v->driver_features : 0;
}

/* ---- the whole device ---- */

static uint32_t read_config_vector(struct vpci *v)
{
	return v->config_vector;
}

/* A vector that the table does not have can not be mapped. */
static uint32_t mappable(const struct vpci *v, uint32_t vector)
{
	return vector <= v->desc.nr_queues ? vector : VIRTIO_MSI_NO_VECTOR;
}

static void write_config_vector(struct vpci *v, uint32_t value)
{
	store_vector(&v->config_vector, mappable(v, value));
}

static uint32_t read_num_queues(struct vpci *v)
{
	return v->desc.nr_queues;
}

static uint32_t read_status(struct vpci *v)
{
	return status(v);
}

static void reset(struct vpci *v)
{
	v->desc.ops->reset(v->desc.ctx);
	vpci_common_init(v);
	__atomic_store_n(&v->isr, 0, __ATOMIC_SEQ_CST);
	/* Last: 0 tells the driver that the reset is complete. */
	__atomic_store_n(&v->status, 0, __ATOMIC_SEQ_CST);
}

/* Bits are only ever added; a reset takes them all. */
static void write_status(struct vpci *v, uint32_t value)
{
	uint8_t before = status(v);
	uint8_t add = (uint8_t)(value & ~before & STATUS_DRIVER);

	if (value == 0) {
		reset(v);
		return;
	}
	if (!features_are_good(v))
		add &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((before | add) & VIRTIO_CONFIG_S_FEATURES_OK))
		add &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	__atomic_fetch_or(&v->status, add, __ATOMIC_SEQ_CST);
	if ((add & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    v->desc.ops->start(v->desc.ctx))
		vpci_needs_reset(v);
}

/* Nothing in the device configuration changes but by the driver's writes. */
static uint32_t read_config_generation(struct vpci *v)
{
	(void)v;
	return 0;
}

/* ---- the selected queue ---- */

static struct vpci_queue *selected(struct vpci *v)
{
	if (v->queue_select >= v->desc.nr_queues)
		return NULL;
	return &v->queues[v->queue_select];
}

/* The selected queue if it may still be set up. */
static struct vpci_queue *configurable(struct vpci *v)
{
	struct vpci_queue *q = selected(v);

	if (!q || q->enabled || (status(v) & VIRTIO_CONFIG_S_DRIVER_OK))
		return NULL;
	return q;
}

static uint32_t read_queue_select(struct vpci *v)
{
	return v->queue_select;
}

static void write_queue_select(struct vpci *v, uint32_t value)
{
	v->queue_select = (uint16_t)value;
}

static uint32_t read_queue_size(struct vpci *v)
{
	const struct vpci_queue *q = selected(v);

	return q ? q->size : 0;
}

static void write_queue_size(struct vpci *v, uint32_t value)
{
	struct vpci_queue *q = configurable(v);

	if (q && value && value <= v->desc.queue_size && !(value & (value - 1)))
		q->size = (uint16_t)value;
}

static uint32_t read_queue_vector(struct vpci *v)
{
	const struct vpci_queue *q = selected(v);

	return q ? q->vector : VIRTIO_MSI_NO_VECTOR;
}

static void write_queue_vector(struct vpci *v, uint32_t value)
{
	struct vpci_queue *q = selected(v);

	if (q)
		store_vector(&q->vector, mappable(v, value));
}

static uint32_t read_queue_enable(struct vpci *v)
{
	const struct vpci_queue *q = selected(v);

	return q && q->enabled;
}

/* Only a reset disables a queue. */
static void write_queue_enable(struct vpci *v, uint32_t value)
{
	struct vpci_queue *q = configurable(v);

	if (q && value == 1)
		q->enabled = true;
}

static uint32_t read_queue_notify_off(struct vpci *v)
{
	return selected(v) ? v->queue_select : 0;
}

bool vpci_queue_layout(const struct vpci *v, unsigned int i,
		       struct vq_layout *out)
{
	const struct vpci_queue *q = &v->queues[i];

	*out = (struct vq_layout){
		.size = q->size,
		.desc = q->addr[VPCI_DESC],
		.avail = q->addr[VPCI_AVAIL],
		.used = q->addr[VPCI_USED],
	};
	return q->enabled;
}

/* ---- the table ---- */

static const struct field {
	uint8_t off, len;
	uint32_t (*read)(struct vpci *v);
	void (*write)(struct vpci *v, uint32_t value); /* NULL: read-only */
} fields[] = {
	{ VIRTIO_PCI_COMMON_DFSELECT, 4, read_device_feature_select,
	  write_device_feature_select },
	{ VIRTIO_PCI_COMMON_DF, 4, read_device_feature, NULL },
	{ VIRTIO_PCI_COMMON_GFSELECT, 4, read_driver_feature_select,
	  write_driver_feature_select },
	{ VIRTIO_PCI_COMMON_GF, 4, read_driver_feature, write_driver_feature },
	{ VIRTIO_PCI_COMMON_MSIX, 2, read_config_vector, write_config_vector },
	{ VIRTIO_PCI_COMMON_NUMQ, 2, read_num_queues, NULL },
	{ VIRTIO_PCI_COMMON_STATUS, 1, read_status, write_status },
	{ VIRTIO_PCI_COMMON_CFGGENERATION, 1, read_config_generation, NULL },
	{ VIRTIO_PCI_COMMON_Q_SELECT, 2, read_queue_select,
	  write_queue_select },
	{ VIRTIO_PCI_COMMON_Q_SIZE, 2, read_queue_size, write_queue_size },
	{ VIRTIO_PCI_COMMON_Q_MSIX, 2, read_queue_vector, write_queue_vector },
	{ VIRTIO_PCI_COMMON_Q_ENABLE, 2, read_queue_enable,
	  write_queue_enable },
	{ VIRTIO_PCI_COMMON_Q_NOFF, 2, read_queue_notify_off, NULL },
};

static const struct field *find_field(unsigned int off, unsigned int len)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].off == off && fields[i].len == len)
			return &fields[i];
	return NULL;
}

/* The six words of the selected queue's addresses. */
static bool is_address(unsigned int off, unsigned int len)
{
	return len == 4 && off % 4 == 0 && off >= VIRTIO_PCI_COMMON_Q_DESCLO &&
	       off <= VIRTIO_PCI_COMMON_Q_USEDHI;
}

static void address_word(unsigned int off, unsigned int *area,
			 unsigned int *shift)
{
	unsigned int word = (off - VIRTIO_PCI_COMMON_Q_DESCLO) / 4;

	*area = word / 2;
	*shift = word % 2 * 32;
}

static uint32_t read_address(struct vpci *v, unsigned int off)
{
	const struct vpci_queue *q = selected(v);
	unsigned int area, shift;

	address_word(off, &area, &shift);
	return q ? (uint32_t)(q->addr[area] >> shift) : 0;
}

static void write_address(struct vpci *v, unsigned int off, uint32_t value)
{
	struct vpci_queue *q = configurable(v);
	unsigned int area, shift;

	if (!q)
		return;
	address_word(off, &area, &shift);
	q->addr[area] &= ~(0xffffffffull << shift);
	q->addr[area] |= (uint64_t)value << shift;
}

void vpci_common_read(struct vpci *v, unsigned int off, void *buf,
		      unsigned int len)
{
	const struct field *field = find_field(off, len);
	uint8_t wire[4];

	memset(buf, 0xff, len);
	if (!field && !is_address(off, len))
		return;
	pthread_mutex_lock(&v->lock);
	put_le32(wire, field ? field->read(v) : read_address(v, off));
	pthread_mutex_unlock(&v->lock);
	memcpy(buf, wire, len);
}

void vpci_common_write(struct vpci *v, unsigned int off, const void *buf,
		       unsigned int len)
{
	const struct field *field = find_field(off, len);
	uint8_t wire[4] = { 0 };

	if (field ? !field->write : !is_address(off, len))
		return;
	memcpy(wire, buf, len);
	pthread_mutex_lock(&v->lock);
	if (field)
		field->write(v, get_le32(wire));
	else
		write_address(v, off, get_le32(wire));
	pthread_mutex_unlock(&v->lock);
}
