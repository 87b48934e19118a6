/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of a split virtqueue, for tests: a ring laid out by hand. */
#ifndef TESTS_UNIT_RING_H
#define TESTS_UNIT_RING_H

#include <assert.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "base/bytes.h"
#include "dma/vq.h"
#include "memory/guest_ram.h"

#define RING_SIZE 8

struct ring {
	struct guest_ram *ram; /* borrowed */
	struct vq_layout layout;
	uint16_t avail; /* buffers made available */
};

static inline void *ring_at(const struct ring *ring, uint64_t gpa)
{
	return guest_ram_span(ring->ram, gpa, 1);
}

/* A ring of RING_SIZE at @base, all zeros. */
static inline void ring_init(struct ring *ring, struct guest_ram *ram,
			     uint64_t base)
{
	*ring = (struct ring){
		.ram = ram,
		.layout = { RING_SIZE, base, base + 0x100, base + 0x200, true },
	};
	memset(guest_ram_span(ram, base, 0x300), 0, 0x300);
}

static inline void ring_desc_at(const struct ring *ring, uint64_t table,
				unsigned int i, uint64_t addr, uint32_t len,
				uint16_t flags, uint16_t next)
{
	struct vring_desc desc = { htole64(addr), htole32(len), htole16(flags),
				   htole16(next) };
	int ret = guest_ram_write(ring->ram, table + i * sizeof(desc), &desc,
				  sizeof(desc));

	assert(ret == 0);
}

static inline void ring_desc(const struct ring *ring, unsigned int i,
			     uint64_t addr, uint32_t len, uint16_t flags,
			     uint16_t next)
{
	ring_desc_at(ring, ring->layout.desc, i, addr, len, flags, next);
}

static inline void ring_publish(struct ring *ring, uint16_t head)
{
	struct vring_avail *avail = ring_at(ring, ring->layout.avail);

	avail->ring[ring->avail % RING_SIZE] = htole16(head);
	__atomic_store_n(&avail->idx, htole16(++ring->avail), __ATOMIC_RELEASE);
}

static inline void ring_set_flags(const struct ring *ring, uint16_t flags)
{
	struct vring_avail *avail = ring_at(ring, ring->layout.avail);

	__atomic_store_n(&avail->flags, htole16(flags), __ATOMIC_RELAXED);
}

static inline uint16_t ring_used_flags(const struct ring *ring)
{
	const struct vring_used *used = ring_at(ring, ring->layout.used);

	return le16toh(__atomic_load_n(&used->flags, __ATOMIC_RELAXED));
}

static inline uint16_t ring_used_idx(const struct ring *ring)
{
	const struct vring_used *used = ring_at(ring, ring->layout.used);

	return le16toh(__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE));
}

static inline struct vring_used_elem ring_used(const struct ring *ring,
					       uint16_t i)
{
	const struct vring_used *used = ring_at(ring, ring->layout.used);
	struct vring_used_elem e = used->ring[i % RING_SIZE];

	e.id = le32toh(e.id);
	e.len = le32toh(e.len);
	return e;
}

#endif
