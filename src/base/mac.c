// SPDX-License-Identifier: BSD-2-Clause
#include "base/mac.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_from_text(const char *text, uint8_t mac[MAC_LEN])
{
	if (strlen(text) != 3 * MAC_LEN - 1)
		return false;
	for (unsigned int i = 0; i < MAC_LEN; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0)
			return false;
		if (text[2] != (i + 1 < MAC_LEN ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool mac_is_station(const uint8_t mac[MAC_LEN])
{
	static const uint8_t zero[MAC_LEN];

	return !(mac[0] & 1) && memcmp(mac, zero, MAC_LEN) != 0;
}
