// SPDX-License-Identifier: BSD-2-Clause
/* Frames of any kind: of several descriptors, with offloads and tags. */

#include <string.h>

#include "base/range.h"
#include "devices/e1000/e1000_internal.h"

#define RING E1000_RING_TX

static uint32_t run_staging(const struct e1000 *dev,
			    const struct e1000_tx_run *run)
{
	return (uint32_t)(run - dev->tx.runs) * E1000_TX_RUN_LEN;
}

uint32_t e1000_tx_fetch_staging(const struct e1000 *dev,
				const struct e1000_tx_run *run)
{
	return run_staging(dev, run) + E1000_TX_CARRY * E1000_DESC_LEN;
}

struct e1000_tx_desc *e1000_tx_descs(const struct e1000 *dev,
				     const struct e1000_tx_run *run)
{
	uint8_t *area = dev->staging + run_staging(dev, run);

	return (struct e1000_tx_desc *)(void *)area + E1000_TX_CARRY -
	       run->carried;
}

static uint32_t slot_staging(const struct e1000 *dev,
			     const struct e1000_tx_run *run,
			     const struct e1000_tx_frame *frame)
{
	return run_staging(dev, run) + E1000_TX_SLOTS +
	       (uint32_t)(frame - run->frames) * E1000_TX_SLOT_LEN;
}

static bool is_context(uint32_t lower)
{
	return (lower & E1000_TXD_DEXT) &&
	       (lower & E1000_TXD_DTYP) != E1000_TXD_DTYP_DATA;
}

/* Bytes of the frame that a descriptor holds. */
static uint32_t data_len(uint32_t lower)
{
	if (!(lower & E1000_TXD_DEXT))
		return lower & E1000_TXD_LEN_LEGACY;
	return is_context(lower) ? 0 : lower & E1000_TXD_LEN_EXTENDED;
}

/* ---- planning ---- */

/*
 * Posts the reads of the frame's first `head` bytes, each piece to a place of
 * its own in the slot. Headers in more than a few pieces: the frame is dropped.
 */
static void read_head(struct e1000 *dev, struct e1000_tx_run *run,
		      struct e1000_tx_frame *frame)
{
	const struct e1000_tx_desc *desc =
	    e1000_tx_descs(dev, run) + frame->first;
	uint32_t at = slot_staging(dev, run, frame) + E1000_TX_SLOT_HEAD;
	uint32_t left = frame->head;

	for (uint32_t i = 0; i < frame->nr && left > 0; i++) {
		uint32_t len = MIN(data_len(le32toh(desc[i].lower)), left);

		if (len == 0)
			continue;
		if (frame->nr_reads == E1000_TX_READS_MAX) {
			frame->drop = true;
			return;
		}
		e1000_post(dev, RING, PORT_OP_READ, le64toh(desc[i].addr), len,
			   at, 0);
		if (frame->nr_reads++ == 0)
			frame->read_seq = e1000_last_posted(dev, RING);
		at += (uint32_t)align_up(len, PORT_STAGING_UNIT);
		left -= len;
	}
}

static void plan_frame(struct e1000 *dev, struct e1000_tx_run *run,
		       struct e1000_tx_frame *frame)
{
	const struct e1000_tx_desc *desc = e1000_tx_descs(dev, run);
	const struct e1000_tx_desc *last = desc + frame->first + frame->nr - 1;

	frame->tagged = (le32toh(last->lower) & E1000_TXD_VLE) &&
			(e1000_reg(dev, E1000_CTRL) & E1000_CTRL_VME);
	frame->tci =
	    (uint16_t)(le32toh(last->upper) >> E1000_TXD_SPECIAL_SHIFT);
	frame->drop =
	    frame->len == 0 || e1000_offload_check(&frame->offload, frame->len);
	if (frame->tagged && frame->len < E1000_TAG_OFF)
		frame->drop = true;
	if (!frame->offload.segment && frame->len > E1000_TX_FRAME_MAX)
		frame->drop = true;
	if (frame->drop)
		return;

	frame->head = e1000_offload_head(&frame->offload);
	/* A tag would go into the middle of what is staged: stage that too. */
	if (frame->head > 0 && frame->tagged)
		frame->head = MAX(frame->head, (uint32_t)E1000_TAG_OFF);
	read_head(dev, run, frame);
}

