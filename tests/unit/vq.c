// SPDX-License-Identifier: BSD-2-Clause
/* dma/vq: chains out of a ring that the driver owns, and what breaks it. */

#include "dma/vq.h"

#include <errno.h>
#include <stdio.h>

#include "tests/test.h"
#include "tests/unit/ring.h"

#define RAM_SIZE 0x200000ull
#define BASE	 0x10000ull
#define DATA	 0x20000ull
#define TABLE	 0x30000ull
#define NEXT	 VRING_DESC_F_NEXT
#define WRITE	 VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

struct fixture {
	struct guest_ram *ram;
	struct ring ring;
	struct vq vq;
	struct vq_chain chain;
};

static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	if (guest_ram_create(RAM_SIZE, &fx.ram))
		return -1;
	ring_init(&fx.ring, fx.ram, BASE);
	return vq_init(&fx.vq, fx.ram, &fx.ring.layout);
}

static int teardown(void **state)
{
	guest_ram_destroy(((struct fixture *)*state)->ram);
	return 0;
}

static void test_layouts_are_checked(void **state)
{
	static const struct {
		const char *why;
		struct vq_layout layout;
		int want;
	} cases[] = {
		{ "good", { 8, BASE, BASE + 0x102, BASE + 0x204, false }, 0 },
		{ "no entries", { 0, BASE, BASE, BASE, false }, -EINVAL },
		{ "not a power of two",
		  { 6, BASE, BASE, BASE, false },
		  -EINVAL },
		{ "too many", { 512, BASE, BASE, BASE, false }, -EINVAL },
		{ "descriptors", { 8, BASE + 8, BASE, BASE, false }, -EINVAL },
		{ "available", { 8, BASE, BASE + 1, BASE, false }, -EINVAL },
		{ "used", { 8, BASE, BASE, BASE + 2, false }, -EINVAL },
		{ "beyond RAM", { 8, RAM_SIZE, BASE, BASE, false }, -EFAULT },
		{ "part of it beyond RAM",
		  { 8, BASE, RAM_SIZE - 18, BASE, false },
		  -EFAULT },
		{ "wraps", { 8, BASE, BASE, -(uint64_t)4, false }, -EFAULT },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(vq_init(&fx->vq, fx->ram, &cases[i].layout),
				 cases[i].want);
	}
}

static void test_a_chain_and_back(void **state)
{
	struct fixture *fx = *state;
	char buf[8] = "";

	assert_false(vq_is_pending(&fx->vq));
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EAGAIN);
	assert_int_equal(guest_ram_write(fx->ram, DATA, "abc", 3), 0);
	assert_int_equal(guest_ram_write(fx->ram, DATA + 0x100, "de", 2), 0);
	ring_desc(&fx->ring, 5, DATA, 3, NEXT, 2);
	ring_desc(&fx->ring, 2, DATA + 0x100, 2, NEXT, 7);
	ring_desc(&fx->ring, 7, DATA + 0x200, 1, NEXT | WRITE, 0);
	ring_desc(&fx->ring, 0, DATA + 0x300, 9, WRITE, 0);
	ring_publish(&fx->ring, 5);

	assert_true(vq_is_pending(&fx->vq));
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
	assert_int_equal(fx->chain.head, 5);
	assert_int_equal(fx->chain.nr, 4);
	assert_int_equal(fx->chain.nr_read, 2);
	assert_int_equal(fx->chain.read_len, 5);
	assert_int_equal(fx->chain.write_len, 10);
	assert_int_equal(vq_chain_read(&fx->vq, &fx->chain, buf, 5), 0);
	assert_string_equal(buf, "abcde");
	assert_int_equal(vq_chain_write(&fx->vq, &fx->chain, "xyz", 3), 0);
	assert_int_equal(guest_ram_read(fx->ram, DATA + 0x200, buf, 1), 0);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(guest_ram_read(fx->ram, DATA + 0x300, buf, 2), 0);
	assert_memory_equal(buf, "yz", 2);

	assert_int_equal(vq_push(&fx->vq, &fx->chain, 3), 0);
	assert_int_equal(ring_used_idx(&fx->ring), 0);
	vq_publish(&fx->vq);
	assert_int_equal(ring_used_idx(&fx->ring), 1);
	assert_int_equal(ring_used(&fx->ring, 0).id, 5);
	assert_int_equal(ring_used(&fx->ring, 0).len, 3);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EAGAIN);
}

