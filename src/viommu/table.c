// SPDX-License-Identifier: BSD-2-Clause
/*
 * The radix tree. A level is named by its shift: log2 of what an entry spans.
 */
#include "viommu/table_internal.h"

#include "viommu/viommu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRY_NODE = 1 << 0, /* the rest is the address of a node */
	ENTRY_LEAF = 1 << 1, /* the rest is a guest-physical address */
	ENTRY_READ = 1 << 2,
	ENTRY_WRITE = 1 << 3,
	ENTRY_FIRST = 1 << 4, /* of its mapping */
	ENTRY_LAST = 1 << 5,
};

#define ENTRY_PROT_SHIFT 2
#define ENTRY_ADDRESS	 (~(uint64_t)(VIOMMU_GRANULE_MIN - 1))

_Static_assert(ENTRY_READ == VIOMMU_READ << ENTRY_PROT_SHIFT &&
		   ENTRY_WRITE == VIOMMU_WRITE << ENTRY_PROT_SHIFT,
	       "permissions shift into an entry");
_Static_assert(ENTRY_LAST < VIOMMU_GRANULE_MIN &&
		   CACHE_LINE >= VIOMMU_GRANULE_MIN,
	       "the marks fit below an address");

_Static_assert(VIOMMU_POOL_KEEP >= 2 * 64 / VIOMMU_NODE_BITS,
	       "the pool can hold what a mapping reserves");

#define NO_FOCUS UINT64_MAX

/* Pairs with entry_store(): who sees the address of a node sees it zeroed. */
static uint64_t entry_load(const struct viommu_node *node, unsigned int slot)
{
	return __atomic_load_n(&node->entry[slot], __ATOMIC_ACQUIRE);
}

static void entry_store(struct viommu_node *node, unsigned int slot,
			uint64_t entry)
{
	__atomic_store_n(&node->entry[slot], entry, __ATOMIC_RELEASE);
}

static struct viommu_node *entry_node(uint64_t entry)
{
	return (struct viommu_node *)(uintptr_t)(entry & ENTRY_ADDRESS);
}

static unsigned int slot_of(uint64_t iova, unsigned int shift)
{
	return (unsigned int)(iova >> shift) & (VIOMMU_NODE_ENTRIES - 1);
}

static uint64_t span_mask(unsigned int shift)
{
	return ((uint64_t)1 << shift) - 1;
}

/* ---- nodes ---- */

static struct viommu_node *pool_take(struct viommu_pool *pool)
{
	struct viommu_node *node = pool->free;

	pool->free = node->next;
	pool->nr_free--;
	return node;
}

static void pool_give(struct viommu_pool *pool, struct viommu_node *node)
{
	if (pool->nr_free >= VIOMMU_POOL_KEEP) {
		free(node);
		pool->nr_nodes--;
		return;
	}
	node->parent = NULL;
	node->next = pool->free;
	pool->free = node;
	pool->nr_free++;
}

static int pool_grow(struct viommu_pool *pool)
{
	struct viommu_node *node;

	if (pool->nr_nodes >= pool->max_nodes)
		return -ENOMEM;
	node = aligned_alloc(_Alignof(struct viommu_node), sizeof(*node));
	if (!node)
		return -ENOMEM;
	memset(node, 0, sizeof(*node));
	pool->nr_nodes++;
	pool_give(pool, node);
	return 0;
}

/* Makes sure that the next @nr takes succeed. */
static int pool_reserve(struct viommu_pool *pool, unsigned int nr)
{
	int ret = 0;

	while (pool->nr_free < nr && !ret)
		ret = pool_grow(pool);
	return ret;
}

void viommu_pool_fini(struct viommu_pool *pool)
{
	while (pool->nr_free > 0)
		free(pool_take(pool));
}

static struct viommu_node *
add_child(struct viommu_table *t, struct viommu_node *parent, unsigned int slot)
{
	struct viommu_node *node = pool_take(t->pool);

	node->parent = parent;
	node->slot = slot;
	parent->used++;
	entry_store(parent, slot, (uintptr_t)node | ENTRY_NODE);
	return node;
}

