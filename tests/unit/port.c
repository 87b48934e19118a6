// SPDX-License-Identifier: BSD-2-Clause
/* The device's port; the test plays the VMM with the same memory. */
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "tests/port_fixture.h"
#include "tests/test.h"

struct both {
	struct port_fixture vmm;
	struct port *port;
};

/* The port's descriptors are duplicates: the test goes on using its own. */
static int open_port(struct port_fixture *f, size_t size, struct port **out)
{
	return port_open(dup(f->memory_fd), size, dup(f->kick_device),
			 dup(f->kick_worker), dup(f->drained), out);
}

static int setup(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	port_fixture_init(&b->vmm);
	assert_int_equal(open_port(&b->vmm, FIXTURE_SIZE, &b->port), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct both *b = *state;

	port_close(b->port);
	port_fixture_fini(&b->vmm);
	free(b);
	return 0;
}

static bool signalled(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* ---- layout ---- */

#define AT(field) offsetof(struct port_header, field)

static void test_open_checks_the_layout(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint32_t value;
		int want;
	} cases[] = {
		{ "as it should be", AT(magic), PORT_MAGIC, 0 },
		{ "magic", AT(magic), 0, -EBADMSG },
		{ "version", AT(version), PORT_VERSION + 1, -EBADMSG },
		{ "another size", AT(size), FIXTURE_SIZE - 1, -EBADMSG },
		{ "no rings", AT(nr_rings), 0, 0 },
		{ "rings", AT(nr_rings), PORT_RINGS_MAX + 1, -EBADMSG },
		{ "rings that are not there", AT(nr_rings), 2, -EBADMSG },
		{ "control outside", AT(control_off), FIXTURE_SIZE, -EBADMSG },
		{ "control off its line", AT(control_off), 0x1004, -EBADMSG },
		{ "no frames", AT(frames_off), 0, 0 },
		{ "frames outside", AT(frames_off), FIXTURE_SIZE - 0x1000,
		  -EBADMSG },
		{ "posted outside", AT(posted_off), FIXTURE_SIZE - 0x800,
		  -EBADMSG },
		{ "staging outside", AT(staging_len), FIXTURE_STAGING + 1,
		  -EBADMSG },
		{ "staging wraps", AT(staging_off), 0xfffff000, -EBADMSG },
		{ "staging off its page", AT(staging_off), 0xf010, -EBADMSG },
		{ "staging too long", AT(staging_len), PORT_STAGING_MAX + 1,
		  -EBADMSG },
		{ "registers outside", AT(regs_off), FIXTURE_SIZE, -EBADMSG },
		{ "registers too long", AT(regs_len), PORT_REGS_MAX + 4,
		  -EBADMSG },
		{ "state outside", AT(state_off), FIXTURE_SIZE, -EBADMSG },
		{ "state too long", AT(state_len), PORT_STATE_MAX + 1,
		  -EBADMSG },
		{ "cause outside", AT(irq_cause_off), 0x1000, -EBADMSG },
		{ "cause off its word", AT(irq_cause_off), 0x42, -EBADMSG },
		{ "mask outside", AT(irq_mask_off), 0xffd, -EBADMSG },
		{ "mask without cause", AT(irq_cause_off), PORT_NONE,
		  -EBADMSG },
		{ "cause without mask", AT(irq_mask_off), PORT_NONE, -EBADMSG },
		{ "cause without registers", AT(regs_len), 0, -EBADMSG },
		{ "ring outside", AT(rings[0].ring_off), FIXTURE_SIZE,
		  -EBADMSG },
		{ "entries outside", AT(rings[0].entries_off),
		  FIXTURE_SIZE - 0x80, -EBADMSG },
		{ "errors off their place", AT(rings[0].errors_off), 0x4008,
		  -EBADMSG },
		{ "too few entries", AT(rings[0].nr_entries), 8, -EBADMSG },
		{ "too many", AT(rings[0].nr_entries), 8192, -EBADMSG },
		{ "no power of two", AT(rings[0].nr_entries), 24, -EBADMSG },
	};
	struct both *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port *port = NULL;
		int ret;

		print_message("# %s\n", cases[i].why);
		port_fixture_header(b->vmm.header);
		put_le32(b->vmm.base + cases[i].at, cases[i].value);
		ret = open_port(&b->vmm, FIXTURE_SIZE, &port);
		assert_int_equal(ret, cases[i].want);
		port_close(port);
	}
}

