// SPDX-License-Identifier: BSD-2-Clause
#include "bench/viommu_driver.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "bench/nic.h"
#include "bench/place.h"

#include <linux/virtio_config.h>
#include <linux/virtio_iommu.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* VIRTIO 1.3, "Split Virtqueues"; places in the 64 KiB at base. */
#define DESC_OFF    0
#define AVAIL_OFF   0x4000
#define USED_OFF    0x6000
#define REQUEST_OFF 0x8000 /* each in a cache line, its tail behind it */
#define REQUEST_LEN 64
#define TIMEOUT_NS  10000000000ull

static NORETURN void die(const char *what)
{
	fprintf(stderr, "bench: virtio-iommu driver: %s\n", what);
	exit(1);
}

struct location {
	unsigned int bar;
	uint64_t off;
	uint32_t multiplier;
};

/* Walks the capabilities for the structure of @type. */
static struct location find(struct viommu_driver *d, unsigned int type)
{
	unsigned int at = d->config_read(d->ctx, 0x34) & 0xfc;

	for (int i = 0; at && i < 48; i++) {
		uint32_t head = d->config_read(d->ctx, at);

		if ((head & 0xff) == 0x09 && head >> 24 == type)
			return (struct location){
				d->config_read(d->ctx, at + 4) & 0xff,
				d->config_read(d->ctx, at + 8),
				d->config_read(d->ctx, at + 16),
			};
		at = head >> 8 & 0xfc;
	}
	die("a capability is missing");
}

static void write_common(struct viommu_driver *d, struct location common,
			 unsigned int field, uint32_t value, unsigned int len)
{
	d->bar_write(d->ctx, common.bar, common.off + field, value, len);
}

