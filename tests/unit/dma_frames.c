// SPDX-License-Identifier: BSD-2-Clause
/* dma/: frames to and from the backend, through SEND, RECV and DROP. */

#include "tests/dma_fixture.h"
#include "tests/test.h"

#include <linux/virtio_net.h>

#define RW   (VIOMMU_READ | VIOMMU_WRITE)
#define IOVA FIX_IOVA
#define PAGE FIX_PAGE
#define VNET BACKEND_VNET_LEN

#define UNMAPPED (IOVA + 0x1000000)

static int setup(void **state)
{
	static const unsigned int prot[] = { RW };
	const struct dma_port_shape shape = fix_shape();
	struct fix *f = malloc(sizeof(*f));

	fix_create(f, &shape);
	fix_map_pages(f, prot, 1);
	for (uint64_t i = 0; i < FIX_RAM; i++)
		f->bytes[i] = (uint8_t)(i / PAGE * 31 + i * 7);
	for (uint32_t i = 0; i < FIX_STAGING; i++)
		f->staging[i] = (uint8_t)(i / 251 + i * 3);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fix_destroy(*state);
	free(*state);
	return 0;
}

static struct port_entry piece(uint64_t iova, uint32_t len, unsigned int flags)
{
	return fix_entry(PORT_OP_SEND, iova, len, 0, flags);
}

static struct port_entry staged(uint32_t staging, uint32_t len,
				unsigned int flags)
{
	return fix_entry(PORT_OP_SEND, 0, len, staging, PORT_F_STAGING | flags);
}

static void test_frame_is_put_together(void **state)
{
	struct fix *f = *state;
	const struct port_vnet vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = htole16(54),
		.gso_size = htole16(1448),
		.csum_start = htole16(34),
		.csum_offset = htole16(16),
	};
	uint8_t *sent = f->be->sent[0];

	memcpy(f->staging, &vnet, sizeof(vnet));
	assert_int_equal(fix_run(f, 0, staged(0, VNET, PORT_F_VNET)), 0);
	assert_int_equal(fix_run(f, 0, staged(1, 54, 0)), 0);
	assert_int_equal(fix_run(f, 0, piece(IOVA + 4090, 0x9000, 0)), 0);
	assert_int_equal(f->be->nr_sent, 0);
	assert_int_equal(
	    fix_run(f, 0, piece(IOVA + 0x20 * PAGE, 100, PORT_F_EOP)), 0);
	assert_int_equal(f->be->nr_sent, 1);
	assert_int_equal(f->be->sent_len[0], VNET + 54 + 0x9000 + 100);
	assert_memory_equal(sent, &vnet, VNET);
	assert_memory_equal(sent + VNET, f->staging + 16, 54);
	assert_memory_equal(sent + VNET + 54, fix_page(f, 0) + 4090, 6);
	assert_memory_equal(sent + VNET + 60, fix_page(f, 1), PAGE);
	assert_memory_equal(sent + VNET + 54 + 0x9000, fix_page(f, 0x20), 100);

	/* The next one's header is its own. */
	assert_int_equal(fix_run(f, 0, piece(IOVA, 14, PORT_F_EOP)), 0);
	assert_int_equal(f->be->sent_len[1], VNET + 14);
	assert_memory_equal(f->be->sent[1], "\0\0\0\0\0\0\0\0\0\0\0\0", VNET);
	assert_int_equal(dma_port_master(f->port)->stats.frames_sent, 2);
}

static void test_frames_of_one_epoch_stay_apart(void **state)
{
	struct fix *f = *state;

	for (unsigned int i = 0; i < 8; i++) {
		fix_post(f, 0, staged(i, 12 + i, 0));
		fix_post(f, 0, piece(IOVA + i * PAGE, 60 + i, PORT_F_EOP));
	}
	/* The start of one that the next epoch ends. */
	fix_post(f, 0, staged(100, 100, 0));
	fix_post(f, 0, piece(IOVA + 9 * PAGE, 0x7ff0, PORT_F_EOP));
	fix_publish(f, 0);
	assert_true(fix_settle(f));
	assert_int_equal(fix_ring(f, 0)->errors, 0);
	assert_int_equal(f->be->nr_sent, 9);
	for (unsigned int i = 1; i < 8; i++) {
		const uint8_t *sent = f->be->sent[i] + VNET;

		assert_int_equal(f->be->sent_len[i], VNET + 72 + 2 * i);
		assert_memory_equal(sent, f->staging + 16 * i, 12 + i);
		assert_memory_equal(sent + 12 + i, fix_page(f, i), 60 + i);
	}
	assert_int_equal(f->be->sent_len[0], VNET + 100 + 0x7ff0);
	assert_memory_equal(f->be->sent[0] + VNET, f->staging + 1600, 100);
	assert_memory_equal(f->be->sent[0] + VNET + 100, fix_page(f, 9), PAGE);
}

