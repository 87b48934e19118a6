// SPDX-License-Identifier: BSD-2-Clause
#include "bench/inprocess.h"

#include "base/bytes.h"
#include "base/range.h"
#include "devices/e1000/e1000.h"
#include "port/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FRAME_MAX 0x10000

struct port {
	uint8_t *ram;
	size_t ram_size;
	uint32_t regs[PORT_REGS_MAX / 4];
	uint8_t write_class[PORT_REGS_MAX / 4];
	uint8_t state[PORT_STATE_MAX];
	uint8_t *staging;
	size_t staging_len;
	uint32_t posted[PORT_RINGS_MAX];
	struct port_posted write; /* the register write to act on */
	bool has_write;
	struct irqline line;
	uint8_t frame[FRAME_MAX];
	size_t frame_len;
	uint64_t frames; /* sent into the sink */
};

/* ---- what an operation does, with a pointer in place of an IOVA ---- */

static void do_send(struct port *p, uint64_t iova, uint32_t len, uint8_t flags)
{
	if (!(flags & PORT_F_STAGING) &&
	    span_fits(p->frame_len, len, FRAME_MAX)) {
		memcpy(p->frame + p->frame_len, p->ram + iova, len);
		p->frame_len += len;
	}
	if (flags & PORT_F_EOP) {
		p->frames++;
		p->frame_len = 0;
	}
}

int port_post(struct port *p, unsigned int r, enum port_op op, uint64_t iova,
	      uint32_t len, uint32_t staging, uint8_t flags)
{
	uint32_t stride = MAX(staging >> 8, 1u);

	p->posted[r]++;
	if (!span_fits(iova, len, p->ram_size))
		return 0;
	switch (op) {
	case PORT_OP_READ:
	case PORT_OP_FETCH:
		memcpy(p->staging + staging, p->ram + iova, len);
		break;
	case PORT_OP_WRITE:
		memcpy(p->ram + iova, p->staging + staging, len);
		break;
	case PORT_OP_FILL:
		for (uint32_t i = 0; i < len; i++)
			p->ram[iova + (size_t)i * stride] = (uint8_t)staging;
		break;
	case PORT_OP_SEND:
		do_send(p, iova, len, flags);
		break;
	case PORT_OP_RECV:
	case PORT_OP_DROP:
		break; /* a sink receives nothing */
	}
	return 0;
}

/* ---- the rest of port/port.h, where nothing is ever in flight ---- */

uint32_t *port_regs(struct port *p)
{
	return p->regs;
}

void *port_state(struct port *p)
{
	return p->state;
}

void *port_staging(struct port *p)
{
	return p->staging;
}

size_t port_staging_len(const struct port *p)
{
	return p->staging_len;
}

struct irqline *port_irqline(struct port *p)
{
	return &p->line;
}

uint32_t port_room(struct port *p, unsigned int r)
{
	(void)p, (void)r;
	return PORT_ENTRIES_MAX;
}

uint32_t port_posted_count(const struct port *p, unsigned int r)
{
	return p->posted[r];
}

uint32_t port_done(struct port *p, unsigned int r)
{
	return p->posted[r];
}

bool port_is_done(struct port *p, unsigned int r, uint32_t seq)
{
	(void)p, (void)r, (void)seq;
	return true;
}

void port_submit(struct port *p, unsigned int r)
{
	(void)p, (void)r;
}

bool port_take_error(struct port *p, unsigned int r, struct port_error *out)
{
	(void)p, (void)r, (void)out;
	return false;
}

void port_drain(struct port *p, unsigned int r)
{
	(void)p, (void)r;
}

bool port_take_frame(struct port *p, struct port_frame *out)
{
	(void)p, (void)out;
	return false;
}

bool port_has_frame(struct port *p)
{
	(void)p;
	return false;
}

bool port_next_posted(struct port *p, struct port_posted *out)
{
	*out = p->write;
	return p->has_write;
}

void port_ack_posted(struct port *p)
{
	p->has_write = false;
}

/* ---- the guest's side ---- */

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench: mmap");
		exit(1);
	}
	return p;
}

static void learn_classes(struct port *p, const struct server_device *d)
{
	for (uint32_t i = 0; i < d->port->nr_runs; i++)
		memset(p->write_class + d->runs[i].offset / 4,
		       d->runs[i].write_class, d->runs[i].nr);
}

void inprocess_start(struct inprocess *p, size_t ram_size)
{
	static const uint8_t mac[6] = { 0x02, 0, 0, 0, 0, 1 };
	const struct server_device *d;
	struct port *port = map(sizeof(*port));

	p->ram_size = ram_size;
	p->ram = map(ram_size);
	p->port = port;
	if (e1000_create(mac, &p->dev))
		exit(1);
	d = e1000_description(p->dev);
	port->ram = p->ram;
	port->ram_size = ram_size;
	port->staging_len = d->port->staging_len;
	port->staging = map(port->staging_len);
	port->line = (struct irqline){
		.cause = &port->regs[d->port->irq_cause_off / 4],
		.mask = &port->regs[d->port->irq_mask_off / 4],
		.fd = -1,
	};
	learn_classes(port, d);
	if (d->start(p->dev, port))
		exit(1);
}

void inprocess_stop(struct inprocess *p)
{
	e1000_destroy(p->dev);
	(void)munmap(p->port->staging, p->port->staging_len);
	(void)munmap(p->port, sizeof(*p->port));
	(void)munmap(p->ram, p->ram_size);
}

uint32_t inprocess_read32(void *ctx, uint64_t reg)
{
	struct inprocess *p = ctx;

	return p->port->regs[reg / 4];
}

void inprocess_write32(void *ctx, uint64_t reg, uint32_t value)
{
	struct inprocess *p = ctx;

	switch (p->port->write_class[reg / 4]) {
	case PORT_WRITE_PLAIN:
	case PORT_WRITE_DOORBELL:
		p->port->regs[reg / 4] = value;
		break;
	case PORT_WRITE_POSTED:
		p->port->write = (struct port_posted){ (uint32_t)reg, value };
		p->port->has_write = true;
		break;
	default: /* interrupts: this driver polls */
		break;
	}
	while (e1000_poll(p->dev))
		;
}
