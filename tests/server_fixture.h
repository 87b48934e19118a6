/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that only remembers what its server asked of it, and a port for it. */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include "port/server.h"
#include "tests/port_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#define FAKE_BAR0 0x1000u
#define FAKE_BAD  0x800u /* accesses to it fail */

struct fake_device {
	struct port *port;
	int start_ret;
	char log[512]; /* accesses: "r0:4+2 w0:8+8" */
	int intx, msix[3];
	unsigned int resets;
	int bells[3];
};

static inline void fake_log(struct fake_device *dev, char what,
			    unsigned int region, uint64_t off, uint32_t len)
{
	size_t at = strlen(dev->log);

	(void)snprintf(dev->log + at, sizeof(dev->log) - at, "%c%u:%llu+%u ",
		       what, region, (unsigned long long)off, len);
}

static inline int fake_read(void *ctx, unsigned int region, uint64_t off,
			    void *buf, uint32_t len)
{
	fake_log(ctx, 'r', region, off, len);
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(off + i);
	return off == FAKE_BAD ? -EIO : 0;
}

static inline int fake_write(void *ctx, unsigned int region, uint64_t off,
			     const void *buf, uint32_t len)
{
	(void)buf;
	fake_log(ctx, 'w', region, off, len);
	return off == FAKE_BAD ? -EIO : 0;
}

static inline int fake_start(void *ctx, struct port *port)
{
	struct fake_device *dev = ctx;

	dev->port = port;
	return dev->start_ret;
}

static inline void fake_set_irq(void *ctx, unsigned int index,
				unsigned int vector, int fd)
{
	struct fake_device *dev = ctx;

	if (index == VFIO_USER_IRQ_MSIX)
		dev->msix[vector] = fd;
	else
		dev->intx = fd;
}

static inline void fake_reset(void *ctx)
{
	((struct fake_device *)ctx)->resets++;
}

static inline bool fake_io_fd(void *ctx, unsigned int region, unsigned int i,
			      uint64_t *off, int *fd)
{
	const struct fake_device *dev = ctx;

	if (region != 2 || i >= ARRAY_SIZE(dev->bells))
		return false;
	*off = 8 * i;
	*fd = dev->bells[i];
	return true;
}

#define FAKE_RW (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)

static const uint8_t fake_config[256] = { 0xf4, 0x1a, 0xf0, 0x10 };

static const struct vfio_user_pv_regs fake_runs[] = {
	{ .offset = 0, .nr = 2, .read_class = PORT_READ_PLAIN },
	{ .offset = 0x40, .nr = 1, .write_class = PORT_WRITE_DOORBELL },
};

static const struct vfio_user_pv_port_info fake_port_info = {
	.flags = VFIO_USER_PV_PORT_F_NET,
	.nr_rings = 1,
	.ring_entries = { FIXTURE_ENTRIES },
	.ring_irq_cause = { 2 },
	.staging_len = FIXTURE_STAGING,
	.regs_len = 0x1000,
	.irq_cause_off = FIXTURE_CAUSE,
	.irq_mask_off = FIXTURE_MASK,
	.state_len = 0x100,
	.nr_runs = ARRAY_SIZE(fake_runs),
};

static const struct server_device fake_description = {
	.name = "fake",
	.config = fake_config,
	.regions = {
		[0] = { FAKE_BAR0, FAKE_RW },
		[1] = { 0x100, VFIO_USER_REGION_F_READ },
		[2] = { 0x20000, FAKE_RW },
		[4] = { 0x100, VFIO_USER_REGION_F_WRITE },
	},
	.irqs = { [VFIO_USER_IRQ_INTX] = 1, [VFIO_USER_IRQ_MSIX] = 3 },
	.port = &fake_port_info,
	.runs = fake_runs,
	.read = fake_read,
	.write = fake_write,
	.start = fake_start,
	.set_irq = fake_set_irq,
	.reset = fake_reset,
	.io_fd = fake_io_fd,
};

/* ---- the client's side ---- */

struct server_fixture {
	struct port_fixture port;
	struct fake_device dev;
	struct server *server; /* owned */
	int client;	       /* owned: the other end of its socket */
};

static inline void server_fixture_init(struct server_fixture *f)
{
	int sv[2], ret;

	memset(f, 0, sizeof(*f));
	port_fixture_init(&f->port);
	f->dev.intx = -1;
	for (size_t i = 0; i < ARRAY_SIZE(f->dev.bells); i++) {
		f->dev.msix[i] = -1;
		ret = fd_event_create(&f->dev.bells[i]);
		assert(!ret);
	}
	ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv);
	assert(!ret);
	f->client = sv[0];
	ret = server_create(sv[1], &fake_description, &f->dev, &f->server);
	assert(!ret);
}

static inline void server_fixture_fini(struct server_fixture *f)
{
	server_destroy(f->server);
	fd_close(&f->client);
	for (size_t i = 0; i < ARRAY_SIZE(f->dev.bells); i++)
		fd_close(&f->dev.bells[i]);
	port_fixture_fini(&f->port);
}

/* Sends one command; does not wait for the answer. */
static inline void server_fixture_send(struct server_fixture *f,
				       uint16_t command, const void *body,
				       size_t len, const int *fds,
				       size_t nr_fds)
{
	static const uint8_t zeros[VFIO_USER_MSG_MAX];
	const struct vfio_user_header h = {
		.id = htole16(7),
		.command = htole16(command),
		.size = htole32((uint32_t)(sizeof(h) + len)),
	};
	int ret;

	ret = fd_send_msg(f->client, &h, sizeof(h), fds, nr_fds);
	assert(!ret);
	ret = fd_send_msg(f->client, body ? body : zeros, len, NULL, 0);
	assert(!ret);
}

static inline void server_fixture_send_version(struct server_fixture *f)
{
	static const struct {
		struct vfio_user_version version;
		char json[64];
	} body = { { 0, VFIO_USER_MINOR },
		   "{\"capabilities\":{\"max_msg_fds\":8}}" };

	server_fixture_send(f, VFIO_USER_VERSION, &body, sizeof(body), NULL, 0);
}

static inline void server_fixture_send_port(struct server_fixture *f)
{
	const struct vfio_user_pv_port_set set = {
		.version = htole32(PORT_VERSION),
		.size = htole32(FIXTURE_SIZE),
	};
	const int fds[VFIO_USER_PV_NR_FDS] = {
		f->port.memory_fd,
		f->port.kick_device,
		f->port.kick_worker,
		f->port.drained,
	};

	server_fixture_send(f, VFIO_USER_PV_PORT_SET, &set, sizeof(set), fds,
			    ARRAY_SIZE(fds));
}

#endif
