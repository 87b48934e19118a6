// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames on their way between a port and its backend. No packet is parsed: a
 * vnet header is checked against the length of its frame, and that is all.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/virtio_net.h>

#include "base/bytes.h"
#include "base/counter.h"
#include "base/range.h"
#include "dma/port_internal.h"

#define ETHER_LEN   14
/* Frames that are pulled before the rings get their turn again. */
#define PULL_MAX    128
/* A slot: room for the vnet header, so that the frame itself is aligned; the
 * frame; and zeros. */
#define SLOT_HEAD   64
#define SLOT_STRIDE (SLOT_HEAD + PORT_SLOT_LEN + FRAME_PAD)

_Static_assert(FRAME_PAD >= PORT_FRAME_HEAD, "a head is inside its slot");
_Static_assert(sizeof(struct port_vnet) == BACKEND_VNET_LEN &&
		   sizeof(struct virtio_net_hdr_v1) == PORT_VNET_LEN,
	       "a port's vnet header is a backend's");

int dma_tx_init(struct tx *tx)
{
	/* Touched, so that an epoch meets no page fault in it. */
	tx->buf = malloc(TX_BUF_LEN);
	if (!tx->buf)
		return -ENOMEM;
	memset(tx->buf, 0, TX_BUF_LEN);
	return 0;
}

void dma_tx_fini(struct tx *tx)
{
	free(tx->buf);
	tx->buf = NULL;
}

static bool gso_valid(const struct virtio_net_hdr_v1 *vnet)
{
	switch (vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		/* VIRTIO 1.3, "Packet Transmission": segments need sums. */
		return vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
		       vnet->gso_size != 0;
	default:
		return vnet->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	}
}

