// SPDX-License-Identifier: BSD-2-Clause
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

#define CTRL_A 1

/*
 * Standard output may be a terminal or a pipe that others use too, so it stays in
 * blocking mode. No more than this is written at once, after poll() has said
 * that there is room.
 */
#define CHUNK	 512
#define DRAIN_MS 1000

/* One direction. Either @from is watched, or bytes wait for @to to be watched. */
struct pump {
	struct terminal *term;
	int from, to; /* -1: ended */
	bool escapes; /* bytes are keys of a terminal */
	bool pending; /* the last was a Ctrl-A */
	uint8_t buf[CHUNK];
	size_t len, done;
};

struct terminal {
	struct loop *loop; /* borrowed */
	terminal_quit *quit;
	void *ctx;
	pid_t keeper;	 /* -1: none */
	int keeper_pipe; /* the keeper restores when this is closed */
	int serial[2];	 /* one socket, to read and to write; -1: none */
	struct pump in, out;
};

size_t terminal_escape(bool *pending, uint8_t *buf, size_t len, bool *quit)
{
	size_t kept = 0;

	*quit = false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = buf[i];

		if (*pending) {
			*pending = false;
			if (c == 'x') {
				*quit = true;
				break;
			}
			/* Any other key means itself, and so does Ctrl-A. */
			buf[kept++] = c;
		} else if (c == CTRL_A) {
			*pending = true;
		} else {
			buf[kept++] = c;
		}
	}
	return kept;
}

/* ---- raw mode ---- */

/* The keeper's whole life, in a session of its own, deaf to signals: when the pipe
 * ends, its parent has ended, or wants the terminal back. */
static void keep(int pipe_fd, const struct termios *saved)
{
	sigset_t all;
	ssize_t n;
	char c;

	(void)dup2(pipe_fd, STDERR_FILENO + 1);
	(void)close_range(STDERR_FILENO + 2, ~0u, 0);
	pipe_fd = STDERR_FILENO + 1;
	(void)setsid();
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	do {
		n = read(pipe_fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, saved);
}

static int start_keeper(struct terminal *term, const struct termios *saved)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int ret = -errno;

		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return ret;
	}
	if (pid == 0) {
		keep(fds[0], saved);
		_exit(0);
	}
	fd_close(&fds[0]);
	term->keeper = pid;
	term->keeper_pipe = fds[1];
	return 0;
}

static void stop_keeper(struct terminal *term)
{
	if (term->keeper < 0)
		return;
	fd_close(&term->keeper_pipe);
	while (waitpid(term->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	term->keeper = -1;
}

/* Output keeps its processing, so that lines of the log look as they should. */
static int enter_raw_mode(struct terminal *term)
{
	struct termios saved, raw;
	int ret;

	if (tcgetattr(STDIN_FILENO, &saved))
		return -errno;
	ret = start_keeper(term, &saved);
	if (ret)
		return ret;
	raw = saved;
	cfmakeraw(&raw);
	raw.c_oflag = saved.c_oflag;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw)) {
		ret = -errno;
		stop_keeper(term);
		return ret;
	}
	return 0;
}

/* ---- the two directions ---- */

static void on_readable(void *ctx, int fd, uint32_t events);
static void on_writable(void *ctx, int fd, uint32_t events);

static bool writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0;
}

/* Writes what it can. What @to refuses for good is dropped: the guest goes on. */
static void pump_write(struct pump *pump)
{
	while (pump->done < pump->len && writable(pump->to)) {
		size_t rest = pump->len - pump->done;
		ssize_t n = write(pump->to, pump->buf + pump->done, rest);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		pump->done += n < 0 ? rest : (size_t)n;
	}
	if (pump->done == pump->len)
		pump->len = pump->done = 0;
}

static void pump_end(struct pump *pump)
{
	loop_remove(pump->term->loop, pump->from);
	pump->from = -1;
}

