// SPDX-License-Identifier: BSD-2-Clause
#include "machine/power.h"

#include <string.h>

#include "machine/layout.h"

/* ACPI 6.5, "Sleep Control and Status Registers". */
#define SLEEP_ENABLE	 0x20
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK	 7

#define PORT_KEYBOARD	   0x64
#define KEYBOARD_RESET	   0xfe
#define PORT_RESET_CONTROL 0xcf9
#define RESET_CPU	   0x04

static void read_zero(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	(void)ctx;
	(void)off;
	memset(buf, 0, len);
}

static void write_sleep(void *ctx, uint64_t off, const void *buf,
			unsigned int len)
{
	const struct power *power = ctx;
	uint8_t value = *(const uint8_t *)buf;

	(void)len;
	if (off == 0 && (value & SLEEP_ENABLE) &&
	    (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == LAYOUT_S5)
		power->ended(power->ctx, MACHINE_POWEROFF);
}

static void write_reset(void *ctx, uint64_t off, const void *buf,
			unsigned int len)
{
	const struct power *power = ctx;

	(void)off;
	(void)len;
	if (*(const uint8_t *)buf == LAYOUT_RESET_VALUE)
		power->ended(power->ctx, MACHINE_REBOOT);
}

static void write_keyboard(void *ctx, uint64_t off, const void *buf,
			   unsigned int len)
{
	const struct power *power = ctx;

	(void)off;
	(void)len;
	if (*(const uint8_t *)buf == KEYBOARD_RESET)
		power->ended(power->ctx, MACHINE_REBOOT);
}

static void write_reset_control(void *ctx, uint64_t off, const void *buf,
				unsigned int len)
{
	const struct power *power = ctx;

	(void)off;
	(void)len;
	if (*(const uint8_t *)buf & RESET_CPU)
		power->ended(power->ctx, MACHINE_REBOOT);
}

/* Control and status are neighbours: one region. */
_Static_assert(LAYOUT_SLEEP_STATUS == LAYOUT_SLEEP_CONTROL + 1, "one region");

static const struct {
	uint64_t start, last;
	struct bus_ops ops;
} ports[] = {
	{ LAYOUT_SLEEP_CONTROL,
	  LAYOUT_SLEEP_STATUS,
	  { read_zero, write_sleep } },
	{ LAYOUT_RESET, LAYOUT_RESET, { read_zero, write_reset } },
	{ PORT_KEYBOARD, PORT_KEYBOARD, { read_zero, write_keyboard } },
	{ PORT_RESET_CONTROL,
	  PORT_RESET_CONTROL,
	  { read_zero, write_reset_control } },
};

int power_add(struct power *power, struct bus *pio)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(ports); i++)
		ret = bus_add(pio, &(struct bus_region){
				       .start = ports[i].start,
				       .last = ports[i].last,
				       .ops = &ports[i].ops,
				       .ctx = power,
				   });
	return ret;
}
