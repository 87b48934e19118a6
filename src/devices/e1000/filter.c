// SPDX-License-Identifier: BSD-2-Clause
/* Receive filters: the manual, "Packet Address Filtering" and "802.1q VLAN". */

#include "devices/e1000/filter.h"

#include "base/bytes.h"
#include "devices/e1000/regs.h"

#define TYPE_OFF 12
#define TCI_OFF	 14

static uint32_t reg(const uint32_t *regs, uint32_t off)
{
	return shared_load(&regs[off / 4]);
}

static bool is_broadcast(const uint8_t *head)
{
	return get_le32(head) == 0xffffffff && get_le16(head + 4) == 0xffff;
}

static bool matches_exactly(const uint32_t *regs, const uint8_t *head)
{
	uint32_t low = get_le32(head), high = E1000_RAH_AV | get_le16(head + 4);

	for (uint32_t i = 0; i < E1000_NR_RA; i++) {
		uint32_t off = E1000_RAL + 8 * i;

		if (reg(regs, off) == low &&
		    (reg(regs, off + 4) & (E1000_RAH_AV | 0xffff)) == high)
			return true;
	}
	return false;
}

static bool hash_matches(const uint32_t *regs, uint32_t rctl,
			 const uint8_t *head)
{
	/* Where the 12 bits begin in the last 16 of the address, by MO. */
	static const unsigned int shifts[] = { 4, 3, 2, 0 };
	unsigned int mo = rctl >> E1000_RCTL_MO_SHIFT & 3;
	uint32_t hash = (uint32_t)get_le16(head + 4) >> shifts[mo] & 0xfff;

	return reg(regs, E1000_MTA + 4 * (hash / 32)) >> (hash % 32) & 1;
}

bool e1000_filter_tagged(const uint32_t *regs, const uint8_t *head)
{
	uint32_t type = (uint32_t)head[TYPE_OFF] << 8 | head[TYPE_OFF + 1];

	return type == (reg(regs, E1000_VET) & 0xffff) && type != 0;
}

static bool vlan_wanted(const uint32_t *regs, uint32_t rctl,
			const uint8_t *head)
{
	uint32_t id =
	    ((uint32_t)head[TCI_OFF] << 8 | head[TCI_OFF + 1]) & 0xfff;

	if (!(rctl & E1000_RCTL_VFE) || !e1000_filter_tagged(regs, head))
		return true;
	return reg(regs, E1000_VFTA + 4 * (id / 32)) >> (id % 32) & 1;
}

enum e1000_match e1000_filter(const uint32_t *regs, uint32_t rctl,
			      const uint8_t *head)
{
	bool group = head[0] & 1;

	if (!vlan_wanted(regs, rctl, head))
		return E1000_MATCH_NONE;
	if (matches_exactly(regs, head))
		return E1000_MATCH_EXACT;
	if (is_broadcast(head) && (rctl & E1000_RCTL_BAM))
		return E1000_MATCH_EXACT;
	if (rctl & (group ? E1000_RCTL_MPE : E1000_RCTL_UPE))
		return E1000_MATCH_HASH;
	if (group && hash_matches(regs, rctl, head))
		return E1000_MATCH_HASH;
	return E1000_MATCH_NONE;
}
