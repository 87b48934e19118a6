// SPDX-License-Identifier: BSD-2-Clause
/* devices/e1000: the transmit ring, driven as a driver would and as none would. */

#include <linux/virtio_net.h>

#include "devices/e1000/state.h"
#include "tests/e1000_fixture.h"
#include "tests/test.h"

#define DONE (E1000_TXD_EOP | E1000_TXD_RS)
#define DATA (E1000_TXD_DEXT | E1000_TXD_DTYP_DATA)

static struct fixture *started(void)
{
	struct fixture *f = fixture_create();

	driver_start(&f->driver, 0, 0);
	for (uint32_t i = 0; i < DRIVER_RING; i++)
		for (uint32_t j = 0; j < DRIVER_BUF; j++)
			driver_tx_buf(&f->driver, i)[j] = (uint8_t)(i + j);
	return f;
}

static uint32_t put(struct fixture *f, uint32_t lower, uint32_t upper)
{
	return driver_put(&f->driver,
			  driver_tx_addr(&f->driver, f->driver.tx_next), lower,
			  upper);
}

/* Sent frame @i is the first @len bytes of the buffers from @first on, @piece
 * bytes of each. */
static void check_sent(struct fixture *f, unsigned int i, uint32_t first,
		       uint32_t piece, uint32_t len)
{
	assert_int_equal(f->sent[i].len, len);
	for (uint32_t at = 0; at < len; at += piece)
		assert_memory_equal(
		    f->sent[i].data + at,
		    driver_tx_buf(&f->driver,
				  (first + at / piece) % DRIVER_RING),
		    MIN(piece, len - at));
}

static void test_one_frame(void **state)
{
	struct fixture *f = started();
	uint32_t i;

	(void)state;
	i = put(f, DONE | 100, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 1);
	check_sent(f, 0, i, 100, 100);
	assert_true(driver_is_sent(&f->driver, i));
	assert_int_equal(fixture_read(f, E1000_TDH), 1);
	assert_int_equal(fixture_read(f, E1000_ICR),
			 E1000_ICR_TXDW | E1000_ICR_TXQE);
	assert_int_equal(fixture_read(f, E1000_GPTC), 1);
	assert_int_equal(fixture_read(f, E1000_GPTC), 0);
	assert_int_equal(fixture_read(f, E1000_GOTCL), 104);
	assert_int_equal(fixture_read(f, E1000_PTC64 + 4), 1);
	fixture_destroy(f);
}

static void test_many_rounds_of_the_ring(void **state)
{
	struct fixture *f = started();
	uint32_t sent = 0;

	(void)state;
	for (uint32_t round = 0; round < 50; round++) {
		uint32_t nr = 1 + round * 37 % (DRIVER_RING - 1);

		for (uint32_t i = 0; i < nr; i++)
			put(f, DONE | 60, 0);
		driver_send(&f->driver);
		sent += nr;
		assert_int_equal(f->nr_sent, sent);
		assert_int_equal(fixture_read(f, E1000_TDH), f->driver.tx_next);
	}
	fixture_destroy(f);
}

/* As many ways as there are to cut frames over descriptors and doorbells. */
static void test_frames_in_pieces(void **state)
{
	struct fixture *f = started();

	(void)state;
	for (uint32_t pieces = 1; pieces < 40; pieces++) {
		uint32_t first = f->driver.tx_next, last = 0;

		f->nr_sent = 0;
		for (uint32_t i = 1; i <= pieces; i++) {
			bool end = i == pieces;

			last = put(f, (end ? DONE : 0) | 50, 0);
			if (end || (i * pieces) % 3 == 0)
				driver_send(&f->driver);
			assert_int_equal(f->nr_sent, end);
		}
		check_sent(f, 0, first, 50, pieces * 50);
		assert_true(driver_is_sent(&f->driver, last));
		/* Only where a report was asked for. */
		if (pieces > 1)
			assert_false(driver_is_sent(&f->driver, first));
		memset(f->driver.mem, 0, DRIVER_RING * E1000_DESC_LEN);
	}
	fixture_destroy(f);
}