static void test_indices_run_round(void **state)
{
	struct fixture *fx = *state;

	/* Past the ring, and past 16 bits. */
	for (unsigned int i = 0; i < 0x10000 + 3 * RING_SIZE; i++) {
		uint16_t head = i % RING_SIZE;

		ring_desc(&fx->ring, head, DATA, 1, 0, 0);
		ring_publish(&fx->ring, head);
		assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
		assert_int_equal(fx->chain.head, head);
		assert_int_equal(vq_push(&fx->vq, &fx->chain, i), 0);
		vq_publish(&fx->vq);
		assert_int_equal(ring_used_idx(&fx->ring), (uint16_t)(i + 1));
		assert_int_equal(ring_used(&fx->ring, (uint16_t)i).len, i);
	}
}

static void test_an_indirect_table(void **state)
{
	struct fixture *fx = *state;

	/* Behind an ordinary descriptor; its WRITE flag means nothing. */
	ring_desc(&fx->ring, 0, DATA, 1, NEXT, 1);
	ring_desc(&fx->ring, 1, TABLE + 4, 32, INDIRECT | WRITE, 0);
	ring_desc_at(&fx->ring, TABLE + 4, 0, DATA, 2, NEXT, 1);
	ring_desc_at(&fx->ring, TABLE + 4, 1, DATA, 4, WRITE, 0);
	ring_publish(&fx->ring, 0);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
	assert_int_equal(fx->chain.read_len, 3);
	assert_int_equal(fx->chain.write_len, 4);
}

static void test_the_longest_chain(void **state)
{
	struct fixture *fx = *state;

	for (unsigned int i = 0; i < RING_SIZE; i++)
		ring_desc(&fx->ring, i, DATA, 1, i + 1 < RING_SIZE ? NEXT : 0,
			  (uint16_t)(i + 1));
	ring_publish(&fx->ring, 0);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
	assert_int_equal(fx->chain.nr, RING_SIZE);
}

/* What a driver must not do: each breaks the queue, for good. */
static void break_by_head(struct ring *r)
{
	ring_publish(r, RING_SIZE);
}

static void break_by_next(struct ring *r)
{
	ring_desc(r, 0, DATA, 1, NEXT, RING_SIZE);
	ring_publish(r, 0);
}

static void break_by_loop(struct ring *r)
{
	ring_desc(r, 0, DATA, 1, NEXT, 1);
	ring_desc(r, 1, DATA, 1, NEXT, 0);
	ring_publish(r, 0);
}

static void break_by_order(struct ring *r)
{
	ring_desc(r, 0, DATA, 1, NEXT | WRITE, 1);
	ring_desc(r, 1, DATA, 1, 0, 0);
	ring_publish(r, 0);
}

static void break_by_index(struct ring *r)
{
	r->avail = RING_SIZE;
	ring_publish(r, 0);
}

static void break_by_index_going_back(struct ring *r)
{
	r->avail = (uint16_t)-2;
	ring_publish(r, 0);
}

static void break_by_table_length(struct ring *r)
{
	ring_desc(r, 0, TABLE, 24, INDIRECT, 0);
	ring_publish(r, 0);
}

static void break_by_empty_table(struct ring *r)
{
	ring_desc(r, 0, TABLE, 0, INDIRECT, 0);
	ring_publish(r, 0);
}

static void break_by_table_outside(struct ring *r)
{
	ring_desc(r, 0, RAM_SIZE - 16, 32, INDIRECT, 0);
	ring_publish(r, 0);
}

static void break_by_table_not_last(struct ring *r)
{
	ring_desc(r, 0, TABLE, 16, INDIRECT | NEXT, 1);
	ring_publish(r, 0);
}

static void break_by_nesting(struct ring *r)
{
	ring_desc(r, 0, TABLE, 16, INDIRECT, 0);
	ring_desc_at(r, TABLE, 0, TABLE, 16, INDIRECT, 0);
	ring_publish(r, 0);
}

