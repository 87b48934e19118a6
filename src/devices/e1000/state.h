/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest-visible state of the device, in memory that the VMM owns: a device
 * that is started again goes on from it. Together with the register page it is
 * all there is: the address, multicast and VLAN filters, the statistics and the
 * rings' addresses are registers, and only in the page.
 *
 * Heads are of descriptors whose work is done: those behind a head are taken up
 * again by a device that goes on from here.
 */
#ifndef DEVICES_E1000_STATE_H
#define DEVICES_E1000_STATE_H

#include <stdint.h>

#include "devices/e1000/eeprom.h"
#include "devices/e1000/phy.h"
#include "devices/e1000/regs.h"

#define E1000_STATE_MAGIC   0x30303145 /* "E100" */
#define E1000_STATE_VERSION 1

struct e1000_state {
	uint32_t magic;
	uint32_t version;
	uint32_t io_addr; /* IOADDR */
	uint32_t tx_head;
	uint32_t rx_head;
	uint32_t reserved;
	struct e1000_tx_desc tx_context; /* the latest, before tx_head */
	struct e1000_eeprom eeprom;
	struct e1000_phy phy;
};

_Static_assert(sizeof(struct e1000_state) == 24 + 16 + 152 + 64,
	       "the layout is fixed");

#endif