static void test_only_status_bytes_are_written(void **state)
{
	struct fixture *f = started();
	uint8_t before[DRIVER_RING * E1000_DESC_LEN];

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		put(f, E1000_TXD_EOP | (i * i % 7 < 3 ? E1000_TXD_RS : 0) | 80,
		    0);
	memcpy(before, f->driver.mem, sizeof(before));
	driver_send(&f->driver);
	for (uint32_t i = 0; i < 100; i++)
		if (i * i % 7 < 3)
			before[i * E1000_DESC_LEN + 12] |= E1000_TXD_STAT_DD;
	assert_memory_equal(before, f->driver.mem, sizeof(before));
	fixture_destroy(f);
}

static void test_short_frames_are_not_padded(void **state)
{
	struct fixture *f = started();

	(void)state;
	fixture_write(f, E1000_TCTL, E1000_TCTL_EN | E1000_TCTL_PSP);
	put(f, DONE | 20, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 1);
	assert_int_equal(f->sent[0].len, 20);
	fixture_destroy(f);
}

static void test_nothing_is_not_a_frame(void **state)
{
	struct fixture *f = started();
	uint32_t i, j;

	(void)state;
	i = put(f, DONE, 0);
	put(f, 100, 0);
	j = put(f, DONE, 0); /* ends the frame without adding to it */
	driver_send(&f->driver);
	assert_true(driver_is_sent(&f->driver, i));
	assert_true(driver_is_sent(&f->driver, j));
	assert_int_equal(f->nr_sent, 1);
	check_sent(f, 0, i + 1, 100, 100);
	fixture_destroy(f);
}

static void test_checksum_is_left_to_the_backend(void **state)
{
	const struct driver_context context = {
		.sum_start = 34,
		.sum_off = 40,
	};
	struct fixture *f = started();

	(void)state;
	driver_put_context(&f->driver, &context);
	put(f, DATA | DONE | 100, E1000_TXD_POPTS_TXSM);
	put(f, DATA | DONE | 100, 0);
	put(f, DATA | DONE | 100, E1000_TXD_POPTS_TXSM); /* same context */
	put(f, DONE | E1000_TXD_IC | 50u << E1000_TXD_CSO_SHIFT | 100,
	    34u << E1000_TXD_CSS_SHIFT);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 4);
	assert_int_equal(f->sent[0].vnet.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(f->sent[0].vnet.csum_start, 34);
	assert_int_equal(f->sent[0].vnet.csum_offset, 6);
	check_sent(f, 0, 1, 100, 100);
	assert_int_equal(f->sent[1].vnet.flags, 0);
	assert_int_equal(f->sent[2].vnet.csum_offset, 6);
	assert_int_equal(f->sent[3].vnet.csum_offset, 16);
	fixture_destroy(f);
}

static const struct driver_context tso = {
	.ip_start = 14,
	.ip_sum_off = 24,
	.ip_last = 33,
	.sum_start = 34,
	.sum_off = 50,
	.head_len = 54,
	.mss = 1000,
	.command = E1000_TXC_TCP | E1000_TXC_IP | E1000_TXD_TSE,
};

