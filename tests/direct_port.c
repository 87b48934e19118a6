// SPDX-License-Identifier: BSD-2-Clause
#include "tests/direct_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/range.h"

#define FRAME_PAD 64

struct ring {
	struct port_entry *entries; /* owned */
	struct port_error *errors;  /* owned */
	uint32_t nr, cause;
	uint32_t posted, done;
	uint32_t errors_put, errors_taken;
	/* The frame that is being sent. */
	bool failed;
	uint32_t len;
	struct port_vnet vnet;
	uint8_t frame[DIRECT_FRAME_MAX];
};

struct slot {
	bool used;
	uint32_t len, at;
	uint8_t data[PORT_SLOT_LEN + FRAME_PAD];
};

struct port {
	uint8_t *ram; /* borrowed */
	size_t ram_len;
	uint32_t *regs;	  /* owned */
	uint8_t *state;	  /* owned */
	uint8_t *staging; /* owned */
	uint32_t staging_len;
	struct irqline irqline;
	struct ring rings[PORT_RINGS_MAX];
	uint32_t nr_rings;
	bool hold;

	struct slot slots[PORT_SLOTS];
	struct port_frame frames[PORT_SLOTS];
	uint32_t frames_put, frames_taken;
	struct port_posted posted[PORT_POSTED_NR];
	uint32_t posted_put, posted_acked;

	direct_sent *sent;
	void *ctx;
};

static bool init_ring(struct ring *ring, uint32_t nr, uint32_t cause)
{
	ring->nr = nr;
	ring->cause = cause;
	ring->entries = calloc(nr, sizeof(*ring->entries));
	ring->errors = calloc(nr, sizeof(*ring->errors));
	return ring->entries && ring->errors;
}

struct port *direct_port_create(const struct vfio_user_pv_port_info *info,
				uint8_t *ram, size_t ram_len)
{
	struct port *port = calloc(1, sizeof(*port));
	bool fine = port;

	if (!port)
		return NULL;
	port->ram = ram;
	port->ram_len = ram_len;
	port->staging_len = info->staging_len;
	port->nr_rings = info->nr_rings;
	port->regs = calloc(1, info->regs_len);
	port->state = calloc(1, info->state_len);
	port->staging = aligned_alloc(64, info->staging_len);
	fine &= port->regs && port->state && port->staging;
	for (uint32_t i = 0; i < info->nr_rings; i++)
		fine &= init_ring(&port->rings[i], info->ring_entries[i],
				  info->ring_irq_cause[i]);
	if (!fine) {
		direct_port_destroy(port);
		return NULL;
	}
	memset(port->staging, 0, info->staging_len);
	port->irqline = (struct irqline){
		.cause = &port->regs[info->irq_cause_off / 4],
		.mask = &port->regs[info->irq_mask_off / 4],
		.fd = -1,
	};
	return port;
}

void direct_port_destroy(struct port *port)
{
	if (!port)
		return;
	for (uint32_t i = 0; i < port->nr_rings; i++) {
		free(port->rings[i].entries);
		free(port->rings[i].errors);
	}
	free(port->regs);
	free(port->state);
	free(port->staging);
	free(port);
}

void direct_port_on_sent(struct port *port, direct_sent *sent, void *ctx)
{
	port->sent = sent;
	port->ctx = ctx;
}

void direct_port_hold(struct port *port, bool hold)
{
	port->hold = hold;
	if (!hold)
		direct_port_run(port, PORT_ENTRIES_MAX);
}

/* ---- operations: 0 or PORT_E_* ---- */

static uint16_t do_copy(struct port *port, const struct port_entry *e)
{
	uint8_t *staging = port->staging + e->staging * PORT_STAGING_UNIT;

	if (!span_fits((uint64_t)e->staging * PORT_STAGING_UNIT, e->len,
		       port->staging_len))
		return PORT_E_ENTRY;
	if (!span_fits(e->iova, e->len, port->ram_len))
		return PORT_E_FAULT;
	if (e->op == PORT_OP_WRITE)
		memcpy(port->ram + e->iova, staging, e->len);
	else
		memcpy(staging, port->ram + e->iova, e->len);
	return 0;
}

