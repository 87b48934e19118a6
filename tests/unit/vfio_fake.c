// SPDX-License-Identifier: BSD-2-Clause
#include "vfio_fake.h"

#include "tests/test.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool receive_all(struct fake *fake, struct fake_message *msg, void *buf,
			size_t len)
{
	uint8_t *at = buf;

	while (len > 0) {
		int fds[FD_PASS_MAX];
		size_t nr;
		ssize_t n = fd_recv_msg(fake->sock, at, len, fds, &nr);

		if (n <= 0)
			return false;
		for (size_t i = 0; i < nr && msg->nr_fds < FD_PASS_MAX; i++)
			msg->fds[msg->nr_fds++] = fds[i];
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive(struct fake *fake, struct fake_message *msg)
{
	msg->nr_fds = 0;
	if (!receive_all(fake, msg, &msg->header, sizeof(msg->header)))
		return false;
	msg->len = le32toh(msg->header.size) - sizeof(msg->header);
	return msg->len <= sizeof(msg->body) &&
	       receive_all(fake, msg, msg->body, msg->len);
}

bool fake_send(struct fake *fake, struct fake_message *msg)
{
	if (msg->header.size == 0)
		msg->header.size =
		    htole32((uint32_t)(sizeof(msg->header) + msg->len));
	return fd_send_msg(fake->sock, &msg->header,
			   sizeof(msg->header) + msg->len, msg->fds,
			   msg->nr_fds) == 0;
}

static bool is_reply(const struct fake_message *msg)
{
	return le32toh(msg->header.flags) & VFIO_USER_F_TYPE_REPLY;
}

bool fake_ask(struct fake *fake, struct fake_message *msg)
{
	if (!fake_send(fake, msg))
		return false;
	while (receive(fake, msg)) {
		if (is_reply(msg))
			return true;
		/* The client asks one question at a time. */
		assert_null(fake->waiting);
		fake->waiting = malloc(sizeof(*msg));
		assert_non_null(fake->waiting);
		*fake->waiting = *msg;
	}
	return false;
}

static bool next_question(struct fake *fake, struct fake_message *msg)
{
	if (!fake->waiting)
		return receive(fake, msg);
	*msg = *fake->waiting;
	free(fake->waiting);
	fake->waiting = NULL;
	return true;
}

/* ---- good answers ---- */

static void put(struct fake_message *msg, const void *data, size_t len)
{
	memcpy(msg->body + msg->len, data, len);
	msg->len += len;
}

static void answer_version(struct fake *fake, struct fake_message *reply)
{
	const struct vfio_user_version version = {
		.minor = htole16(VFIO_USER_MINOR),
	};

	put(reply, &version, sizeof(version));
	if (fake->json)
		put(reply, fake->json, strlen(fake->json) + 1);
}

static void answer_info(struct fake *fake, struct fake_message *reply)
{
	const struct vfio_user_device_info info = {
		.argsz = htole32(sizeof(info)),
		.flags =
		    htole32(VFIO_USER_DEVICE_F_PCI | VFIO_USER_DEVICE_F_RESET),
		.nr_regions = htole32(VFIO_USER_NR_REGIONS),
		.nr_irqs = htole32(VFIO_USER_NR_IRQS),
	};

	(void)fake;
	put(reply, &info, sizeof(info));
}

static void answer_region(const struct fake_message *msg,
			  struct fake_message *reply)
{
	struct vfio_user_region_info info;

	memcpy(&info, msg->body, sizeof(info));
	info.flags =
	    htole32(VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE);
	if (le32toh(info.index) == VFIO_USER_REGION_BAR0)
		info.size = htole64(FAKE_BAR0_LEN);
	if (le32toh(info.index) == VFIO_USER_REGION_CONFIG)
		info.size = htole64(256);
	put(reply, &info, sizeof(info));
}

static void answer_irq(const struct fake_message *msg,
		       struct fake_message *reply)
{
	struct vfio_user_irq_info info;
	uint32_t index;

	memcpy(&info, msg->body, sizeof(info));
	index = le32toh(info.index);
	info.flags =
	    htole32(VFIO_USER_IRQ_F_EVENTFD | VFIO_USER_IRQ_F_MASKABLE);
	if (index == VFIO_USER_IRQ_INTX)
		info.count = htole32(1);
	if (index == VFIO_USER_IRQ_MSIX)
		info.count = htole32(40);
	put(reply, &info, sizeof(info));
}

static uint8_t *region_of(struct fake *fake,
			  const struct vfio_user_region_access *access)
{
	uint8_t *base = le32toh(access->region) == VFIO_USER_REGION_BAR0
			    ? fake->bar0
			    : fake->config;

	return base + le64toh(access->offset);
}

static void answer_access(struct fake *fake, const struct fake_message *msg,
			  struct fake_message *reply)
{
	struct vfio_user_region_access access;

	memcpy(&access, msg->body, sizeof(access));
	put(reply, &access, sizeof(access));
	if (le16toh(msg->header.command) == VFIO_USER_REGION_READ)
		put(reply, region_of(fake, &access), le32toh(access.count));
	else
		memcpy(region_of(fake, &access), msg->body + sizeof(access),
		       le32toh(access.count));
}

static void answer(struct fake *fake, const struct fake_message *msg,
		   struct fake_message *reply)
{
	switch (le16toh(msg->header.command)) {
	case VFIO_USER_VERSION:
		answer_version(fake, reply);
		break;
	case VFIO_USER_DEVICE_GET_INFO:
		answer_info(fake, reply);
		break;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		answer_region(msg, reply);
		break;
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		answer_irq(msg, reply);
		break;
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		put(reply, msg->body, sizeof(struct vfio_user_region_io_fds));
		break;
	case VFIO_USER_REGION_READ:
	case VFIO_USER_REGION_WRITE:
		answer_access(fake, msg, reply);
		break;
	case VFIO_USER_DMA_MAP:
		memcpy(&fake->map, msg->body, sizeof(fake->map));
		break;
	case VFIO_USER_DEVICE_SET_IRQS:
		memcpy(&fake->irqs, msg->body, sizeof(fake->irqs));
		fake->nr_irq_fds = msg->nr_fds;
		break;
	case VFIO_USER_PV_PORT_INFO:
		put(reply, fake->port, sizeof(*fake->port));
		break;
	default:
		break;
	}
}

static void *serve(void *ctx)
{
	struct fake *fake = ctx;
	struct fake_message msg, reply;
	enum fake_act act;

	while (next_question(fake, &msg)) {
		uint16_t command = le16toh(msg.header.command);

		fake->nr_commands[command % 32]++;
		reply = (struct fake_message){ .header = msg.header };
		reply.header.size = 0;
		reply.header.flags = htole32(VFIO_USER_F_TYPE_REPLY);
		answer(fake, &msg, &reply);
		for (size_t i = 0; i < msg.nr_fds; i++)
			fd_close(&msg.fds[i]);
		act = command == fake->command ? fake->spoil(fake, &reply)
					       : FAKE_SEND;
		if (act == FAKE_HANG_UP)
			break;
		if (act == FAKE_SEND && !fake_send(fake, &reply))
			break;
	}
	fd_close(&fake->sock);
	free(fake->waiting);
	return NULL;
}

static int fake_start(struct fake *fake)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
			 0);
	fake->sock = sv[0];
	assert_int_equal(pthread_create(&fake->thread, NULL, serve, fake), 0);
	return sv[1];
}

