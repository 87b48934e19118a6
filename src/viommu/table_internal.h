/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translation table of one domain: a radix tree of 512 entries a node.
 *
 * An entry is one aligned 64-bit word: empty, a node of the level below, or a
 * leaf. A leaf may stand at any level; it is as long as its level's entries and
 * as aligned, while its target needs the granule's alignment only. A mapping is a
 * run of leaves, the largest that fit, so its cost is the number of its pieces
 * plus the depth, whatever its length. Its first and its last leaf are marked:
 * that makes mappings whole again when they are unmapped.
 *
 * Readers (viommu_table_lookup) take no lock. There is one writer at a time; it
 * unlinks a node before it is given back, and the node waits in limbo until
 * viommu_table_settle(), which the caller calls when no reader can hold it.
 *
 * Every linked node but the root has an entry in use, with one exception: the
 * leaf node last worked in (focus) stays when it has become empty. A guest that
 * maps and unmaps the same few pages in turn, which is what they do, then neither
 * builds nor removes nodes. So the empty nodes of a domain are one path at most,
 * in the table or in limbo.
 */
#ifndef VIOMMU_TABLE_INTERNAL_H
#define VIOMMU_TABLE_INTERNAL_H

#include "base/compiler.h"
#include "base/range.h"

#include <stdbool.h>
#include <stdint.h>

#define VIOMMU_NODE_BITS    9
#define VIOMMU_NODE_ENTRIES (1u << VIOMMU_NODE_BITS)

/* An entry's marks need the bits below this; so it is the smallest granule. */
#define VIOMMU_GRANULE_MIN 64

/* Empty nodes kept for the next to need one; more are given back. */
#define VIOMMU_POOL_KEEP 64

struct viommu_node {
	_Alignas(CACHE_LINE) uint64_t entry[VIOMMU_NODE_ENTRIES]; /* atomic */
	/* For the writer only. */
	struct viommu_node *parent; /* borrowed; NULL in a root */
	struct viommu_node *next;   /* in the pool or in limbo */
	unsigned int slot;	    /* of the parent's entry for this one */
	unsigned int used;	    /* entries that are not empty */
};

/*
 * Nodes, all of them zero, shared by the tables of a viommu. A mapping reserves
 * what it may need before it changes anything.
 */
struct viommu_pool {
	struct viommu_node *free; /* owned */
	uint32_t nr_free;
	uint32_t nr_nodes; /* free ones and those of tables */
	uint32_t max_nodes;
};

void viommu_pool_fini(struct viommu_pool *pool);

struct viommu_table {
	struct viommu_node *root;  /* owned */
	struct viommu_node *limbo; /* owned; unlinked, perhaps still read */
	struct viommu_node *focus; /* borrowed; leaf node last worked in */
	struct viommu_pool *pool;  /* borrowed */
	uint64_t focus_key;	   /* IOVA bits above the focus */
	uint64_t last;		   /* last IOVA that the tree can hold */
	unsigned int leaf_shift;   /* log2 of the granule */
	unsigned int top_shift;	   /* log2 of what an entry of the root spans */
};

/* What an unmap took away. */
struct viommu_removed {
	uint64_t nr_mappings;
	uint64_t bytes;
	uint64_t readable, writable; /* bytes of them that were that */
};

/**
 * viommu_table_init() - An empty table
 * @pool:    borrowed until viommu_table_fini()
 * @granule: smallest leaf; power of two, at least VIOMMU_GRANULE_MIN
 * @last:    last IOVA that must fit; sets the depth
 *
 * Return: 0, -ENOMEM (memory or the pool's limit).
 */
MUST_CHECK int viommu_table_init(struct viommu_table *t,
				 struct viommu_pool *pool, uint64_t granule,
				 uint64_t last);
/* Removes all mappings and gives the nodes back; there must be no reader. */
void viommu_table_fini(struct viommu_table *t, struct viommu_removed *removed);

/**
 * viommu_table_map() - Enter one mapping
 * @iova: aligned to the granule, inside the table
 * @gpa:  aligned to the granule; does not wrap
 * @prot: set of enum viommu_prot
 *
 * Return: 0, -EINVAL (overlaps a mapping), -ENOMEM (memory or the pool's limit,
 * to which the reserve for the worst case counts). Nothing has changed then.
 */
MUST_CHECK int viommu_table_map(struct viommu_table *t, struct iova_range iova,
				uint64_t gpa, unsigned int prot);

/**
 * viommu_table_unmap() - Remove the mappings inside a range
 * @iova:    any valid range
 * @removed: out, on success
 *
 * Readers may go on to use what was there until the caller has waited for them.
 *
 * Return: 0, -ERANGE (would split a mapping; nothing has changed).
 */
MUST_CHECK int viommu_table_unmap(struct viommu_table *t,
				  struct iova_range iova,
				  struct viommu_removed *removed);

/* No reader from before the last unmap is left: nodes in limbo can be reused. */
void viommu_table_settle(struct viommu_table *t);

/**
 * viommu_table_lookup() - As viommu_translate(), for one table
 *
 * @run ends at the end of a node at the latest: at most 512 entries are read.
 *
 * Return: 0, -ENOENT, -EACCES.
 */
MUST_CHECK int viommu_table_lookup(const struct viommu_table *t, uint64_t iova,
				   uint64_t len, unsigned int access,
				   uint64_t *gpa, uint64_t *run);

#endif