/* @head: how much of the headers is in the first descriptor. */
static void send_segments(struct fixture *f, uint32_t head)
{
	const uint32_t popts = E1000_TXD_POPTS_TXSM | E1000_TXD_POPTS_IXSM;
	uint32_t first = f->driver.tx_next + 1;
	uint8_t *sent = f->sent[f->nr_sent % FIXTURE_KEPT].data;
	uint32_t at = (uint32_t)f->nr_sent, last;

	driver_put_context(&f->driver, &tso);
	put(f, DATA | E1000_TXD_TSE | head, popts);
	put(f, DATA | E1000_TXD_TSE | 2000, popts);
	last = put(f, DATA | E1000_TXD_TSE | DONE | 600, popts);
	driver_send(&f->driver);
	assert_true(driver_is_sent(&f->driver, last));
	assert_int_equal(f->nr_sent, at + 1);
	assert_int_equal(f->sent[at].len, 2600 + head);
	assert_int_equal(f->sent[at].vnet.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(f->sent[at].vnet.gso_size, 1000);
	assert_int_equal(f->sent[at].vnet.hdr_len, 54);
	/* Headers corrected, all else as it is in memory. */
	assert_int_equal(sent[16] << 8 | sent[17], 2600 + head - 14);
	assert_memory_equal(sent, driver_tx_buf(&f->driver, first),
			    MIN(head, 16u));
	assert_memory_equal(sent + 54,
			    driver_tx_buf(&f->driver, first + 1) + 54 - head,
			    2000 - (54 - head));
	assert_memory_equal(sent + head + 2000,
			    driver_tx_buf(&f->driver, first + 2), 600);
}

static void test_segmentation(void **state)
{
	struct fixture *f = started();

	(void)state;
	send_segments(f, 54);
	send_segments(f, 14); /* headers in two pieces */
	send_segments(f, 33);
	assert_int_equal(fixture_read(f, E1000_TSCTC), 3);
	assert_int_equal(fixture_read(f, E1000_GPTC), 9);
	fixture_destroy(f);
}

static void test_headers_in_too_many_pieces(void **state)
{
	struct fixture *f = started();

	(void)state;
	driver_put_context(&f->driver, &tso);
	for (int i = 0; i < 9; i++)
		put(f, DATA | E1000_TXD_TSE | 6, 0);
	put(f, DATA | E1000_TXD_TSE | DONE | 1500, 0);
	driver_send(&f->driver);
	assert_true(driver_is_sent(&f->driver, 10));
	assert_int_equal(f->nr_sent, 0);
	fixture_destroy(f);
}

static void test_tag_goes_in(void **state)
{
	struct fixture *f = started();
	const uint8_t *sent = f->sent[0].data;

	(void)state;
	put(f, DONE | E1000_TXD_VLE | 100, 0x2345u << 16); /* without VME */
	driver_send(&f->driver);
	check_sent(f, 0, 0, 100, 100);

	fixture_write(f, E1000_CTRL, E1000_CTRL_VME);
	f->nr_sent = 0;
	put(f, DONE | E1000_TXD_VLE | 100, 0x2345u << 16);
	driver_send(&f->driver);
	assert_int_equal(f->sent[0].len, 104);
	assert_memory_equal(sent, driver_tx_buf(&f->driver, 1), 12);
	assert_memory_equal(sent + 12, "\x81\x00\x23\x45", 4);
	assert_memory_equal(sent + 16, driver_tx_buf(&f->driver, 1) + 12, 88);

	/* Too short to have a place for it. */
	f->nr_sent = 0;
	put(f, DONE | E1000_TXD_VLE | 11, 0x2345u << 16);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 0);

	driver_put_context(&f->driver, &tso);
	put(f, DATA | DONE | E1000_TXD_TSE | E1000_TXD_VLE | 2000,
	    0x2345u << 16);
	driver_send(&f->driver);
	assert_int_equal(f->sent[0].len, 2004);
	assert_memory_equal(sent + 12, "\x81\x00\x23\x45", 4);
	assert_int_equal(f->sent[0].vnet.hdr_len, 58);
	assert_int_equal(f->sent[0].vnet.csum_start, 38);
	assert_int_equal(sent[20] << 8 | sent[21], 2000 - 14);
	assert_memory_equal(sent + 58, driver_tx_buf(&f->driver, 4) + 54, 1946);
	fixture_destroy(f);
}

