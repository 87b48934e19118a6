// SPDX-License-Identifier: BSD-2-Clause
#include "backend/backend.h"

#include <errno.h>
#include <sys/socket.h>

#include "backend/backend_internal.h"

static int datagram_send(struct backend *be, void *buf, size_t len)
{
	ssize_t n;

	do {
		n = send(be->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return backend_count_send(be, len, n < 0 ? -errno : 0);
}

static ssize_t datagram_receive(struct backend *be, void *buf, size_t cap)
{
	ssize_t n;

	do {
		n = recv(be->fd, buf, cap, MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < BACKEND_VNET_LEN || (size_t)n > cap)
		return -EMSGSIZE;
	return backend_count_receive(be, n);
}

static const struct backend_ops datagram_ops = {
	.send = datagram_send,
	.receive = datagram_receive,
	.destroy = backend_plain_destroy,
};

int backend_datagram_create(int fd, struct backend **out)
{
	return backend_plain_create(&datagram_ops, fd, out);
}
