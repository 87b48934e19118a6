// SPDX-License-Identifier: BSD-2-Clause
/* devices/e1000: the receive ring, driven as a driver would and as none would. */

#include "devices/e1000/state.h"
#include "tests/e1000_fixture.h"
#include "tests/test.h"

#define FCS E1000_FCS_LEN

static struct fixture *started(uint32_t rctl)
{
	struct fixture *f = fixture_create();

	driver_start(&f->driver, rctl, 0);
	(void)fixture_read(f, E1000_ICR);
	return f;
}

static void make_frame(uint8_t *frame, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, fixture_mac, MIN(len, 6u));
	if (len > 13)
		frame[12] = 8;
}

static void receive(struct fixture *f, const uint8_t *frame, uint32_t len)
{
	assert_true(direct_port_receive(f->port, frame, len));
	fixture_settle(f);
}

static void test_one_frame(void **state)
{
	struct fixture *f = started(0);
	struct driver_received got;
	uint8_t frame[1514];

	(void)state;
	make_frame(frame, sizeof(frame));
	receive(f, frame, sizeof(frame));
	assert_true(driver_receive(&f->driver, &got));
	assert_int_equal(got.len, sizeof(frame) + FCS);
	assert_memory_equal(got.data, frame, sizeof(frame));
	assert_int_equal(got.status, E1000_RXD_STAT_DD | E1000_RXD_STAT_EOP |
					 E1000_RXD_STAT_IXSM);
	assert_int_equal(got.errors, 0);
	assert_false(driver_receive(&f->driver, &got));
	assert_int_equal(fixture_read(f, E1000_RDH), 1);
	assert_int_equal(fixture_read(f, E1000_ICR), E1000_ICR_RXT0);
	assert_int_equal(fixture_read(f, E1000_GPRC), 1);
	assert_int_equal(fixture_read(f, E1000_GORCL), sizeof(frame) + FCS);
	assert_int_equal(fixture_read(f, E1000_PRC64 + 20), 1);
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	fixture_destroy(f);
}

static void test_lengths(void **state)
{
	static const struct {
		uint32_t len, rctl, want; /* 0: is not received */
	} cases[] = {
		{ 60, 0, 64 },
		{ 60, E1000_RCTL_SECRC, 60 },
		{ 14, 0, 64 },
		{ 14, E1000_RCTL_SECRC, 60 },
		{ 13, 0, 0 },
		{ 0, 0, 0 },
		{ 1518, 0, 1522 },
		{ 1519, 0, 0 },
		{ 2044, E1000_RCTL_LPE, 2048 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f = started(cases[i].rctl);
		struct driver_received got = { 0 };
		uint8_t frame[2048];

		make_frame(frame, cases[i].len);
		receive(f, frame, cases[i].len);
		assert_int_equal(driver_receive(&f->driver, &got),
				 cases[i].want != 0);
		assert_int_equal(got.len, cases[i].want);
		assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
		fixture_destroy(f);
	}
}

static void test_what_is_refused_is_counted(void **state)
{
	struct fixture *f = started(0);
	uint8_t frame[2000];

	(void)state;
	make_frame(frame, sizeof(frame));
	receive(f, frame, 10);
	receive(f, frame, 2000);
	assert_int_equal(fixture_read(f, E1000_RUC), 1);
	assert_int_equal(fixture_read(f, E1000_ROC), 1);
	assert_int_equal(fixture_read(f, E1000_GPRC), 0);
	frame[5] ^= 1; /* somebody else's */
	receive(f, frame, 100);
	assert_int_equal(fixture_read(f, E1000_GPRC), 0);
	assert_int_equal(fixture_read(f, E1000_ICR), 0);
	memset(frame, 0xff, 6);
	fixture_write(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_BAM);
	receive(f, frame, 100);
	assert_int_equal(fixture_read(f, E1000_BPRC), 1);
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	fixture_destroy(f);
}

/* Every size of buffer, and a frame of every number of them. */
static void test_frames_of_several_buffers(void **state)
{
	static const struct {
		uint32_t bits, size;
	} cases[] = {
		{ 0u << E1000_RCTL_BSIZE_SHIFT, 2048 },
		{ 1u << E1000_RCTL_BSIZE_SHIFT, 1024 },
		{ 2u << E1000_RCTL_BSIZE_SHIFT, 512 },
		{ 3u << E1000_RCTL_BSIZE_SHIFT, 256 },
	};
	uint8_t frame[9000];

	(void)state;
	make_frame(frame, sizeof(frame));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f =
		    started(E1000_RCTL_LPE | E1000_RCTL_SECRC | cases[i].bits);
		struct driver_received got = { 0 };
		uint32_t at = 0;

		receive(f, frame, sizeof(frame));
		while (!(got.status & E1000_RXD_STAT_EOP)) {
			assert_true(driver_receive(&f->driver, &got));
			assert_int_equal(
			    got.len,
			    MIN(cases[i].size, (uint32_t)sizeof(frame) - at));
			assert_memory_equal(got.data, frame + at, got.len);
			at += got.len;
		}
		assert_int_equal(at, sizeof(frame));
		fixture_destroy(f);
	}
}