static void test_longest_frames_back_to_back(void **state)
{
	struct fix *f = *state;

	for (unsigned int i = 0; i < 4; i++) {
		fix_post(f, 0, staged(0, 14, PORT_F_EOP));
		fix_post(f, 0, staged(i, 0x8000, 0));
		fix_post(f, 0, staged(0, 0x8000, 0));
		fix_post(f, 0, staged(0, 0x40, PORT_F_EOP));
	}
	fix_publish(f, 0);
	assert_true(fix_settle(f));
	assert_int_equal(fix_ring(f, 0)->errors, 0);
	assert_int_equal(f->be->nr_sent, 8);
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *sent = f->be->sent[2 * i + 1] + VNET;

		assert_int_equal(f->be->sent_len[2 * i + 1], VNET + 0x10040);
		assert_memory_equal(sent, f->staging + 16 * i, 0x8000);
		assert_memory_equal(sent + 0x10000, f->staging, 0x40);
	}
}

static void test_failing_piece_ends_its_frame(void **state)
{
	struct fix *f = *state;
	static const struct {
		struct port_entry entry;
		unsigned int want;
	} run[] = {
		{ { .op = PORT_OP_SEND, .iova = IOVA, .len = 20 }, 0 },
		{ { .op = PORT_OP_SEND, .iova = UNMAPPED, .len = 20 },
		  PORT_E_FAULT },
		{ { .op = PORT_OP_READ, .iova = IOVA, .len = 20 }, 0 },
		{ { .op = PORT_OP_SEND, .iova = IOVA, .len = 20 }, PORT_E_RUN },
		{ { .op = PORT_OP_SEND,
		    .iova = IOVA,
		    .len = 20,
		    .flags = 0x40 },
		  PORT_E_ENTRY },
		{ { .op = PORT_OP_SEND,
		    .iova = IOVA,
		    .len = 20,
		    .flags = PORT_F_EOP },
		  PORT_E_RUN },
		/* A frame that fails at its end is over. */
		{ { .op = PORT_OP_SEND, .iova = IOVA, .len = 20 }, 0 },
		{ { .op = PORT_OP_SEND,
		    .iova = UNMAPPED,
		    .len = 20,
		    .flags = PORT_F_EOP },
		  PORT_E_FAULT },
		{ { .op = PORT_OP_SEND,
		    .iova = IOVA,
		    .len = 60,
		    .flags = PORT_F_EOP },
		  0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(run); i++)
		assert_int_equal(fix_run(f, 0, run[i].entry), run[i].want);
	assert_int_equal(f->be->nr_sent, 1);
	assert_int_equal(f->be->sent_len[0], VNET + 60);
	assert_memory_equal(f->be->sent[0] + VNET, fix_page(f, 0), 60);
}

static void test_frames_grow_to_a_limit(void **state)
{
	struct fix *f = *state;

	assert_int_equal(fix_run(f, 0, piece(IOVA, 0x10000, 0)), 0);
	assert_int_equal(fix_run(f, 0, piece(IOVA, 0x41, 0)), PORT_E_ENTRY);
	assert_int_equal(fix_run(f, 0, piece(IOVA, 0, PORT_F_EOP)), PORT_E_RUN);
	/* A vnet header comes first or not at all. */
	memset(f->staging, 0, VNET);
	assert_int_equal(fix_run(f, 0, piece(IOVA, 60, 0)), 0);
	assert_int_equal(
	    fix_run(f, 0, staged(0, VNET, PORT_F_VNET | PORT_F_EOP)),
	    PORT_E_ENTRY);
	/* It is staged, and whole. */
	assert_int_equal(fix_run(f, 0, staged(0, VNET - 1, PORT_F_VNET)),
			 PORT_E_ENTRY);
	assert_int_equal(fix_run(f, 0, piece(IOVA, 60, PORT_F_EOP)),
			 PORT_E_RUN);
	assert_int_equal(fix_run(f, 0, piece(IOVA, VNET, PORT_F_VNET)),
			 PORT_E_ENTRY);
	assert_int_equal(fix_run(f, 0, piece(IOVA, 60, PORT_F_EOP)),
			 PORT_E_RUN);
	assert_int_equal(f->be->nr_sent, 0);
}

static void test_vnet_header_is_checked(void **state)
{
	enum { LEN = 100, SUM = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	enum {
		TCPV4 = VIRTIO_NET_HDR_GSO_TCPV4,
		TCPV6 = VIRTIO_NET_HDR_GSO_TCPV6,
		ECN = VIRTIO_NET_HDR_GSO_ECN,
	};
	struct fix *f = *state;
	static const struct {
		const char *why;
		struct port_vnet vnet;
		unsigned int want;
	} cases[] = {
		{ "nothing asked", { 0 }, 0 },
		{ "sum at the end", { SUM, 0, 0, 0, 90, 8, 0 }, 0 },
		{ "sum past the end", { SUM, 0, 0, 0, 90, 9, 0 }, 3 },
		{ "start past the end", { SUM, 0, 0, 0, 0xffff, 0, 0 }, 3 },
		{ "offset past the end", { SUM, 0, 0, 0, 0, 0xffff, 0 }, 3 },
		{ "no sum, no check", { 0, 0, 0, 0, 0xffff, 0, 0 }, 0 },
		{ "header is all", { SUM, TCPV4, LEN, 9, 34, 16, 0 }, 0 },
		{ "header too long", { SUM, TCPV4, LEN + 1, 9, 34, 16, 0 }, 3 },
		{ "header too long", { 0, 0, LEN + 1, 0, 0, 0, 0 }, 3 },
		{ "TCPv6, ECN", { SUM, TCPV6 | ECN, 74, 1, 54, 16, 0 }, 0 },
		{ "no segment size", { SUM, TCPV4, 54, 0, 34, 16, 0 }, 3 },
		{ "segments without sum", { 0, TCPV4, 54, 9, 34, 16, 0 }, 3 },
		{ "only ECN", { SUM, ECN, 54, 9, 34, 16, 0 }, 3 },
		{ "UFO", { SUM, VIRTIO_NET_HDR_GSO_UDP, 54, 9, 34, 6, 0 }, 3 },
		{ "unknown type", { SUM, 0x7f, 54, 9, 34, 16, 0 }, 3 },
		{ "receive's flag",
		  { VIRTIO_NET_HDR_F_DATA_VALID, 0, 0, 0, 0, 0, 0 },
		  3 },
		{ "unknown flag", { 0x80, 0, 0, 0, 0, 0, 0 }, 3 },
		{ "reserved", { 0, 0, 0, 0, 0, 0, 1 }, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const unsigned int before = f->be->nr_sent;

		print_message("# %s\n", cases[i].why);
		memcpy(f->staging, &cases[i].vnet, VNET);
		assert_int_equal(fix_run(f, 0, staged(0, VNET, PORT_F_VNET)),
				 0);
		/* 3 stands for PORT_E_ENTRY, for short lines. */
		assert_int_equal(fix_run(f, 0, piece(IOVA, LEN, PORT_F_EOP)),
				 cases[i].want ? PORT_E_ENTRY : 0);
		assert_int_equal(f->be->nr_sent - before, !cases[i].want);
	}
}

static void test_what_the_backend_says(void **state)
{
	struct fix *f = *state;
	static const struct {
		int ret;
		unsigned int want;
	} cases[] = {
		{ 0, 0 },
		{ -EAGAIN, 0 },
		{ -EPIPE, 0 },
		{ -EOPNOTSUPP, PORT_E_ENTRY },
		{ -EMSGSIZE, PORT_E_ENTRY },
	};
	struct dma_stats *stats = &dma_port_master(f->port)->stats;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		f->be->send_ret = cases[i].ret;
		assert_int_equal(fix_run(f, 1, piece(IOVA, 60, PORT_F_EOP)),
				 cases[i].want);
	}
	assert_int_equal(stats->frames_sent, 1);
	assert_int_equal(stats->frames_dropped, 4);
}

static void test_without_a_backend(void **state)
{
	struct fix *f = *state, other;
	struct dma_port_shape shape = fix_shape();

	shape.net = false;
	fix_create(&other, &shape);
	assert_int_equal(other.header.frames_off, 0);
	assert_int_equal(fix_run(&other, 0, piece(IOVA, 60, 0)), PORT_E_NODEV);
	assert_int_equal(fix_run(&other, 0, piece(IOVA, 60, PORT_F_EOP)),
			 PORT_E_NODEV);
	assert_int_equal(
	    fix_run(&other, 0, fix_entry(PORT_OP_RECV, IOVA, 0, 0, 0)),
	    PORT_E_ENTRY);
	other.be->nr = 1;
	assert_false(dma_port_step(other.port));
	assert_int_equal(other.be->nr, 1);
	fix_destroy(&other);
	assert_int_equal(f->be->nr_sent, 0);
}

/* The backend gives @nr frames of @len bytes. */
static void offer(struct fix *f, uint32_t len, unsigned int nr)
{
	for (uint32_t i = 0; i < VNET + len; i++)
		f->be->next[i] = (uint8_t)(i * 5 + 1);
	f->be->next_len = VNET + (ssize_t)len;
	f->be->nr = nr;
}

static struct port_entry recv_to(uint64_t iova, uint32_t len, uint32_t slot,
				 unsigned int flags)
{
	return fix_entry(PORT_OP_RECV, iova, len, slot, flags);
}

static void test_frame_is_announced_and_taken(void **state)
{
	struct fix *f = *state;
	const struct port_frame *frame = &f->frames[0];
	uint8_t want[2000];
	uint32_t slot;

	offer(f, 1000, 1);
	assert_true(dma_port_step(f->port));
	assert_false(dma_port_step(f->port));
	assert_int_equal(f->control->frames_tail, 1);
	slot = le16toh(frame->slot);
	assert_int_equal(le32toh(frame->len), 1000);
	assert_memory_equal(&frame->vnet, f->be->next, VNET);
	assert_memory_equal(frame->head, f->be->next + VNET, PORT_FRAME_HEAD);

	memcpy(want, fix_page(f, 0), sizeof(want));
	memcpy(want + 10, f->be->next + VNET, 300);
	memcpy(want + 400, f->be->next + VNET + 500, 500);
	memset(want + 900, 0, 64);
	assert_int_equal(fix_run(f, 0, recv_to(IOVA + 10, 300, slot, 0)), 0);
	assert_int_equal(fix_run(f, 0, recv_to(0, 200, slot, PORT_F_SKIP)), 0);
	assert_int_equal(fix_run(f, 1, recv_to(IOVA + 400, 565, slot, 0)),
			 PORT_E_ENTRY);
	assert_int_equal(
	    fix_run(f, 1, recv_to(IOVA + 400, 564, slot, PORT_F_EOP)), 0);
	assert_memory_equal(fix_page(f, 0), want, sizeof(want));
	assert_int_equal(fix_run(f, 0, recv_to(IOVA, 0, slot, 0)),
			 PORT_E_ENTRY);
	assert_int_equal(dma_port_master(f->port)->stats.frames_received, 1);
}

static void test_short_frame_shows_no_other_bytes(void **state)
{
	struct fix *f = *state;
	uint8_t want[128] = { 0 };

	/* A longer one was in that slot before. */
	offer(f, 2000, 1);
	assert_true(dma_port_step(f->port));
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_DROP, 0, 0, f->frames[0].slot, 0)),
	    0);
	offer(f, 20, 1);
	assert_true(dma_port_step(f->port));
	assert_int_equal(f->frames[1].slot, f->frames[0].slot);
	memcpy(want, f->be->next + VNET, 20);
	assert_memory_equal(f->frames[1].head, want, PORT_FRAME_HEAD);
	assert_int_equal(
	    fix_run(f, 0, recv_to(IOVA, 84, f->frames[1].slot, PORT_F_EOP)), 0);
	assert_memory_equal(fix_page(f, 0), want, 84);
}

