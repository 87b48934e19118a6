/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PORT_PORT_INTERNAL_H
#define PORT_PORT_INTERNAL_H

#include "wire/port.h"

#include <stdbool.h>
#include <stddef.h>

/* layout.c: does all that the header names lie inside @size bytes, aligned? */
bool port_layout_fits(const struct port_header *h, size_t size);

#endif