static void break_by_next_in_table(struct ring *r)
{
	ring_desc(r, 0, TABLE, 16, INDIRECT, 0);
	ring_desc_at(r, TABLE, 0, DATA, 1, NEXT, 1);
	ring_publish(r, 0);
}

static void break_by_loop_in_table(struct ring *r)
{
	ring_desc(r, 0, TABLE, 16, INDIRECT, 0);
	ring_desc_at(r, TABLE, 0, DATA, 1, NEXT, 0);
	ring_publish(r, 0);
}

static void break_by_long_table(struct ring *r)
{
	ring_desc(r, 0, TABLE, 16 * (RING_SIZE + 1), INDIRECT, 0);
	for (uint16_t i = 0; i < RING_SIZE; i++)
		ring_desc_at(r, TABLE, i, DATA, 1, NEXT, (uint16_t)(i + 1));
	ring_desc_at(r, TABLE, RING_SIZE, DATA, 1, 0, 0);
	ring_publish(r, 0);
}

static void test_a_broken_rule_breaks_the_queue(void **state)
{
	static void (*const cases[])(struct ring * r) = {
		break_by_head,		break_by_next,
		break_by_loop,		break_by_order,
		break_by_index,		break_by_index_going_back,
		break_by_table_length,	break_by_empty_table,
		break_by_table_outside, break_by_table_not_last,
		break_by_nesting,	break_by_next_in_table,
		break_by_loop_in_table, break_by_long_table,
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ring_init(&fx->ring, fx->ram, BASE);
		assert_int_equal(vq_init(&fx->vq, fx->ram, &fx->ring.layout),
				 0);
		cases[i](&fx->ring);
		assert_true(vq_is_pending(&fx->vq));
		assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EBADMSG);
		assert_non_null(fx->vq.broken);
		print_message("# %s\n", fx->vq.broken);
		/* Mending the ring does not help. */
		ring_init(&fx->ring, fx->ram, BASE);
		ring_publish(&fx->ring, 0);
		assert_false(vq_is_pending(&fx->vq));
		assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EBADMSG);
	}
}

static void test_indirect_only_if_negotiated(void **state)
{
	struct fixture *fx = *state;

	fx->vq.indirect = false;
	ring_desc(&fx->ring, 0, TABLE, 16, INDIRECT, 0);
	ring_publish(&fx->ring, 0);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EBADMSG);
}

static void test_buffers_outside_ram(void **state)
{
	struct fixture *fx = *state;
	char byte = 0;

	ring_desc(&fx->ring, 0, RAM_SIZE, 4, 0, 0);
	ring_publish(&fx->ring, 0);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
	assert_int_equal(vq_chain_read(&fx->vq, &fx->chain, &byte, 1), -EFAULT);
	assert_non_null(fx->vq.broken);

	assert_int_equal(vq_init(&fx->vq, fx->ram, &fx->ring.layout), 0);
	ring_desc(&fx->ring, 0, UINT64_MAX, 4, WRITE, 0);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), 0);
	assert_int_equal(vq_chain_write(&fx->vq, &fx->chain, &byte, 1),
			 -EFAULT);
	assert_int_equal(vq_pop(&fx->vq, &fx->chain), -EBADMSG);
}

static void test_who_wants_to_hear_of_what(void **state)
{
	struct fixture *fx = *state;

	assert_true(vq_wants_interrupt(&fx->vq));
	ring_set_flags(&fx->ring, VRING_AVAIL_F_NO_INTERRUPT);
	assert_false(vq_wants_interrupt(&fx->vq));
	vq_set_notify(&fx->vq, false);
	assert_int_equal(ring_used_flags(&fx->ring), VRING_USED_F_NO_NOTIFY);
	vq_set_notify(&fx->vq, true);
	assert_int_equal(ring_used_flags(&fx->ring), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layouts_are_checked),
		TEST(test_a_chain_and_back),
		TEST(test_indices_run_round),
		TEST(test_an_indirect_table),
		TEST(test_the_longest_chain),
		TEST(test_a_broken_rule_breaks_the_queue),
		TEST(test_indirect_only_if_negotiated),
		TEST(test_buffers_outside_ram),
		TEST(test_who_wants_to_hear_of_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
