// SPDX-License-Identifier: BSD-2-Clause
/* The receive ring: frames are filtered, put into buffers and reported. */

#include <string.h>

#include "devices/e1000/e1000_internal.h"
#include "devices/e1000/filter.h"

#define RING E1000_RING_RX

#define HEADER_LEN    14   /* addresses and type */
#define WIRE_MAX      1522 /* unless RCTL.LPE, check sequence included */
#define WIRE_MAX_LONG 16384
#define EXTRA_ENTRIES 2 /* a tag cuts the first buffer's piece in three */

void e1000_rx_load(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;

	rx->base = (uint64_t)e1000_reg(dev, E1000_RDBAH) << 32 |
		   (e1000_reg(dev, E1000_RDBAL) & E1000_RING_BASE_MASK);
	rx->nr = (e1000_reg(dev, E1000_RDLEN) & E1000_RING_LEN_MASK) /
		 E1000_DESC_LEN;
	rx->next = dev->state->rx_head;
	rx->fetch_next = rx->next;
	rx->on =
	    (e1000_reg(dev, E1000_RCTL) & E1000_RCTL_EN) && rx->next < rx->nr;
}

static void take_errors(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;
	struct port_error error;

	rx->done = port_done(dev->port, RING);
	while (port_take_error(dev->port, RING, &error)) {
		/* A frame that its buffer did not take is the driver's loss:
		 * the chip would not have noticed, either. */
		if (rx->fetching && error.seq == rx->fetch_seq)
			rx->fetch_failed = true;
	}
}

static void set_head(struct e1000 *dev, uint32_t head)
{
	dev->state->rx_head = head;
	e1000_set_reg(dev, E1000_RDH, head);
}

/* Shows the driver how far its descriptors are done. */
static bool follow_head(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;

	if (!rx->mark_set || !e1000_seq_done(rx->done, rx->mark_seq))
		return false;
	set_head(dev, rx->mark_next);
	rx->mark_set = rx->mark_next != rx->next;
	rx->mark_seq = e1000_last_posted(dev, RING);
	rx->mark_next = rx->next;
	return true;
}

void e1000_rx_stop(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;

	port_drain(dev->port, RING);
	take_errors(dev);
	if (rx->mark_set)
		set_head(dev, rx->next);
	rx->mark_set = false;
	rx->fetching = false;
	rx->fetch_failed = false;
	rx->cache_head = rx->cache_tail;
}

/* ---- buffers ---- */

static uint32_t cached(const struct e1000_rx *rx)
{
	return rx->cache_tail - rx->cache_head;
}

bool e1000_rx_wants(const struct e1000 *dev, uint32_t tail)
{
	const struct e1000_rx *rx = &dev->rx;

	return rx->on && tail < rx->nr && tail != rx->fetch_next &&
	       !rx->fetching && cached(rx) + E1000_RX_FETCH <= E1000_RX_CACHE;
}

static void fetch(struct e1000 *dev, uint32_t tail)
{
	struct e1000_rx *rx = &dev->rx;
	uint32_t end = tail > rx->fetch_next ? tail : rx->nr;

	rx->fetch_nr = MIN(end - rx->fetch_next, (uint32_t)E1000_RX_FETCH);
	rx->fetching = true;
	rx->fetch_failed = false;
	e1000_post(dev, RING, PORT_OP_FETCH,
		   rx->base + (uint64_t)rx->fetch_next * E1000_DESC_LEN,
		   rx->fetch_nr * E1000_DESC_LEN, E1000_STAGING_RX, 0);
	rx->fetch_seq = e1000_last_posted(dev, RING);
	rx->fetch_next = (rx->fetch_next + rx->fetch_nr) % rx->nr;
}

static bool finish_fetch(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;
	const uint8_t *desc = dev->staging + E1000_STAGING_RX;

	if (!rx->fetching || !e1000_seq_done(rx->done, rx->fetch_seq))
		return false;
	rx->fetching = false;
	/* Of descriptors that can not be read the buffers are not known: address
	 * 0 is as good as any, and what is not granted takes nothing. */
	for (uint32_t i = 0; i < rx->fetch_nr; i++)
		rx->buffers[rx->cache_tail++ % E1000_RX_CACHE] =
		    rx->fetch_failed ? 0 : get_le64(desc + i * E1000_DESC_LEN);
	return true;
}

static uint32_t buffer_len(uint32_t rctl)
{
	uint32_t size = 2048u >> (rctl >> E1000_RCTL_BSIZE_SHIFT & 3);

	/* With BSEX, 2048 is reserved: taken as without. */
	return (rctl & E1000_RCTL_BSEX) && size < 2048 ? size * 16 : size;
}

