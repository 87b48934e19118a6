// SPDX-License-Identifier: BSD-2-Clause
/* base/: ranges, descriptors, event loop, level interrupts. */

#include "base/fd.h"
#include "base/irqline.h"
#include "base/loop.h"
#include "base/mac.h"
#include "base/range.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_span_fits_does_not_wrap(void **state)
{
	(void)state;
	assert_true(span_fits(0, 0, 0));
	assert_true(span_fits(4, 4, 8));
	assert_false(span_fits(4, 5, 8));
	assert_false(span_fits(9, 0, 8));
	assert_false(span_fits(UINT64_MAX, 2, 8));
	assert_false(span_fits(2, UINT64_MAX, 8));
}

static void test_range_alignment_at_both_ends(void **state)
{
	static const struct {
		struct iova_range range;
		bool want;
	} cases[] = {
		{ { 0, 4095 }, true },
		{ { 0, UINT64_MAX }, true },
		{ { 4096, 8190 }, false },
		{ { 1, 4095 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(iova_range_aligned(&cases[i].range, 4096),
				 cases[i].want);
}

static void test_message_carries_descriptors(void **state)
{
	int sv[2], ev, fds[FD_PASS_MAX];
	char buf[4] = "";
	size_t nr = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(fd_event_create(&ev), 0);
	assert_int_equal(fd_send_msg(sv[0], "abc", 3, &ev, 1), 0);
	assert_int_equal(fd_recv_msg(sv[1], buf, sizeof(buf), fds, &nr), 3);
	assert_int_equal(nr, 1);
	assert_string_equal(buf, "abc");
	assert_int_equal(fd_send_msg(sv[0], "x", 1, &ev, FD_PASS_MAX + 1),
			 -EINVAL);
	fd_close(&fds[0]);
	fd_close(&ev);
	fd_close(&sv[0]);
	assert_int_equal(fd_recv_msg(sv[1], buf, sizeof(buf), fds, &nr), 0);
	fd_close(&sv[1]);
}

struct once {
	struct loop *loop;
	int calls;
};

static void stop_at_second(void *ctx, int fd, uint32_t events)
{
	struct once *once = ctx;

	assert_true(events & EPOLLIN);
	fd_event_drain(fd);
	if (++once->calls == 2) {
		loop_remove(once->loop, fd);
		loop_stop(once->loop, 7);
		return;
	}
	fd_event_signal(fd);
}

static void test_loop_serves_until_stopped(void **state)
{
	struct once once = { 0 };
	int ev;

	(void)state;
	assert_int_equal(loop_create(&once.loop), 0);
	assert_int_equal(fd_event_create(&ev), 0);
	assert_int_equal(
	    loop_add(once.loop, ev, EPOLLIN, stop_at_second, &once), 0);
	assert_int_equal(
	    loop_add(once.loop, ev, EPOLLIN, stop_at_second, &once), -EEXIST);
	fd_event_signal(ev);
	assert_int_equal(loop_run(once.loop), 7);
	assert_int_equal(once.calls, 2);

	/* Again; a stop that came before the run counts. */
	once.calls = 0;
	assert_int_equal(
	    loop_add(once.loop, ev, EPOLLIN, stop_at_second, &once), 0);
	fd_event_signal(ev);
	assert_int_equal(loop_run(once.loop), 7);
	assert_int_equal(once.calls, 2);
	loop_stop(once.loop, 8);
	assert_int_equal(loop_run(once.loop), 8);
	loop_destroy(once.loop);
	fd_close(&ev);
}

static bool signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool yes = poll(&p, 1, 0) == 1;

	fd_event_drain(fd);
	return yes;
}

static void test_irqline_signals_at_each_rise(void **state)
{
	uint32_t cause = 0, mask = 0;
	struct irqline line = { &cause, &mask, -1 };

	(void)state;
	assert_int_equal(fd_event_create(&line.fd), 0);
	irqline_raise(&line, 1);
	assert_false(signalled(line.fd)); /* masked */
	irqline_unmask(&line, 1);
	assert_true(signalled(line.fd));
	irqline_raise(&line, 1);
	assert_false(signalled(line.fd)); /* asserted already */
	assert_int_equal(irqline_take(&line), 1);
	assert_false(irqline_asserted(&line));
	irqline_raise(&line, 3);
	assert_true(signalled(line.fd));
	irqline_mask(&line, 1);
	assert_false(irqline_asserted(&line));
	fd_close(&line.fd);
}

static void test_mac_is_read_strictly(void **state)
{
	static const uint8_t want[MAC_LEN] = { 0x52, 0x54, 0, 0xaB, 0xcd, 9 };
	static const char *const bad[] = {
		"",
		"52:54:00:ab:cd",
		"52:54:00:ab:cd:9",
		"52:54:00:ab:cd:090",
		"52:54:00:ab:cd:+9",
		"52:54:00:ab:cd: 9",
		"52:54:00:ab:cd-09",
		"52:54:00:ab:cg:09",
	};
	const uint8_t group[MAC_LEN] = { 1 }, zero[MAC_LEN] = { 0 };
	uint8_t mac[MAC_LEN];

	(void)state;
	assert_true(mac_from_text("52:54:00:aB:Cd:09", mac));
	assert_memory_equal(mac, want, MAC_LEN);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(mac_from_text(bad[i], mac));
	assert_true(mac_is_station(want));
	assert_false(mac_is_station(group));
	assert_false(mac_is_station(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span_fits_does_not_wrap),
		cmocka_unit_test(test_range_alignment_at_both_ends),
		cmocka_unit_test(test_message_carries_descriptors),
		cmocka_unit_test(test_loop_serves_until_stopped),
		cmocka_unit_test(test_irqline_signals_at_each_rise),
		cmocka_unit_test(test_mac_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