static void test_open_takes_its_descriptors(void **state)
{
	struct both *b = *state;
	int fds[4];
	struct port *port;

	for (int i = 0; i < 4; i++)
		fds[i] = dup(b->vmm.memory_fd);
	assert_int_equal(port_open(fds[0], 16, fds[1], fds[2], fds[3], &port),
			 -EBADMSG);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	/* Not a memory. */
	assert_int_equal(port_open(dup(b->vmm.drained), FIXTURE_SIZE,
				   dup(b->vmm.drained), dup(b->vmm.drained),
				   dup(b->vmm.drained), &port),
			 -ENODEV);
}

static void test_parts_are_where_the_header_says(void **state)
{
	struct both *b = *state;
	uint8_t *regs = (void *)port_regs(b->port);
	struct irqline *line = port_irqline(b->port);

	regs[4] = 0x11;
	assert_int_equal(b->vmm.base[FIXTURE_REGS + 4], 0x11);
	*(uint8_t *)port_state(b->port) = 0x22;
	assert_int_equal(b->vmm.base[FIXTURE_STATE], 0x22);
	*(uint8_t *)port_staging(b->port) = 0x33;
	assert_int_equal(b->vmm.base[FIXTURE_STAGING_OFF], 0x33);
	assert_int_equal(port_staging_len(b->port), FIXTURE_STAGING);
	assert_int_equal(line->fd, -1);
	irqline_raise(line, 4);
	assert_int_equal(b->vmm.base[FIXTURE_REGS + FIXTURE_CAUSE], 4);
	irqline_unmask(line, 8);
	assert_int_equal(b->vmm.base[FIXTURE_REGS + FIXTURE_MASK], 8);
}

static void test_parts_may_be_absent(void **state)
{
	struct both *b = *state;
	struct port_header *h = b->vmm.header;
	struct port_frame frame;
	struct port *port;

	h->frames_off = h->regs_len = h->state_len = 0;
	h->irq_cause_off = h->irq_mask_off = htole32(PORT_NONE);
	b->vmm.control->frames_tail = 1;
	assert_int_equal(open_port(&b->vmm, FIXTURE_SIZE, &port), 0);
	assert_null(port_regs(port));
	assert_null(port_state(port));
	assert_null(port_irqline(port));
	assert_false(port_has_frame(port));
	assert_false(port_take_frame(port, &frame));
	port_close(port);
}

/* ---- rings ---- */

static void post(struct both *b, uint32_t nr)
{
	while (nr-- > 0)
		assert_int_equal(
		    port_post(b->port, 0, PORT_OP_READ, 0, 1, 0, 0), 0);
}

static void test_entries_are_as_the_wire_has_them(void **state)
{
	static const struct {
		enum port_op op;
		uint32_t staging;
		uint16_t want;
	} cases[] = {
		{ PORT_OP_READ, 0x1fff0, 0x1fff }, { PORT_OP_WRITE, 16, 1 },
		{ PORT_OP_FETCH, 32, 2 },	   { PORT_OP_SEND, 48, 3 },
		{ PORT_OP_FILL, 0x10aa, 0x10aa },  { PORT_OP_RECV, 255, 255 },
		{ PORT_OP_DROP, 17, 17 },
	};
	struct both *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct port_entry *e = &b->vmm.entries[i];

		assert_int_equal(port_post(b->port, 0, cases[i].op,
					   0x1122334455667788, 0x99aabbcc,
					   cases[i].staging, PORT_F_IRQ),
				 0);
		assert_true(le64toh(e->iova) == 0x1122334455667788);
		assert_int_equal(le32toh(e->len), 0x99aabbcc);
		assert_int_equal(le16toh(e->staging), cases[i].want);
		assert_int_equal(e->op, cases[i].op);
		assert_int_equal(e->flags, PORT_F_IRQ);
	}
}

static void test_entries_are_seen_when_submitted(void **state)
{
	struct both *b = *state;

	post(b, 3);
	assert_int_equal(b->vmm.ring->tail, 0);
	port_submit(b->port, 0);
	assert_int_equal(b->vmm.ring->tail, 3);
	assert_false(signalled(b->vmm.kick_worker));
}

static void test_submit_wakes_a_sleeper_only(void **state)
{
	struct both *b = *state;

	b->vmm.control->worker_sleeps = 1;
	port_submit(b->port, 0);
	assert_false(signalled(b->vmm.kick_worker));
	post(b, 1);
	port_submit(b->port, 0);
	assert_true(signalled(b->vmm.kick_worker));
	assert_int_equal(b->vmm.control->worker_sleeps, 0);
	post(b, 1);
	port_submit(b->port, 0);
	assert_false(signalled(b->vmm.kick_worker));
}

