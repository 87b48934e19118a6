// SPDX-License-Identifier: BSD-2-Clause
/* machine/bus: who answers at an address, also while that changes. */
#include "machine/bus.h"

#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/compiler.h"

/* A region that remembers what it was asked. */
struct probe {
	uint8_t fill; /* every byte that it reads as */
	unsigned int nr;
	struct {
		uint64_t off;
		unsigned int len;
	} calls[16];
	uint8_t written[16];
};

static void probe_call(struct probe *p, uint64_t off, unsigned int len)
{
	assert_true(p->nr < ARRAY_SIZE(p->calls));
	p->calls[p->nr].off = off;
	p->calls[p->nr].len = len;
	p->nr++;
}

static void probe_read(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	struct probe *p = ctx;

	probe_call(p, off, len);
	memset(buf, p->fill, len);
}

static void probe_write(void *ctx, uint64_t off, const void *buf,
			unsigned int len)
{
	struct probe *p = ctx;

	probe_call(p, off, len);
	memcpy(p->written, buf, len);
}

static const struct bus_ops probe_ops = { probe_read, probe_write };

static int add(struct bus *bus, uint64_t start, uint64_t last, struct probe *p)
{
	return bus_add(bus, &(struct bus_region){
				.start = start,
				.last = last,
				.ops = &probe_ops,
				.ctx = p,
			    });
}

static int setup(void **state)
{
	struct bus *bus;

	if (bus_create(&bus))
		return -1;
	*state = bus;
	return 0;
}

static int teardown(void **state)
{
	bus_destroy(*state);
	return 0;
}

static void test_add_checks_its_region(void **state)
{
	static const struct {
		const char *why;
		uint64_t start, last;
		int want;
	} cases[] = {
		{ "the first", 0x1000, 0x1fff, 0 },
		{ "inverted", 0x3000, 0x2fff, -EINVAL },
		{ "the same", 0x1000, 0x1fff, -EEXIST },
		{ "inside", 0x1800, 0x1800, -EEXIST },
		{ "around", 0, UINT64_MAX, -EEXIST },
		{ "over its start", 0xfff, 0x1000, -EEXIST },
		{ "over its end", 0x1fff, 0x2000, -EEXIST },
		{ "just below", 0xfff, 0xfff, 0 },
		{ "just above", 0x2000, 0x2000, 0 },
		{ "the last byte of all", UINT64_MAX, UINT64_MAX, 0 },
	};
	struct probe p = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(add(*state, cases[i].start, cases[i].last, &p),
				 cases[i].want);
	}
}

static void test_full_bus_refuses(void **state)
{
	struct probe p = { 0 };

	for (uint64_t i = 0; i < BUS_REGIONS_MAX; i++)
		assert_int_equal(add(*state, i * 16, i * 16 + 7, &p), 0);
	assert_int_equal(add(*state, 1 << 20, 1 << 20, &p), -ENOSPC);
	bus_remove(*state, 32);
	assert_int_equal(add(*state, 1 << 20, 1 << 20, &p), 0);
}

static void test_accesses_find_their_region(void **state)
{
	struct probe low = { .fill = 0x11 }, high = { .fill = 0x22 };
	uint32_t value = 0;

	assert_int_equal(add(*state, 0x200, 0x2ff, &high), 0);
	assert_int_equal(add(*state, 0x100, 0x1ff, &low), 0);

	bus_read(*state, 0x104, &value, 4);
	assert_int_equal(value, 0x11111111);
	assert_int_equal(low.calls[0].off, 4);
	assert_int_equal(low.calls[0].len, 4);

	value = 0x44332211;
	bus_write(*state, 0x2fc, &value, 4);
	assert_int_equal(high.calls[0].off, 0xfc);
	assert_memory_equal(high.written, &value, 4);
}