static void test_large_buffers(void **state)
{
	struct fixture *f = started(E1000_RCTL_LPE | E1000_RCTL_BSEX |
				    1u << E1000_RCTL_BSIZE_SHIFT);
	struct driver_received got;
	uint8_t frame[9000];

	(void)state;
	make_frame(frame, sizeof(frame));
	receive(f, frame, sizeof(frame));
	assert_true(driver_receive(&f->driver, &got));
	assert_int_equal(got.len, sizeof(frame) + FCS);
	assert_memory_equal(got.data, frame, sizeof(frame));
	fixture_destroy(f);
}

static void test_tag_comes_out(void **state)
{
	struct fixture *f = started(E1000_RCTL_SECRC);
	struct driver_received got;
	uint8_t frame[100];

	(void)state;
	make_frame(frame, sizeof(frame));
	memcpy(frame + 12, "\x81\x00\x23\x45", 4);
	receive(f, frame, sizeof(frame));
	assert_true(driver_receive(&f->driver, &got));
	assert_int_equal(got.len, sizeof(frame));
	assert_false(got.status & E1000_RXD_STAT_VP);

	fixture_write(f, E1000_CTRL, E1000_CTRL_VME);
	receive(f, frame, sizeof(frame));
	assert_true(driver_receive(&f->driver, &got));
	assert_true(got.status & E1000_RXD_STAT_VP);
	assert_int_equal(got.special, 0x2345);
	assert_int_equal(got.len, sizeof(frame) - 4);
	assert_memory_equal(got.data, frame, 12);
	assert_memory_equal(got.data + 12, frame + 16, sizeof(frame) - 16);
	fixture_destroy(f);
}

static void test_frames_wait_for_buffers(void **state)
{
	struct fixture *f = started(0);
	struct driver_received got;
	struct port_wait wait;
	uint8_t frame[100];
	uint32_t nr = 0;

	(void)state;
	make_frame(frame, sizeof(frame));
	for (uint32_t i = 0; i < DRIVER_RING + 44; i++) {
		frame[20] = (uint8_t)i;
		if (!direct_port_receive(f->port, frame, sizeof(frame)))
			break;
		fixture_settle(f);
	}
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS - 45);
	e1000_wait(f->dev, &wait);
	assert_false(wait.frames);
	assert_int_equal(wait.rings, 0); /* or it would not sleep */
	assert_false(e1000_has_work(f->dev));
	assert_true(fixture_read(f, E1000_ICR) & E1000_ICR_RXDMT0);

	for (int round = 0; round < 2; round++) {
		while (driver_receive(&f->driver, &got))
			assert_int_equal(got.data[20], (uint8_t)nr++);
		driver_refill(&f->driver);
	}
	assert_int_equal(nr, DRIVER_RING + 44);
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	assert_int_equal(fixture_read(f, E1000_MPC), 0);
	fixture_destroy(f);
}

