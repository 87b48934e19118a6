/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which received frames are for this station: the address, multicast and VLAN
 * filters, straight from the register page, where the guest's processors store
 * them at any moment. Pure.
 */
#ifndef DEVICES_E1000_FILTER_H
#define DEVICES_E1000_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#define E1000_FILTER_HEAD 16 /* bytes of a frame that are looked at */

enum e1000_match {
	E1000_MATCH_NONE,
	E1000_MATCH_EXACT,
	E1000_MATCH_HASH, /* or only because all are wanted */
};

/*
 * @regs: the register page
 * @rctl: RCTL
 * @head: the first E1000_FILTER_HEAD bytes of the frame (zeros behind its end)
 */
enum e1000_match e1000_filter(const uint32_t *regs, uint32_t rctl,
			      const uint8_t *head);

/* True if the frame carries a tag of the type in VET. */
bool e1000_filter_tagged(const uint32_t *regs, const uint8_t *head);

#endif