/* Is everything that the header points at inside its frame of @len bytes? */
static bool vnet_valid(const uint8_t *head, uint32_t len)
{
	struct virtio_net_hdr_v1 vnet;

	memcpy(&vnet, head, sizeof(vnet));
	if (vnet.flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM || vnet.num_buffers)
		return false;
	if (!gso_valid(&vnet) || le16toh(vnet.hdr_len) > len)
		return false;
	if (!(vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	return span_fits((uint64_t)le16toh(vnet.csum_start) +
			     le16toh(vnet.csum_offset),
			 sizeof(uint16_t), len);
}

uint16_t dma_tx_end(struct group *g)
{
	struct tx *tx = &g->ring->tx;
	const uint32_t len = BACKEND_VNET_LEN + tx->len;

	if (tx->len < ETHER_LEN)
		return PORT_E_ENTRY;
	if (tx->vnet && !vnet_valid(tx->buf + tx->start, tx->len))
		return PORT_E_ENTRY;
	g->frames[g->nr_frames++] = (struct outgoing){
		.start = tx->start,
		.len = len,
		.entry = g->nr,
	};
	tx->start += (uint32_t)align_up(len, FRAME_ALIGN);
	return 0;
}

/* The next epoch finds room behind the frame that this one has left. */
static void move_to_front(struct tx *tx)
{
	if (tx->begun && tx->start > 0)
		memmove(tx->buf, tx->buf + tx->start,
			BACKEND_VNET_LEN + tx->len);
	tx->start = 0;
}

void dma_tx_send(struct dma_port *port, struct group *g)
{
	struct tx *tx = &g->ring->tx;
	struct backend *be = port->backend;
	uint32_t sent = 0;

	for (uint32_t i = 0; i < g->nr_frames; i++) {
		const struct outgoing *frame = &g->frames[i];
		int ret = be->ops->send(be, tx->buf + frame->start, frame->len);

		/* What the backend can not do is the device's mistake; that it
		 * has no room is a cable's. */
		if (ret == -EOPNOTSUPP || ret == -EMSGSIZE) {
			g->outcomes[frame->entry].code = PORT_E_ENTRY;
			g->nr_failed++;
		}
		sent += !ret;
	}
	if (g->nr_frames == 0)
		return;
	move_to_front(tx);
	counter_add(&port->master.stats.frames_sent, sent);
	counter_add(&port->master.stats.frames_dropped, g->nr_frames - sent);
}

int dma_rx_init(struct rx *rx)
{
	/* Pages come with the frames that are put there. */
	rx->data =
	    mmap(NULL, (size_t)PORT_SLOTS * SLOT_STRIDE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rx->data == MAP_FAILED) {
		rx->data = NULL;
		return -errno;
	}
	while (rx->nr_free < PORT_SLOTS) {
		rx->free[rx->nr_free] = (uint16_t)rx->nr_free;
		rx->nr_free++;
	}
	return 0;
}

void dma_rx_fini(struct rx *rx)
{
	if (rx->data)
		(void)munmap(rx->data, (size_t)PORT_SLOTS * SLOT_STRIDE);
	rx->data = NULL;
}

static uint8_t *slot_frame(const struct rx *rx, uint16_t slot)
{
	return rx->data + (size_t)slot * SLOT_STRIDE + SLOT_HEAD;
}

uint8_t *dma_rx_at(struct rx *rx, uint16_t slot, uint32_t len)
{
	const struct slot *s = &rx->slots[slot % PORT_SLOTS];

	if (slot >= PORT_SLOTS || !s->used ||
	    !span_fits(s->at, len, s->len + FRAME_PAD))
		return NULL;
	return slot_frame(rx, slot) + s->at;
}

void dma_rx_put(struct rx *rx, uint16_t slot)
{
	if (slot >= PORT_SLOTS || !rx->slots[slot].used)
		return;
	rx->slots[slot].used = false;
	rx->free[rx->nr_free++] = slot;
}

static void announce(struct dma_port *port, uint16_t slot)
{
	struct rx *rx = &port->rx;
	const uint8_t *frame = slot_frame(rx, slot);
	const uint32_t len = rx->slots[slot].len;
	struct port_frame *out = &port->frames[rx->tail % PORT_SLOTS];
	struct port_frame in = { .len = htole32(len), .slot = htole16(slot) };

	memcpy(&in.vnet, frame - BACKEND_VNET_LEN, BACKEND_VNET_LEN);
	/* Behind a short frame are its zeros. */
	memcpy(in.head, frame, PORT_FRAME_HEAD);
	*out = in;
	shared_store_release(&port->control->frames_tail, ++rx->tail);
}

/* Puts the next frame into the slot on top of the free ones. */
static int pull(struct dma_port *port)
{
	struct rx *rx = &port->rx;
	struct backend *be = port->backend;
	const uint16_t slot = rx->free[rx->nr_free - 1];
	uint8_t *frame = slot_frame(rx, slot);
	ssize_t n;

	n = be->ops->receive(be, frame - BACKEND_VNET_LEN,
			     BACKEND_VNET_LEN + PORT_SLOT_LEN);
	if (n < 0)
		return (int)n;
	rx->nr_free--;
	rx->slots[slot] = (struct slot){
		.used = true,
		.len = (uint32_t)n - BACKEND_VNET_LEN,
	};
	memset(frame + rx->slots[slot].len, 0, FRAME_PAD);
	announce(port, slot);
	counter_add(&port->master.stats.frames_received, 1);
	return 0;
}

bool dma_rx_pull(struct dma_port *port)
{
	struct rx *rx = &port->rx;
	int ret = 0, nr = 0;

	if (!port->frames || !port->backend || rx->ended)
		return false;
	while (nr < PULL_MAX && rx->nr_free > 0) {
		ret = pull(port);
		if (ret == -EMSGSIZE)
			counter_add(&port->master.stats.frames_dropped, 1);
		else if (ret)
			break;
		nr++;
	}
	if (nr > 0)
		dma_port_kick_device(port);
	if (ret && ret != -EAGAIN && ret != -EMSGSIZE) {
		rx->ended = true;
		log_warn("dma", "network backend: receive: %s: no more frames",
			 strerrordesc_np(-ret));
	}
	return nr > 0;
}
