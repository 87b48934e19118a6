/* SPDX-License-Identifier: BSD-2-Clause */
/* The struct that the files of this folder share, and what each does to it. */
#ifndef DEVICES_E1000_E1000_INTERNAL_H
#define DEVICES_E1000_E1000_INTERNAL_H

#include "base/bytes.h"
#include "devices/e1000/e1000.h"
#include "devices/e1000/regs.h"
#include "devices/e1000/state.h"
#include "devices/e1000/stats.h"
#include "wire/vfio_user.h"

#include <assert.h>

#include "devices/e1000/rx_internal.h"
#include "devices/e1000/tx_internal.h"

/* Where what lies in staging. */
#define E1000_STAGING_RX  E1000_TX_STAGING_LEN
#define E1000_STAGING_END (E1000_STAGING_RX + E1000_RX_STAGING_LEN)
#define E1000_STAGING_LEN ((E1000_STAGING_END + 0xfff) & ~0xfffu)

#define E1000_RUNS_MAX 128 /* of register classes */

_Static_assert(E1000_STAGING_LEN <= PORT_STAGING_MAX,
	       "16 bits reach all of it");

struct e1000 {
	/* Borrowed from the port, NULL before it is there. */
	struct port *port;
	uint32_t *regs;
	struct e1000_state *state;
	uint8_t *staging;
	struct irqline *irq;

	struct e1000_tx tx;
	struct e1000_rx rx;

	uint8_t mac[6];
	uint8_t rule_of[E1000_REGS_LEN / 4]; /* word -> row of the table */

	struct server_device description;
	struct vfio_user_pv_port_info port_info;
	struct vfio_user_pv_regs runs[E1000_RUNS_MAX];
};

static inline uint32_t e1000_reg(const struct e1000 *dev, uint32_t off)
{
	return shared_load(&dev->regs[off / 4]);
}

static inline void e1000_set_reg(struct e1000 *dev, uint32_t off,
				 uint32_t value)
{
	shared_store(&dev->regs[off / 4], value);
}

/*
 * Posts an entry that there is room for: the caller has looked. @staging as for
 * port_post().
 */
static inline void e1000_post(struct e1000 *dev, unsigned int ring,
			      enum port_op op, uint64_t iova, uint32_t len,
			      uint32_t staging, uint8_t flags)
{
	int ret = port_post(dev->port, ring, op, iova, len, staging, flags);

	assert(ret == 0);
}

/* The counter value of the latest entry that was posted. */
static inline uint32_t e1000_last_posted(const struct e1000 *dev,
					 unsigned int ring)
{
	return port_posted_count(dev->port, ring) - 1;
}

static inline bool e1000_seq_done(uint32_t done, uint32_t seq)
{
	return (int32_t)(done - seq) > 0;
}

/* ---- registers.c ---- */

/* Fills in rule_of, runs and port_info.nr_runs. */
void e1000_registers_init(struct e1000 *dev);
/* As after power on or a reset by CTRL: registers, and the rings with them. */
void e1000_registers_reset(struct e1000 *dev);
/* An access to BAR0 as the device sees it, classes included. @off is a multiple
 * of 4; above the page reads give 0 and writes nothing. */
uint32_t e1000_register_read(struct e1000 *dev, uint64_t off);
void e1000_register_write(struct e1000 *dev, uint64_t off, uint32_t value);

/* ---- tx.c, rx.c: one ring each ---- */

/* The registers of the ring have changed: takes them over. Nothing in flight. */
void e1000_tx_load(struct e1000 *dev);
void e1000_rx_load(struct e1000 *dev);
/* Ends what is in flight: after that no guest memory is touched until poll. */
void e1000_tx_stop(struct e1000 *dev);
void e1000_rx_stop(struct e1000 *dev);
/* Returns true if there was anything to do. @tail: the doorbell's value. */
bool e1000_tx_poll(struct e1000 *dev, uint32_t tail);
bool e1000_rx_poll(struct e1000 *dev, uint32_t tail);
/* True if poll would fetch descriptors, @tail being the doorbell's value. */
bool e1000_tx_wants(const struct e1000 *dev, uint32_t tail);
bool e1000_rx_wants(const struct e1000 *dev, uint32_t tail);
void e1000_tx_wait(struct e1000 *dev, struct port_wait *wait);
void e1000_rx_wait(struct e1000 *dev, struct port_wait *wait);

/* ---- tx_frame.c: frames of any kind ---- */

/* The descriptors of a run, carried ones first; where fetched ones go. */
struct e1000_tx_desc *e1000_tx_descs(const struct e1000 *dev,
				     const struct e1000_tx_run *run);
uint32_t e1000_tx_fetch_staging(const struct e1000 *dev,
				const struct e1000_tx_run *run);

/* Walks a fetched run: contexts, frames; posts the reads of their headers. There
 * is room for E1000_TX_READS_MAX entries a descriptor. */
void e1000_tx_plan(struct e1000 *dev, struct e1000_tx_run *run);
/* The read with counter value @seq failed: its frame will not be sent. */
void e1000_tx_read_failed(struct e1000_tx_run *run, uint32_t seq);
/* Posts the frames of a planned run. There is room for E1000_TX_ENTRIES_MAX
 * entries a descriptor. */
void e1000_tx_send_frames(struct e1000 *dev, struct e1000_tx_run *run);

#endif
