/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File descriptors: closing, passing, eventfds.
 *
 * A descriptor that is not there is -1. All descriptors made here are
 * close-on-exec.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include "base/compiler.h"

#include <stddef.h>
#include <sys/types.h>

#define FD_PASS_MAX 16

/* Closes *fd if there is one and sets it to -1. */
void fd_close(int *fd);

/* Return: 0, or -errno of fcntl(2). */
MUST_CHECK int fd_set_nonblock(int fd);

/**
 * fd_event_create() - A non-blocking eventfd with count 0
 * @out: owned by the caller
 *
 * Return: 0, or -errno of eventfd(2).
 */
MUST_CHECK int fd_event_create(int *out);

/* Adds one to an eventfd. Never blocks; a full counter is signal enough. */
void fd_event_signal(int fd);

/* Resets an eventfd's count. Never blocks. */
void fd_event_drain(int fd);

/**
 * fd_send_msg() - Send bytes, with descriptors, as one sendmsg
 * @sock:   UNIX stream or seqpacket socket
 * @buf:    @len bytes; not retained
 * @fds:    @nr_fds descriptors, borrowed; may be NULL if @nr_fds is 0
 *
 * Sends all of @buf, waiting if it must. Descriptors go with the first byte.
 *
 * Return: 0, -EINVAL if @nr_fds > FD_PASS_MAX, or -errno of sendmsg(2).
 */
MUST_CHECK int fd_send_msg(int sock, const void *buf, size_t len,
			   const int *fds, size_t nr_fds);

/**
 * fd_send_some() - Send what can be sent without waiting
 *
 * As fd_send_msg(), but one sendmsg that never waits. Descriptors have gone if any
 * byte has.
 *
 * Return: bytes sent, -EINVAL, -EAGAIN (no room), or -errno of sendmsg(2).
 */
MUST_CHECK ssize_t fd_send_some(int sock, const void *buf, size_t len,
				const int *fds, size_t nr_fds);

/**
 * fd_recv_msg() - Receive at most @len bytes and the descriptors with them
 * @fds:    array of FD_PASS_MAX; on success the first *@nr_fds are owned by the
 *          caller, who closes them
 *
 * One recvmsg: returns as soon as there are any bytes. More descriptors than
 * FD_PASS_MAX are closed and the call fails.
 *
 * Return: bytes received (0: the peer closed), -EBADMSG for truncated control
 * data, or -errno of recvmsg(2).
 */
MUST_CHECK ssize_t fd_recv_msg(int sock, void *buf, size_t len, int *fds,
			       size_t *nr_fds);

#endif
