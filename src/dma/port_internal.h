/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a port is made of. All of it belongs to the worker's thread but for what
 * is said to be anybody's; nothing here is read back from shared memory.
 */
#ifndef DMA_PORT_INTERNAL_H
#define DMA_PORT_INTERNAL_H

#include "base/log.h"
#include "dma/access_internal.h"
#include "dma/port.h"

#include <pthread.h>

#define FRAME_LEN_MAX 0x10040 /* 64 KiB of IP with its Ethernet header, VLANs */
#define FRAME_PAD     64      /* zeros that RECV finds behind a frame */
#define FRAME_ALIGN   16

/* What the worker gathers in one epoch, behind a frame that was begun before. */
#define TX_BUF_LEN                                        \
	(BACKEND_VNET_LEN + FRAME_LEN_MAX + FRAME_ALIGN + \
	 DMA_EPOCH_OPS * (BACKEND_VNET_LEN + FRAME_ALIGN) + DMA_EPOCH_BYTES)

/* The frame that a ring's SENDs are putting together. */
struct tx {
	uint8_t *buf;	/* owned, TX_BUF_LEN; NULL: not a network device */
	uint32_t start; /* where the frame's vnet header is */
	uint32_t len;	/* bytes of the frame itself */
	bool begun;	/* has had a piece */
	bool failed;	/* PORT_E_RUN until its end */
};

struct ring {
	/* Where it is in shared memory; constant. */
	struct port_ring *shared;
	const struct port_entry *entries;
	struct port_error *error_ring;
	uint32_t nr_entries;
	uint32_t irq_cause;

	uint32_t done;
	uint32_t errors;
	bool broken; /* its counters made no sense: served no more */

	/* The entry in progress: a copy, checked; the original is forgotten. */
	bool busy;
	struct port_entry entry; /* host order */
	uint32_t moved;

	bool irq_due;	  /* PORT_F_IRQ, not raised yet … */
	uint32_t irq_age; /* … for so many entries */

	struct tx tx;
};

/* A received frame, in the port's own memory. */
struct slot {
	bool used;
	uint32_t len;
	uint32_t at; /* where the next RECV goes on */
};

struct rx {
	uint8_t *data; /* owned, mapped; NULL: not a network device */
	struct slot slots[PORT_SLOTS];
	uint16_t free[PORT_SLOTS]; /* a stack */
	uint32_t nr_free;
	uint32_t tail; /* of the announcements */
	bool ended;    /* the backend has failed: asked no more */
};

/* What became of an entry. */
struct outcome {
	uint16_t code; /* 0 or enum port_error_code */
	bool irq;
	uint32_t moved;
	int error; /* PORT_E_FAULT: what the IOMMU said … */
	unsigned int access;
	uint64_t iova; /* … of what */
};

/* A complete frame, to be sent when the epoch has ended. */
struct outgoing {
	uint32_t start;
	uint32_t len;	/* with header */
	uint32_t entry; /* of the group: its PORT_F_EOP */
};

/* What one epoch serves: the next entries of one ring. */
struct group {
	struct ring *ring;
	uint32_t avail;	      /* entries that the device has published */
	uint32_t budget;      /* bytes left to the epoch */
	volatile uint32_t nr; /* entries completed; looked at after a SIGBUS */
	bool populate;	      /* stopped for the pages of @stop */
	struct dma_stop stop;
	uint64_t read, written;
	uint32_t nr_frames;
	struct outcome outcomes[DMA_EPOCH_OPS];
	struct outgoing frames[DMA_EPOCH_OPS];
};

struct dma_port {
	struct dma_master master;
	struct backend *backend; /* borrowed; may be NULL */

	/* Shared memory: owned; addresses and lengths constant. */
	uint8_t *memory;
	uint32_t size;
	int memory_fd, kick_device, kick_worker, drained;
	struct port_control *control;
	struct port_frame *frames; /* NULL: receives nothing */
	struct port_posted *posted;
	uint8_t *staging;
	uint32_t staging_len;
	uint32_t *regs;
	bool has_line;
	struct irqline line;

	uint32_t nr_rings;
	struct ring rings[PORT_RINGS_MAX];
	struct rx rx;
	struct group group;
	struct log_limit limit;

	/* The thread: its owner's. */
	pthread_t thread;
	bool started;
	int (*enter)(void);
	int stop_fd;	   /* owned; unlike kick_worker the device has it not */
	uint32_t stopping; /* atomic */
};

/* ring.c: serves one epoch's worth of a ring. True if there was anything. */
bool dma_ring_serve(struct dma_port *port, struct ring *ring);
/* Has the device published what is not served? */
bool dma_ring_pending(const struct ring *ring);

/* frame.c. @local of dma_rx_at() is where @len more bytes of a slot are, or
 * NULL if the slot is not in use or has no such bytes. */
int dma_tx_init(struct tx *tx);
void dma_tx_fini(struct tx *tx);
/* Begins a frame if none has been; where its next piece goes. */
uint8_t *dma_tx_at(struct tx *tx);
/* Ends the frame that an entry completes: into the group's list, or PORT_E_*. */
uint16_t dma_tx_end(struct group *g);
/* Sends the group's frames, outside the epoch; failures go to the outcomes. */
void dma_tx_send(struct dma_port *port, struct group *g);

int dma_rx_init(struct rx *rx);
void dma_rx_fini(struct rx *rx);
uint8_t *dma_rx_at(struct rx *rx, uint16_t slot, uint32_t len);
void dma_rx_put(struct rx *rx, uint16_t slot);
/* Takes frames from the backend and announces them. True if there were any. */
bool dma_rx_pull(struct dma_port *port);

#endif