static void test_slots_run_out_and_come_back(void **state)
{
	struct fix *f = *state;

	offer(f, 60, 1000);
	assert_true(fix_settle(f));
	assert_int_equal(f->control->frames_tail, PORT_SLOTS);
	assert_int_equal(f->be->nr, 1000 - PORT_SLOTS);
	/* DROP, the last RECV, and one that fails: each gives a slot back. */
	assert_int_equal(fix_run(f, 0, fix_entry(PORT_OP_DROP, 0, 0, 7, 0)), 0);
	assert_int_equal(f->control->frames_tail, PORT_SLOTS + 1);
	assert_int_equal(fix_run(f, 0, recv_to(IOVA, 60, 8, PORT_F_EOP)), 0);
	assert_int_equal(f->control->frames_tail, PORT_SLOTS + 2);
	assert_int_equal(fix_run(f, 0, recv_to(UNMAPPED, 60, 9, PORT_F_EOP)),
			 PORT_E_FAULT);
	assert_int_equal(f->control->frames_tail, PORT_SLOTS + 3);
	assert_int_equal(fix_run(f, 0, recv_to(UNMAPPED, 60, 10, 0)),
			 PORT_E_FAULT);
	assert_int_equal(f->control->frames_tail, PORT_SLOTS + 3);
	assert_int_equal(f->frames[0].slot, 7);
	assert_int_equal(f->frames[1].slot, 8);
	assert_int_equal(f->frames[2].slot, 9);
	/* A slot that is given back twice is not given out twice. */
	f->be->nr = 0;
	assert_int_equal(fix_run(f, 0, fix_entry(PORT_OP_DROP, 0, 0, 7, 0)), 0);
	assert_int_equal(fix_run(f, 0, fix_entry(PORT_OP_DROP, 0, 0, 7, 0)),
			 PORT_E_ENTRY);
	assert_int_equal(fix_run(f, 0, recv_to(IOVA, 0, 7, PORT_F_EOP)),
			 PORT_E_ENTRY);
	f->be->nr = 5;
	assert_true(fix_settle(f));
	assert_int_equal(f->control->frames_tail, PORT_SLOTS + 4);
	/* A DROP has no length. */
	assert_int_equal(fix_run(f, 0, fix_entry(PORT_OP_DROP, 0, 1, 8, 0)),
			 PORT_E_ENTRY);
}