/* ---- frames ---- */

/* One frame on its way into buffers. */
struct delivery {
	uint32_t len;	  /* bytes that the driver gets */
	uint32_t buffer;  /* bytes of each buffer */
	uint32_t nr;	  /* buffers */
	bool strip;	  /* the tag goes into the descriptor */
	uint64_t written; /* of the last descriptor, less length and EOP */
};

static void drop(struct e1000 *dev, const struct port_frame *frame)
{
	e1000_post(dev, RING, PORT_OP_DROP, 0, 0, le16toh(frame->slot), 0);
}

static void drop_missed(struct e1000 *dev, const struct port_frame *frame)
{
	drop(dev, frame);
	e1000_stats_add(dev->regs, E1000_MPC, 1);
	irqline_raise(dev->irq, E1000_ICR_RXO);
}

/* False if the frame is not for this station; it is then counted if it should. */
static bool examine(struct e1000 *dev, const struct port_frame *frame,
		    struct delivery *d)
{
	uint32_t rctl = e1000_reg(dev, E1000_RCTL);
	uint32_t len = le32toh(frame->len), wire = len + E1000_FCS_LEN;
	const uint8_t *head = frame->head;
	enum e1000_match match;

	if (len < HEADER_LEN) {
		e1000_stats_add(dev->regs, E1000_RUC, 1);
		return false;
	}
	if (wire > (rctl & E1000_RCTL_LPE ? WIRE_MAX_LONG : WIRE_MAX)) {
		e1000_stats_add(dev->regs, E1000_ROC, 1);
		return false;
	}
	match = e1000_filter(dev->regs, rctl, head);
	if (match == E1000_MATCH_NONE)
		return false;

	wire = MAX(wire, (uint32_t)E1000_FRAME_MIN + E1000_FCS_LEN);
	d->strip = (e1000_reg(dev, E1000_CTRL) & E1000_CTRL_VME) &&
		   e1000_filter_tagged(dev->regs, head);
	d->len = wire - (rctl & E1000_RCTL_SECRC ? E1000_FCS_LEN : 0) -
		 (d->strip ? E1000_TAG_LEN : 0);
	d->buffer = buffer_len(rctl);
	d->nr = (d->len + d->buffer - 1) / d->buffer;

	d->written = (uint64_t)(E1000_RXD_STAT_DD | E1000_RXD_STAT_IXSM)
		     << E1000_RXD_STATUS_SHIFT;
	if (match == E1000_MATCH_HASH)
		d->written |= (uint64_t)E1000_RXD_STAT_PIF
			      << E1000_RXD_STATUS_SHIFT;
	if (d->strip)
		d->written |= (uint64_t)E1000_RXD_STAT_VP
				  << E1000_RXD_STATUS_SHIFT |
			      (uint64_t)(head[E1000_TAG_OFF + 2] << 8 |
					 head[E1000_TAG_OFF + 3])
				  << E1000_RXD_SPECIAL_SHIFT;
	return true;
}

static void count(struct e1000 *dev, const struct port_frame *frame)
{
	struct e1000_counts *counts = &dev->rx.counts;
	uint32_t len = MAX(le32toh(frame->len), (uint32_t)E1000_FRAME_MIN);

	e1000_counts_add(counts, 1, len + E1000_FCS_LEN);
	if (!(frame->head[0] & 1))
		return;
	if (get_le32(frame->head) == 0xffffffff)
		counts->broadcast++;
	else
		counts->multicast++;
}

/* Where in staging the next entry of the ring may keep what it writes: as long
 * as the entry is incomplete nobody else gets the same place. */
static uint32_t write_staging(const struct e1000 *dev)
{
	return E1000_STAGING_RX + E1000_RX_WRITES +
	       port_posted_count(dev->port, RING) % E1000_RX_ENTRIES *
		   PORT_STAGING_UNIT;
}

static void receive_piece(struct e1000 *dev, uint64_t addr, uint32_t len,
			  uint16_t slot, uint8_t flags)
{
	e1000_post(dev, RING, PORT_OP_RECV, addr, len, slot, flags);
}

static void fill_buffer(struct e1000 *dev, const struct delivery *d,
			uint64_t addr, uint32_t len, uint16_t slot, bool first,
			bool last)
{
	uint32_t before = 0;

	if (first && d->strip) {
		before = E1000_TAG_OFF;
		receive_piece(dev, addr, before, slot, 0);
		receive_piece(dev, 0, E1000_TAG_LEN, slot, PORT_F_SKIP);
	}
	receive_piece(dev, addr + before, len - before, slot,
		      last ? PORT_F_EOP : 0);
}

