// SPDX-License-Identifier: BSD-2-Clause
/* The transmit ring: runs of descriptors, fetched, sent and reported as done. */

#include <string.h>

#include "devices/e1000/e1000_internal.h"

#define RING E1000_RING_TX

static struct e1000_tx_run *nth_run(struct e1000_tx *tx, uint32_t i)
{
	return &tx->runs[(tx->oldest + i) % E1000_TX_NR_RUNS];
}

void e1000_tx_load(struct e1000 *dev)
{
	struct e1000_tx *tx = &dev->tx;

	tx->base = (uint64_t)e1000_reg(dev, E1000_TDBAH) << 32 |
		   (e1000_reg(dev, E1000_TDBAL) & E1000_RING_BASE_MASK);
	tx->nr = (e1000_reg(dev, E1000_TDLEN) & E1000_RING_LEN_MASK) /
		 E1000_DESC_LEN;
	tx->fetch_next = dev->state->tx_head;
	tx->context = dev->state->tx_context;
	tx->on = (e1000_reg(dev, E1000_TCTL) & E1000_TCTL_EN) &&
		 tx->fetch_next < tx->nr;
}

/* Which entries failed; they are told before the counter says done. */
static void take_errors(struct e1000 *dev)
{
	struct e1000_tx *tx = &dev->tx;
	struct port_error error;
	struct e1000_tx_run *run;

	tx->done = port_done(dev->port, RING);
	while (port_take_error(dev->port, RING, &error)) {
		for (uint32_t i = 0; i < tx->nr_runs; i++) {
			run = nth_run(tx, i);
			if (run->phase == E1000_TX_FETCHING &&
			    run->seq == error.seq)
				run->failed = true;
			else if (run->phase == E1000_TX_PLANNED)
				e1000_tx_read_failed(run, error.seq);
		}
	}
}

/* The oldest run is over: its descriptors are the driver's again. */
static void retire(struct e1000 *dev, struct e1000_tx_run *run)
{
	struct e1000_tx *tx = &dev->tx;
	uint32_t head = (run->first + run->used) % tx->nr;

	dev->state->tx_context = run->context;
	dev->state->tx_head = head;
	e1000_set_reg(dev, E1000_TDH, head);
	tx->oldest = (tx->oldest + 1) % E1000_TX_NR_RUNS;
	tx->nr_runs--;
}

static bool retire_runs(struct e1000 *dev)
{
	struct e1000_tx *tx = &dev->tx;
	bool any = false;

	while (tx->nr_runs > 0 && nth_run(tx, 0)->phase == E1000_TX_SENDING &&
	       e1000_seq_done(tx->done, nth_run(tx, 0)->seq)) {
		retire(dev, nth_run(tx, 0));
		any = true;
	}
	if (any) {
		e1000_stats_add_sent(dev->regs, &tx->counts);
		e1000_stats_add(dev->regs, E1000_TSCTC, tx->segmented);
		tx->segmented = 0;
	}
	return any;
}

void e1000_tx_stop(struct e1000 *dev)
{
	struct e1000_tx *tx = &dev->tx;

	port_drain(dev->port, RING);
	take_errors(dev);
	(void)retire_runs(dev);
	/* What has not begun to be sent begins again at the head. */
	tx->nr_runs = 0;
	tx->nr_carry = 0;
	tx->discard = false;
}

bool e1000_tx_wants(const struct e1000 *dev, uint32_t tail)
{
	const struct e1000_tx *tx = &dev->tx;

	return tx->on && tail < tx->nr && tail != tx->fetch_next &&
	       tx->nr_runs < E1000_TX_NR_RUNS;
}

static void fetch(struct e1000 *dev, uint32_t tail)
{
	struct e1000_tx *tx = &dev->tx;
	struct e1000_tx_run *run = nth_run(tx, tx->nr_runs++);
	uint32_t end = tail > tx->fetch_next ? tail : tx->nr;

	run->phase = E1000_TX_FETCHING;
	run->first = tx->fetch_next;
	run->carried = 0;
	run->nr = MIN(end - tx->fetch_next, (uint32_t)E1000_TX_RUN_DESCS);
	run->failed = false;
	e1000_post(dev, RING, PORT_OP_FETCH,
		   tx->base + (uint64_t)run->first * E1000_DESC_LEN,
		   run->nr * E1000_DESC_LEN, e1000_tx_fetch_staging(dev, run),
		   0);
	run->seq = e1000_last_posted(dev, RING);
	tx->fetch_next = (tx->fetch_next + run->nr) % tx->nr;
}

/*
 * True if all descriptors are what a driver without offloads sends in one
 * piece: the loop that posts them is as short as it can be.
 */
static bool is_simple(const struct e1000_tx_desc *desc, uint32_t nr)
{
	uint32_t any = 0, all = ~0u, odd = 0;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t lower = le32toh(desc[i].lower);
		uint32_t len = lower & E1000_TXD_LEN_LEGACY;

		any |= lower;
		all &= lower;
		odd |= len - E1000_FRAME_MIN >
		       E1000_TX_FRAME_MAX - E1000_FRAME_MIN;
	}
	return !odd &&
	       !(any & (E1000_TXD_DEXT | E1000_TXD_VLE | E1000_TXD_IC)) &&
	       (all & E1000_TXD_EOP) && (all & E1000_TXD_RS);
}

