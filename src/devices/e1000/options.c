// SPDX-License-Identifier: BSD-2-Clause
#include "devices/e1000/options.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mac.h"

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
		if (!mac_from_text(argv[i + 1], out->mac) ||
		    !mac_is_station(out->mac)) {
			log_err("e1000", "--mac: not a station's address: %s",
				argv[i + 1]);
			return -EINVAL;
		}
	}
	return 0;
}
