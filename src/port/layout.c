// SPDX-License-Identifier: BSD-2-Clause
#include <endian.h>

#include "base/compiler.h"
#include "base/range.h"
#include "port/port_internal.h"

#define PAGE 4096u

/* A part of the memory: starts at a multiple of align, and lies inside. */
struct part {
	uint32_t off;
	uint64_t len;
	uint32_t align;
};

static bool part_fits(const struct part *p, size_t size)
{
	return p->off % p->align == 0 && span_fits(p->off, p->len, size);
}

static bool ring_fits(const struct port_ring_layout *l, size_t size)
{
	uint32_t nr = le32toh(l->nr_entries);
	const struct part parts[] = {
		{ le32toh(l->ring_off), sizeof(struct port_ring), CACHE_LINE },
		{ le32toh(l->entries_off),
		  (uint64_t)nr * sizeof(struct port_entry), 16 },
		{ le32toh(l->errors_off),
		  (uint64_t)nr * sizeof(struct port_error), 16 },
	};

	if (nr < PORT_ENTRIES_MIN || nr > PORT_ENTRIES_MAX || (nr & (nr - 1)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!part_fits(&parts[i], size))
			return false;
	return true;
}

/* The interrupt words: both in the register page, or neither anywhere. */
static bool irq_words_fit(const struct port_header *h)
{
	uint32_t cause = le32toh(h->irq_cause_off);
	uint32_t mask = le32toh(h->irq_mask_off);
	uint32_t len = le32toh(h->regs_len);

	if (cause == PORT_NONE)
		return mask == PORT_NONE;
	return cause % 4 == 0 && mask % 4 == 0 && span_fits(cause, 4, len) &&
	       span_fits(mask, 4, len);
}

bool port_layout_fits(const struct port_header *h, size_t size)
{
	uint32_t frames_off = le32toh(h->frames_off);
	uint32_t nr_rings = le32toh(h->nr_rings);
	const struct part parts[] = {
		{ le32toh(h->control_off), sizeof(struct port_control),
		  CACHE_LINE },
		{ frames_off,
		  frames_off ? PORT_SLOTS * sizeof(struct port_frame) : 0,
		  CACHE_LINE },
		{ le32toh(h->posted_off),
		  PORT_POSTED_NR * sizeof(struct port_posted), CACHE_LINE },
		{ le32toh(h->staging_off), le32toh(h->staging_len), PAGE },
		{ le32toh(h->regs_off), le32toh(h->regs_len), PAGE },
		{ le32toh(h->state_off), le32toh(h->state_len), PAGE },
	};

	if (le32toh(h->magic) != PORT_MAGIC ||
	    le32toh(h->version) != PORT_VERSION || le32toh(h->size) != size ||
	    nr_rings > PORT_RINGS_MAX ||
	    le32toh(h->staging_len) > PORT_STAGING_MAX ||
	    le32toh(h->regs_len) > PORT_REGS_MAX ||
	    le32toh(h->state_len) > PORT_STATE_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!part_fits(&parts[i], size))
			return false;
	for (uint32_t i = 0; i < nr_rings; i++)
		if (!ring_fits(&h->rings[i], size))
			return false;
	return irq_words_fit(h);
}
