/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue in guest memory, from the device's side (VIRTIO 1.3, "Split
 * Virtqueues").
 *
 * The driver is hostile. Each word of a ring and each descriptor is loaded once,
 * checked, and used from the copy; a chain is as long as the queue at most. At
 * the first rule that is broken the queue is, too: it gives nothing more until it
 * is made again, and says why.
 *
 * Addresses are guest-physical: this is the queue of a device that needs no
 * translation, the IOMMU itself. Used by one thread at a time; owns nothing.
 */
#ifndef DMA_VQ_H
#define DMA_VQ_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VQ_SIZE_MAX 256

struct guest_ram;
struct vring_avail;
struct vring_desc;
struct vring_used;

/* Where the driver has put a queue, and what it has negotiated. */
struct vq_layout {
	uint16_t size; /* entries: power of two, 1 … VQ_SIZE_MAX */
	uint64_t desc, avail, used; /* guest-physical */
	bool indirect;		    /* VIRTIO_F_INDIRECT_DESC */
};

struct vq {
	struct guest_ram *ram;	       /* borrowed */
	const struct vring_desc *desc; /* these three: in @ram */
	const struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	bool indirect;
	uint16_t next_avail; /* these three: free-running */
	uint16_t seen_avail; /* the driver's index when it was last looked at */
	uint16_t next_used;
	const char *broken; /* why; NULL: it is not */
};

struct vq_segment {
	uint64_t gpa;
	uint32_t len;
};

/* A buffer: first what the device may read, then what it may write. */
struct vq_chain {
	uint16_t head;
	uint16_t nr;	  /* segments */
	uint16_t nr_read; /* the first of them */
	uint64_t read_len, write_len;
	struct vq_segment segments[VQ_SIZE_MAX];
};

/**
 * vq_init() - Take a queue into use
 * @ram: borrowed until @vq is no longer used
 *
 * Return: 0, -EINVAL (size, or an address off its alignment), -EFAULT (a part is
 * not RAM).
 */
MUST_CHECK int vq_init(struct vq *vq, struct guest_ram *ram,
		       const struct vq_layout *layout);

/* Has the driver made a buffer available? Also true if the queue's index makes
 * no sense: vq_pop() will say so. */
bool vq_is_pending(struct vq *vq);

/**
 * vq_pop() - Take the next buffer
 *
 * Return: 0, -EAGAIN (there is none), or -EBADMSG: the queue is broken, by this
 * buffer or before.
 */
MUST_CHECK int vq_pop(struct vq *vq, struct vq_chain *chain);

/**
 * vq_chain_read() - Copy the first @len bytes that the device may read
 * @len: at most chain->read_len
 *
 * Return: 0, or -EFAULT: not RAM, the queue is broken.
 */
MUST_CHECK int vq_chain_read(struct vq *vq, const struct vq_chain *chain,
			     void *buf, size_t len);
/* Fill the first @len bytes that the device may write, as above. */
MUST_CHECK int vq_chain_write(struct vq *vq, const struct vq_chain *chain,
			      const void *buf, size_t len);

/**
 * vq_push() - Give a buffer back, to be seen by the driver at vq_publish()
 * @len: bytes written
 *
 * Return: 0, or -EFAULT: the queue is broken.
 */
MUST_CHECK int vq_push(struct vq *vq, const struct vq_chain *chain,
		       uint32_t len);

/* Show the driver what was pushed. Once for several buffers: the driver polls the
 * cache line that this writes. */
void vq_publish(struct vq *vq);

/* Does the driver want an interrupt for what was published? */
bool vq_wants_interrupt(struct vq *vq);

/*
 * Ask the driver to notify, or not. A hint. After asking for it look at
 * vq_is_pending() again: what came meanwhile was not notified.
 */
void vq_set_notify(struct vq *vq, bool wanted);

#endif
