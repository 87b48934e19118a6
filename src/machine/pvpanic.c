// SPDX-License-Identifier: BSD-2-Clause
#include "machine/pvpanic.h"

#include <string.h>

/* The one event offered. Without PVPANIC_CRASH_LOADED, a guest that has a crash
 * kernel goes on with that and says nothing. */
#define PVPANIC_PANICKED 1

static void read_events(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	(void)ctx;
	memset(buf, 0, len);
	if (off == 0)
		*(uint8_t *)buf = PVPANIC_PANICKED;
}

static void write_event(void *ctx, uint64_t off, const void *buf,
			unsigned int len)
{
	const struct pvpanic *pv = ctx;

	(void)len;
	if (off == 0 && (*(const uint8_t *)buf & PVPANIC_PANICKED))
		pv->panicked(pv->ctx);
}

const struct bus_ops pvpanic_bus_ops = {
	.read = read_events,
	.write = write_event,
};