/* Unlinks a node that has become empty, and those that so become empty. */
static void prune(struct viommu_table *t, struct viommu_node *node)
{
	if (node == t->focus) {
		t->focus = NULL;
		t->focus_key = NO_FOCUS;
	}
	while (node != t->root && node->used == 0) {
		struct viommu_node *parent = node->parent;

		entry_store(parent, node->slot, 0);
		parent->used--;
		node->next = t->limbo;
		t->limbo = node;
		node = parent;
	}
}

static uint64_t focus_key(const struct viommu_table *t, uint64_t iova)
{
	return iova >> (t->leaf_shift + VIOMMU_NODE_BITS);
}

static void set_focus(struct viommu_table *t, struct viommu_node *node,
		      uint64_t iova)
{
	if (t->focus && t->focus != node && t->focus->used == 0)
		prune(t, t->focus);
	t->focus = node;
	t->focus_key = focus_key(t, iova);
}

void viommu_table_settle(struct viommu_table *t)
{
	while (t->limbo) {
		struct viommu_node *node = t->limbo;

		t->limbo = node->next;
		pool_give(t->pool, node);
	}
}

/* ---- walking ---- */

/* Where a walk ended: at an entry that is no node, or on the level asked for. */
struct place {
	struct viommu_node *node;
	unsigned int shift;
};

static struct place walk(const struct viommu_table *t, uint64_t iova,
			 unsigned int shift)
{
	struct place at = { t->root, t->top_shift };

	if (shift == t->leaf_shift && focus_key(t, iova) == t->focus_key)
		return (struct place){ t->focus, t->leaf_shift };

	while (at.shift > shift) {
		uint64_t entry = entry_load(at.node, slot_of(iova, at.shift));

		if (!(entry & ENTRY_NODE))
			break;
		at.node = entry_node(entry);
		at.shift -= VIOMMU_NODE_BITS;
	}
	return at;
}

/* Leaves of one size, side by side in one node. */
struct run {
	uint64_t last;	    /* IOVA of the last byte */
	unsigned int shift; /* of the level */
	unsigned int slot;  /* the first */
	unsigned int nr;
};

/* The leaves that a mapping has from @iova on: the largest that fit there. */
static struct run run_at(const struct viommu_table *t, uint64_t iova,
			 uint64_t last)
{
	struct run run = { .shift = t->leaf_shift };
	unsigned int up = run.shift + VIOMMU_NODE_BITS;
	uint64_t fit;

	while (up <= t->top_shift && !(iova & span_mask(up)) &&
	       last - iova >= span_mask(up)) {
		run.shift = up;
		up += VIOMMU_NODE_BITS;
	}
	run.slot = slot_of(iova, run.shift);
	fit = ((last - iova - span_mask(run.shift)) >> run.shift) + 1;
	run.nr = (unsigned int)MIN(fit, VIOMMU_NODE_ENTRIES - run.slot);
	run.last = iova + ((uint64_t)run.nr << run.shift) - 1;
	return run;
}

static bool run_is_free(const struct viommu_table *t, uint64_t iova,
			const struct run *run)
{
	struct place at = walk(t, iova, run->shift);

	if (at.shift > run->shift)
		return entry_load(at.node, slot_of(iova, at.shift)) == 0;

	for (unsigned int i = 0; i < run->nr; i++)
		if (entry_load(at.node, run->slot + i))
			return false;
	return true;
}

static bool range_is_free(const struct viommu_table *t, uint64_t iova,
			  uint64_t last)
{
	for (;;) {
		struct run run = run_at(t, iova, last);

		if (!run_is_free(t, iova, &run))
			return false;
		if (run.last == last)
			return true;
		iova = run.last + 1;
	}
}

/* ---- changing ---- */

