/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial EEPROM (a 93C46: 64 words, Microwire) that holds the MAC address,
 * by both ways to it: the lines of EECD, and EERD.
 *
 * The struct is part of the device's guest-visible state: fixed layout. Its
 * content may be what another process left there, so every use bounds it.
 */
#ifndef DEVICES_E1000_EEPROM_H
#define DEVICES_E1000_EEPROM_H

#include <stdint.h>

#define E1000_EEPROM_WORDS 64
#define E1000_EEPROM_SUM   0xbaba /* of all words */

struct e1000_eeprom {
	uint16_t words[E1000_EEPROM_WORDS];
	uint32_t lines;	     /* EECD as last written */
	uint32_t shifted_in; /* bits since chip select, the latest in bit 0 */
	uint32_t nr_in;	     /* how many of them: 0 to 25 */
	uint32_t next_out;   /* bit of the array that comes out next */
	uint32_t out;	     /* level of DO: 0 or 1 */
	uint32_t writable;   /* EWEN was seen, and no EWDS */
};

void e1000_eeprom_init(struct e1000_eeprom *ee, const uint8_t mac[6]);

/* A write to EECD; what reads from now on is e1000_eeprom_lines(). */
void e1000_eeprom_set_lines(struct e1000_eeprom *ee, uint32_t eecd);
uint32_t e1000_eeprom_lines(const struct e1000_eeprom *ee);

/* What EERD reads after @eerd was written. */
uint32_t e1000_eeprom_read(const struct e1000_eeprom *ee, uint32_t eerd);

#endif
