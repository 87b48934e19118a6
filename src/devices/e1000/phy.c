// SPDX-License-Identifier: BSD-2-Clause
/* The PHY: IEEE 802.3 clause 22 registers, and the ones that are Marvell's. */

#include "devices/e1000/phy.h"

#include <string.h>

#include "base/compiler.h"
#include "devices/e1000/regs.h"

#define PHY_ADDR 1

enum {
	PHY_CONTROL = 0,
	PHY_STATUS = 1,
	PHY_ID1 = 2,
	PHY_ID2 = 3,
	PHY_ADVERTISE = 4,
	PHY_PARTNER = 5,
	PHY_EXPANSION = 6,
	PHY_1000T_CONTROL = 9,
	PHY_1000T_STATUS = 10,
	PHY_EXT_STATUS = 15,
	PHY_SPEC_CONTROL = 16,
	PHY_SPEC_STATUS = 17,
	PHY_EXT_SPEC_CONTROL = 20,
};

#define CONTROL_RESET	0x8000
#define CONTROL_ANEG	0x1000
#define CONTROL_POWER	0x0800 /* down */
#define CONTROL_ISOLATE 0x0400
#define CONTROL_RESTART 0x0200

#define STATUS_LINK	 0x0004
#define STATUS_ANEG_DONE 0x0020

/* Resolved, up, 1000 Mbit/s, full duplex; and the bits that say it is up. */
#define SPEC_STATUS_UP	 0xac00
#define SPEC_STATUS_LINK 0x0c00

static const struct {
	uint8_t reg;
	uint16_t value; /* after a reset, the link being up */
	uint16_t writable;
} phy_regs[] = {
	{ PHY_CONTROL, 0x1140, 0x7dc0 },
	{ PHY_STATUS, 0x7949 | STATUS_LINK | STATUS_ANEG_DONE, 0 },
	{ PHY_ID1, 0x0141, 0 },
	{ PHY_ID2, 0x0c20, 0 },
	{ PHY_ADVERTISE, 0x0de1, 0xffff },
	{ PHY_PARTNER, 0xcde1, 0 }, /* everything, pauses too */
	{ PHY_EXPANSION, 0x0001, 0 },
	{ PHY_1000T_CONTROL, 0x0e00, 0xffff },
	{ PHY_1000T_STATUS, 0x7c00, 0 }, /* both receivers fine */
	{ PHY_EXT_STATUS, 0x3000, 0 },
	{ PHY_SPEC_CONTROL, 0x0068, 0xffff },
	{ PHY_SPEC_STATUS, SPEC_STATUS_UP, 0 },
	{ 18, 0, 0xffff }, /* its interrupts: led nowhere */
	{ PHY_EXT_SPEC_CONTROL, 0x0d60, 0xffff },
	{ 29, 0, 0xffff }, /* page and window of what no driver relies on */
	{ 30, 0, 0xffff },
};

static uint16_t writable_bits(unsigned int reg)
{
	for (size_t i = 0; i < ARRAY_SIZE(phy_regs); i++) {
		if (phy_regs[i].reg == reg)
			return phy_regs[i].writable;
	}
	return 0;
}

void e1000_phy_reset(struct e1000_phy *phy)
{
	memset(phy, 0, sizeof(*phy));
	for (size_t i = 0; i < ARRAY_SIZE(phy_regs); i++)
		phy->regs[phy_regs[i].reg] = phy_regs[i].value;
}

bool e1000_phy_link(const struct e1000_phy *phy)
{
	return phy->regs[PHY_STATUS] & STATUS_LINK;
}

static void set_control(struct e1000_phy *phy, uint16_t value, bool *link_event)
{
	bool up = !(value & (CONTROL_POWER | CONTROL_ISOLATE));

	*link_event |= up != e1000_phy_link(phy) ||
		       (value & (CONTROL_RESET | CONTROL_RESTART));
	if (value & CONTROL_RESET) {
		e1000_phy_reset(phy);
		return;
	}
	phy->regs[PHY_CONTROL] = value & writable_bits(PHY_CONTROL);
	if (up) {
		phy->regs[PHY_STATUS] |= STATUS_LINK | STATUS_ANEG_DONE;
		phy->regs[PHY_SPEC_STATUS] = SPEC_STATUS_UP;
	} else {
		phy->regs[PHY_STATUS] &= ~(STATUS_LINK | STATUS_ANEG_DONE);
		phy->regs[PHY_SPEC_STATUS] &= ~SPEC_STATUS_LINK;
	}
}

uint32_t e1000_phy_access(struct e1000_phy *phy, uint32_t mdic,
			  bool *link_event)
{
	unsigned int reg = mdic >> E1000_MDIC_REG_SHIFT & 0x1f;
	unsigned int addr = mdic >> E1000_MDIC_PHY_SHIFT & 0x1f;
	uint16_t value = (uint16_t)mdic, writable = writable_bits(reg);

	if (addr != PHY_ADDR)
		return mdic | E1000_MDIC_READY | E1000_MDIC_ERROR;

	mdic &= ~(E1000_MDIC_ERROR | 0xffffu);
	if (!(mdic & E1000_MDIC_OP_WRITE))
		return mdic | E1000_MDIC_READY | phy->regs[reg];
	if (reg == PHY_CONTROL)
		set_control(phy, value, link_event);
	else if (writable)
		phy->regs[reg] =
		    (phy->regs[reg] & ~writable) | (value & writable);
	return mdic | E1000_MDIC_READY | value;
}
