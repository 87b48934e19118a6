// SPDX-License-Identifier: BSD-2-Clause
#include "backend/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "backend/backend_internal.h"
#include "base/fd.h"

static int tap_send(struct backend *be, void *buf, size_t len)
{
	ssize_t n;

	do {
		n = write(be->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return backend_count_send(be, len, n < 0 ? -errno : 0);
}

static ssize_t tap_receive(struct backend *be, void *buf, size_t cap)
{
	ssize_t n;

	do {
		n = read(be->fd, buf, cap);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* The kernel cuts a frame off silently: one that fills all may be. */
	if (n < BACKEND_VNET_LEN || (size_t)n == cap)
		return -EMSGSIZE;
	return backend_count_receive(be, n);
}

static const struct backend_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.destroy = backend_plain_destroy,
};

int backend_tap_create(int fd, struct backend **out)
{
	return backend_plain_create(&tap_ops, fd, out);
}

/* Frames arrive complete: no offload is offered to the host's side. */
static int configure(int fd, const char *name)
{
	struct ifreq request = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int vnet_len = BACKEND_VNET_LEN;

	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	if (ioctl(fd, TUNSETVNETHDRSZ, &vnet_len) < 0)
		return -errno;
	return ioctl(fd, TUNSETOFFLOAD, 0ul) < 0 ? -errno : 0;
}

int backend_tap_open(const char *name, int *out)
{
	int fd, ret;

	/* TUNSETIFF would make an interface that is not there. */
	if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0)
		return -ENODEV;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = configure(fd, name);
	if (ret) {
		fd_close(&fd);
		return ret;
	}
	*out = fd;
	return 0;
}