static void test_frame_without_end(void **state)
{
	struct fixture *f = started();
	uint32_t i;

	(void)state;
	/* Three rounds of the ring belong to one frame, then one is fine. */
	for (i = 0; i < 3 * DRIVER_RING; i++) {
		put(f, 10, 0);
		if (i % 200 == 0)
			driver_send(&f->driver);
	}
	i = put(f, DONE | 10, 0);
	driver_send(&f->driver);
	assert_true(driver_is_sent(&f->driver, i));
	assert_int_equal(f->nr_sent, 0);
	i = put(f, DONE | 100, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 1);
	check_sent(f, 0, i, 100, 100);
	fixture_destroy(f);
}

static void test_stop_in_a_frame_without_end(void **state)
{
	struct fixture *f = started();

	(void)state;
	/* Some are kept for what is to come, of too many all are forgotten. */
	for (uint32_t nr = 5; nr < 1000; nr *= 10) {
		for (uint32_t i = 0; i < nr; i++) {
			put(f, 10, 0);
			if (i % 200 == 0)
				driver_send(&f->driver);
		}
		driver_send(&f->driver);
		fixture_write(f, E1000_TCTL, 0);
		driver_start(&f->driver, 0, 0);
		f->nr_sent = 0;
		put(f, DONE | 100, 0);
		driver_send(&f->driver);
		assert_int_equal(f->nr_sent, 1);
		check_sent(f, 0, 0, 100, 100);
	}
	fixture_destroy(f);
}

/* Frames of many pieces each: more than the port's ring has entries for. */
static void test_ring_of_the_port_is_full(void **state)
{
	const uint64_t ring = 0x4000;
	const uint32_t nr = 1500;
	struct fixture *f = started();

	(void)state;
	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *p = f->ram + ring + (size_t)i * E1000_DESC_LEN;

		put_le64(p, FIXTURE_IOVA);
		put_le32(p + 8, DONE | E1000_TXD_VLE | E1000_TXD_IC |
				    20u << E1000_TXD_CSO_SHIFT | 40);
	}
	fixture_write(f, E1000_CTRL, E1000_CTRL_VME);
	fixture_write(f, E1000_TCTL, E1000_TCTL_EN | E1000_TCTL_PSP);
	fixture_write(f, E1000_TDBAL, (uint32_t)ring);
	fixture_write(f, E1000_TDLEN, 2048 * E1000_DESC_LEN);
	direct_port_hold(f->port, true);
	fixture_write(f, E1000_TDT, nr);
	for (int i = 0; i < 20000 && f->nr_sent < nr; i++) {
		direct_port_run(f->port, 3);
		fixture_settle(f);
	}
	assert_int_equal(f->nr_sent, nr);
	fixture_destroy(f);
}

static void test_frames_that_are_too_long(void **state)
{
	struct fixture *f = started();

	(void)state;
	driver_put(&f->driver, 0, DONE | 0x3fa0, 0);
	driver_put(&f->driver, 0, DONE | 0x3fa1, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 1);
	assert_true(driver_is_sent(&f->driver, 1));
	fixture_destroy(f);
}

static void test_memory_that_is_refused(void **state)
{
	struct fixture *f = started();

	(void)state;
	driver_put(&f->driver, FIXTURE_RAM, DONE | 100, 0);
	put(f, 100, 0);
	driver_put(&f->driver, UINT64_MAX - 20, DONE | 100, 0);
	put(f, DONE | 100, 0);
	/* Headers that can not be read, a payload that can. */
	driver_put_context(&f->driver, &tso);
	driver_put(&f->driver, FIXTURE_RAM - 20, DATA | E1000_TXD_TSE | 54, 0);
	put(f, DATA | E1000_TXD_TSE | DONE | 1000, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 1);
	check_sent(f, 0, 3, 100, 100);
	assert_true(driver_is_sent(&f->driver, 6));

	/* A ring that can not be read is passed over. */
	fixture_write(f, E1000_TDBAH, 1);
	put(f, DONE | 100, 0);
	driver_send(&f->driver);
	assert_int_equal(fixture_read(f, E1000_TDH), f->driver.tx_next);
	assert_int_equal(f->nr_sent, 1);
	fixture_destroy(f);
}