static void test_a_ring_gets_full(void **state)
{
	struct both *b = *state;

	assert_int_equal(port_room(b->port, 0), FIXTURE_ENTRIES);
	post(b, FIXTURE_ENTRIES);
	assert_int_equal(port_room(b->port, 0), 0);
	assert_int_equal(port_post(b->port, 0, PORT_OP_READ, 0, 1, 0, 0),
			 -EAGAIN);
	b->vmm.ring->done = 2;
	assert_int_equal(port_room(b->port, 0), 2);
	post(b, 2);
	assert_int_equal(port_room(b->port, 0), 0);
}

static void test_counters_wrap(void **state)
{
	struct both *b = *state;
	struct port *port;

	/* As a device that is started again finds it. */
	b->vmm.ring->tail = b->vmm.ring->done = UINT32_MAX - 1;
	assert_int_equal(open_port(&b->vmm, FIXTURE_SIZE, &port), 0);
	port_close(b->port);
	b->port = port;

	assert_int_equal(port_posted_count(port, 0), UINT32_MAX - 1);
	post(b, 4);
	assert_int_equal(port_posted_count(port, 0), 2);
	assert_int_equal(port_room(port, 0), FIXTURE_ENTRIES - 4);
	assert_false(port_is_done(port, 0, UINT32_MAX - 1));
	b->vmm.ring->done = 1;
	assert_int_equal(port_done(port, 0), 1);
	assert_true(port_is_done(port, 0, UINT32_MAX - 1));
	assert_true(port_is_done(port, 0, 0));
	assert_false(port_is_done(port, 0, 1));
}

static void test_errors_are_taken_once_in_order(void **state)
{
	struct both *b = *state;
	struct port_error error;

	assert_false(port_take_error(b->port, 0, &error));
	for (uint32_t i = 0; i < FIXTURE_ENTRIES + 2; i++) {
		b->vmm.errors[i % FIXTURE_ENTRIES] = (struct port_error){
			.seq = htole32(i),
			.code = htole16(PORT_E_FAULT),
			.moved = htole32(100 + i),
		};
		b->vmm.ring->errors = i + 1;
		assert_true(port_take_error(b->port, 0, &error));
		assert_int_equal(le32toh(error.seq), i);
		assert_int_equal(le16toh(error.code), PORT_E_FAULT);
		assert_int_equal(le32toh(error.moved), 100 + i);
		assert_false(port_take_error(b->port, 0, &error));
	}
}

/* ---- frames, posted writes ---- */

static void test_frames_are_taken_in_order(void **state)
{
	struct both *b = *state;
	struct port_frame frame;

	for (uint32_t i = 0; i < PORT_SLOTS + 2; i++) {
		assert_false(port_has_frame(b->port));
		b->vmm.frames[i % PORT_SLOTS].len = htole32(i);
		b->vmm.control->frames_tail = i + 1;
		assert_true(port_has_frame(b->port));
		assert_true(port_take_frame(b->port, &frame));
		assert_int_equal(le32toh(frame.len), i);
	}
	assert_false(port_take_frame(b->port, &frame));
}

static void post_writes(struct both *b, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t tail = b->vmm.control->posted_tail;

		b->vmm.posted[tail % PORT_POSTED_NR] = (struct port_posted){
			.offset = htole32(4 * tail),
			.value = htole32(~tail),
		};
		b->vmm.control->posted_tail = tail + 1;
	}
}

static void test_posted_writes_are_acted_on_in_order(void **state)
{
	struct both *b = *state;
	struct port_posted write;

	assert_false(port_next_posted(b->port, &write));
	for (uint32_t i = 0; i < PORT_POSTED_NR + 2; i++) {
		post_writes(b, 1);
		assert_true(port_next_posted(b->port, &write));
		assert_int_equal(write.offset, 4 * i);
		assert_int_equal(write.value, ~i);
		assert_int_equal(b->vmm.control->posted_head, i);
		port_ack_posted(b->port);
		assert_int_equal(b->vmm.control->posted_head, i + 1);
	}
	assert_false(port_next_posted(b->port, &write));
}

static void test_a_waiter_is_told_when_all_are_done(void **state)
{
	struct both *b = *state;
	struct port_posted write;

	post_writes(b, 2);
	b->vmm.control->posted_waiter = 1;
	assert_true(port_next_posted(b->port, &write));
	port_ack_posted(b->port);
	assert_false(signalled(b->vmm.drained));
	assert_true(port_next_posted(b->port, &write));
	port_ack_posted(b->port);
	assert_true(signalled(b->vmm.drained));
	assert_int_equal(b->vmm.control->posted_waiter, 0);

	/* Nobody waits now. */
	post_writes(b, 1);
	assert_true(port_next_posted(b->port, &write));
	port_ack_posted(b->port);
	assert_false(signalled(b->vmm.drained));
}

/* ---- sleeping ---- */

/* What the other side does as soon as the device sleeps. */
struct other {
	struct both *b;
	void (*act)(struct both *b);
	uint32_t wake_at; /* as it was then */
};

