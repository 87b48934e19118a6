// SPDX-License-Identifier: BSD-2-Clause
/* The operations of a port, as wire/port.h specifies them. All of this runs inside
 * an epoch. */
#include <errno.h>
#include <string.h>

#include "base/counter.h"
#include "base/range.h"
#include "dma/port_internal.h"

/* A byte of FILL costs so many of the epoch's: 2 to the power of this. */
#define FILL_COST_SHIFT 7

_Static_assert(DMA_EPOCH_BYTES >> FILL_COST_SHIFT == DMA_EPOCH_FILLS,
	       "a FILL has DMA_EPOCH_FILLS bytes in an epoch");

static uint32_t staging_offset(const struct port_entry *e)
{
	return (uint32_t)e->staging * PORT_STAGING_UNIT;
}

static uint16_t check_staging(struct dma_port *port, const struct ring *ring)
{
	const struct port_entry *e = &ring->entry;

	return span_fits(staging_offset(e), e->len, port->staging_len)
		   ? 0
		   : PORT_E_ENTRY;
}

static int move_staging(struct dma_port *port, struct group *g, uint32_t len,
			unsigned int access)
{
	const struct ring *ring = g->ring;

	return dma_move(&port->master, ring->entry.iova + ring->moved,
			port->staging + staging_offset(&ring->entry) +
			    ring->moved,
			len, access, &g->stop);
}

static int move_read(struct dma_port *port, struct group *g, uint32_t len)
{
	return move_staging(port, g, len, VIOMMU_READ);
}

static int move_write(struct dma_port *port, struct group *g, uint32_t len)
{
	return move_staging(port, g, len, VIOMMU_WRITE);
}

static uint16_t check_fill(struct dma_port *port, const struct ring *ring)
{
	(void)port;
	return dma_fill_stride(&ring->entry) ? 0 : PORT_E_ENTRY;
}

static int move_fill(struct dma_port *port, struct group *g, uint32_t len)
{
	const struct ring *ring = g->ring;
	const uint8_t stride = dma_fill_stride(&ring->entry);

	return dma_fill(&port->master,
			ring->entry.iova + (uint64_t)ring->moved * stride,
			(uint8_t)ring->entry.staging, stride, len, &g->stop);
}

static uint16_t check_send(struct dma_port *port, const struct ring *ring)
{
	const struct port_entry *e = &ring->entry;
	const struct tx *tx = &ring->tx;

	if (!port->backend || !tx->buf)
		return PORT_E_NODEV;
	if (tx->failed)
		return PORT_E_RUN;
	if (e->flags & PORT_F_STAGING && check_staging(port, ring))
		return PORT_E_ENTRY;
	if (e->flags & PORT_F_VNET)
		return e->flags & PORT_F_STAGING && e->len == PORT_VNET_LEN &&
			       !tx->begun
			   ? 0
			   : PORT_E_ENTRY;
	return e->len <= FRAME_LEN_MAX - tx->len ? 0 : PORT_E_ENTRY;
}

static int move_send(struct dma_port *port, struct group *g, uint32_t len)
{
	struct ring *ring = g->ring;
	struct tx *tx = &ring->tx;
	uint8_t *to = dma_tx_at(tx);
	const uint8_t *staging =
	    port->staging + staging_offset(&ring->entry) + ring->moved;
	int ret;

	if (ring->entry.flags & PORT_F_VNET) {
		memcpy(tx->buf + tx->start + ring->moved, staging, len);
		tx->vnet = true;
		return 0;
	}
	if (ring->entry.flags & PORT_F_STAGING) {
		memcpy(to, staging, len);
	} else {
		ret = dma_move(&port->master, ring->entry.iova + ring->moved,
			       to, len, VIOMMU_READ, &g->stop);
		if (unlikely(ret))
			return ret;
	}
	tx->len += len;
	return 0;
}

static uint16_t end_send(struct dma_port *port, struct group *g, uint16_t code)
{
	struct tx *tx = &g->ring->tx;

	(void)port;
	if (!(g->ring->entry.flags & PORT_F_EOP)) {
		tx->failed |= code != 0;
		return code;
	}
	if (!code)
		code = dma_tx_end(g);
	tx->len = 0;
	tx->begun = false;
	tx->failed = false;
	return code;
}

static uint16_t check_recv(struct dma_port *port, const struct ring *ring)
{
	return dma_rx_at(&port->rx, ring->entry.staging, ring->entry.len)
		   ? 0
		   : PORT_E_ENTRY;
}

/* The slot is looked up again: another ring may have given it back while this
 * entry waited for pages. */
static int move_recv(struct dma_port *port, struct group *g, uint32_t len)
{
	const struct port_entry *e = &g->ring->entry;
	uint8_t *from = dma_rx_at(&port->rx, e->staging, len);
	int ret;

	if (!from)
		return -EINVAL;
	if (!(e->flags & PORT_F_SKIP)) {
		ret = dma_move(&port->master, e->iova + g->ring->moved, from,
			       len, VIOMMU_WRITE, &g->stop);
		if (unlikely(ret))
			return ret;
	}
	port->rx.slots[e->staging].at += len;
	return 0;
}

static uint16_t end_recv(struct dma_port *port, struct group *g, uint16_t code)
{
	if (g->ring->entry.flags & PORT_F_EOP)
		dma_rx_put(&port->rx, g->ring->entry.staging);
	return code;
}

static uint16_t check_drop(struct dma_port *port, const struct ring *ring)
{
	return dma_rx_at(&port->rx, ring->entry.staging, 0) &&
		       ring->entry.len == 0
		   ? 0
		   : PORT_E_ENTRY;
}

static uint16_t end_drop(struct dma_port *port, struct group *g, uint16_t code)
{
	if (!code)
		counter_add(&port->master.stats.frames_dropped, 1);
	dma_rx_put(&port->rx, g->ring->entry.staging);
	return code;
}

const struct dma_op dma_ops[NR_DMA_OPS] = {
	[PORT_OP_READ] = {
		.flags = PORT_F_IRQ,
		.access = VIOMMU_READ,
		.check = check_staging,
		.move = move_read,
	},
	[PORT_OP_WRITE] = {
		.flags = PORT_F_IRQ,
		.access = VIOMMU_WRITE,
		.check = check_staging,
		.move = move_write,
	},
	[PORT_OP_FILL] = {
		.flags = PORT_F_IRQ,
		.access = VIOMMU_WRITE,
		.cost_shift = FILL_COST_SHIFT,
		.check = check_fill,
		.move = move_fill,
	},
	[PORT_OP_FETCH] = {
		.flags = PORT_F_IRQ,
		.access = VIOMMU_READ,
		.check = check_staging,
		.move = move_read,
	},
	[PORT_OP_SEND] = {
		.flags = PORT_F_IRQ | PORT_F_EOP | PORT_F_STAGING | PORT_F_VNET,
		.access = VIOMMU_READ,
		.check = check_send,
		.move = move_send,
		.end = end_send,
	},
	[PORT_OP_RECV] = {
		.flags = PORT_F_IRQ | PORT_F_EOP | PORT_F_SKIP,
		.access = VIOMMU_WRITE,
		.check = check_recv,
		.move = move_recv,
		.end = end_recv,
	},
	[PORT_OP_DROP] = {
		.flags = PORT_F_IRQ,
		.check = check_drop,
		.end = end_drop,
	},
};