/* Carried descriptors go in front of those that were fetched. */
static void take_carry(struct e1000 *dev, struct e1000_tx_run *run)
{
	struct e1000_tx *tx = &dev->tx;

	run->carried = tx->nr_carry;
	run->nr += tx->nr_carry;
	run->first = (run->first + tx->nr - tx->nr_carry) % tx->nr;
	memcpy(e1000_tx_descs(dev, run), tx->carry,
	       tx->nr_carry * sizeof(tx->carry[0]));
	tx->nr_carry = 0;
}

static void leave_carry(struct e1000 *dev, struct e1000_tx_run *run)
{
	struct e1000_tx *tx = &dev->tx;
	uint32_t rest = run->nr - run->used;

	if (rest > E1000_TX_CARRY) {
		tx->discard = true;
		run->used = run->nr;
		return;
	}
	memcpy(tx->carry, e1000_tx_descs(dev, run) + run->used,
	       rest * sizeof(tx->carry[0]));
	tx->nr_carry = rest;
}

static void open_frame(struct e1000_tx *tx, struct e1000_tx_frame *frame,
		       const struct e1000_tx_desc *desc, uint32_t i)
{
	memset(frame, 0, sizeof(*frame));
	frame->first = (uint16_t)i;
	e1000_offload_parse(&frame->offload, desc, &tx->context);
}

void e1000_tx_plan(struct e1000 *dev, struct e1000_tx_run *run)
{
	struct e1000_tx *tx = &dev->tx;
	struct e1000_tx_frame *frame = NULL;
	const struct e1000_tx_desc *desc;

	take_carry(dev, run);
	desc = e1000_tx_descs(dev, run);
	run->nr_frames = 0;
	run->used = 0;
	for (uint32_t i = 0; i < run->nr; i++) {
		uint32_t lower = le32toh(desc[i].lower);

		if (tx->discard) {
			tx->discard =
			    is_context(lower) || !(lower & E1000_TXD_EOP);
			run->used = i + 1;
			continue;
		}
		if (is_context(lower)) {
			tx->context = desc[i];
			tx->segmented += (lower & E1000_TXD_TSE) != 0;
			if (!frame)
				run->used = i + 1;
			continue;
		}
		if (!frame) {
			frame = &run->frames[run->nr_frames];
			open_frame(tx, frame, &desc[i], i);
		}
		frame->len += data_len(lower);
		if (!(lower & E1000_TXD_EOP))
			continue;
		frame->nr = (uint16_t)(i + 1 - frame->first);
		plan_frame(dev, run, frame);
		run->reading |= frame->nr_reads > 0;
		run->nr_frames++;
		run->used = i + 1;
		frame = NULL;
	}
	leave_carry(dev, run);
	run->context = tx->context;
	if (run->reading)
		run->seq = e1000_last_posted(dev, RING);
}

void e1000_tx_read_failed(struct e1000_tx_run *run, uint32_t seq)
{
	for (uint32_t i = 0; i < run->nr_frames; i++) {
		struct e1000_tx_frame *frame = &run->frames[i];

		if (seq - frame->read_seq < frame->nr_reads)
			frame->drop = true;
	}
}

/* ---- sending ---- */

/* What is left to post of a frame, whose last piece ends it. */
struct pieces {
	struct e1000 *dev;
	const struct e1000_tx_desc *desc; /* the one that is next */
	uint32_t used;			  /* bytes of it that are behind us */
	uint32_t left; /* bytes of guest memory left to post */
};

static uint8_t end_flag(const struct pieces *p)
{
	return p->left == 0 ? PORT_F_EOP : 0;
}

/* The next @len bytes of guest memory, to be sent or, as they are staged,
 * passed over. They are there: descriptors hold all that is left. */
static void pass(struct pieces *p, uint32_t len, bool post)
{
	while (len > 0) {
		uint32_t lower = le32toh(p->desc->lower);
		uint32_t nr = MIN(data_len(lower) - p->used, len);

		len -= nr;
		p->left -= nr;
		if (nr > 0 && post)
			e1000_post(p->dev, RING, PORT_OP_SEND,
				   le64toh(p->desc->addr) + p->used, nr, 0,
				   end_flag(p));
		p->used += nr;
		if (p->used == data_len(lower)) {
			p->desc++;
			p->used = 0;
		}
	}
}

static void post_staged(struct pieces *p, uint32_t at, uint32_t len)
{
	e1000_post(p->dev, RING, PORT_OP_SEND, 0, len, at,
		   PORT_F_STAGING | end_flag(p));
}