static void fake_join(struct fake *fake)
{
	assert_int_equal(pthread_join(fake->thread, NULL), 0);
}

/* ---- bad answers ---- */

enum fake_act fake_one_byte_short(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->len--;
	return FAKE_SEND;
}

enum fake_act fake_one_byte_long(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->len++;
	return FAKE_SEND;
}

enum fake_act fake_an_error(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.flags |= htole32(VFIO_USER_F_ERROR);
	reply->header.error = htole32(EBUSY);
	reply->len = 0;
	return FAKE_SEND;
}

enum fake_act fake_silence(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	(void)reply;
	return FAKE_SILENCE;
}

enum fake_act fake_hang_up(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	(void)reply;
	return FAKE_HANG_UP;
}

/* Commands without end, none of them the answer: the wait has an end. */
enum fake_act fake_dma_flood(struct fake *fake, struct fake_message *reply)
{
	const struct vfio_user_dma_access access = { .count = htole64(1) };
	struct fake_message msg = {
		.header.command = htole16(VFIO_USER_DMA_READ),
		.header.flags = htole32(VFIO_USER_F_NO_REPLY),
		.len = sizeof(access),
	};

	(void)reply;
	memcpy(msg.body, &access, sizeof(access));
	while (fake_send(fake, &msg))
		;
	return FAKE_HANG_UP;
}

/* ---- a client for it ---- */

void fake_setup_init(struct fake_setup *s)
{
	struct viommu_config config;

	memset(s, 0, sizeof(*s));
	viommu_config_default(&config);
	assert_int_equal(guest_ram_create(FAKE_RAM_LEN, &s->ram), 0);
	assert_int_equal(viommu_create(&config, &s->mmu), 0);
}

int fake_setup_connect(struct fake_setup *s, unsigned int timeout_ms)
{
	const struct vdev_user_config config = {
		.name = "fake",
		.sock = fake_start(&s->fake),
		.viommu = s->mmu,
		.endpoint = FAKE_ENDPOINT,
		.ram = s->ram,
	};

	return user_create(&config, timeout_ms, &s->dev);
}

void fake_setup_fini(struct fake_setup *s)
{
	vdev_destroy(s->dev);
	fake_join(&s->fake);
	viommu_destroy(s->mmu);
	guest_ram_destroy(s->ram);
}
