// SPDX-License-Identifier: BSD-2-Clause
#include "cli/devlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

/* Reads at one go, so that a child that never stops does not starve the rest. */
#define READS_MAX 16

struct devlog {
	struct loop *loop; /* borrowed */
	struct devlog_source source;
	int fd; /* -1: ended */
	struct log_limit limit;
	size_t len; /* of the line so far */
	bool cut;   /* the line is longer than the buffer: rest is dropped */
	char line[DEVLOG_LINE_MAX + 1];
};

void devlog_sanitise(char *line)
{
	for (char *p = line; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = *p == '\t' ? ' ' : '?';
	}
}

static bool skipped(const struct devlog *log)
{
	const char *const *skip = log->source.skip;

	for (; skip && *skip; skip++) {
		if (!strncmp(log->line, *skip, strlen(*skip)))
			return true;
	}
	return false;
}

static void show(struct devlog *log)
{
	const char *hint = NULL;
	char *end = log->line + log->len;

	if (log->len == 0)
		return;
	if (end[-1] == '\r')
		end--;
	*end = '\0';
	/* A 0 of the writer would end the line. */
	for (char *p = log->line; p < end; p++)
		if (!*p)
			*p = '?';
	log->len = 0;
	devlog_sanitise(log->line);
	if (skipped(log))
		return;
	if (!log->source.name) {
		*end++ = '\n';
		(void)!write(STDERR_FILENO, log->line, end - log->line);
		return;
	}
	log_guest(&log->limit, log->source.name, "%s", log->line);
	if (log->source.hint)
		hint = log->source.hint(log->line);
	if (hint)
		log_guest(&log->limit, log->source.name, "%s", hint);
}

static void take(struct devlog *log, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			show(log);
			log->cut = false;
		} else if (!log->cut) {
			log->line[log->len++] = bytes[i];
			if (log->len == DEVLOG_LINE_MAX) {
				log->cut = true;
				show(log);
			}
		}
	}
}

/* Return: false at the end of the pipe. */
static bool drain(struct devlog *log)
{
	char buf[1024];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(log->fd, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		take(log, buf, (size_t)n);
	}
	return true;
}

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct devlog *log = ctx;

	(void)events;
	if (drain(log))
		return;
	loop_remove(log->loop, fd);
	fd_close(&log->fd);
}

int devlog_create(struct loop *loop, const struct devlog_source *source,
		  int *write_end, struct devlog **out)
{
	struct devlog *log;
	int fds[2], ret;

	log = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->loop = loop;
	log->source = *source;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		ret = -errno;
		goto err_free;
	}
	log->fd = fds[0];
	/* Only our end: the child may wait if it writes faster than we read. */
	ret = fd_set_nonblock(log->fd);
	if (ret)
		goto err_pipe;
	ret = loop_add(loop, log->fd, EPOLLIN, on_readable, log);
	if (ret)
		goto err_pipe;
	*write_end = fds[1];
	*out = log;
	return 0;

err_pipe:
	fd_close(&fds[0]);
	fd_close(&fds[1]);
err_free:
	free(log);
	return ret;
}

void devlog_destroy(struct devlog *log)
{
	if (!log)
		return;
	if (log->fd >= 0) {
		(void)drain(log);
		show(log);
		loop_remove(log->loop, log->fd);
		fd_close(&log->fd);
	}
	free(log);
}