static void negotiate(struct viommu_driver *d, struct location common)
{
	uint32_t low;

	write_common(d, common, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	write_common(d, common, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	write_common(d, common, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	low = d->bar_read(d->ctx, common.bar, common.off + VIRTIO_PCI_COMMON_DF,
			  4);
	/* The device's own features, without those of the ring. */
	write_common(d, common, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_GF, low & 0xffffff, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_GF, 1, 4); /* VERSION_1 */
	write_common(d, common, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	if (!(d->bar_read(d->ctx, common.bar,
			  common.off + VIRTIO_PCI_COMMON_STATUS, 1) &
	      VIRTIO_CONFIG_S_FEATURES_OK))
		die("features refused");
}

static void start_queue(struct viommu_driver *d, struct location common)
{
	uint32_t base = (uint32_t)d->base;
	uint32_t size;

	write_common(d, common, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	size = d->bar_read(d->ctx, common.bar,
			   common.off + VIRTIO_PCI_COMMON_Q_SIZE, 2);
	if (size < 2 * VIOMMU_DRIVER_SLOTS)
		die("the queue is too short");
	d->size = (uint16_t)size;
	write_common(d, common, VIRTIO_PCI_COMMON_Q_DESCLO, base + DESC_OFF, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_DESCHI, 0, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_AVAILLO, base + AVAIL_OFF,
		     4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_AVAILHI, 0, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_USEDLO, base + USED_OFF, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_USEDHI, 0, 4);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_MSIX, 0xffff, 2);
	write_common(d, common, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

void viommu_driver_start(struct viommu_driver *d)
{
	struct location common = find(d, VIRTIO_PCI_CAP_COMMON_CFG);
	struct location notify = find(d, VIRTIO_PCI_CAP_NOTIFY_CFG);
	uint8_t *ram = d->ram + d->base;
	uint32_t queue_off;

	memset(ram, 0, 0x10000);
	d->avail = 0;
	d->published = 0;
	d->notifications = 0;
	negotiate(d, common);
	start_queue(d, common);
	queue_off = d->bar_read(d->ctx, common.bar,
				common.off + VIRTIO_PCI_COMMON_Q_NOFF, 2);
	d->notify_bar = notify.bar;
	d->notify_off = notify.off + (uint64_t)queue_off * notify.multiplier;
	for (unsigned int i = 0; i < VIOMMU_DRIVER_SLOTS; i++) {
		struct vring_desc *desc = (void *)(ram + DESC_OFF);
		uint64_t at = d->base + REQUEST_OFF + i * REQUEST_LEN;

		desc[2 * i] = (struct vring_desc){
			.addr = at,
			.flags = VRING_DESC_F_NEXT,
			.next = (uint16_t)(2 * i + 1),
		};
		desc[2 * i + 1] = (struct vring_desc){
			.len = sizeof(struct virtio_iommu_req_tail),
			.flags = VRING_DESC_F_WRITE,
		};
	}
	put_le16(ram + AVAIL_OFF, VRING_AVAIL_F_NO_INTERRUPT);
	write_common(d, common, VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

static uint8_t *slot_of(struct viommu_driver *d, unsigned int i)
{
	return d->ram + d->base + REQUEST_OFF +
	       (size_t)(i % VIOMMU_DRIVER_SLOTS) * REQUEST_LEN;
}

/* Notifies only if the device asks for it (VIRTIO 1.3, "Available Buffer
 * Notification Suppression"). */
static void publish(struct viommu_driver *d)
{
	uint8_t *ram = d->ram + d->base;

	if (d->published == d->avail)
		return;
	d->published = d->avail;
	__atomic_store_n((uint16_t *)(void *)(ram + AVAIL_OFF + 2), d->avail,
			 __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (get_le16(ram + USED_OFF) & VRING_USED_F_NO_NOTIFY)
		return;
	d->notifications++;
	d->notify(d->ctx, d->notify_bar, d->notify_off);
}

/* Waits until at most @left requests are unanswered. */
static void wait_for(struct viommu_driver *d, unsigned int left)
{
	const uint16_t *used =
	    (const uint16_t *)(void *)(d->ram + d->base + USED_OFF + 2);
	uint64_t start = nic_now_ns();

	while ((uint16_t)(d->avail - __atomic_load_n(used, __ATOMIC_ACQUIRE)) >
	       left) {
		place_wait();
		if (nic_now_ns() - start > TIMEOUT_NS)
			die("no answer");
	}
}

static struct vring_desc *desc_of(struct viommu_driver *d, unsigned int i)
{
	struct vring_desc *desc = (void *)(d->ram + d->base + DESC_OFF);

	return desc + 2 * (size_t)(i % VIOMMU_DRIVER_SLOTS);
}

static void check_answers(struct viommu_driver *d, unsigned int nr)
{
	for (unsigned int i = 1; i <= nr; i++) {
		uint16_t at = (uint16_t)(d->avail - i);

		if (slot_of(d, at)[desc_of(d, at)->len] != VIRTIO_IOMMU_S_OK)
			die("a request was refused");
	}
}

/* Where the next request is to be written; of @len bytes, its tail behind it. */
static void *begin_request(struct viommu_driver *d, size_t len)
{
	struct vring_desc *desc = desc_of(d, d->avail);
	uint8_t *slot = slot_of(d, d->avail);

	if (desc->len != len) {
		desc[0].len = (uint32_t)len;
		desc[1].addr = desc[0].addr + len;
	}
	slot[len] = 0xff;
	return slot;
}

static void queue_request(struct viommu_driver *d)
{
	uint16_t head = (uint16_t)(2 * (d->avail % VIOMMU_DRIVER_SLOTS));

	put_le16(d->ram + d->base + AVAIL_OFF + 4 +
		     2 * (size_t)(d->avail & (d->size - 1)),
		 head);
	d->avail++;
	if (d->avail % VIOMMU_DRIVER_BATCH)
		return;
	publish(d);
	/* The other half's slots are free once its answers are there. */
	wait_for(d, VIOMMU_DRIVER_BATCH);
}

void viommu_driver_flush(struct viommu_driver *d)
{
	publish(d);
	wait_for(d, 0);
	check_answers(d, MIN(d->avail, VIOMMU_DRIVER_SLOTS));
}

/* Bytes before the tail, which the device writes. */
#define REQ_LEN(name) offsetof(struct virtio_iommu_req_##name, tail)

void viommu_driver_attach(struct viommu_driver *d, uint32_t domain,
			  uint32_t endpoint)
{
	struct virtio_iommu_req_attach *req = begin_request(d, REQ_LEN(attach));

	memset(req, 0, REQ_LEN(attach));
	req->head.type = VIRTIO_IOMMU_T_ATTACH;
	req->domain = htole32(domain);
	req->endpoint = htole32(endpoint);
	queue_request(d);
	viommu_driver_flush(d);
}

void viommu_driver_map(struct viommu_driver *d, uint32_t domain, uint64_t iova,
		       uint64_t len, uint64_t gpa)
{
	struct virtio_iommu_req_map *req = begin_request(d, REQ_LEN(map));

	req->head =
	    (struct virtio_iommu_req_head){ .type = VIRTIO_IOMMU_T_MAP };
	req->domain = htole32(domain);
	req->virt_start = htole64(iova);
	req->virt_end = htole64(iova + len - 1);
	req->phys_start = htole64(gpa);
	req->flags =
	    htole32(VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE);
	queue_request(d);
}

void viommu_driver_unmap(struct viommu_driver *d, uint32_t domain,
			 uint64_t iova, uint64_t len)
{
	struct virtio_iommu_req_unmap *req = begin_request(d, REQ_LEN(unmap));

	req->head =
	    (struct virtio_iommu_req_head){ .type = VIRTIO_IOMMU_T_UNMAP };
	req->domain = htole32(domain);
	req->virt_start = htole64(iova);
	req->virt_end = htole64(iova + len - 1);
	memset(req->reserved, 0, sizeof(req->reserved));
	queue_request(d);
}
