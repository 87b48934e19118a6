// SPDX-License-Identifier: BSD-2-Clause
/*
 * Serving a ring: entries are copied, checked and carried out in groups of what
 * one epoch may hold. After the epoch, and in this order: frames are sent,
 * failures written, the counter of completed entries moved, the interrupt raised,
 * the device woken, faults reported.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/counter.h"
#include "base/range.h"
#include "dma/port_internal.h"
#include "memory/guard.h"

#define IRQ_DELAY_MAX 256
/* What a byte of FILL costs of the epoch's bytes. */
#define FILL_COST     (DMA_EPOCH_BYTES / DMA_EPOCH_FILLS)

/* One operation: what it may look like, and what is done for it. */
struct op {
	uint8_t flags;	/* that it knows, besides PORT_F_IRQ */
	uint8_t access; /* of guest memory; 0: none */
	uint32_t cost;	/* of the epoch's bytes, for each of its own */
	/* May this entry be? 0 or PORT_E_*. May be NULL. */
	uint16_t (*check)(struct dma_port *port, const struct ring *ring);
	/* The next @len bytes. 0, or as dma_move(), or -EINVAL. */
	int (*move)(struct dma_port *port, struct group *g, uint32_t len);
	/* The entry is over, with @code so far. The code that it gets. May be
	 * NULL. */
	uint16_t (*end)(struct dma_port *port, struct group *g, uint16_t code);
};

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

static uint8_t fill_stride(const struct port_entry *e)
{
	return (uint8_t)(e->staging >> 8);
}

static uint16_t check_fill(struct dma_port *port, const struct ring *ring)
{
	(void)port;
	return fill_stride(&ring->entry) ? 0 : PORT_E_ENTRY;
}