/* Makes one piece of those that were read, from the first on. */
static void join_head(const struct e1000_tx_frame *frame,
		      const struct e1000_tx_desc *desc, uint8_t *head)
{
	uint32_t from = 0, to = 0;

	for (; to < frame->head; desc++) {
		uint32_t len =
		    MIN(data_len(le32toh(desc->lower)), frame->head - to);

		memmove(head + to, head + from, len);
		from += (uint32_t)align_up(len, PORT_STAGING_UNIT);
		to += len;
	}
}

static void make_tag(const struct e1000 *dev,
		     const struct e1000_tx_frame *frame, uint8_t *tag)
{
	uint32_t type = e1000_reg(dev, E1000_VET);

	tag[0] = (uint8_t)(type >> 8);
	tag[1] = (uint8_t)type;
	tag[2] = (uint8_t)(frame->tci >> 8);
	tag[3] = (uint8_t)frame->tci;
}

/* The front of the frame, as far as it comes from staging, and the tag. */
static void send_front(struct pieces *p, const struct e1000_tx_frame *frame,
		       uint32_t slot, uint32_t tag_len)
{
	uint8_t *head = p->dev->staging + slot + E1000_TX_SLOT_HEAD;

	if (frame->head > 0) {
		pass(p, frame->head, false);
		if (frame->tagged) {
			memmove(head + E1000_TAG_OFF + E1000_TAG_LEN,
				head + E1000_TAG_OFF,
				frame->head - E1000_TAG_OFF);
			make_tag(p->dev, frame, head + E1000_TAG_OFF);
		}
		post_staged(p, slot + E1000_TX_SLOT_HEAD,
			    frame->head + tag_len);
	} else if (frame->tagged) {
		pass(p, E1000_TAG_OFF, true);
		make_tag(p->dev, frame, head);
		post_staged(p, slot + E1000_TX_SLOT_HEAD, E1000_TAG_LEN);
	}
}

/* A short frame is not padded (TCTL.PSP): a wire needs that, and there is none.
 * passt takes padding for data. */
static void send_frame(struct e1000 *dev, const struct e1000_tx_run *run,
		       const struct e1000_tx_frame *frame)
{
	const struct e1000_tx_desc *desc =
	    e1000_tx_descs(dev, run) + frame->first;
	uint32_t slot = slot_staging(dev, run, frame);
	uint8_t *head = dev->staging + slot + E1000_TX_SLOT_HEAD;
	uint32_t tag_len = frame->tagged ? E1000_TAG_LEN : 0;
	struct pieces p = { .dev = dev, .desc = desc, .left = frame->len };
	struct port_vnet vnet;

	if (frame->head > 0) {
		join_head(frame, desc, head);
		e1000_offload_fix(&frame->offload, head, frame->len);
	}
	if (e1000_offload_vnet(&frame->offload, head, frame->len, tag_len,
			       &vnet)) {
		memcpy(dev->staging + slot, &vnet, PORT_VNET_LEN);
		e1000_post(dev, RING, PORT_OP_SEND, 0, PORT_VNET_LEN, slot,
			   PORT_F_STAGING | PORT_F_VNET);
	}
	send_front(&p, frame, slot, tag_len);
	pass(&p, p.left, true);
}

static void count_frame(struct e1000_counts *counts,
			const struct e1000_tx_frame *frame)
{
	uint32_t nr = e1000_offload_segments(&frame->offload, frame->len);
	uint32_t tag_len = frame->tagged ? E1000_TAG_LEN : 0;
	uint32_t full = frame->offload.head_len + frame->offload.mss, last;

	last = frame->len - (nr - 1) * frame->offload.mss;
	last = MAX(last + tag_len, (uint32_t)E1000_FRAME_MIN);
	if (nr > 1)
		e1000_counts_add(counts, nr - 1,
				 full + tag_len + E1000_FCS_LEN);
	e1000_counts_add(counts, 1, last + E1000_FCS_LEN);
}

void e1000_tx_send_frames(struct e1000 *dev, struct e1000_tx_run *run)
{
	for (uint32_t i = 0; i < run->nr_frames; i++) {
		if (run->frames[i].drop)
			continue;
		send_frame(dev, run, &run->frames[i]);
		count_frame(&dev->tx.counts, &run->frames[i]);
	}
}