static void fill_run(struct viommu_table *t, uint64_t iova,
		     const struct run *run, uint64_t first, uint64_t last)
{
	struct place at = walk(t, iova, run->shift);

	while (at.shift > run->shift) {
		at.node = add_child(t, at.node, slot_of(iova, at.shift));
		at.shift -= VIOMMU_NODE_BITS;
	}
	for (unsigned int i = 0; i < run->nr; i++) {
		entry_store(at.node, run->slot + i,
			    i == run->nr - 1 ? first | last : first);
		first &= ~(uint64_t)ENTRY_FIRST;
		first += (uint64_t)1 << run->shift;
	}
	at.node->used += run->nr;
	if (run->shift == t->leaf_shift)
		set_focus(t, at.node, iova);
}

static void fill(struct viommu_table *t, struct iova_range iova, uint64_t gpa,
		 uint64_t marks)
{
	uint64_t at = iova.start;

	marks |= ENTRY_LEAF | ENTRY_FIRST;
	for (;;) {
		struct run run = run_at(t, at, iova.last);
		bool end = run.last == iova.last;

		fill_run(t, at, &run, (gpa + (at - iova.start)) | marks,
			 end ? ENTRY_LAST : 0);
		if (end)
			return;
		marks &= ~(uint64_t)ENTRY_FIRST;
		at = run.last + 1;
	}
}

/* Whether a range goes into the focus and leaves some of it over. */
static bool inside_focus(const struct viommu_table *t,
			 const struct iova_range *iova)
{
	return focus_key(t, iova->start) == t->focus_key &&
	       focus_key(t, iova->last) == t->focus_key &&
	       iova->last - iova->start <
		   span_mask(t->leaf_shift + VIOMMU_NODE_BITS);
}

int viommu_table_map(struct viommu_table *t, struct iova_range iova,
		     uint64_t gpa, unsigned int prot)
{
	/* The paths to its two ends; between them are leaves only. */
	unsigned int need =
	    2 * (t->top_shift - t->leaf_shift) / VIOMMU_NODE_BITS;
	int ret;

	/* An empty focus is taken for a mapping by who does not look inside. */
	if (t->focus && t->focus->used == 0 && !inside_focus(t, &iova))
		prune(t, t->focus);
	if (!range_is_free(t, iova.start, iova.last))
		return -EINVAL;
	ret = pool_reserve(t->pool, need);
	if (ret)
		return ret;

	fill(t, iova, gpa, (uint64_t)prot << ENTRY_PROT_SHIFT);
	return 0;
}

/* The leaf at @iova and the addresses that it spans; 0 if there is none. */
static uint64_t leaf_at(const struct viommu_table *t, uint64_t iova,
			struct iova_range *extent)
{
	struct place at;

	if (iova > t->last)
		return 0;
	at = walk(t, iova, t->leaf_shift);
	extent->start = iova & ~span_mask(at.shift);
	extent->last = iova | span_mask(at.shift);
	return entry_load(at.node, slot_of(iova, at.shift));
}

/* A range splits no mapping if one begins or none is at its start, and so on. */
static bool splits(const struct viommu_table *t, const struct iova_range *iova)
{
	struct iova_range extent;
	uint64_t entry;

	entry = leaf_at(t, iova->start, &extent);
	if (entry && (!(entry & ENTRY_FIRST) || extent.start != iova->start))
		return true;
	entry = leaf_at(t, iova->last, &extent);
	return entry && (!(entry & ENTRY_LAST) || extent.last != iova->last);
}

static void account(struct viommu_removed *removed, uint64_t entry,
		    uint64_t bytes)
{
	removed->bytes += bytes;
	removed->readable += entry & ENTRY_READ ? bytes : 0;
	removed->writable += entry & ENTRY_WRITE ? bytes : 0;
}

/*
 * Empties entries of one node from @iova on, up to the first that leads to
 * another node. Returns the last IOVA that is done with.
 */
static uint64_t clear_node(struct place at, uint64_t iova, uint64_t last,
			   struct viommu_removed *removed)
{
	unsigned int slot = slot_of(iova, at.shift);
	uint64_t done = iova;