static void test_frame_for_which_the_ring_is_too_short(void **state)
{
	struct fixture *f =
	    started(E1000_RCTL_LPE | 3u << E1000_RCTL_BSIZE_SHIFT);
	uint8_t frame[1900]; /* as many buffers as the ring has */

	(void)state;
	fixture_write(f, E1000_RDLEN, 8 * E1000_DESC_LEN);
	fixture_write(f, E1000_RDT, 7);
	make_frame(frame, sizeof(frame));
	receive(f, frame, sizeof(frame));
	assert_int_equal(fixture_read(f, E1000_MPC), 1);
	assert_true(fixture_read(f, E1000_ICR) & E1000_ICR_RXO);
	receive(f, frame, 1000);
	assert_int_equal(fixture_read(f, E1000_RDH), 4);
	fixture_destroy(f);
}

static void test_frames_are_dropped_while_off(void **state)
{
	struct fixture *f = fixture_create();
	uint8_t frame[100];

	(void)state;
	make_frame(frame, sizeof(frame));
	receive(f, frame, sizeof(frame));
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	assert_int_equal(fixture_read(f, E1000_GPRC), 0);
	fixture_destroy(f);
}

static void test_many_rounds_of_the_ring(void **state)
{
	struct fixture *f = started(0);
	struct driver_received got;
	uint8_t frame[100];
	uint32_t nr = 0;

	(void)state;
	make_frame(frame, sizeof(frame));
	for (uint32_t i = 0; i < 2000; i++) {
		frame[20] = (uint8_t)i;
		receive(f, frame, sizeof(frame));
		if (i * i % 11 != 0)
			continue;
		while (driver_receive(&f->driver, &got))
			assert_int_equal(got.data[20], (uint8_t)nr++);
		driver_refill(&f->driver);
	}
	while (driver_receive(&f->driver, &got))
		nr++;
	assert_int_equal(nr, 2000);
	fixture_destroy(f);
}

static void test_slow_worker(void **state)
{
	struct fixture *f = fixture_create();
	struct driver_received got;
	uint8_t frame[100];
	uint32_t nr = 0, put = 0;

	(void)state;
	direct_port_hold(f->port, true);
	driver_start(&f->driver, 0, 0);
	make_frame(frame, sizeof(frame));
	for (int i = 0; i < 5000 && nr < 600; i++) {
		frame[20] = (uint8_t)put;
		put += put < 600 &&
		       direct_port_receive(f->port, frame, sizeof(frame));
		fixture_settle(f);
		direct_port_run(f->port, 1);
		while (driver_receive(&f->driver, &got))
			assert_int_equal(got.data[20], (uint8_t)nr++);
		if (i % 100 == 0)
			driver_refill(&f->driver);
	}
	assert_int_equal(nr, 600);
	direct_port_run(f->port, 100);
	assert_int_equal(fixture_read(f, E1000_RDH), f->driver.rx_next);
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	fixture_destroy(f);
}

static void test_head_catches_up(void **state)
{
	struct fixture *f = started(0);
	uint8_t frame[100];

	(void)state;
	make_frame(frame, sizeof(frame));
	direct_port_hold(f->port, true);
	for (int i = 0; i < 3; i++)
		receive(f, frame, sizeof(frame));
	assert_int_equal(fixture_read(f, E1000_RDH), 0);
	direct_port_hold(f->port, false);
	assert_int_equal(fixture_read(f, E1000_RDH), 3);
	fixture_destroy(f);
}