static int move_fill(struct dma_port *port, struct group *g, uint32_t len)
{
	const struct ring *ring = g->ring;
	const uint8_t stride = fill_stride(&ring->entry);

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

static const struct op ops[] = {
	[PORT_OP_READ] = {
		.access = VIOMMU_READ,
		.cost = 1,
		.check = check_staging,
		.move = move_read,
	},
	[PORT_OP_WRITE] = {
		.access = VIOMMU_WRITE,
		.cost = 1,
		.check = check_staging,
		.move = move_write,
	},
	[PORT_OP_FILL] = {
		.access = VIOMMU_WRITE,
		.cost = FILL_COST,
		.check = check_fill,
		.move = move_fill,
	},
	[PORT_OP_FETCH] = {
		.access = VIOMMU_READ,
		.cost = 1,
		.check = check_staging,
		.move = move_read,
	},
	[PORT_OP_SEND] = {
		.flags = PORT_F_EOP | PORT_F_STAGING | PORT_F_VNET,
		.access = VIOMMU_READ,
		.cost = 1,
		.check = check_send,
		.move = move_send,
		.end = end_send,
	},
	[PORT_OP_RECV] = {
		.flags = PORT_F_EOP | PORT_F_SKIP,
		.access = VIOMMU_WRITE,
		.cost = 1,
		.check = check_recv,
		.move = move_recv,
		.end = end_recv,
	},
	[PORT_OP_DROP] = {
		.check = check_drop,
		.end = end_drop,
	},
};

static const struct op *find_op(const struct port_entry *e)
{
	if (e->op >= ARRAY_SIZE(ops) || e->op == 0)
		return NULL;
	return &ops[e->op];
}

/* Copies the next entry out of shared memory, in two loads. */
static void take_entry(struct ring *ring, uint32_t seq)
{
	const struct port_entry *shared =
	    &ring->entries[seq & (ring->nr_entries - 1)];
	uint64_t words[2];
	struct port_entry wire;

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = __atomic_load_n((const uint64_t *)shared + i,
					   __ATOMIC_RELAXED);
	memcpy(&wire, words, sizeof(wire));
	ring->entry = (struct port_entry){
		.iova = le64toh(wire.iova),
		.len = le32toh(wire.len),
		.staging = le16toh(wire.staging),
		.op = wire.op,
		.flags = wire.flags,
	};
	ring->moved = 0;
	ring->busy = true;
}

/* The entry in progress is over. @error: why, if @code is PORT_E_FAULT. */
static void complete(struct dma_port *port, struct group *g, uint16_t code,
		     int error)
{
	struct ring *ring = g->ring;
	const struct op *op = find_op(&ring->entry);
	struct outcome *out = &g->outcomes[g->nr];

	if (op && op->end)
		code = op->end(port, g, code);
	out->code = code;
	out->irq = ring->entry.flags & PORT_F_IRQ;
	out->moved = ring->moved;
	if (code == PORT_E_FAULT) {
		out->error = error;
		out->access = op ? op->access : 0;
		out->iova = g->stop.iova;
	}
	ring->busy = false;
	g->nr = g->nr + 1;
}

/* Guest memory that an entry reaches must not wrap, in whatever pieces. */
static bool wraps(const struct port_entry *e)
{
	const uint64_t stride = e->op == PORT_OP_FILL ? fill_stride(e) : 1;

	return e->len > 0 && e->iova > UINT64_MAX - (e->len - 1) * stride;
}

static uint16_t check_entry(struct dma_port *port, const struct ring *ring)
{
	const struct port_entry *e = &ring->entry;
	const struct op *op = find_op(e);

	if (!op || e->flags & ~(op->flags | PORT_F_IRQ))
		return PORT_E_ENTRY;
	return op->check ? op->check(port, ring) : 0;
}

/* Bytes of the entry that go into this epoch; 0: none, it is full. */
static uint32_t next_piece(const struct group *g, const struct op *op)
{
	const struct ring *ring = g->ring;
	const uint32_t left = ring->entry.len - ring->moved;
	const uint32_t room = g->budget / op->cost;

	if (likely(left <= room))
		return left;
	/* What fits an epoch of its own moves whole or not at all. */
	if (ring->moved == 0 && left <= DMA_EPOCH_BYTES / op->cost)
		return 0;
	return room;
}

/* Goes on with the entry in progress. False: the group ends before its end. */
static bool advance(struct dma_port *port, struct group *g)
{
	struct ring *ring = g->ring;
	const struct op *op = &ops[ring->entry.op];
	uint32_t len;
	int ret;

	if (ring->moved == ring->entry.len) {
		complete(port, g, 0, 0);
		return true;
	}
	len = next_piece(g, op);
	if (len == 0)
		return false;
	/* If a SIGBUS ends this, complete() finds the state in memory. */
	g->stop.iova = ring->entry.iova + ring->moved;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ret = op->move(port, g, len);
	if (unlikely(ret == -EAGAIN)) {
		g->populate = true;
		return false;
	}
	if (unlikely(ret)) {
		complete(port, g, ret == -EINVAL ? PORT_E_ENTRY : PORT_E_FAULT,
			 ret);
		return true;
	}
	ring->moved += len;
	g->budget -= len * op->cost;
	if (op->access == VIOMMU_READ)
		g->read += len;
	else
		g->written += len;
	if (ring->moved < ring->entry.len)
		return false;
	complete(port, g, 0, 0);
	return true;
}

/* Begins the next entry. False: it is over already. */
static bool begin(struct dma_port *port, struct group *g)
{
	struct ring *ring = g->ring;
	uint16_t code;

	take_entry(ring, ring->done + g->nr);
	code = check_entry(port, ring);
	if (!code && unlikely(wraps(&ring->entry)) &&
	    ops[ring->entry.op].access) {
		g->stop.iova = ring->entry.iova;
		code = PORT_E_FAULT;
	}
	if (unlikely(code))
		complete(port, g, code, -ERANGE);
	return !code;
}

/* Inside the epoch. */
static void serve_group(void *ctx)
{
	struct dma_port *port = ctx;
	struct group *g = &port->group;

	while (g->nr < g->avail) {
		if (!g->ring->busy && !begin(port, g))
			continue;
		if (!advance(port, g))
			return;
	}
}

/* The pages that an entry waits for; without them it can not go on. */
static void populate(struct dma_port *port, struct group *g)
{
	int ret =
	    guest_ram_populate(port->master.ram, g->stop.gpa, g->stop.len);

	if (ret)
		complete(port, g, PORT_E_FAULT, ret);
}

static void write_errors(struct group *g)
{
	struct ring *ring = g->ring;
	const uint32_t before = ring->errors;

	for (uint32_t i = 0; i < g->nr; i++) {
		const struct outcome *out = &g->outcomes[i];

		if (likely(!out->code))
			continue;
		ring->error_ring[ring->errors++ & (ring->nr_entries - 1)] =
		    (struct port_error){
			    .seq = htole32(ring->done + i),
			    .code = htole16(out->code),
			    .moved = htole32(out->moved),
		    };
	}
	if (ring->errors != before)
		shared_store_release(&ring->shared->errors, ring->errors);
}

/* Counts how long an interrupt is owed; raises it once that is long enough. */
static void settle_irq(struct dma_port *port, const struct group *g)
{
	struct ring *ring = g->ring;
	bool late;

	for (uint32_t i = 0; i < g->nr; i++) {
		ring->irq_age += ring->irq_due;
		ring->irq_due |= g->outcomes[i].irq;
	}
	if (!ring->irq_due)
		return;
	late = ring->irq_age > IRQ_DELAY_MAX - DMA_EPOCH_OPS;
	if (!late && shared_load_acquire(&ring->shared->tail) != ring->done)
		return;
	ring->irq_due = false;
	ring->irq_age = 0;
	if (port->has_line && ring->irq_cause)
		irqline_raise(&port->line, ring->irq_cause);
}

/* Wakes the device if it sleeps until what is done now. */
static void wake(struct dma_port *port, const struct ring *ring)
{
	if (likely(!shared_load(&port->control->device_sleeps)))
		return;
	if ((int32_t)(ring->done - shared_load(&ring->shared->wake_at)) >= 0)
		dma_port_kick_device(port);
}

static const char *reason(int error)
{
	switch (error) {
	case -ENOENT:
		return "not mapped";
	case -EACCES:
		return "mapped without this permission";
	case -ERANGE:
		return "out of range";
	default:
		return "no memory there";
	}
}

static void report_faults(struct dma_port *port, const struct group *g)
{
	for (uint32_t i = 0; i < g->nr; i++) {
		const struct outcome *out = &g->outcomes[i];

		if (likely(out->code != PORT_E_FAULT))
			continue;
		viommu_fault(port->master.ep, out->iova, out->access,
			     out->error);
		log_guest(&port->limit, "dma", "%s of %#llx refused: %s",
			  out->access == VIOMMU_READ ? "read" : "write",
			  (unsigned long long)out->iova, reason(out->error));
	}
}

static void count(struct dma_port *port, const struct group *g)
{
	struct dma_stats *stats = &port->master.stats;
	uint32_t refused = 0, bad = 0;

	for (uint32_t i = 0; i < g->nr; i++) {
		refused += g->outcomes[i].code == PORT_E_FAULT;
		bad += g->outcomes[i].code == PORT_E_ENTRY;
	}
	counter_add(&stats->operations, g->nr);
	counter_add(&stats->bytes_read, g->read);
	counter_add(&stats->bytes_written, g->written);
	if (unlikely(refused))
		counter_add(&stats->refused, refused);
	if (unlikely(bad))
		counter_add(&stats->bad_entries, bad);
}

static void publish(struct dma_port *port, struct group *g)
{
	struct ring *ring = g->ring;

	write_errors(g);
	ring->done += g->nr;
	/* A full fence: then the look at device_sleeps. */
	__atomic_exchange_n(&ring->shared->done, ring->done, __ATOMIC_SEQ_CST);
	settle_irq(port, g);
	wake(port, ring);
	report_faults(port, g);
}

/* A ring whose device breaks the rules is left alone: no entry of it means
 * anything any more. */
static void give_up(struct dma_port *port, struct ring *ring, const char *why)
{
	ring->broken = true;
	counter_add(&port->master.stats.bad_entries, 1);
	log_guest(&port->limit, "dma", "ring %u: %s: not served any more",
		  (unsigned int)(ring - port->rings), why);
}

bool dma_ring_pending(const struct ring *ring)
{
	return !ring->broken &&
	       shared_load_acquire(&ring->shared->tail) != ring->done;
}

bool dma_ring_serve(struct dma_port *port, struct ring *ring)
{
	struct group *g = &port->group;
	uint32_t pending;
	int ret;

	if (ring->broken)
		return false;
	pending = shared_load_acquire(&ring->shared->tail) - ring->done;
	if (pending == 0)
		return false;
	if (pending > ring->nr_entries) {
		give_up(port, ring, "tail past its end");
		return false;
	}

	g->ring = ring;
	g->avail = MIN(pending, (uint32_t)DMA_EPOCH_OPS);
	g->budget = DMA_EPOCH_BYTES;
	g->nr = 0;
	g->populate = false;
	g->nr_frames = 0;
	g->read = 0;
	g->written = 0;
	epoch_enter(&port->master.epoch);
	ret = guard_run(serve_group, port);
	epoch_leave(&port->master.epoch);

	if (unlikely(ret) && ring->busy)
		complete(port, g, PORT_E_FAULT, ret);
	else if (unlikely(ret))
		give_up(port, ring, "its memory can not be read");
	if (unlikely(g->populate))
		populate(port, g);
	if (g->nr_frames > 0)
		dma_tx_send(port, g);
	count(port, g);
	if (g->nr > 0)
		publish(port, g);
	return true;
}