/* Return: 0, -ENODATA at the end, or -errno; -EAGAIN if there is nothing. */
static int pump_read(struct pump *pump)
{
	ssize_t n = read(pump->from, pump->buf, sizeof(pump->buf));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -ENODATA;
	pump->len = (size_t)n;
	pump->done = 0;
	return 0;
}

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct pump *pump = ctx;
	struct terminal *term = pump->term;
	bool quit = false;
	int ret = pump_read(pump);

	(void)events;
	if (ret == -EAGAIN)
		return;
	if (ret) {
		pump_end(pump);
		return;
	}
	if (pump->escapes)
		pump->len = terminal_escape(&pump->pending, pump->buf,
					    pump->len, &quit);
	if (quit)
		term->quit(term->ctx);
	pump_write(pump);
	if (pump->len == 0)
		return;
	loop_remove(term->loop, fd);
	if (loop_add(term->loop, pump->to, EPOLLOUT, on_writable, pump))
		pump->from = -1;
}

static void on_writable(void *ctx, int fd, uint32_t events)
{
	struct pump *pump = ctx;
	struct loop *loop = pump->term->loop;

	(void)events;
	pump_write(pump);
	if (pump->len > 0)
		return;
	loop_remove(loop, fd);
	if (loop_add(loop, pump->from, EPOLLIN, on_readable, pump))
		pump->from = -1;
}

/* What can not be watched (a file, /dev/null) is not read. */
static void pump_start(struct pump *pump, int from, int to)
{
	pump->from = from;
	pump->to = to;
	pump->len = pump->done = 0;
	if (loop_add(pump->term->loop, from, EPOLLIN, on_readable, pump))
		pump->from = -1;
}

static void pump_stop(struct pump *pump)
{
	if (pump->to < 0)
		return;
	if (pump->from >= 0)
		loop_remove(pump->term->loop, pump->from);
	loop_remove(pump->term->loop, pump->to);
	pump->from = pump->to = -1;
}

int terminal_create(struct loop *loop, terminal_quit *quit, void *ctx,
		    struct terminal **out)
{
	struct terminal *term = calloc(1, sizeof(*term));
	int ret;

	if (!term)
		return -ENOMEM;
	term->loop = loop;
	term->quit = quit;
	term->ctx = ctx;
	term->keeper = -1;
	term->keeper_pipe = -1;
	term->serial[0] = term->serial[1] = -1;
	term->in = (struct pump){ .term = term, .from = -1, .to = -1 };
	term->out = term->in;
	/* In the background the terminal belongs to somebody else. */
	if (tcgetpgrp(STDIN_FILENO) == getpgrp()) {
		term->in.escapes = true;
		ret = enter_raw_mode(term);
		if (ret) {
			free(term);
			return ret;
		}
	}
	*out = term;
	return 0;
}

void terminal_destroy(struct terminal *term)
{
	if (!term)
		return;
	terminal_detach(term);
	stop_keeper(term);
	free(term);
}

int terminal_attach(struct terminal *term, int serial)
{
	int ret = fd_set_nonblock(serial);

	if (ret)
		goto err_close;
	/* Two descriptors, since a loop watches one for one thing only. */
	term->serial[1] = fcntl(serial, F_DUPFD_CLOEXEC, 0);
	if (term->serial[1] < 0) {
		ret = -errno;
		goto err_close;
	}
	term->serial[0] = serial;
	pump_start(&term->out, serial, STDOUT_FILENO);
	/* Job control stops a process that reads another one's terminal. */
	if (term->in.escapes || !isatty(STDIN_FILENO))
		pump_start(&term->in, STDIN_FILENO, term->serial[1]);
	return 0;

err_close:
	fd_close(&serial);
	return ret;
}

static void drain(struct pump *pump)
{
	struct pollfd out = { .fd = pump->to, .events = POLLOUT };

	while (pump->from >= 0) {
		if (pump->len == 0 && pump_read(pump))
			return;
		if (poll(&out, 1, DRAIN_MS) <= 0)
			return;
		pump_write(pump);
	}
}

void terminal_detach(struct terminal *term)
{
	if (term->serial[0] < 0)
		return;
	drain(&term->out);
	pump_stop(&term->out);
	pump_stop(&term->in);
	fd_close(&term->serial[0]);
	fd_close(&term->serial[1]);
}