static void *run_other(void *arg)
{
	struct other *o = arg;
	struct port_fixture *f = &o->b->vmm;

	while (!__atomic_load_n(&f->control->device_sleeps, __ATOMIC_SEQ_CST))
		(void)sched_yield();
	o->wake_at = shared_load(&f->ring->wake_at);
	o->act(o->b);
	return NULL;
}

static void kick_device(struct both *b)
{
	if (__atomic_exchange_n(&b->vmm.control->device_sleeps, 0,
				__ATOMIC_SEQ_CST))
		fd_event_signal(b->vmm.kick_device);
}

static void complete(struct both *b)
{
	shared_store_release(&b->vmm.ring->done, b->vmm.ring->tail);
	kick_device(b);
}

static void start_other(struct other *o, pthread_t *thread)
{
	assert_int_equal(pthread_create(thread, NULL, run_other, o), 0);
}

static void test_drain_sleeps_until_all_is_done(void **state)
{
	struct both *b = *state;
	struct other o = { .b = b, .act = complete };
	pthread_t thread;

	post(b, 3);
	start_other(&o, &thread);
	port_drain(b->port, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(port_done(b->port, 0), 3);
	assert_int_equal(o.wake_at, 3);
	assert_int_equal(b->vmm.control->device_sleeps, 0);
	assert_false(signalled(b->vmm.kick_device));
	/* Nothing to wait for. */
	port_drain(b->port, 0);
}

static void test_a_kick_ends_a_sleep(void **state)
{
	struct both *b = *state;
	struct port_wait wait = { 0 };
	struct other o = { .b = b, .act = kick_device };
	pthread_t thread;

	post(b, 2);
	start_other(&o, &thread);
	port_sleep(b->port, &wait, NULL, NULL, -1, -1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* A ring that is not waited for: no completion comes near. */
	for (uint32_t done = 0; done <= 2; done++)
		assert_true((int32_t)(done - o.wake_at) < 0);
}

static bool is_true(void *ctx)
{
	return *(bool *)ctx;
}

/* Each of these would sleep for ever if it slept. */
static void test_work_keeps_it_awake(void **state)
{
	struct both *b = *state;
	struct port_wait wait = { .frames = true };
	struct port_posted write;
	bool more = true;

	port_sleep(b->port, &wait, is_true, &more, -1, -1);
	more = false;

	post_writes(b, 1);
	port_sleep(b->port, &wait, is_true, &more, -1, -1);
	assert_true(port_next_posted(b->port, &write));
	port_ack_posted(b->port);

	b->vmm.control->frames_tail = 1;
	port_sleep(b->port, &wait, is_true, &more, -1, -1);
	wait.frames = false;

	wait.rings = 1;
	wait.wake_at[0] = 0;
	port_sleep(b->port, &wait, is_true, &more, -1, -1);
	assert_int_equal(b->vmm.control->device_sleeps, 0);
}

static void test_descriptors_end_a_sleep(void **state)
{
	struct both *b = *state;
	struct port_wait wait = { 0 };
	int event;

	assert_int_equal(fd_event_create(&event), 0);
	fd_event_signal(event);
	assert_true(port_sleep(b->port, &wait, NULL, NULL, event, -1));
	wait.bell_fd = event;
	assert_false(port_sleep(b->port, &wait, NULL, NULL, -1, -1));
	assert_true(signalled(event)); /* left to its owner */
	fd_close(&event);
}

static void test_a_sleep_times_out(void **state)
{
	struct both *b = *state;
	struct port_wait wait = { .rings = 1, .wake_at = { 1 } };

	port_sleep(b->port, &wait, NULL, NULL, -1, 1);
	assert_int_equal(b->vmm.control->device_sleeps, 0);
	assert_int_equal(b->vmm.ring->wake_at, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_checks_the_layout),
		TEST(test_open_takes_its_descriptors),
		TEST(test_parts_are_where_the_header_says),
		TEST(test_parts_may_be_absent),
		TEST(test_entries_are_as_the_wire_has_them),
		TEST(test_entries_are_seen_when_submitted),
		TEST(test_submit_wakes_a_sleeper_only),
		TEST(test_a_ring_gets_full),
		TEST(test_counters_wrap),
		TEST(test_errors_are_taken_once_in_order),
		TEST(test_frames_are_taken_in_order),
		TEST(test_posted_writes_are_acted_on_in_order),
		TEST(test_a_waiter_is_told_when_all_are_done),
		TEST(test_drain_sleeps_until_all_is_done),
		TEST(test_a_kick_ends_a_sleep),
		TEST(test_work_keeps_it_awake),
		TEST(test_descriptors_end_a_sleep),
		TEST(test_a_sleep_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
