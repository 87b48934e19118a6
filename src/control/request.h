/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client of the control socket may ask for (docs/control.md). */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include "base/compiler.h"

#include <stddef.h>

/* Longest request, with its newline. */
#define CONTROL_REQUEST_MAX 1024

enum control_command { CONTROL_STAT, CONTROL_STOP };

/**
 * control_request_parse() - Read one request
 * @line: @len bytes, without the newline; any bytes
 *
 * Return: 0, -EBADMSG (not one JSON object with the one member "command", a
 * string; or out of memory), -EOPNOTSUPP (no such command).
 */
MUST_CHECK int control_request_parse(const char *line, size_t len,
				     enum control_command *out);

#endif