/* An entry that waits for pages when the turn is over finds its slot gone. */
static void test_slot_given_back_under_an_entry(void **state)
{
	struct fix *f = *state;
	const uint32_t epochs = 16; /* of a turn; each ends at a new page */
	uint32_t slot;

	offer(f, 60, 1);
	assert_true(dma_port_step(f->port));
	slot = le16toh(f->frames[0].slot);
	for (uint32_t i = 0; i + 1 < epochs; i++)
		fix_post(f, 0,
			 fix_entry(PORT_OP_READ, IOVA + i * PAGE, 8, 0, 0));
	fix_post(f, 0, recv_to(IOVA + epochs * PAGE, 60, slot, 0));
	fix_post(f, 1, fix_entry(PORT_OP_DROP, 0, 0, slot, 0));
	fix_publish(f, 0);
	fix_publish(f, 1);
	assert_true(dma_port_step(f->port));
	assert_int_equal(fix_ring(f, 0)->done, epochs - 1);
	assert_int_equal(fix_ring(f, 1)->done, 1);
	assert_true(fix_settle(f));
	assert_int_equal(fix_ring(f, 0)->done, epochs);
	assert_int_equal(fix_error(f, 0, 0).code, PORT_E_ENTRY);
}

/* Slots belong to the port: any ring may take bytes of one and give it back. */
static void test_slot_is_shared_by_the_rings(void **state)
{
	struct fix *f = *state;
	uint32_t slot;

	offer(f, PORT_SLOT_LEN, 1);
	assert_true(dma_port_step(f->port));
	slot = le16toh(f->frames[0].slot);
	assert_int_equal(fix_run(f, 0, recv_to(IOVA, 3 * PAGE, slot, 0)), 0);
	assert_int_equal(fix_run(f, 1, recv_to(IOVA + 3 * PAGE, PAGE, slot, 0)),
			 0);
	assert_memory_equal(fix_page(f, 3), f->be->next + VNET + 3 * PAGE,
			    PAGE);
	assert_int_equal(fix_run(f, 1, fix_entry(PORT_OP_DROP, 0, 0, slot, 0)),
			 0);
	assert_int_equal(fix_run(f, 0, recv_to(IOVA, 64, slot, 0)),
			 PORT_E_ENTRY);
}

