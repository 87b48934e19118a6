/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transmit ring. Descriptors are fetched in runs; several runs are on their
 * way at once, in the order of the ring:
 *
 *   FETCHING  descriptors on their way to staging
 *   PLANNED   frames known; headers of some on their way to staging
 *   SENDING   all posted: frames, then status bytes
 *
 * A run sends whole frames only. The descriptors of a frame that goes on behind
 * it are carried over to the next run.
 */
#ifndef DEVICES_E1000_TX_INTERNAL_H
#define DEVICES_E1000_TX_INTERNAL_H

#include "devices/e1000/offload.h"
#include "devices/e1000/regs.h"
#include "devices/e1000/stats.h"
#include "wire/port.h"

#include <stdbool.h>
#include <stdint.h>

#define E1000_TX_ENTRIES   4096
#define E1000_TX_NR_RUNS   4
#define E1000_TX_RUN_DESCS 256 /* fetched at a time */
#define E1000_TX_CARRY	   256 /* a frame of more descriptors is not sent */
#define E1000_TX_AREA	   (E1000_TX_CARRY + E1000_TX_RUN_DESCS)

/* Entries a descriptor, at most: reads of headers; frames (a piece, vnet header,
 * two around a tag) and status. */
#define E1000_TX_READS_MAX   4
#define E1000_TX_ENTRIES_MAX 6

_Static_assert(E1000_TX_AREA *E1000_TX_ENTRIES_MAX <= E1000_TX_ENTRIES,
	       "a run fits the ring");

/* Of a frame, in staging: the vnet header, then headers or a tag. */
#define E1000_TX_SLOT_HEAD 16
#define E1000_TX_SLOT_LEN  336

/* Of a run, in staging: descriptors (carried ones end where fetched begin), then
 * slots of frames. */
#define E1000_TX_SLOTS	     (E1000_TX_AREA * E1000_DESC_LEN)
#define E1000_TX_RUN_LEN     (E1000_TX_SLOTS + E1000_TX_AREA * E1000_TX_SLOT_LEN)
#define E1000_TX_STAGING_LEN (E1000_TX_NR_RUNS * E1000_TX_RUN_LEN)

#define E1000_TX_FRAME_MAX 0x3fa0 /* longer ones only if segmented */

struct e1000_tx_frame {
	uint16_t first, nr; /* descriptors, from the run's first */
	uint32_t len;
	uint32_t head;	   /* bytes of it that come from staging */
	uint32_t read_seq; /* first of the reads of them */
	uint16_t nr_reads;
	uint16_t tci;
	bool tagged; /* with tci */
	bool drop;
	struct e1000_offload offload;
};

enum e1000_tx_phase { E1000_TX_FETCHING, E1000_TX_PLANNED, E1000_TX_SENDING };

struct e1000_tx_run {
	enum e1000_tx_phase phase;
	uint32_t seq;	/* of the entry that ends the phase */
	uint32_t first; /* index in the ring, of a carried one if there is */
	uint32_t carried;
	uint32_t nr;   /* carried ones included */
	uint32_t used; /* of them: the rest is carried on */
	bool failed;   /* descriptors could not be fetched */
	bool simple;   /* a legacy frame each, nothing asked for but status */
	bool reading;
	uint32_t nr_frames; /* unless simple */
	struct e1000_tx_frame frames[E1000_TX_AREA];
	struct e1000_tx_desc context; /* the latest when it was planned */
};

struct e1000_tx {
	bool on;
	uint64_t base;
	uint32_t nr;	     /* descriptors of the ring */
	uint32_t fetch_next; /* the first that has not been fetched */
	uint32_t done;	     /* the port's counter when it was last looked at */

	struct e1000_tx_run runs[E1000_TX_NR_RUNS];
	uint32_t oldest, nr_runs;

	struct e1000_tx_desc carry[E1000_TX_CARRY];
	uint32_t nr_carry;
	bool discard; /* until the end of a frame that is too long */
	struct e1000_tx_desc context;
	struct e1000_counts counts;
	uint64_t segmented; /* contexts with segmentation, for the statistics */
};

#endif
