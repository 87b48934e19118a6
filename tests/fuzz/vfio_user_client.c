// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a server's answers: the client ends in bounded time, with a device
 * or with an error, and what it then does with the device ends, too.
 *
 * The input is cut into messages; each question gets the next one that is a
 * reply, and the commands in front of it. Ids count from 0, so an input can be a
 * whole conversation.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "vfio/user.h"
#include "viommu/viommu.h"

#define TIMEOUT_MS 50
#define INPUT_MAX  0x8000 /* fits the socket's buffer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct server {
	int sock;
	const uint8_t *data;
	size_t len;
	pthread_t thread;
};

static bool is_reply(const struct vfio_user_header *h)
{
	return le32toh(h->flags) & VFIO_USER_F_TYPE_REPLY;
}

/* Sends the next message of the input. True: and it is no reply. */
static bool send_next(struct server *s)
{
	struct vfio_user_header h = { 0 };
	size_t len = s->len;

	if (len >= sizeof(h)) {
		memcpy(&h, s->data, sizeof(h));
		len = MIN(len, MAX((size_t)le32toh(h.size), sizeof(h)));
	}
	if (fd_send_msg(s->sock, s->data, len, NULL, 0))
		return false;
	s->data += len;
	s->len -= len;
	return s->len > 0 && !is_reply(&h);
}

/* The client's messages are well formed. */
static bool take_message(int sock, struct vfio_user_header *h)
{
	uint8_t body[1024];
	size_t len;

	if (recv(sock, h, sizeof(*h), MSG_WAITALL) != sizeof(*h))
		return false;
	len = le32toh(h->size) - sizeof(*h);
	while (len > 0) {
		ssize_t n = recv(sock, body, MIN(len, sizeof(body)), 0);

		if (n <= 0)
			return false;
		len -= (size_t)n;
	}
	return true;
}

static void *serve(void *ctx)
{
	struct server *s = ctx;
	struct vfio_user_header h;

	while (s->len > 0 && take_message(s->sock, &h)) {
		if (is_reply(&h))
			continue;
		while (send_next(s))
			;
	}
	(void)close(s->sock);
	return NULL;
}

static int start_server(struct server *s)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		abort();
	s->sock = sv[0];
	if (pthread_create(&s->thread, NULL, serve, s))
		abort();
	return sv[1];
}

static void use(struct vdev *dev)
{
	const int none[2] = { -1, -1 };
	uint32_t value = 0;

	(void)dev->ops->region_read(dev, 0, 0, &value, sizeof(value));
	(void)dev->ops->region_write(dev, 0, 4, &value, sizeof(value));
	(void)dev->ops->region_read(dev, VDEV_CONFIG, 2, &value, 2);
	(void)dev->ops->set_irqs(dev, 0, 0, 1, none);
	(void)dev->ops->set_irqs(dev, 2, 1, 2, none);
	dev->ops->intx_eoi(dev);
	(void)dev->ops->reset(dev);
	(void)vdev_check(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct viommu_config config;
	struct vdev_user_config user = { .name = "fuzz", .endpoint = 8 };
	struct guest_ram *ram;
	struct viommu *mmu;
	struct vdev *dev;
	struct server server = { .data = data, .len = len };

	if (len > INPUT_MAX)
		return 0;
	viommu_config_default(&config);
	if (guest_ram_create(2u << 20, &ram) || viommu_create(&config, &mmu))
		abort();
	user.viommu = mmu;
	user.ram = ram;
	user.sock = start_server(&server);
	if (user_create(&user, TIMEOUT_MS, &dev) == 0) {
		use(dev);
		vdev_destroy(dev);
	}
	(void)pthread_join(server.thread, NULL);
	viommu_destroy(mmu);
	guest_ram_destroy(ram);
	return 0;
}
