// SPDX-License-Identifier: BSD-2-Clause
/* SET_IRQS: which eventfd an interrupt signals, and whether it is masked. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/range.h"
#include "port/server_internal.h"

#define DATA_ALL                                             \
	(VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_DATA_BOOL | \
	 VFIO_USER_IRQ_DATA_EVENTFD)
#define ACTION_ALL                                                 \
	(VFIO_USER_IRQ_ACTION_MASK | VFIO_USER_IRQ_ACTION_UNMASK | \
	 VFIO_USER_IRQ_ACTION_TRIGGER)

int server_irqs_init(struct server *s)
{
	uint32_t nr = 0;

	for (unsigned int i = 0; i < VFIO_USER_NR_IRQS; i++) {
		s->irq_base[i] = nr;
		nr += s->dev->irqs[i];
	}
	s->irqs = calloc(nr ? nr : 1, sizeof(*s->irqs));
	if (!s->irqs)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		s->irqs[i].fd = -1;
	return 0;
}

void server_irqs_fini(struct server *s)
{
	for (unsigned int i = 0; i < VFIO_USER_NR_IRQS; i++)
		for (uint32_t v = 0; v < s->dev->irqs[i]; v++)
			fd_close(&s->irqs[s->irq_base[i] + v].fd);
	free(s->irqs);
}

/* What SET_IRQS says, checked. */
struct request {
	uint32_t index, start, count;
	uint32_t data, action;
	const uint8_t *bools; /* DATA_BOOL: count of them */
	int *fds;	      /* DATA_EVENTFD: count of them, or NULL: none */
};

static bool one_bit(uint32_t bits)
{
	return bits && !(bits & (bits - 1));
}

static int check_vectors(const struct server *s, const struct request *r)
{
	if (r->index >= VFIO_USER_NR_IRQS ||
	    !span_fits(r->start, r->count, s->dev->irqs[r->index]))
		return -EINVAL;
	/* None at all: VFIO's way to say that all are to be disconnected. */
	if (r->count == 0 &&
	    (r->start != 0 || r->data != VFIO_USER_IRQ_DATA_NONE ||
	     r->action != VFIO_USER_IRQ_ACTION_TRIGGER))
		return -EINVAL;
	return 0;
}

/* The data: bytes behind the message, or descriptors with it. */
static int take_data(struct request *r, const struct server_msg *msg)
{
	size_t extra = msg->len - sizeof(struct vfio_user_set_irqs);

	if (extra != (r->data == VFIO_USER_IRQ_DATA_BOOL ? r->count : 0))
		return -EBADMSG;
	r->bools = msg->body + sizeof(struct vfio_user_set_irqs);
	if (r->data != VFIO_USER_IRQ_DATA_EVENTFD)
		return msg->nr_fds ? -EBADMSG : 0;
	if (r->action != VFIO_USER_IRQ_ACTION_TRIGGER)
		return -EINVAL;
	if (msg->nr_fds && msg->nr_fds != r->count)
		return -EBADMSG;
	r->fds = msg->nr_fds ? msg->fds : NULL;
	return 0;
}

static int parse(const struct server *s, const struct server_msg *msg,
		 struct request *r)
{
	struct vfio_user_set_irqs wire;
	uint32_t flags;
	int ret;

	memcpy(&wire, msg->body, sizeof(wire));
	flags = le32toh(wire.flags);
	*r = (struct request){
		.index = le32toh(wire.index),
		.start = le32toh(wire.start),
		.count = le32toh(wire.count),
		.data = flags & DATA_ALL,
		.action = flags & ACTION_ALL,
	};
	if (le32toh(wire.argsz) < sizeof(wire) ||
	    flags & ~(DATA_ALL | ACTION_ALL) || !one_bit(r->data) ||
	    !one_bit(r->action))
		return -EINVAL;
	ret = check_vectors(s, r);
	return ret ? ret : take_data(r, msg);
}

static void tell_device(struct server *s, uint32_t index, uint32_t vector,
			const struct server_irq *irq)
{
	s->dev->set_irq(s->ctx, index, vector, irq->masked ? -1 : irq->fd);
}

/* Takes over @fd. The device is told before its old one is closed. */
static void connect_irq(struct server *s, uint32_t index, uint32_t vector,
			int fd)
{
	struct server_irq *irq = &s->irqs[s->irq_base[index] + vector];
	int old = irq->fd;

	irq->fd = fd;
	irq->masked = false;
	tell_device(s, index, vector, irq);
	fd_close(&old);
}

static void mask_irq(struct server *s, uint32_t index, uint32_t vector,
		     bool masked)
{
	struct server_irq *irq = &s->irqs[s->irq_base[index] + vector];

	if (irq->masked == masked)
		return;
	irq->masked = masked;
	tell_device(s, index, vector, irq);
}

static void trigger_irq(struct server *s, uint32_t index, uint32_t vector)
{
	const struct server_irq *irq = &s->irqs[s->irq_base[index] + vector];

	if (irq->fd >= 0 && !irq->masked)
		fd_event_signal(irq->fd);
}

static int take_fd(const struct request *r, uint32_t i)
{
	int fd;

	if (!r->fds)
		return -1;
	fd = r->fds[i];
	r->fds[i] = -1;
	return fd;
}

static void act(struct server *s, const struct request *r, uint32_t i)
{
	uint32_t vector = r->start + i;

	if (r->data == VFIO_USER_IRQ_DATA_EVENTFD)
		connect_irq(s, r->index, vector, take_fd(r, i));
	else if (r->data == VFIO_USER_IRQ_DATA_BOOL && !r->bools[i])
		return;
	else if (r->action == VFIO_USER_IRQ_ACTION_TRIGGER)
		trigger_irq(s, r->index, vector);
	else
		mask_irq(s, r->index, vector,
			 r->action == VFIO_USER_IRQ_ACTION_MASK);
}

int server_set_irqs(struct server *s, struct server_msg *msg)
{
	struct request r;
	int ret;

	ret = parse(s, msg, &r);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < r.count; i++)
		act(s, &r, i);
	for (uint32_t v = 0; r.count == 0 && v < s->dev->irqs[r.index]; v++)
		connect_irq(s, r.index, v, -1);
	return 0;
}