static void test_numbers_that_make_no_sense(void **state)
{
	static const struct {
		uint32_t off, value;
	} cases[] = {
		{ E1000_TDT, DRIVER_RING }, { E1000_TDT, UINT32_MAX },
		{ E1000_TDH, DRIVER_RING }, { E1000_TDLEN, 0 },
		{ E1000_TDLEN, 127 },	    { E1000_TCTL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f = started();

		put(f, DONE | 100, 0);
		fixture_write(f, cases[i].off, cases[i].value);
		if (cases[i].off != E1000_TDT)
			driver_send(&f->driver);
		assert_int_equal(f->nr_sent, 0);
		assert_false(e1000_poll(f->dev));
		assert_false(e1000_has_work(f->dev));
		fixture_destroy(f);
	}
}

/* The worker is slow: the device waits, posts more when it can, and stops. */
static void test_slow_worker(void **state)
{
	struct fixture *f = started();
	struct port_wait wait;

	(void)state;
	direct_port_hold(f->port, true);
	for (uint32_t i = 0; i < 200; i++)
		put(f, (i & 1 ? DONE : 0) | 30, 0);
	driver_send(&f->driver);
	assert_int_equal(f->nr_sent, 0);
	e1000_wait(f->dev, &wait);
	assert_true(wait.rings & 1u << E1000_RING_TX);
	for (int i = 0; i < 1000 && f->nr_sent < 100; i++) {
		direct_port_run(f->port, 1);
		fixture_settle(f);
	}
	assert_int_equal(f->nr_sent, 100);
	check_sent(f, 5, 10, 30, 60);
	fixture_destroy(f);
}

static void test_stop_ends_what_was_begun(void **state)
{
	struct fixture *f = started();
	uint32_t head;

	(void)state;
	direct_port_hold(f->port, true);
	for (uint32_t i = 0; i < 100; i++)
		put(f, DONE | 60, 0);
	driver_send(&f->driver);
	direct_port_run(f->port, 2); /* the descriptors have come */
	fixture_settle(f);
	put(f, DONE | 60, 0);
	driver_send(&f->driver);
	fixture_write(f, E1000_TCTL, 0);
	head = fixture_read(f, E1000_TDH);
	assert_int_equal(head, f->nr_sent);
	assert_true(driver_is_sent(&f->driver, head - 1));
	assert_false(driver_is_sent(&f->driver, head));

	/* Switched on again it goes on where it was. */
	direct_port_hold(f->port, false);
	fixture_write(f, E1000_TCTL, E1000_TCTL_EN);
	assert_int_equal(f->nr_sent, 101);
	fixture_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_frame),
		cmocka_unit_test(test_many_rounds_of_the_ring),
		cmocka_unit_test(test_frames_in_pieces),
		cmocka_unit_test(test_only_status_bytes_are_written),
		cmocka_unit_test(test_short_frames_are_not_padded),
		cmocka_unit_test(test_nothing_is_not_a_frame),
		cmocka_unit_test(test_checksum_is_left_to_the_backend),
		cmocka_unit_test(test_segmentation),
		cmocka_unit_test(test_headers_in_too_many_pieces),
		cmocka_unit_test(test_tag_goes_in),
		cmocka_unit_test(test_frame_without_end),
		cmocka_unit_test(test_stop_in_a_frame_without_end),
		cmocka_unit_test(test_ring_of_the_port_is_full),
		cmocka_unit_test(test_frames_that_are_too_long),
		cmocka_unit_test(test_memory_that_is_refused),
		cmocka_unit_test(test_numbers_that_make_no_sense),
		cmocka_unit_test(test_slow_worker),
		cmocka_unit_test(test_stop_ends_what_was_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
