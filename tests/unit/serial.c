// SPDX-License-Identifier: BSD-2-Clause
/* machine/serial: the registers of a 16550A, its interrupt, its descriptor. */
#include "machine/serial.h"

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/serial_reg.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "base/loop.h"

struct fixture {
	struct loop *loop;
	struct serial *port;
	int peer; /* the other end of its socket */
};

static uint8_t rd(struct fixture *fx, unsigned int reg)
{
	uint8_t value = 0;

	serial_bus_ops.read(fx->port, reg, &value, 1);
	return value;
}

static void wr(struct fixture *fx, unsigned int reg, uint8_t value)
{
	serial_bus_ops.write(fx->port, reg, &value, 1);
}

/* How many edges there were since the last look. */
static uint64_t edges(struct fixture *fx)
{
	uint64_t n = 0;

	return read(serial_irq_fd(fx->port), &n, sizeof(n)) < 0 ? 0 : n;
}

static void on_timer(void *ctx, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	loop_stop(ctx, 0);
}

static int setup(void **state)
{
	static struct fixture fx;
	int sv[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) ||
	    fd_set_nonblock(sv[1]) || loop_create(&fx.loop) ||
	    serial_create(fx.loop, sv[0], &fx.port))
		return -1;
	fx.peer = sv[1];
	*state = &fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	serial_destroy(fx->port);
	loop_destroy(fx->loop);
	fd_close(&fx->peer);
	return 0;
}

/* Serves the loop until what is ready has been served. A loop is stopped for good:
 * the port cannot be served again after that. */
static void serve(struct fixture *fx)
{
	int timer;

	assert_int_equal(
	    loop_add_timer(fx->loop, 20, on_timer, fx->loop, &timer), 0);
	(void)loop_run(fx->loop);
	loop_remove(fx->loop, timer);
	fd_close(&timer);
}

static void give(struct fixture *fx, const char *text)
{
	assert_int_equal(write(fx->peer, text, strlen(text)), strlen(text));
}

