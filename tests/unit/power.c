// SPDX-License-Identifier: BSD-2-Clause
/* machine/power and machine/pvpanic: which write ends the machine, and how. */
#include "machine/power.h"

#include "tests/test.h"

#include <string.h>

#include "base/compiler.h"
#include "machine/layout.h"
#include "machine/pvpanic.h"

#define NOTHING (-1)

static void on_end(void *ctx, enum machine_end end)
{
	*(int *)ctx = (int)end;
}

static void on_panic(void *ctx)
{
	*(int *)ctx = MACHINE_PANIC;
}

static void test_ports_end_the_machine(void **state)
{
	static const struct {
		const char *why;
		uint16_t port;
		uint8_t value;
		int want;
	} cases[] = {
		{ "S5 with enable", LAYOUT_SLEEP_CONTROL, 0x34,
		  MACHINE_POWEROFF },
		{ "S5 without enable", LAYOUT_SLEEP_CONTROL, 0x14, NOTHING },
		{ "another sleep state", LAYOUT_SLEEP_CONTROL, 0x2c, NOTHING },
		{ "sleep status", LAYOUT_SLEEP_STATUS, 0x34, NOTHING },
		{ "reset register", LAYOUT_RESET, LAYOUT_RESET_VALUE,
		  MACHINE_REBOOT },
		{ "another value there", LAYOUT_RESET, 0, NOTHING },
		{ "keyboard's reset", 0x64, 0xfe, MACHINE_REBOOT },
		{ "another command of it", 0x64, 0xd1, NOTHING },
		{ "reset control", 0xcf9, 0x06, MACHINE_REBOOT },
		{ "its preparation", 0xcf9, 0x02, NOTHING },
	};
	struct bus *pio;
	int end;
	struct power power = { .ended = on_end, .ctx = &end };

	(void)state;
	assert_int_equal(bus_create(&pio), 0);
	assert_int_equal(power_add(&power, pio), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t byte = 0xff;

		print_message("# %s\n", cases[i].why);
		end = NOTHING;
		bus_write(pio, cases[i].port, &cases[i].value, 1);
		assert_int_equal(end, cases[i].want);
		/* A driver that polls any of them is not kept waiting. */
		bus_read(pio, cases[i].port, &byte, 1);
		assert_int_equal(byte, 0);
	}
	bus_destroy(pio);
}

static void test_pvpanic_takes_what_it_offers(void **state)
{
	static const uint8_t crash_loaded = 2, panicked = 1;
	int end = NOTHING;
	struct pvpanic pv = { .panicked = on_panic, .ctx = &end };
	uint8_t regs[4];

	(void)state;
	pvpanic_bus_ops.read(&pv, 0, regs, sizeof(regs));
	assert_memory_equal(regs, "\x01\0\0\0", 4);
	pvpanic_bus_ops.read(&pv, 1, regs, 1);
	assert_int_equal(regs[0], 0);
	pvpanic_bus_ops.write(&pv, 0, &crash_loaded, 1);
	pvpanic_bus_ops.write(&pv, 1, &panicked, 1);
	assert_int_equal(end, NOTHING);
	pvpanic_bus_ops.write(&pv, 0, &panicked, 1);
	assert_int_equal(end, MACHINE_PANIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_end_the_machine),
		cmocka_unit_test(test_pvpanic_takes_what_it_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
