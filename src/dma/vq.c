// SPDX-License-Identifier: BSD-2-Clause
#include "dma/vq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "base/bytes.h"
#include "memory/guard.h"
#include "memory/guest_ram.h"

#define ALIGN_DESC  16
#define ALIGN_AVAIL 2
#define ALIGN_USED  4

/* The words after the rings of the event index are not part of ours. */
#define AVAIL_LEN(size) (sizeof(struct vring_avail) + sizeof(uint16_t) * (size))
#define USED_LEN(size) \
	(sizeof(struct vring_used) + sizeof(struct vring_used_elem) * (size))

static int break_queue(struct vq *vq, const char *why, int error)
{
	if (!vq->broken)
		vq->broken = why;
	return error;
}

int vq_init(struct vq *vq, struct guest_ram *ram,
	    const struct vq_layout *layout)
{
	const uint16_t size = layout->size;

	if (size == 0 || size > VQ_SIZE_MAX || (size & (size - 1)))
		return -EINVAL;
	if (layout->desc % ALIGN_DESC || layout->avail % ALIGN_AVAIL ||
	    layout->used % ALIGN_USED)
		return -EINVAL;
	*vq = (struct vq){
		.ram = ram,
		.desc = guest_ram_span(ram, layout->desc,
				       sizeof(struct vring_desc) * size),
		.avail = guest_ram_span(ram, layout->avail, AVAIL_LEN(size)),
		.used = guest_ram_span(ram, layout->used, USED_LEN(size)),
		.size = size,
		.indirect = layout->indirect,
	};
	return vq->desc && vq->avail && vq->used ? 0 : -EFAULT;
}

/* ---- words of the rings ---- */

struct word_load {
	const uint16_t *from;
	uint16_t value;
};

/* Acquire: pairs with the driver's barrier before it publishes an index. */
static void load_word(void *ctx)
{
	struct word_load *load = ctx;

	load->value = le16toh(__atomic_load_n(load->from, __ATOMIC_ACQUIRE));
}

static int ring_load(struct vq *vq, const uint16_t *from, uint16_t *value)
{
	struct word_load load = { from, 0 };
	int ret = guard_run(load_word, &load);

	if (ret)
		return break_queue(vq, "a ring can not be read", ret);
	*value = load.value;
	return 0;
}

bool vq_is_pending(struct vq *vq)
{
	uint16_t idx;

	return !vq->broken && ring_load(vq, &vq->avail->idx, &idx) == 0 &&
	       idx != vq->next_avail;
}

bool vq_wants_interrupt(struct vq *vq)
{
	uint16_t flags;

	/* After the store of the used index, as the driver does the reverse. */
	shared_fence();
	return !vq->broken && ring_load(vq, &vq->avail->flags, &flags) == 0 &&
	       !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}

static void store_flags(void *ctx)
{
	struct vring_used *used = ((struct vq *)ctx)->used;

	__atomic_store_n(&used->flags, 0, __ATOMIC_RELAXED);
}

static void store_no_notify(void *ctx)
{
	struct vring_used *used = ((struct vq *)ctx)->used;

	__atomic_store_n(&used->flags, htole16(VRING_USED_F_NO_NOTIFY),
			 __ATOMIC_RELAXED);
}

void vq_set_notify(struct vq *vq, bool wanted)
{
	if (guard_run(wanted ? store_flags : store_no_notify, vq))
		(void)break_queue(vq, "a ring can not be written", 0);
	/* Before the caller's look at the available index. */
	shared_fence();
}

/* ---- chains ---- */

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const char *at;
	uint32_t nr;
	bool indirect;
};

/*
 * Copies a descriptor once: after the fence the compiler has to go by the copy,
 * since memory may have changed.
 */
static struct vring_desc load_desc(const struct table *table, uint32_t i)
{
	struct vring_desc desc;

	memcpy(&desc, table->at + i * sizeof(desc), sizeof(desc));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return desc;
}

static const char *enter_indirect(const struct vq *vq,
				  const struct vring_desc *desc,
				  struct table *table)
{
	uint32_t len = le32toh(desc->len);

	if (!vq->indirect)
		return "indirect descriptors were not negotiated";
	if (table->indirect)
		return "an indirect table in an indirect table";
	if (le16toh(desc->flags) & VRING_DESC_F_NEXT)
		return "an indirect table that is not the last";
	if (len == 0 || len % sizeof(struct vring_desc))
		return "an indirect table of a wrong length";
	table->at = guest_ram_span(vq->ram, le64toh(desc->addr), len);
	if (!table->at)
		return "an indirect table outside RAM";
	table->nr = len / (uint32_t)sizeof(struct vring_desc);
	table->indirect = true;
	return NULL;
}

static const char *add_segment(const struct vq *vq, struct vq_chain *chain,
			       const struct vring_desc *desc)
{
	uint32_t len = le32toh(desc->len);

	if (chain->nr == vq->size)
		return "a chain longer than the queue";
	if (le16toh(desc->flags) & VRING_DESC_F_WRITE) {
		chain->write_len += len;
	} else if (chain->nr != chain->nr_read) {
		return "a part to read behind one to write";
	} else {
		chain->nr_read++;
		chain->read_len += len;
	}
	chain->segments[chain->nr++] =
	    (struct vq_segment){ le64toh(desc->addr), len };
	return NULL;
}

