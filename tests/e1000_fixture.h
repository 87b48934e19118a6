/* SPDX-License-Identifier: BSD-2-Clause */
/* The e1000 on a direct port, with a driver; what it sends is kept. */
#ifndef TESTS_E1000_FIXTURE_H
#define TESTS_E1000_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/e1000/e1000.h"
#include "tests/direct_port.h"
#include "tests/e1000_driver.h"

#define FIXTURE_RAM  0x120000
#define FIXTURE_IOVA 0x10000 /* of the driver's memory */
#define FIXTURE_KEPT 8

struct fixture {
	struct e1000 *dev;
	const struct server_device *desc;
	struct port *port;
	struct driver driver;
	uint8_t *ram;

	uint64_t nr_sent;
	struct {
		struct port_vnet vnet;
		uint32_t len;
		uint8_t data[DIRECT_FRAME_MAX];
	} sent[FIXTURE_KEPT]; /* the first ones */
};

static const uint8_t fixture_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

static inline void fixture_keep(void *ctx, const struct port_vnet *vnet,
				const uint8_t *frame, uint32_t len)
{
	struct fixture *f = ctx;

	if (f->nr_sent < FIXTURE_KEPT) {
		f->sent[f->nr_sent].vnet = *vnet;
		f->sent[f->nr_sent].len = len;
		memcpy(f->sent[f->nr_sent].data, frame, len);
	}
	f->nr_sent++;
}

/* Lets the device work until it has nothing to do. */
static inline void fixture_settle(struct fixture *f)
{
	for (int i = 0; i < 10000 && e1000_poll(f->dev); i++)
		;
}

static inline uint32_t fixture_read(void *ctx, uint32_t off)
{
	struct fixture *f = ctx;
	uint8_t buf[4];

	fixture_settle(f);
	if (f->desc->read(f->dev, 0, off, buf, 4))
		abort();
	return get_le32(buf);
}

static inline void fixture_write(void *ctx, uint32_t off, uint32_t value)
{
	struct fixture *f = ctx;
	uint8_t buf[4];

	put_le32(buf, value);
	if (f->desc->write(f->dev, 0, off, buf, 4))
		abort();
	fixture_settle(f);
}

static inline struct fixture *fixture_create(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || e1000_create(fixture_mac, &f->dev))
		abort();
	f->desc = e1000_description(f->dev);
	f->ram = calloc(1, FIXTURE_RAM);
	f->port = direct_port_create(f->desc->port, f->ram, FIXTURE_RAM);
	if (!f->ram || !f->port || f->desc->start(f->dev, f->port))
		abort();
	direct_port_on_sent(f->port, fixture_keep, f);
	f->driver = (struct driver){
		.read = fixture_read,
		.write = fixture_write,
		.ctx = f,
		.mem = f->ram + FIXTURE_IOVA,
		.iova = FIXTURE_IOVA,
	};
	return f;
}

static inline void fixture_destroy(struct fixture *f)
{
	e1000_destroy(f->dev);
	direct_port_destroy(f->port);
	free(f->ram);
	free(f);
}

#endif