static void deliver(struct e1000 *dev, const struct port_frame *frame,
		    const struct delivery *d)
{
	struct e1000_rx *rx = &dev->rx;
	uint16_t slot = le16toh(frame->slot);

	for (uint32_t i = 0; i < d->nr; i++) {
		bool last = i == d->nr - 1;
		uint32_t len = last ? d->len - i * d->buffer : d->buffer;
		uint64_t addr = rx->buffers[rx->cache_head++ % E1000_RX_CACHE];
		uint64_t written = d->written | len;
		uint32_t at;

		if (last)
			written |= (uint64_t)E1000_RXD_STAT_EOP
				   << E1000_RXD_STATUS_SHIFT;
		fill_buffer(dev, d, addr, len, slot, i == 0, last);
		/* One aligned store of 8 bytes: status comes with the rest. */
		at = write_staging(dev);
		put_le64(dev->staging + at, written);
		e1000_post(dev, RING, PORT_OP_WRITE,
			   rx->base + (uint64_t)rx->next * E1000_DESC_LEN +
			       E1000_RXD_WRITTEN_OFF,
			   8, at, last ? PORT_F_IRQ : 0);
		rx->next = (rx->next + 1) % rx->nr;
	}
	count(dev, frame);
}

/* False if the frame has to wait, for buffers or for room in the ring. */
static bool take_up(struct e1000 *dev, const struct port_frame *frame)
{
	struct e1000_rx *rx = &dev->rx;
	uint32_t room = port_room(dev->port, RING);
	struct delivery d;

	rx->needs_room = room == 0;
	if (rx->needs_room)
		return false;
	if (!rx->on || !examine(dev, frame, &d)) {
		drop(dev, frame);
		return true;
	}
	if (d.nr >= rx->nr) {
		drop_missed(dev, frame); /* there will never be enough */
		return true;
	}
	if (d.nr > cached(rx))
		return false;
	rx->needs_room = 2 * d.nr + EXTRA_ENTRIES > room;
	if (rx->needs_room)
		return false;
	deliver(dev, frame, &d);
	return true;
}

/* The driver wants to know when buffers become few. */
static void warn_if_few(struct e1000 *dev, uint32_t before, uint32_t tail)
{
	struct e1000_rx *rx = &dev->rx;
	uint32_t shift =
	    1 + (e1000_reg(dev, E1000_RCTL) >> E1000_RCTL_RDMTS_SHIFT & 3);
	uint32_t few = rx->nr >> shift;

	if (tail >= rx->nr || before >= rx->nr)
		return;
	if ((tail + rx->nr - before) % rx->nr > few &&
	    (tail + rx->nr - rx->next) % rx->nr <= few)
		irqline_raise(dev->irq, E1000_ICR_RXDMT0);
}

static void take_frames(struct e1000 *dev)
{
	struct e1000_rx *rx = &dev->rx;

	for (unsigned int i = 0; i < E1000_RX_FRAMES; i++) {
		if (!rx->waiting && !port_take_frame(dev->port, &rx->frame))
			return;
		rx->waiting = !take_up(dev, &rx->frame);
		if (rx->waiting)
			return;
	}
}

bool e1000_rx_poll(struct e1000 *dev, uint32_t tail)
{
	struct e1000_rx *rx = &dev->rx;
	uint32_t before = port_posted_count(dev->port, RING);
	uint32_t next = rx->next;
	bool any;

	take_errors(dev);
	any = follow_head(dev);
	any |= finish_fetch(dev);
	if (e1000_rx_wants(dev, tail) && port_room(dev->port, RING) > 0)
		fetch(dev, tail);
	take_frames(dev);
	e1000_stats_add_received(dev->regs, &rx->counts);
	if (port_posted_count(dev->port, RING) == before)
		return any;

	if (next != rx->next) {
		warn_if_few(dev, next, tail);
		if (!rx->mark_set) {
			rx->mark_set = true;
			rx->mark_seq = e1000_last_posted(dev, RING);
			rx->mark_next = rx->next;
		}
	}
	port_submit(dev->port, RING);
	return true;
}

void e1000_rx_wait(struct e1000 *dev, struct port_wait *wait)
{
	struct e1000_rx *rx = &dev->rx;

	/* A frame that waits keeps others from being taken; one that waits for
	 * buffers is helped by a doorbell only. */
	wait->frames = !rx->waiting;
	if (rx->fetching)
		wait->wake_at[RING] = rx->fetch_seq + 1;
	else if (rx->mark_set)
		wait->wake_at[RING] = rx->mark_seq + 1;
	else if (rx->waiting && rx->needs_room)
		wait->wake_at[RING] = port_posted_count(dev->port, RING);
	else
		return;
	wait->rings |= 1u << RING;
}