static uint16_t do_fill(struct port *port, const struct port_entry *e)
{
	uint32_t stride = e->staging >> 8;

	if (stride == 0)
		return PORT_E_ENTRY;
	for (uint32_t i = 0; i < e->len; i++) {
		uint64_t at = e->iova + (uint64_t)i * stride;

		if (at >= port->ram_len)
			return PORT_E_FAULT;
		port->ram[at] = (uint8_t)e->staging;
	}
	return 0;
}

static uint16_t add_piece(struct port *port, struct ring *ring,
			  const struct port_entry *e)
{
	uint64_t off = (uint64_t)e->staging * PORT_STAGING_UNIT;
	bool staged = e->flags & PORT_F_STAGING;
	const uint8_t *from;

	if (staged && !span_fits(off, e->len, port->staging_len))
		return PORT_E_ENTRY;
	if (!staged && !span_fits(e->iova, e->len, port->ram_len))
		return PORT_E_FAULT;
	from = staged ? port->staging + off : port->ram + e->iova;
	if (e->flags & PORT_F_VNET) {
		if (!staged || e->len != PORT_VNET_LEN || ring->len > 0)
			return PORT_E_ENTRY;
		memcpy(&ring->vnet, from, PORT_VNET_LEN);
		return 0;
	}
	if (e->len > DIRECT_FRAME_MAX - ring->len)
		return PORT_E_ENTRY;
	memcpy(ring->frame + ring->len, from, e->len);
	ring->len += e->len;
	return 0;
}

static uint16_t do_send(struct port *port, struct ring *ring,
			const struct port_entry *e)
{
	uint16_t code = PORT_E_RUN;

	if (!ring->failed)
		code = add_piece(port, ring, e);
	ring->failed |= code != 0;
	if (!(e->flags & PORT_F_EOP))
		return code;
	if (!ring->failed && port->sent)
		port->sent(port->ctx, &ring->vnet, ring->frame, ring->len);
	ring->failed = false;
	ring->len = 0;
	memset(&ring->vnet, 0, sizeof(ring->vnet));
	return code;
}

static uint16_t do_recv(struct port *port, const struct port_entry *e)
{
	struct slot *slot = &port->slots[e->staging % PORT_SLOTS];
	uint16_t code = 0;

	if (e->staging >= PORT_SLOTS || !slot->used ||
	    !span_fits(slot->at, e->len, slot->len + FRAME_PAD))
		return PORT_E_ENTRY;
	if (!(e->flags & PORT_F_SKIP)) {
		if (span_fits(e->iova, e->len, port->ram_len))
			memcpy(port->ram + e->iova, slot->data + slot->at,
			       e->len);
		else
			code = PORT_E_FAULT;
	}
	slot->at += e->len;
	if (e->flags & PORT_F_EOP)
		slot->used = false;
	return code;
}

static uint16_t do_drop(struct port *port, const struct port_entry *e)
{
	if (e->staging >= PORT_SLOTS || !port->slots[e->staging].used)
		return PORT_E_ENTRY;
	port->slots[e->staging].used = false;
	return 0;
}

static uint16_t carry_out(struct port *port, struct ring *ring,
			  const struct port_entry *e)
{
	switch (e->op) {
	case PORT_OP_READ:
	case PORT_OP_WRITE:
	case PORT_OP_FETCH:
		return do_copy(port, e);
	case PORT_OP_FILL:
		return do_fill(port, e);
	case PORT_OP_SEND:
		return do_send(port, ring, e);
	case PORT_OP_RECV:
		return do_recv(port, e);
	case PORT_OP_DROP:
		return do_drop(port, e);
	default:
		return PORT_E_ENTRY;
	}
}

static void complete_next(struct port *port, struct ring *ring)
{
	const struct port_entry *e = &ring->entries[ring->done % ring->nr];
	uint16_t code = carry_out(port, ring, e);

	if (code)
		ring->errors[ring->errors_put++ % ring->nr] =
		    (struct port_error){ .seq = ring->done, .code = code };
	ring->done++;
	if ((e->flags & PORT_F_IRQ) && ring->cause)
		irqline_raise(&port->irqline, ring->cause);
}

