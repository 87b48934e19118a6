// SPDX-License-Identifier: BSD-2-Clause
#include "devices/e1000/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static bool parse_mac(const char *text, uint8_t mac[6])
{
	unsigned int b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &end) != 6 ||
	    end != 17 || text[end] != '\0')
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return !(mac[0] & 1);
}

int e1000_options_parse(int argc, char *const argv[], struct e1000_options *out)
{
	static const struct e1000_options defaults = {
		.mac = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 },
	};

	*out = defaults;
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "--mac") != 0 || i + 1 == argc) {
			log_err("e1000", "unknown argument: %s", argv[i]);
			return -EINVAL;
		}
		if (!parse_mac(argv[i + 1], out->mac)) {
			log_err("e1000", "--mac: not a station's address: %s",
				argv[i + 1]);
			return -EINVAL;
		}
	}
	return 0;
}