	for (; slot < VIOMMU_NODE_ENTRIES; slot++) {
		uint64_t entry = entry_load(at.node, slot);

		if (entry & ENTRY_NODE)
			break;
		if (entry) {
			entry_store(at.node, slot, 0);
			at.node->used--;
			removed->nr_mappings += !!(entry & ENTRY_FIRST);
			account(removed, entry, (uint64_t)1 << at.shift);
		}
		done = iova | span_mask(at.shift);
		if (done >= last)
			break;
		iova = done + 1;
	}
	return done;
}

static void clear(struct viommu_table *t, uint64_t iova, uint64_t last,
		  struct viommu_removed *removed)
{
	for (;;) {
		struct place at = walk(t, iova, t->leaf_shift);
		uint64_t done = clear_node(at, iova, last, removed);

		if (at.shift == t->leaf_shift)
			set_focus(t, at.node, iova);
		else if (at.node->used == 0)
			prune(t, at.node);
		if (done >= last)
			return;
		iova = done + 1;
	}
}

int viommu_table_unmap(struct viommu_table *t, struct iova_range iova,
		       struct viommu_removed *removed)
{
	*removed = (struct viommu_removed){ 0 };
	if (iova.start > t->last)
		return 0;
	if (splits(t, &iova))
		return -ERANGE;
	clear(t, iova.start, MIN(iova.last, t->last), removed);
	return 0;
}

/* ---- reading ---- */

int viommu_table_lookup(const struct viommu_table *t, uint64_t iova,
			uint64_t len, unsigned int access, uint64_t *gpa,
			uint64_t *run)
{
	const struct viommu_node *node = t->root;
	uint64_t want = ENTRY_LEAF | (uint64_t)access << ENTRY_PROT_SHIFT;
	unsigned int shift = t->top_shift, slot;
	uint64_t entry, span, got;

	if (iova > t->last)
		return -ENOENT;
	for (;;) {
		slot = slot_of(iova, shift);
		entry = entry_load(node, slot);
		if (!(entry & ENTRY_NODE))
			break;
		node = entry_node(entry);
		shift -= VIOMMU_NODE_BITS;
	}
	if (!entry)
		return -ENOENT;
	if (want & ~entry)
		return -EACCES;

	span = span_mask(shift) + 1;
	got = MIN(len, span - (iova & (span - 1)));
	entry &= ENTRY_ADDRESS;
	*gpa = entry + (iova & (span - 1));

	while (got < len && ++slot < VIOMMU_NODE_ENTRIES) {
		uint64_t next = entry_load(node, slot);

		entry += span;
		if ((next & ENTRY_NODE) || (want & ~next) ||
		    (next & ENTRY_ADDRESS) != entry)
			break;
		got += MIN(len - got, span);
	}
	*run = got;
	return 0;
}

/* ---- life ---- */

int viommu_table_init(struct viommu_table *t, struct viommu_pool *pool,
		      uint64_t granule, uint64_t last)
{
	unsigned int shift = (unsigned int)__builtin_ctzll(granule);
	int ret = pool_reserve(pool, 1);

	if (ret)
		return ret;
	*t = (struct viommu_table){
		.root = pool_take(pool),
		.pool = pool,
		.focus_key = NO_FOCUS,
		.leaf_shift = shift,
	};
	while (shift + VIOMMU_NODE_BITS < 64 &&
	       last >> (shift + VIOMMU_NODE_BITS))
		shift += VIOMMU_NODE_BITS;
	t->top_shift = shift;
	t->last = UINT64_MAX;
	if (shift + VIOMMU_NODE_BITS < 64)
		t->last = span_mask(shift + VIOMMU_NODE_BITS);
	return 0;
}

void viommu_table_fini(struct viommu_table *t, struct viommu_removed *removed)
{
	*removed = (struct viommu_removed){ 0 };
	clear(t, 0, t->last, removed);
	if (t->focus)
		prune(t, t->focus);
	viommu_table_settle(t);
	pool_give(t->pool, t->root);
}
