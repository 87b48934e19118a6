// SPDX-License-Identifier: BSD-2-Clause
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

void fd_close(int *fd)
{
	if (*fd < 0)
		return;
	(void)close(*fd);
	*fd = -1;
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int fd_event_create(int *out)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*out = fd;
	return 0;
}

void fd_event_signal(int fd)
{
	const uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void fd_event_drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
};

static void attach_fds(struct msghdr *msg, union fd_control *control,
		       const int *fds, size_t nr_fds)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(int) * nr_fds);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nr_fds);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nr_fds);
}

static ssize_t send_once(int sock, const void *buf, size_t len, const int *fds,
			 size_t nr_fds, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control;
	ssize_t n;

	if (nr_fds > FD_PASS_MAX)
		return -EINVAL;
	if (nr_fds > 0)
		attach_fds(&msg, &control, fds, nr_fds);
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | flags);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int fd_send_msg(int sock, const void *buf, size_t len, const int *fds,
		size_t nr_fds)
{
	const char *at = buf;

	while (len > 0) {
		ssize_t n = send_once(sock, at, len, fds, nr_fds, 0);

		if (n == -EAGAIN) {
			struct pollfd p = { .fd = sock, .events = POLLOUT };

			(void)poll(&p, 1, -1);
			continue;
		}
		if (n < 0)
			return (int)n;
		nr_fds = 0;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_send_some(int sock, const void *buf, size_t len, const int *fds,
		     size_t nr_fds)
{
	return send_once(sock, buf, len, fds, nr_fds, MSG_DONTWAIT);
}

/* Collects the descriptors of one message; true if all of them fit. */
static bool collect_fds(struct msghdr *msg, int *fds, size_t *nr_fds)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t nr;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < nr && *nr_fds < FD_PASS_MAX; i++)
			memcpy(&fds[(*nr_fds)++],
			       CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
	}
	return !(msg->msg_flags & MSG_CTRUNC);
}

ssize_t fd_recv_msg(int sock, void *buf, size_t len, int *fds, size_t *nr_fds)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	union fd_control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	*nr_fds = 0;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (collect_fds(&msg, fds, nr_fds))
		return n;

	while (*nr_fds > 0)
		fd_close(&fds[--*nr_fds]);
	return -EBADMSG;
}