static void test_is_found_as_a_16550a(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(rd(fx, UART_IIR), UART_IIR_NO_INT);
	wr(fx, UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(rd(fx, UART_IIR) & 0xc0, 0xc0);
	wr(fx, UART_SCR, 0xa5);
	assert_int_equal(rd(fx, UART_SCR), 0xa5);
	/* A driver probes that IER has four bits. */
	wr(fx, UART_IER, 0xff);
	assert_int_equal(rd(fx, UART_IER), 0x0f);
}

static void test_divisor_hides_behind_dlab(void **state)
{
	struct fixture *fx = *state;
	char c;

	wr(fx, UART_LCR, UART_LCR_DLAB);
	wr(fx, UART_DLL, 0x34);
	wr(fx, UART_DLM, 0x12);
	assert_int_equal(rd(fx, UART_DLL), 0x34);
	assert_int_equal(rd(fx, UART_DLM), 0x12);
	wr(fx, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(rd(fx, UART_IER), 0);
	assert_int_equal(rd(fx, UART_LCR), UART_LCR_WLEN8);
	assert_int_equal(read(fx->peer, &c, 1), -1);
}

static void test_loop_back_wires_the_modem(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		uint8_t mcr, msr;
	} cases[] = {
		{ 0, 0 },
		{ UART_MCR_RTS, UART_MSR_CTS },
		{ UART_MCR_DTR, UART_MSR_DSR },
		{ UART_MCR_OUT1, UART_MSR_RI },
		{ UART_MCR_OUT2, UART_MSR_DCD },
	};
	char c;

	assert_int_equal(rd(fx, UART_MSR),
			 UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		wr(fx, UART_MCR, UART_MCR_LOOP | cases[i].mcr);
		assert_int_equal(rd(fx, UART_MSR), cases[i].msr);
	}
	wr(fx, UART_TX, 'x');
	assert_int_equal(rd(fx, UART_LSR) & UART_LSR_DR, UART_LSR_DR);
	assert_int_equal(rd(fx, UART_RX), 'x');
	assert_int_equal(read(fx->peer, &c, 1), -1);
}

static void test_output_reaches_the_other_side(void **state)
{
	struct fixture *fx = *state;
	char buf[8] = "";

	for (const char *p = "hello"; *p; p++) {
		assert_int_equal(rd(fx, UART_LSR),
				 UART_LSR_THRE | UART_LSR_TEMT);
		wr(fx, UART_TX, (uint8_t)*p);
	}
	assert_int_equal(read(fx->peer, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "hello");
}

static void test_empty_transmitter_interrupts(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(edges(fx), 0);
	wr(fx, UART_IER, UART_IER_THRI);
	assert_int_equal(edges(fx), 1);
	assert_int_equal(rd(fx, UART_IIR), UART_IIR_THRI);
	/* Reading it was the acknowledgement. */
	assert_int_equal(rd(fx, UART_IIR), UART_IIR_NO_INT);
	wr(fx, UART_TX, 'x');
	assert_int_equal(edges(fx), 1);
	/* Not read: the next byte makes an edge all the same. */
	wr(fx, UART_TX, 'y');
	assert_int_equal(edges(fx), 1);
	wr(fx, UART_IER, 0);
	assert_int_equal(rd(fx, UART_IIR), UART_IIR_NO_INT);
	wr(fx, UART_TX, 'z');
	assert_int_equal(edges(fx), 0);
}

static void test_input_interrupts_and_is_read(void **state)
{
	struct fixture *fx = *state;

	wr(fx, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	wr(fx, UART_IER, UART_IER_RDI);
	give(fx, "0123456789");
	serve(fx);
	assert_int_equal(edges(fx), 1);
	assert_int_equal(rd(fx, UART_IIR) & 0x0f, UART_IIR_RDI);
	for (const char *p = "01234"; *p; p++)
		assert_int_equal(rd(fx, UART_RX), *p);
	/* Below the trigger: what is left comes by time-out. */
	assert_int_equal(rd(fx, UART_IIR) & 0x0f, 0x0c);
	for (const char *p = "56789"; *p; p++)
		assert_int_equal(rd(fx, UART_RX), *p);
	assert_int_equal(rd(fx, UART_IIR) & 0x0f, UART_IIR_NO_INT);
	assert_int_equal(rd(fx, UART_LSR) & UART_LSR_DR, 0);
	assert_int_equal(rd(fx, UART_RX), 0);
}

struct reader {
	struct fixture *fx;
	char got[128];
	size_t nr;
};

/* Reads a byte now and then, as a guest would while the loop runs. */
static void on_read_timer(void *ctx, int fd, uint32_t events)
{
	struct reader *r = ctx;
	struct fixture *fx = r->fx;
	int next;

	(void)events;
	loop_remove(fx->loop, fd);
	fd_close(&fd);
	while (rd(fx, UART_LSR) & UART_LSR_DR && r->nr < sizeof(r->got))
		r->got[r->nr++] = (char)rd(fx, UART_RX);
	if (r->nr < 100)
		assert_int_equal(
		    loop_add_timer(fx->loop, 1, on_read_timer, r, &next), 0);
	else
		loop_stop(fx->loop, 0);
}

static void test_long_input_waits_for_room(void **state)
{
	struct reader r = { .fx = *state };
	char text[101] = "";
	int timer;

	for (size_t i = 0; i < 100; i++)
		text[i] = (char)('0' + i % 75);
	wr(*state, UART_FCR, UART_FCR_ENABLE_FIFO);
	give(*state, text);
	assert_int_equal(
	    loop_add_timer(r.fx->loop, 1, on_read_timer, &r, &timer), 0);
	(void)loop_run(r.fx->loop);
	assert_int_equal(r.nr, 100);
	assert_memory_equal(r.got, text, 100);
	assert_int_equal(rd(*state, UART_LSR) & UART_LSR_OE, 0);
}

static void test_overrun_is_told_once(void **state)
{
	struct fixture *fx = *state;

	wr(fx, UART_MCR, UART_MCR_LOOP);
	wr(fx, UART_IER, UART_IER_RLSI);
	for (unsigned int i = 0; i < 17; i++)
		wr(fx, UART_TX, (uint8_t)i);
	assert_int_equal(rd(fx, UART_IIR), UART_IIR_RLSI);
	assert_int_equal(rd(fx, UART_LSR) & UART_LSR_OE, UART_LSR_OE);
	assert_int_equal(rd(fx, UART_LSR) & UART_LSR_OE, 0);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(rd(fx, UART_RX), i);
	wr(fx, UART_TX, 'a');
	wr(fx, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	assert_int_equal(rd(fx, UART_LSR) & UART_LSR_DR, 0);
}

/* Nobody reads: the guest is told to wait and is not held up; when somebody does,
 * all that was accepted arrives. */
static void test_full_output_is_kept(void **state)
{
	struct fixture *fx = *state;
	size_t sent = 0, got = 0;
	char buf[4096];
	ssize_t n;

	while (rd(fx, UART_LSR) & UART_LSR_THRE) {
		wr(fx, UART_TX, (uint8_t)(sent++ % 251));
		assert_true(sent < 64u << 20);
	}
	assert_true(sent >= SERIAL_OUT_MAX);
	wr(fx, UART_TX, 0xff); /* lost */
	do {
		while ((n = read(fx->peer, buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++, got++)
				assert_int_equal((uint8_t)buf[i], got % 251);
		/* A write of the guest moves on what was kept. */
		if (got < sent) {
			wr(fx, UART_TX, (uint8_t)(sent % 251));
			sent++;
		}
	} while (got < sent);
	assert_int_equal(rd(fx, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void test_kept_output_follows_by_itself(void **state)
{
	struct fixture *fx = *state;
	char buf[4096];

	while (rd(fx, UART_LSR) & UART_LSR_THRE)
		wr(fx, UART_TX, 'x');
	while (read(fx->peer, buf, sizeof(buf)) > 0)
		;
	serve(fx);
	assert_true(read(fx->peer, buf, sizeof(buf)) > 0);
	assert_int_equal(buf[0], 'x');
}

static void test_goes_on_when_the_other_side_leaves(void **state)
{
	struct fixture *fx = *state;

	fd_close(&fx->peer);
	wr(fx, UART_TX, 'x');
	assert_int_equal(rd(fx, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	serve(fx);
	wr(fx, UART_TX, 'y');
	assert_int_equal(rd(fx, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void test_without_descriptor_output_is_dropped(void **state)
{
	struct fixture *fx = *state;
	struct fixture alone = { .loop = fx->loop };

	assert_int_equal(serial_create(fx->loop, -1, &alone.port), 0);
	wr(&alone, UART_TX, 'x');
	assert_int_equal(rd(&alone, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	serial_destroy(alone.port);
}

/* Accesses wider than a register are a row of registers. */
static void test_wide_accesses(void **state)
{
	struct fixture *fx = *state;
	uint8_t regs[8];
	char c = 0;

	serial_bus_ops.write(fx->port, UART_TX, "q\x02", 2);
	assert_int_equal(read(fx->peer, &c, 1), 1);
	assert_int_equal(c, 'q');
	serial_bus_ops.read(fx->port, 0, regs, sizeof(regs));
	assert_int_equal(regs[UART_IER], 2);
	assert_int_equal(regs[UART_LSR], UART_LSR_THRE | UART_LSR_TEMT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_is_found_as_a_16550a),
		TEST(test_divisor_hides_behind_dlab),
		TEST(test_loop_back_wires_the_modem),
		TEST(test_output_reaches_the_other_side),
		TEST(test_empty_transmitter_interrupts),
		TEST(test_input_interrupts_and_is_read),
		TEST(test_long_input_waits_for_room),
		TEST(test_overrun_is_told_once),
		TEST(test_full_output_is_kept),
		TEST(test_kept_output_follows_by_itself),
		TEST(test_goes_on_when_the_other_side_leaves),
		TEST(test_without_descriptor_output_is_dropped),
		TEST(test_wide_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