void direct_port_run(struct port *port, uint32_t nr)
{
	for (uint32_t r = 0; r < port->nr_rings; r++) {
		struct ring *ring = &port->rings[r];

		for (uint32_t i = 0; i < nr && ring->done != ring->posted; i++)
			complete_next(port, ring);
	}
}

/* ---- port/port.h ---- */

uint32_t *port_regs(struct port *port)
{
	return port->regs;
}

void *port_state(struct port *port)
{
	return port->state;
}

void *port_staging(struct port *port)
{
	return port->staging;
}

size_t port_staging_len(const struct port *port)
{
	return port->staging_len;
}

struct irqline *port_irqline(struct port *port)
{
	return &port->irqline;
}

uint32_t port_room(struct port *port, unsigned int r)
{
	const struct ring *ring = &port->rings[r];

	return ring->nr - (ring->posted - ring->done);
}

uint32_t port_posted_count(const struct port *port, unsigned int r)
{
	return port->rings[r].posted;
}

uint32_t port_done(struct port *port, unsigned int r)
{
	return port->rings[r].done;
}

int port_post(struct port *port, unsigned int r, enum port_op op, uint64_t iova,
	      uint32_t len, uint32_t staging, uint8_t flags)
{
	bool plain =
	    op == PORT_OP_FILL || op == PORT_OP_RECV || op == PORT_OP_DROP;
	struct ring *ring = &port->rings[r];

	if (ring->posted - ring->done == ring->nr)
		return -EAGAIN;
	ring->entries[ring->posted++ % ring->nr] = (struct port_entry){
		.iova = iova,
		.len = len,
		.staging =
		    (uint16_t)(plain ? staging : staging / PORT_STAGING_UNIT),
		.op = (uint8_t)op,
		.flags = flags,
	};
	if (!port->hold)
		complete_next(port, ring);
	return 0;
}

void port_submit(struct port *port, unsigned int r)
{
	(void)port;
	(void)r;
}

bool port_take_error(struct port *port, unsigned int r, struct port_error *out)
{
	struct ring *ring = &port->rings[r];

	if (ring->errors_taken == ring->errors_put)
		return false;
	*out = ring->errors[ring->errors_taken++ % ring->nr];
	return true;
}

void port_drain(struct port *port, unsigned int r)
{
	struct ring *ring = &port->rings[r];

	while (ring->done != ring->posted)
		complete_next(port, ring);
}

bool port_has_frame(struct port *port)
{
	return port->frames_taken != port->frames_put;
}

bool port_take_frame(struct port *port, struct port_frame *out)
{
	if (!port_has_frame(port))
		return false;
	*out = port->frames[port->frames_taken++ % PORT_SLOTS];
	return true;
}

bool port_next_posted(struct port *port, struct port_posted *out)
{
	if (port->posted_acked == port->posted_put)
		return false;
	*out = port->posted[port->posted_acked % PORT_POSTED_NR];
	return true;
}

void port_ack_posted(struct port *port)
{
	port->posted_acked++;
}

/* ---- the other side ---- */

uint32_t direct_port_free_slots(const struct port *port)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < PORT_SLOTS; i++)
		nr += !port->slots[i].used;
	return nr;
}

bool direct_port_receive(struct port *port, const void *frame, uint32_t len)
{
	uint16_t nr = 0;
	struct port_frame *out;
	struct slot *slot;

	while (nr < PORT_SLOTS && port->slots[nr].used)
		nr++;
	if (nr == PORT_SLOTS || len > PORT_SLOT_LEN)
		return false;
	slot = &port->slots[nr];
	slot->used = true;
	slot->at = 0;
	slot->len = len;
	memcpy(slot->data, frame, len);
	memset(slot->data + len, 0, FRAME_PAD);

	out = &port->frames[port->frames_put++ % PORT_SLOTS];
	*out = (struct port_frame){ .len = len, .slot = nr };
	memcpy(out->head, frame, MIN(len, (uint32_t)PORT_FRAME_HEAD));
	return true;
}

bool direct_port_write(struct port *port, uint32_t off, uint32_t value)
{
	if (port->posted_put - port->posted_acked == PORT_POSTED_NR)
		return false;
	port->posted[port->posted_put++ % PORT_POSTED_NR] =
	    (struct port_posted){ .offset = off, .value = value };
	return true;
}
