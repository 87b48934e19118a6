/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An event loop over epoll, for one thread.
 *
 * Only loop_stop() may be called from another thread. A handler may remove any
 * source, itself included; it is not called again after that.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/compiler.h"

#include <stdint.h>

struct loop;

/* Called with the epoll events (EPOLLIN, …) that @fd is ready for. */
typedef void loop_handler(void *ctx, int fd, uint32_t events);

/* Return: 0, -ENOMEM, or -errno of epoll_create1(2) or eventfd(2). */
MUST_CHECK int loop_create(struct loop **out);
void loop_destroy(struct loop *loop);

/**
 * loop_add() - Watch a descriptor
 * @fd:	    borrowed; must be removed before it is closed
 * @events: EPOLLIN, EPOLLOUT; EPOLLHUP and EPOLLERR always come
 *
 * Return: 0, -ENOMEM, or -errno of epoll_ctl(2).
 */
MUST_CHECK int loop_add(struct loop *loop, int fd, uint32_t events,
			loop_handler *handler, void *ctx);
void loop_remove(struct loop *loop, int fd);

/**
 * loop_add_timer() - Call @handler once, after @ms milliseconds
 * @out: the timer's descriptor: loop_remove() and close it when it has fired or
 *       is no longer wanted
 *
 * Return: 0, or -errno.
 */
MUST_CHECK int loop_add_timer(struct loop *loop, unsigned int ms,
			      loop_handler *handler, void *ctx, int *out);

/* Serves events until loop_stop(), which may have come before; then may be called
 * again. Return: the value given to loop_stop(). */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int value);

#endif
