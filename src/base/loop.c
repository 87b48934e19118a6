// SPDX-License-Identifier: BSD-2-Clause
#include "base/loop.h"

#include "base/fd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct source {
	struct source *next;
	int fd; /* borrowed; -1 once removed */
	loop_handler *handler;
	void *ctx;
};

struct loop {
	int epoll_fd;
	int stop_fd;
	bool stopped; /* atomic */
	int value;
	struct source *sources;
};

int loop_create(struct loop **out)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	struct loop *loop;
	int ret;

	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	ret = fd_event_create(&loop->stop_fd);
	if (ret)
		goto err_free;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		ret = -errno;
		goto err_stop_fd;
	}
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->stop_fd, &ev) < 0) {
		ret = -errno;
		goto err_epoll_fd;
	}
	*out = loop;
	return 0;

err_epoll_fd:
	fd_close(&loop->epoll_fd);
err_stop_fd:
	fd_close(&loop->stop_fd);
err_free:
	free(loop);
	return ret;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources) {
		struct source *s = loop->sources;

		loop->sources = s->next;
		free(s);
	}
	fd_close(&loop->epoll_fd);
	fd_close(&loop->stop_fd);
	free(loop);
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_handler *handler,
	     void *ctx)
{
	struct epoll_event ev = { .events = events };
	struct source *s;

	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct source){
		.next = loop->sources,
		.fd = fd,
		.handler = handler,
		.ctx = ctx,
	};
	ev.data.ptr = s;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int ret = -errno;

		free(s);
		return ret;
	}
	loop->sources = s;
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	for (struct source *s = loop->sources; s; s = s->next) {
		if (s->fd != fd)
			continue;
		(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		/* An event for it may be in hand: freed by sweep(). */
		s->fd = -1;
		return;
	}
}

static void sweep(struct loop *loop)
{
	struct source **at = &loop->sources;

	while (*at) {
		struct source *s = *at;

		if (s->fd >= 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s);
	}
}

int loop_add_timer(struct loop *loop, unsigned int ms, loop_handler *handler,
		   void *ctx, int *out)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000 + 1 },
	};
	int fd, ret;

	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (timerfd_settime(fd, 0, &when, NULL) < 0) {
		ret = -errno;
		goto err_close;
	}
	ret = loop_add(loop, fd, EPOLLIN, handler, ctx);
	if (ret)
		goto err_close;
	*out = fd;
	return 0;

err_close:
	fd_close(&fd);
	return ret;
}

int loop_run(struct loop *loop)
{
	struct epoll_event evs[16];

	while (!__atomic_load_n(&loop->stopped, __ATOMIC_ACQUIRE)) {
		int n = epoll_wait(loop->epoll_fd, evs, ARRAY_SIZE(evs), -1);

		for (int i = 0; i < n; i++) {
			struct source *s = evs[i].data.ptr;

			if (s && s->fd >= 0)
				s->handler(s->ctx, s->fd, evs[i].events);
		}
		sweep(loop);
	}
	__atomic_store_n(&loop->stopped, false, __ATOMIC_RELAXED);
	fd_event_drain(loop->stop_fd);
	return loop->value;
}

void loop_stop(struct loop *loop, int value)
{
	loop->value = value;
	__atomic_store_n(&loop->stopped, true, __ATOMIC_RELEASE);
	fd_event_signal(loop->stop_fd);
}