static bool plan(struct e1000 *dev, struct e1000_tx_run *run)
{
	struct e1000_tx *tx = &dev->tx;

	run->simple = tx->nr_carry == 0 && !tx->discard && !run->failed &&
		      is_simple(e1000_tx_descs(dev, run), run->nr);
	run->reading = false;
	if (run->simple || run->failed) {
		/* After a failure nothing is known of what was to come. */
		run->nr_frames = 0;
		run->used = run->nr;
		run->context = tx->context;
		tx->nr_carry = 0;
		tx->discard = false;
	} else if (port_room(dev->port, RING) <
		   (run->nr + tx->nr_carry) * E1000_TX_READS_MAX) {
		return false;
	} else {
		e1000_tx_plan(dev, run);
	}
	run->phase = E1000_TX_PLANNED;
	return true;
}

static void send_simple(struct e1000 *dev, const struct e1000_tx_run *run)
{
	const struct e1000_tx_desc *desc = e1000_tx_descs(dev, run);

	for (uint32_t i = 0; i < run->used; i++) {
		uint32_t len = le32toh(desc[i].lower) & E1000_TXD_LEN_LEGACY;

		e1000_post(dev, RING, PORT_OP_SEND, le64toh(desc[i].addr), len,
			   0, PORT_F_EOP);
		e1000_counts_add(&dev->tx.counts, 1, len + E1000_FCS_LEN);
	}
}

/* Descriptors at equal distances, whose status is one FILL. */
struct stripe {
	uint32_t first, last; /* indices in the ring */
	uint32_t step, nr;
};

static void post_stripe(struct e1000 *dev, const struct stripe *s,
			uint8_t flags)
{
	uint32_t stride = MAX(s->step, 1u) * E1000_DESC_LEN;

	e1000_post(dev, RING, PORT_OP_FILL,
		   dev->tx.base + (uint64_t)s->first * E1000_DESC_LEN +
		       E1000_TXD_STATUS_OFF,
		   s->nr, E1000_TXD_STAT_DD | stride << 8, flags);
}

/*
 * Only the status byte is written, in ascending order: a driver that sees one
 * set may reuse the descriptors up to it, so they must not be written again.
 */
static void write_back(struct e1000 *dev, const struct e1000_tx_run *run)
{
	const struct e1000_tx_desc *desc = e1000_tx_descs(dev, run);
	const uint32_t max_step = 255 / E1000_DESC_LEN;
	struct stripe s = { 0 };

	for (uint32_t i = 0; i < run->used; i++) {
		uint32_t at = (run->first + i) % dev->tx.nr;
		uint32_t step = at - s.last; /* huge behind the ring's end */

		if (!(le32toh(desc[i].lower) & E1000_TXD_RS))
			continue;
		if (s.nr > 0 && step <= max_step &&
		    (s.nr == 1 || step == s.step)) {
			s.step = step;
			s.last = at;
			s.nr++;
			continue;
		}
		if (s.nr > 0)
			post_stripe(dev, &s, 0);
		s = (struct stripe){ .first = at, .last = at, .nr = 1 };
	}
	if (s.nr > 0)
		post_stripe(dev, &s, PORT_F_IRQ);
}

static bool send(struct e1000 *dev, struct e1000_tx_run *run)
{
	if (port_room(dev->port, RING) <
	    run->nr * (run->simple ? 2u : E1000_TX_ENTRIES_MAX))
		return false;
	if (run->simple)
		send_simple(dev, run);
	else
		e1000_tx_send_frames(dev, run);
	if (!run->failed)
		write_back(dev, run);
	run->seq = e1000_last_posted(dev, RING);
	run->phase = E1000_TX_SENDING;
	return true;
}

/* Returns true if the run is on its way as a whole. */
static bool advance(struct e1000 *dev, struct e1000_tx_run *run)
{
	if (run->phase == E1000_TX_SENDING)
		return true;
	if (!e1000_seq_done(dev->tx.done, run->seq))
		return false;
	if (run->phase == E1000_TX_FETCHING && !plan(dev, run))
		return false;
	if (run->reading && !e1000_seq_done(dev->tx.done, run->seq))
		return false;
	return send(dev, run);
}

bool e1000_tx_poll(struct e1000 *dev, uint32_t tail)
{
	struct e1000_tx *tx = &dev->tx;
	uint32_t before = port_posted_count(dev->port, RING);
	bool retired;

	take_errors(dev);
	retired = retire_runs(dev);
	if (retired && tx->nr_runs == 0 && dev->state->tx_head == tail)
		irqline_raise(dev->irq, E1000_ICR_TXQE);

	/* Fetched ahead: they arrive while the frames before them are sent. */
	while (e1000_tx_wants(dev, tail) && port_room(dev->port, RING) > 0)
		fetch(dev, tail);
	for (uint32_t i = 0; i < tx->nr_runs; i++) {
		if (!advance(dev, nth_run(tx, i)))
			break;
	}
	if (port_posted_count(dev->port, RING) == before)
		return retired;
	port_submit(dev->port, RING);
	return true;
}

/*
 * What comes next: the run that is not yet on its way, if its descriptors or
 * headers are awaited; else a run to be reported, the latest unless there is
 * none free. (A run may also wait for room in the ring.)
 */
static const struct e1000_tx_run *awaited(struct e1000_tx *tx)
{
	for (uint32_t i = 0; i < tx->nr_runs; i++) {
		const struct e1000_tx_run *run = nth_run(tx, i);

		if (run->phase == E1000_TX_SENDING)
			continue;
		return e1000_seq_done(tx->done, run->seq) ? nth_run(tx, 0)
							  : run;
	}
	return nth_run(tx,
		       tx->nr_runs == E1000_TX_NR_RUNS ? 0 : tx->nr_runs - 1);
}

void e1000_tx_wait(struct e1000 *dev, struct port_wait *wait)
{
	if (dev->tx.nr_runs == 0)
		return;
	wait->rings |= 1u << RING;
	wait->wake_at[RING] = awaited(&dev->tx)->seq + 1;
}