static void test_nobody_answers_with_ones(void **state)
{
	static const uint64_t addrs[] = { 0, 0xfc, 0x200, UINT64_MAX - 3 };
	struct probe p = { 0 };

	assert_int_equal(add(*state, 0x100, 0x1ff, &p), 0);
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		uint32_t value = 0;

		bus_write(*state, addrs[i], &value, 4);
		bus_read(*state, addrs[i], &value, 4);
		assert_int_equal(value, 0xffffffff);
	}
	assert_int_equal(p.nr, 0);
}

/* What an instruction can do and a handler need not know. */
static void test_accesses_are_cut(void **state)
{
	static const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff };
	struct probe low = { .fill = 0x11 }, high = { .fill = 0x22 };
	uint8_t buf[8] = { 0 };

	assert_int_equal(add(*state, 0x100, 0x102, &low), 0);
	assert_int_equal(add(*state, 0x104, 0x107, &high), 0);

	bus_read(*state, 0x100, buf, 8);
	assert_memory_equal(buf, "\x11\x11\x11\xff\x22\x22\x22\x22", 8);
	assert_int_equal(low.nr, 2);
	assert_int_equal(low.calls[0].len, 2);
	assert_int_equal(low.calls[1].off, 2);
	assert_int_equal(low.calls[1].len, 1);
	assert_int_equal(high.nr, 1);
	assert_int_equal(high.calls[0].len, 4);

	/* Past the last address of all. */
	bus_read(*state, UINT64_MAX - 1, buf, 8);
	assert_memory_equal(buf, ones, 2);
}

static void test_removed_regions_are_gone(void **state)
{
	struct probe p = { 0 }, other = { .fill = 0x33 };
	uint8_t byte = 0;

	assert_int_equal(add(*state, 0x100, 0x1ff, &p), 0);
	assert_int_equal(add(*state, 0x200, 0x2ff, &other), 0);
	bus_remove(*state, 0x180); /* no region starts there */
	bus_remove(*state, 0x100);
	bus_read(*state, 0x100, &byte, 1);
	assert_int_equal(byte, 0xff);
	assert_int_equal(p.nr, 0);
	bus_read(*state, 0x200, &byte, 1);
	assert_int_equal(byte, 0x33);
}

/* ---- lookups while regions move ---- */

#define MOVES 20000

static void echo_read(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	(void)off;
	memset(buf, *(const uint8_t *)ctx, len);
}

static void no_write(void *ctx, uint64_t off, const void *buf, unsigned int len)
{
	(void)ctx;
	(void)off;
	(void)buf;
	(void)len;
}

static const struct bus_ops echo_ops = { echo_read, no_write };

/* Moves a region below and one above the one that the test reads. */
static void *move_regions(void *arg)
{
	static uint8_t fill = 0xee;
	struct bus_region region = { .ops = &echo_ops, .ctx = &fill };

	for (unsigned int i = 0; i < MOVES; i++) {
		region.start = i % 2 ? 0x100 : 0x900;
		region.last = region.start + 0xff;
		if (bus_add(arg, &region))
			return arg;
		bus_remove(arg, region.start);
	}
	return NULL;
}

static void test_lookups_survive_changes(void **state)
{
	uint8_t fill = 0x55;
	void *failed = NULL;
	pthread_t mover;

	assert_int_equal(bus_add(*state,
				 &(struct bus_region){
				     .start = 0x500,
				     .last = 0x5ff,
				     .ops = &echo_ops,
				     .ctx = &fill,
				 }),
			 0);
	assert_int_equal(pthread_create(&mover, NULL, move_regions, *state), 0);
	for (unsigned int i = 0; i < MOVES; i++) {
		uint8_t byte = 0;

		bus_read(*state, 0x500 + i % 0x100, &byte, 1);
		assert_int_equal(byte, 0x55);
		bus_read(*state, 0x600, &byte, 1);
		assert_int_equal(byte, 0xff);
	}
	pthread_join(mover, &failed);
	assert_null(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_checks_its_region,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_bus_refuses, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_accesses_find_their_region,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_answers_with_ones,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_accesses_are_cut, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_removed_regions_are_gone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_lookups_survive_changes,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