/* Ends: each turn adds a segment, or enters the only indirect table. */
static const char *walk_chain(const struct vq *vq, struct vq_chain *chain)
{
	struct table table = { (const char *)vq->desc, vq->size, false };
	struct vring_desc desc;
	uint32_t i = chain->head;
	const char *why;

	for (;;) {
		if (i >= table.nr)
			return "a descriptor that the table does not have";
		desc = load_desc(&table, i);
		if (le16toh(desc.flags) & VRING_DESC_F_INDIRECT) {
			why = enter_indirect(vq, &desc, &table);
			i = 0;
		} else {
			why = add_segment(vq, chain, &desc);
			if (!(le16toh(desc.flags) & VRING_DESC_F_NEXT))
				return why;
			i = le16toh(desc.next);
		}
		if (why)
			return why;
	}
}

/*
 * Looks at the driver's index, but not again before all that it said has been
 * taken. Return: as vq_pop().
 */
static int look_for_more(struct vq *vq)
{
	if (vq->seen_avail != vq->next_avail)
		return 0;
	vq->seen_avail =
	    le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));
	if (vq->seen_avail == vq->next_avail)
		return -EAGAIN;
	if ((uint16_t)(vq->seen_avail - vq->next_avail) > vq->size)
		return -EBADMSG;
	return 0;
}

struct pop {
	struct vq *vq;
	struct vq_chain *chain;
	int ret;
	const char *why;
};

static void pop_chain(void *ctx)
{
	struct pop *pop = ctx;
	struct vq *vq = pop->vq;
	struct vq_chain *chain = pop->chain;
	uint16_t idx;

	pop->ret = look_for_more(vq);
	if (pop->ret == -EBADMSG)
		pop->why = "more buffers than the queue has";
	if (pop->ret)
		return;
	idx = vq->next_avail & (vq->size - 1);
	chain->head =
	    le16toh(__atomic_load_n(&vq->avail->ring[idx], __ATOMIC_RELAXED));
	chain->nr = 0;
	chain->nr_read = 0;
	chain->read_len = 0;
	chain->write_len = 0;
	pop->why = walk_chain(vq, chain);
}

int vq_pop(struct vq *vq, struct vq_chain *chain)
{
	struct pop pop = { vq, chain, 0, NULL };

	if (vq->broken)
		return -EBADMSG;
	if (guard_run(pop_chain, &pop))
		pop.why = "a descriptor can not be read";
	if (pop.why)
		return break_queue(vq, pop.why, -EBADMSG);
	if (pop.ret)
		return pop.ret;
	vq->next_avail++;
	return 0;
}

/* What is copied between segments and a buffer of ours. */
struct transfer {
	const struct vq *vq;
	const struct vq_segment *segment; /* the first */
	uint8_t *buf;
	size_t len;
	bool write; /* to the segments */
	bool failed;
};

static void transfer_bytes(void *ctx)
{
	struct transfer *t = ctx;

	while (t->len > 0) {
		size_t n = MIN(t->len, (size_t)t->segment->len);
		void *at = guest_ram_span(t->vq->ram, t->segment->gpa, n);

		if (!at) {
			t->failed = true;
			return;
		}
		if (t->write)
			memcpy(at, t->buf, n);
		else
			memcpy(t->buf, at, n);
		t->segment++;
		t->buf += n;
		t->len -= n;
	}
}

static int transfer(struct vq *vq, struct transfer *t)
{
	if (guard_run(transfer_bytes, t) || t->failed)
		return break_queue(vq, "a buffer outside RAM", -EFAULT);
	return 0;
}

int vq_chain_read(struct vq *vq, const struct vq_chain *chain, void *buf,
		  size_t len)
{
	struct transfer t = {
		.vq = vq, .segment = chain->segments, .buf = buf, .len = len
	};

	assert(len <= chain->read_len);
	return transfer(vq, &t);
}

int vq_chain_write(struct vq *vq, const struct vq_chain *chain, const void *buf,
		   size_t len)
{
	struct transfer t = {
		.vq = vq,
		.segment = chain->segments + chain->nr_read,
		.buf = (uint8_t *)(uintptr_t)buf,
		.len = len,
		.write = true,
	};

	assert(len <= chain->write_len);
	return transfer(vq, &t);
}

struct push {
	struct vring_used_elem *at;
	uint32_t id, len;
};

static void push_used(void *ctx)
{
	const struct push *push = ctx;

	push->at->id = htole32(push->id);
	push->at->len = htole32(push->len);
}

int vq_push(struct vq *vq, const struct vq_chain *chain, uint32_t len)
{
	struct push push = {
		.at = &vq->used->ring[vq->next_used & (vq->size - 1)],
		.id = chain->head,
		.len = len,
	};

	if (guard_run(push_used, &push))
		return break_queue(vq, "a ring can not be written", -EFAULT);
	vq->next_used++;
	return 0;
}

/* Release: buffers and entries are there before the index says so. */
static void store_index(void *ctx)
{
	const struct vq *vq = ctx;

	__atomic_store_n(&vq->used->idx, htole16(vq->next_used),
			 __ATOMIC_RELEASE);
}

void vq_publish(struct vq *vq)
{
	if (guard_run(store_index, vq))
		(void)break_queue(vq, "a ring can not be written", 0);
}
