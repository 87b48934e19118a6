/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet addresses as people write them. */
#ifndef BASE_MAC_H
#define BASE_MAC_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_LEN 6

/* Reads "52:54:00:12:34:56". False: it is none; @mac may be filled in in part. */
bool mac_from_text(const char *text, uint8_t mac[MAC_LEN]);

/* An address that a card can have: not a group's, not 0. */
bool mac_is_station(const uint8_t mac[MAC_LEN]);

#endif
