// SPDX-License-Identifier: BSD-2-Clause
/* Both sides of a port together: the device's (port/) and the worker (dma/). */
#include "port/port.h"

#include "tests/dma_fixture.h"
#include "tests/test.h"

#define RW   (VIOMMU_READ | VIOMMU_WRITE)
#define RING 0

struct both {
	struct fix vmm;
	struct port *port;
};

static int setup(void **state)
{
	static const unsigned int prot[] = { RW };
	const struct dma_port_shape shape = fix_shape();
	struct both *b = malloc(sizeof(*b));
	struct dma_port_fds fds;

	assert_non_null(b);
	fix_create(&b->vmm, &shape);
	fix_map_pages(&b->vmm, prot, 1);
	dma_port_fds(b->vmm.port, &fds);
	assert_int_equal(port_open(dup(fds.memory), fds.size,
				   dup(fds.kick_device), dup(fds.kick_worker),
				   dup(fds.drained), &b->port),
			 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct both *b = *state;

	port_close(b->port);
	fix_destroy(&b->vmm);
	free(b);
	return 0;
}

static void post(struct both *b, enum port_op op, uint64_t iova, uint32_t len,
		 uint32_t staging)
{
	assert_int_equal(port_post(b->port, RING, op, iova, len, staging, 0),
			 0);
}

static void run(struct both *b)
{
	port_submit(b->port, RING);
	assert_true(fix_settle(&b->vmm));
	assert_int_equal(port_done(b->port, RING),
			 port_posted_count(b->port, RING));
}

static void test_they_agree_about_the_layout(void **state)
{
	struct both *b = *state;
	uint8_t *regs = (void *)port_regs(b->port);

	assert_int_equal(port_staging_len(b->port), FIX_STAGING);
	assert_int_equal(port_room(b->port, 0), FIX_ENTRIES);
	assert_int_equal(port_room(b->port, 1), PORT_ENTRIES_MIN);
	regs[4] = 0x77;
	assert_int_equal(dma_port_regs(b->vmm.port)[1], 0x77);
	irqline_raise(port_irqline(b->port), 8);
	assert_int_equal(*dma_port_irqline(b->vmm.port)->cause, 8);
}

/* Staging offsets behind 64 KiB, too. */
static void test_bytes_go_both_ways(void **state)
{
	struct both *b = *state;
	uint8_t *staging = port_staging(b->port);

	memcpy(fix_page(&b->vmm, 0) + 8, "from the guest", 14);
	memcpy(staging + 0x18000, "from the device", 15);
	post(b, PORT_OP_READ, FIX_IOVA + 8, 14, 0x1fff0);
	post(b, PORT_OP_WRITE, FIX_IOVA + FIX_PAGE, 15, 0x18000);
	post(b, PORT_OP_FILL, FIX_IOVA + 2 * FIX_PAGE, 2, 0x08aa);
	run(b);
	assert_memory_equal(staging + 0x1fff0, "from the guest", 14);
	assert_memory_equal(fix_page(&b->vmm, 1), "from the device", 15);
	assert_memory_equal(fix_page(&b->vmm, 2),
			    "\xaa\0\0\0\0\0\0\0\xaa\0\0\0\0\0\0\0", 16);
}

static void test_failures_are_told(void **state)
{
	struct both *b = *state;
	struct port_error error;

	post(b, PORT_OP_READ, FIX_IOVA, 16, 0);
	post(b, PORT_OP_READ, 0x1000, 16, 0);
	post(b, PORT_OP_READ, FIX_IOVA, 16, FIX_STAGING);
	run(b);
	assert_true(port_take_error(b->port, RING, &error));
	assert_int_equal(le32toh(error.seq), 1);
	assert_int_equal(le16toh(error.code), PORT_E_FAULT);
	assert_true(port_take_error(b->port, RING, &error));
	assert_int_equal(le32toh(error.seq), 2);
	assert_int_equal(le16toh(error.code), PORT_E_ENTRY);
	assert_false(port_take_error(b->port, RING, &error));
}

static void test_frames_arrive(void **state)
{
	struct both *b = *state;
	struct port_frame frame;

	memset(b->vmm.be->next, 0, BACKEND_VNET_LEN);
	memset(b->vmm.be->next + BACKEND_VNET_LEN, 0x5a, 100);
	b->vmm.be->next_len = BACKEND_VNET_LEN + 100;
	b->vmm.be->nr = 1;
	assert_true(fix_settle(&b->vmm));
	assert_true(port_take_frame(b->port, &frame));
	assert_int_equal(le32toh(frame.len), 100);
	assert_int_equal(frame.head[PORT_FRAME_HEAD - 1], 0x5a);
	assert_int_equal(port_post(b->port, RING, PORT_OP_RECV, FIX_IOVA, 100,
				   le16toh(frame.slot), PORT_F_EOP),
			 0);
	run(b);
	assert_int_equal(fix_page(&b->vmm, 0)[99], 0x5a);
	assert_int_equal(fix_page(&b->vmm, 0)[100], 0);
	assert_false(port_has_frame(b->port));
}

/* ---- with the worker's thread ---- */

/* Each round both fall asleep, now and then, and each must wake the other. */
static void test_neither_sleeps_through(void **state)
{
	struct both *b = *state;
	uint8_t *staging = port_staging(b->port);

	assert_int_equal(dma_port_start(b->vmm.port, b->vmm.ep, -1, NULL), 0);
	for (unsigned int i = 0; i < 300; i++) {
		fix_page(&b->vmm, 0)[0] = (uint8_t)i;
		post(b, PORT_OP_READ, FIX_IOVA, 1, 0);
		port_drain(b->port, RING);
		assert_int_equal(staging[0], (uint8_t)i);
		if (i % 10 == 0)
			(void)usleep(100);
	}
	dma_port_stop(b->vmm.port);
}

/* As a device does it: as much as there is room for, and sleep for more. */
static void test_a_full_ring_moves_on(void **state)
{
	struct both *b = *state;
	struct port_wait wait = { .rings = 1u << RING };
	uint32_t left = 20000;

	assert_int_equal(dma_port_start(b->vmm.port, b->vmm.ep, -1, NULL), 0);
	while (left > 0) {
		while (left > 0 && port_room(b->port, RING) > 0) {
			post(b, PORT_OP_WRITE,
			     FIX_IOVA + left % FIX_PAGES * FIX_PAGE, 64, 0);
			left--;
		}
		port_submit(b->port, RING);
		wait.wake_at[RING] = port_posted_count(b->port, RING) - 100;
		port_sleep(b->port, &wait, NULL, NULL, -1, -1);
	}
	port_drain(b->port, RING);
	assert_int_equal(port_done(b->port, RING), 20000);
	dma_port_stop(b->vmm.port);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_they_agree_about_the_layout),
		TEST(test_bytes_go_both_ways),
		TEST(test_failures_are_told),
		TEST(test_frames_arrive),
		TEST(test_neither_sleeps_through),
		TEST(test_a_full_ring_moves_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