/* More buffers than the port's ring has entries for. */
static void test_ring_of_the_port_is_full(void **state)
{
	struct fixture *f = started(3u << E1000_RCTL_BSIZE_SHIFT);
	uint8_t frame[500];

	(void)state;
	fixture_write(f, E1000_RDBAL, 0x8000);
	fixture_write(f, E1000_RDLEN, 1024 * E1000_DESC_LEN);
	fixture_write(f, E1000_RDT, 1023);
	fixture_write(f, E1000_CTRL, E1000_CTRL_VME);
	make_frame(frame, sizeof(frame));
	memcpy(frame + 12, "\x81\x00\x00\x01", 4); /* costs entries, too */
	direct_port_hold(f->port, true);
	for (int i = 0; i < PORT_SLOTS; i++)
		receive(f, frame, sizeof(frame));
	assert_int_equal(direct_port_free_slots(f->port), 0);
	for (int i = 0; i < 2000; i++) {
		direct_port_run(f->port, 1);
		fixture_settle(f);
	}
	assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
	assert_int_equal(fixture_read(f, E1000_RDH), 2 * PORT_SLOTS);
	fixture_destroy(f);
}

static void test_stop_lets_go_of_buffers(void **state)
{
	struct fixture *f = started(0);
	struct driver_received got;
	uint8_t frame[100];

	(void)state;
	make_frame(frame, sizeof(frame));
	direct_port_hold(f->port, true);
	receive(f, frame, sizeof(frame));
	assert_false(driver_receive(&f->driver, &got));
	fixture_write(f, E1000_RCTL, 0); /* ends what is in flight */
	assert_true(driver_receive(&f->driver, &got));
	assert_int_equal(fixture_read(f, E1000_RDH), 1);
	direct_port_hold(f->port, false);
	receive(f, frame, sizeof(frame));
	assert_false(driver_receive(&f->driver, &got));
	fixture_write(f, E1000_RCTL, E1000_RCTL_EN);
	receive(f, frame, sizeof(frame));
	assert_true(driver_receive(&f->driver, &got));
	assert_int_equal(fixture_read(f, E1000_RDH), 2);
	fixture_destroy(f);
}

static void test_memory_that_is_refused(void **state)
{
	struct fixture *f = started(0);
	uint8_t frame[100];

	(void)state;
	make_frame(frame, sizeof(frame));
	fixture_write(f, E1000_RDBAH, 1);
	for (int i = 0; i < 300; i++)
		receive(f, frame, sizeof(frame));
	assert_int_equal(fixture_read(f, E1000_RDH), DRIVER_RING - 1);
	fixture_destroy(f);
}

static void test_numbers_that_make_no_sense(void **state)
{
	static const struct {
		uint32_t off, value;
	} cases[] = {
		{ E1000_RDH, DRIVER_RING },
		{ E1000_RDLEN, 0 },
		{ E1000_RDLEN, 0x7f },
		{ E1000_RCTL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f = started(0);
		struct driver_received got;
		uint8_t frame[100];

		make_frame(frame, sizeof(frame));
		fixture_write(f, cases[i].off, cases[i].value);
		fixture_write(f, E1000_RDT, UINT32_MAX);
		receive(f, frame, sizeof(frame));
		assert_false(driver_receive(&f->driver, &got));
		assert_false(e1000_poll(f->dev));
		assert_false(e1000_has_work(f->dev));
		assert_int_equal(direct_port_free_slots(f->port), PORT_SLOTS);
		fixture_destroy(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_frame),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_what_is_refused_is_counted),
		cmocka_unit_test(test_frames_of_several_buffers),
		cmocka_unit_test(test_large_buffers),
		cmocka_unit_test(test_tag_comes_out),
		cmocka_unit_test(test_frames_wait_for_buffers),
		cmocka_unit_test(test_frame_for_which_the_ring_is_too_short),
		cmocka_unit_test(test_frames_are_dropped_while_off),
		cmocka_unit_test(test_many_rounds_of_the_ring),
		cmocka_unit_test(test_slow_worker),
		cmocka_unit_test(test_head_catches_up),
		cmocka_unit_test(test_ring_of_the_port_is_full),
		cmocka_unit_test(test_stop_lets_go_of_buffers),
		cmocka_unit_test(test_memory_that_is_refused),
		cmocka_unit_test(test_numbers_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
