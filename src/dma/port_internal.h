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
#include <string.h>

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
	bool vnet;	/* has brought a vnet header of its own */
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
	uint32_t nr_failed;   /* of them */
	uint32_t nr_irq;      /* of them with PORT_F_IRQ */
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
	uint64_t spin_ns; /* constant while it runs */
	int (*enter)(void);
	int stop_fd;	   /* owned; unlike kick_worker the device has it not */
	uint32_t stopping; /* atomic */
};

/* One operation: what it may look like, and what is done for it. */
struct dma_op {
	uint8_t flags;	    /* that it knows */
	uint8_t access;	    /* of guest memory; 0: none */
	uint8_t cost_shift; /* what its bytes cost of the epoch's */
	/* May this entry be? 0 or PORT_E_*. May be NULL. */
	uint16_t (*check)(struct dma_port *port, const struct ring *ring);
	/* The next @len bytes. 0, or as dma_move(), or -EINVAL. */
	int (*move)(struct dma_port *port, struct group *g, uint32_t len);
	/* The entry is over, with @code so far. The code that it gets. May be
	 * NULL. */
	uint16_t (*end)(struct dma_port *port, struct group *g, uint16_t code);
};

/* op.c: by enum port_op; entry 0 is none. */
#define NR_DMA_OPS (PORT_OP_DROP + 1)
extern const struct dma_op dma_ops[NR_DMA_OPS];

static inline uint8_t dma_fill_stride(const struct port_entry *e)
{
	return (uint8_t)(e->staging >> 8);
}

/* ring.c: serves one epoch's worth of a ring. True if there was anything. */
bool dma_ring_serve(struct dma_port *port, struct ring *ring);
/* Has the device published what is not served? */
bool dma_ring_pending(const struct ring *ring);

/* frame.c: frames to the backend … */
int dma_tx_init(struct tx *tx);
void dma_tx_fini(struct tx *tx);
/* Begins a frame if none has been; where its next piece goes. */
static inline uint8_t *dma_tx_at(struct tx *tx)
{
	uint8_t *head = tx->buf + tx->start;

	if (!tx->begun) {
		memset(head, 0, BACKEND_VNET_LEN);
		tx->begun = true;
		tx->vnet = false;
	}
	return head + BACKEND_VNET_LEN + tx->len;
}

/* Ends the frame that an entry completes: into the group's list, or PORT_E_*. */
uint16_t dma_tx_end(struct group *g);
/* Sends the group's frames, outside the epoch; failures go to the outcomes. */
void dma_tx_send(struct dma_port *port, struct group *g);

/* … and from it. */
int dma_rx_init(struct rx *rx);
void dma_rx_fini(struct rx *rx);
/* Where the next @len bytes of a slot are; NULL: not in use, or has not so many. */
uint8_t *dma_rx_at(struct rx *rx, uint16_t slot, uint32_t len);
/* Gives a slot back, if it is one that is in use. */
void dma_rx_put(struct rx *rx, uint16_t slot);
/* Takes frames from the backend and announces them. True if there were any. */
bool dma_rx_pull(struct dma_port *port);

#endif
