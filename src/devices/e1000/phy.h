/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PHY (a Marvell 88E1011S) behind MDIC: a link that is up at 1000 Mbit/s,
 * full duplex, whenever it is not isolated or powered down.
 *
 * The struct is part of the device's guest-visible state: fixed layout.
 */
#ifndef DEVICES_E1000_PHY_H
#define DEVICES_E1000_PHY_H

#include <stdbool.h>
#include <stdint.h>

#define E1000_PHY_NR_REGS 32

struct e1000_phy {
	uint16_t regs[E1000_PHY_NR_REGS];
};

void e1000_phy_reset(struct e1000_phy *phy);
bool e1000_phy_link(const struct e1000_phy *phy);

/**
 * e1000_phy_access() - What a write to MDIC does
 * @mdic:      as written
 * @link_event: set to true if the link's state may be news to the driver, else
 *		left alone
 *
 * Return: what MDIC reads from now on; READY, as no access takes time.
 */
uint32_t e1000_phy_access(struct e1000_phy *phy, uint32_t mdic,
			  bool *link_event);

#endif