static void test_frames_that_are_no_good(void **state)
{
	struct fix *f = *state;
	struct dma_stats *stats = &dma_port_master(f->port)->stats;

	offer(f, PORT_SLOT_LEN + 1, 3);
	assert_true(fix_settle(f));
	assert_int_equal(f->control->frames_tail, 0);
	assert_int_equal(stats->frames_dropped, 3);
	offer(f, 60, 1);
	assert_true(fix_settle(f));
	assert_int_equal(f->control->frames_tail, 1);
	/* After a failure the backend is asked no more. */
	f->be->next_len = -ECONNRESET;
	f->be->nr = 2;
	assert_false(dma_port_step(f->port));
	assert_false(dma_port_step(f->port));
	assert_int_equal(f->be->nr, 1);
	assert_int_equal(f->control->frames_tail, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_frame_is_put_together),
		TEST(test_frames_of_one_epoch_stay_apart),
		TEST(test_longest_frames_back_to_back),
		TEST(test_failing_piece_ends_its_frame),
		TEST(test_frames_grow_to_a_limit),
		TEST(test_vnet_header_is_checked),
		TEST(test_what_the_backend_says),
		TEST(test_without_a_backend),
		TEST(test_frame_is_announced_and_taken),
		TEST(test_short_frame_shows_no_other_bytes),
		TEST(test_slots_run_out_and_come_back),
		TEST(test_slot_is_shared_by_the_rings),
		TEST(test_slot_given_back_under_an_entry),
		TEST(test_frames_that_are_no_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
