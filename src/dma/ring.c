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
#include "dma/port_internal.h"
#include "memory/guard.h"

#define IRQ_DELAY_MAX 256

static const struct dma_op *find_op(const struct port_entry *e)
{
	if (e->op >= NR_DMA_OPS || e->op == 0)
		return NULL;
	return &dma_ops[e->op];
}

/* Copies the next entry out of shared memory, in two loads. */
static void take_entry(struct ring *ring, uint32_t seq)
{
	const struct port_entry *shared =
	    &ring->entries[seq & (ring->nr_entries - 1)];
	uint64_t words[2];

	/* Little-endian, as this machine: wire/port.h. */
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = __atomic_load_n((const uint64_t *)shared + i,
					   __ATOMIC_RELAXED);
	memcpy(&ring->entry, words, sizeof(ring->entry));
	ring->moved = 0;
	ring->busy = true;
}

/* The entry in progress is over. @error: why, if @code is PORT_E_FAULT. */
static void complete(struct dma_port *port, struct group *g, uint16_t code,
		     int error)
{
	struct ring *ring = g->ring;
	const struct dma_op *op = find_op(&ring->entry);
	struct outcome *out = &g->outcomes[g->nr];

	if (op && op->end)
		code = op->end(port, g, code);
	out->code = code;
	out->irq = ring->entry.flags & PORT_F_IRQ;
	out->moved = ring->moved;
	g->nr_failed += code != 0;
	g->nr_irq += out->irq;
	if (unlikely(code == PORT_E_FAULT)) {
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
	const uint64_t stride = e->op == PORT_OP_FILL ? dma_fill_stride(e) : 1;

	return e->len > 0 && e->iova > UINT64_MAX - (e->len - 1) * stride;
}

static uint16_t check_entry(struct dma_port *port, const struct ring *ring)
{
	const struct port_entry *e = &ring->entry;
	const struct dma_op *op = find_op(e);

	if (!op || e->flags & ~op->flags)
		return PORT_E_ENTRY;
	return op->check ? op->check(port, ring) : 0;
}

/* Bytes of the entry that go into this epoch; 0: none, it is full. */
static uint32_t next_piece(const struct group *g, const struct dma_op *op)
{
	const struct ring *ring = g->ring;
	const uint32_t left = ring->entry.len - ring->moved;
	const uint32_t room = g->budget >> op->cost_shift;

	if (likely(left <= room))
		return left;
	/* What fits an epoch of its own moves whole or not at all. */
	if (ring->moved == 0 && left <= DMA_EPOCH_BYTES >> op->cost_shift)
		return 0;
	return room;
}

/* Goes on with the entry in progress. False: the group ends before its end. */
static bool advance(struct dma_port *port, struct group *g)
{
	struct ring *ring = g->ring;
	const struct dma_op *op = &dma_ops[ring->entry.op];
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
	g->budget -= len << op->cost_shift;
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
	    dma_ops[ring->entry.op].access) {
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

	for (uint32_t i = 0; i < g->nr; i++) {
		const struct outcome *out = &g->outcomes[i];

		if (!out->code)
			continue;
		ring->error_ring[ring->errors++ & (ring->nr_entries - 1)] =
		    (struct port_error){
			    .seq = htole32(ring->done + i),
			    .code = htole16(out->code),
			    .moved = htole32(out->moved),
		    };
	}
	shared_store_release(&ring->shared->errors, ring->errors);
}

/* Counts how long an interrupt is owed; raises it once that is long enough. */
static void settle_irq(struct dma_port *port, const struct group *g)
{
	struct ring *ring = g->ring;
	bool late;

	if (!ring->irq_due && g->nr_irq == 0)
		return;
	for (uint32_t i = 0; i < g->nr; i++) {
		ring->irq_age += ring->irq_due;
		ring->irq_due |= g->outcomes[i].irq;
	}
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

		if (out->code != PORT_E_FAULT)
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

	counter_add(&stats->operations, g->nr);
	counter_add(&stats->bytes_read, g->read);
	counter_add(&stats->bytes_written, g->written);
	for (uint32_t i = 0; g->nr_failed > 0 && i < g->nr; i++) {
		const uint16_t code = g->outcomes[i].code;

		counter_add(&stats->refused, code == PORT_E_FAULT);
		counter_add(&stats->bad_entries, code == PORT_E_ENTRY);
	}
}

static void publish(struct dma_port *port, struct group *g)
{
	struct ring *ring = g->ring;

	if (unlikely(g->nr_failed > 0))
		write_errors(g);
	ring->done += g->nr;
	/* A full fence: then the look at device_sleeps. */
	__atomic_exchange_n(&ring->shared->done, ring->done, __ATOMIC_SEQ_CST);
	settle_irq(port, g);
	wake(port, ring);
	if (unlikely(g->nr_failed > 0))
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
	g->nr_failed = 0;
	g->nr_irq = 0;
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
