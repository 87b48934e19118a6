/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of the e1000's program. */
#ifndef DEVICES_E1000_OPTIONS_H
#define DEVICES_E1000_OPTIONS_H

#include "base/compiler.h"

#include <stdint.h>

struct e1000_options {
	uint8_t mac[6];
};

/**
 * e1000_options_parse() - Read "--mac xx:xx:xx:xx:xx:xx"
 *
 * Without it the address is 52:54:00:12:34:56. Says on standard error what is
 * wrong.
 *
 * Return: 0, or -EINVAL: an unknown argument, or an address that is none, or
 * not that of one station.
 */
MUST_CHECK int e1000_options_parse(int argc, char *const argv[],
				   struct e1000_options *out);

#endif
