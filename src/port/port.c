// SPDX-License-Identifier: BSD-2-Clause
#include "port/port.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/spin.h"
#include "port/port_internal.h"

/* Looks at the work between two looks at the clock. */
#define SPIN_LOOKS 16
/* Further ahead than any ring is long, and not yet behind. */
#define NEVER	   0x40000000u

struct ring {
	struct port_ring *shared;
	struct port_entry *entries;
	const struct port_error *errors;
	uint32_t nr;
	uint32_t posted;       /* entries ever posted, submitted or not */
	uint32_t errors_taken; /* failures ever taken */
};

struct port {
	uint8_t *base; /* owned mapping of size bytes */
	size_t size;
	int kick_device;  /* owned */
	int kick_worker;  /* owned */
	int drained;	  /* owned */
	uint64_t spin_ns; /* constant */
	struct port_control *control;
	struct ring rings[PORT_RINGS_MAX];
	uint32_t nr_rings;
	const struct port_frame *frames; /* NULL: receives nothing */
	uint32_t frames_taken;
	const struct port_posted *posted;
	uint32_t posted_acked;
	uint8_t *staging;
	size_t staging_len;
	uint32_t *regs; /* NULL: no register page */
	void *state;	/* NULL: none */
	struct irqline irqline;
	bool has_irqline;
};

static void *at(const struct port *port, __le32 off)
{
	return port->base + le32toh(off);
}

/* As at(), for a part that may be absent. */
static void *at_if(const struct port *port, __le32 off, bool present)
{
	return present ? at(port, off) : NULL;
}

static void locate_ring(struct port *port, struct ring *ring,
			const struct port_ring_layout *l)
{
	ring->shared = at(port, l->ring_off);
	ring->entries = at(port, l->entries_off);
	ring->errors = at(port, l->errors_off);
	ring->nr = le32toh(l->nr_entries);
	/* Not 0 where a device is started again on a port that was in use. */
	ring->posted = shared_load(&ring->shared->tail);
	ring->errors_taken = shared_load(&ring->shared->errors);
}

static void locate(struct port *port, const struct port_header *h)
{
	uint8_t *regs;

	port->control = at(port, h->control_off);
	port->nr_rings = le32toh(h->nr_rings);
	for (uint32_t i = 0; i < port->nr_rings; i++)
		locate_ring(port, &port->rings[i], &h->rings[i]);
	port->frames = at_if(port, h->frames_off, h->frames_off != 0);
	port->frames_taken = shared_load(&port->control->frames_tail);
	port->posted = at(port, h->posted_off);
	port->posted_acked = shared_load(&port->control->posted_head);
	port->staging = at(port, h->staging_off);
	port->staging_len = le32toh(h->staging_len);
	regs = at_if(port, h->regs_off, h->regs_len != 0);
	port->regs = (void *)regs;
	port->state = at_if(port, h->state_off, h->state_len != 0);

	port->irqline.fd = -1;
	port->has_irqline = le32toh(h->irq_cause_off) != PORT_NONE;
	if (port->has_irqline) {
		port->irqline.cause =
		    port->regs + le32toh(h->irq_cause_off) / 4;
		port->irqline.mask = port->regs + le32toh(h->irq_mask_off) / 4;
	}
}

static int map_memory(struct port *port, int fd, size_t size)
{
	struct port_header header;

	if (size < sizeof(header) || size > UINT32_MAX)
		return -EBADMSG;
	port->base =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (port->base == MAP_FAILED)
		return -errno;
	port->size = size;
	memcpy(&header, port->base, sizeof(header));
	if (!port_layout_fits(&header, size)) {
		(void)munmap(port->base, size);
		return -EBADMSG;
	}
	locate(port, &header);
	return 0;
}

int port_open(int memory_fd, size_t size, int kick_device, int kick_worker,
	      int drained, struct port **out)
{
	struct port *port = calloc(1, sizeof(*port));
	int ret = -ENOMEM;

	if (port)
		ret = map_memory(port, memory_fd, size);
	fd_close(&memory_fd);
	if (ret)
		goto err_fds;

	port->kick_device = kick_device;
	port->kick_worker = kick_worker;
	port->drained = drained;
	port->spin_ns = spin_time();
	*out = port;
	return 0;

err_fds:
	free(port);
	fd_close(&kick_device);
	fd_close(&kick_worker);
	fd_close(&drained);
	return ret;
}

void port_close(struct port *port)
{
	if (!port)
		return;
	(void)munmap(port->base, port->size);
	fd_close(&port->kick_device);
	fd_close(&port->kick_worker);
	fd_close(&port->drained);
	free(port);
}

uint32_t *port_regs(struct port *port)
{
	return port->regs;
}

void *port_state(struct port *port)
{
	return port->state;
}

void *port_staging(struct port *port)
{
	return port->staging;
}

size_t port_staging_len(const struct port *port)
{
	return port->staging_len;
}

struct irqline *port_irqline(struct port *port)
{
	return port->has_irqline ? &port->irqline : NULL;
}

/* ---- rings ---- */

uint32_t port_room(struct port *port, unsigned int r)
{
	const struct ring *ring = &port->rings[r];

	return ring->nr - (ring->posted - port_done(port, r));
}

uint32_t port_posted_count(const struct port *port, unsigned int r)
{
	return port->rings[r].posted;
}

uint32_t port_done(struct port *port, unsigned int r)
{
	/* Pairs with the worker's release: what was moved is there. */
	return shared_load_acquire(&port->rings[r].shared->done);
}

bool port_is_done(struct port *port, unsigned int r, uint32_t seq)
{
	return (int32_t)(port_done(port, r) - seq) > 0;
}

/* What the entry says: a slot, FILL's numbers, or an offset in units. */
static uint16_t staging_field(enum port_op op, uint32_t staging)
{
	if (op == PORT_OP_FILL || op == PORT_OP_RECV || op == PORT_OP_DROP)
		return (uint16_t)staging;
	return (uint16_t)(staging / PORT_STAGING_UNIT);
}

int port_post(struct port *port, unsigned int r, enum port_op op, uint64_t iova,
	      uint32_t len, uint32_t staging, uint8_t flags)
{
	struct ring *ring = &port->rings[r];
	struct port_entry *entry = &ring->entries[ring->posted % ring->nr];

	if (port_room(port, r) == 0)
		return -EAGAIN;
	*entry = (struct port_entry){
		.iova = htole64(iova),
		.len = htole32(len),
		.staging = htole16(staging_field(op, staging)),
		.op = (uint8_t)op,
		.flags = flags,
	};
	ring->posted++;
	return 0;
}

/*
 * Takes a sleep flag; whoever took it owes the sleeper a signal.
 *
 * Who has published looks at the other side's flag; who has set its own flag looks
 * again at what is published. Between the two steps is a full fence, on both sides,
 * so that at least one of them sees the other.
 */
static bool take_flag(uint32_t *flag)
{
	return shared_load(flag) &&
	       __atomic_exchange_n(flag, 0, __ATOMIC_SEQ_CST);
}

void port_submit(struct port *port, unsigned int r)
{
	struct ring *ring = &port->rings[r];

	if (shared_load(&ring->shared->tail) == ring->posted)
		return;
	shared_store_release(&ring->shared->tail, ring->posted);
	shared_fence();
	if (take_flag(&port->control->worker_sleeps))
		fd_event_signal(port->kick_worker);
}

bool port_take_error(struct port *port, unsigned int r, struct port_error *out)
{
	struct ring *ring = &port->rings[r];
	uint32_t errors = shared_load_acquire(&ring->shared->errors);

	if (errors == ring->errors_taken)
		return false;
	*out = ring->errors[ring->errors_taken % ring->nr];
	ring->errors_taken++;
	return true;
}

/* ---- received frames ---- */

bool port_has_frame(struct port *port)
{
	return port->frames &&
	       shared_load_acquire(&port->control->frames_tail) !=
		   port->frames_taken;
}

bool port_take_frame(struct port *port, struct port_frame *out)
{
	if (!port_has_frame(port))
		return false;
	*out = port->frames[port->frames_taken % PORT_SLOTS];
	port->frames_taken++;
	return true;
}

/* ---- posted register writes ---- */

static bool has_posted(struct port *port)
{
	return shared_load_acquire(&port->control->posted_tail) !=
	       port->posted_acked;
}

bool port_next_posted(struct port *port, struct port_posted *out)
{
	if (!has_posted(port))
		return false;
	*out = port->posted[port->posted_acked % PORT_POSTED_NR];
	out->offset = le32toh(out->offset);
	out->value = le32toh(out->value);
	return true;
}

void port_ack_posted(struct port *port)
{
	port->posted_acked++;
	shared_store_release(&port->control->posted_head, port->posted_acked);
	shared_fence();
	/* A vCPU waits for the ring to be empty: not for one entry. */
	if (!has_posted(port) && take_flag(&port->control->posted_waiter))
		fd_event_signal(port->drained);
}

/* ---- sleeping ---- */

/* What one sleep waits for. */
struct sleep {
	const struct port_wait *wait;
	bool posted; /* for posted writes, too */
	bool (*more)(void *ctx);
	void *ctx;
	int sock;
	int timeout_ms;
};

static bool has_work(struct port *port, const struct sleep *s)
{
	if (s->posted && has_posted(port))
		return true;
	if (s->wait->frames && port_has_frame(port))
		return true;
	for (uint32_t r = 0; r < port->nr_rings; r++)
		if ((s->wait->rings & 1u << r) &&
		    (int32_t)(port_done(port, r) - s->wait->wake_at[r]) >= 0)
			return true;
	return s->more && s->more(s->ctx);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool spin(struct port *port, const struct sleep *s)
{
	uint64_t end;

	if (port->spin_ns == 0)
		return has_work(port, s);
	end = now_ns() + port->spin_ns;
	do {
		for (unsigned int i = 0; i < SPIN_LOOKS; i++) {
			if (has_work(port, s))
				return true;
			(void)sched_yield();
		}
	} while (now_ns() < end);
	return false;
}

static void publish_wake_at(struct port *port, const struct port_wait *wait)
{
	for (uint32_t r = 0; r < port->nr_rings; r++) {
		const struct ring *ring = &port->rings[r];

		shared_store(&ring->shared->wake_at,
			     wait->rings & 1u << r ? wait->wake_at[r]
						   : ring->posted + NEVER);
	}
}

/* Return: the socket is readable. */
static bool wait_for_kick(struct port *port, const struct sleep *s)
{
	struct pollfd fds[] = {
		{ .fd = port->kick_device, .events = POLLIN },
		{ .fd = s->sock, .events = POLLIN },
		{ .fd = s->wait->bell_fd ? s->wait->bell_fd : -1,
		  .events = POLLIN },
	};
	const struct timespec timeout = {
		.tv_sec = s->timeout_ms / 1000,
		.tv_nsec = s->timeout_ms % 1000 * 1000000L,
	};

	if (ppoll(fds, ARRAY_SIZE(fds), s->timeout_ms < 0 ? NULL : &timeout,
		  NULL) < 0)
		return true;
	if (fds[0].revents & POLLIN)
		fd_event_drain(port->kick_device);
	return fds[1].revents != 0;
}

static bool sleep_for(struct port *port, const struct sleep *s)
{
	uint32_t *flag = &port->control->device_sleeps;
	bool readable = false;

	if (spin(port, s))
		return false;
	publish_wake_at(port, s->wait);
	shared_store_release(flag, 1);
	shared_fence();
	if (!has_work(port, s))
		readable = wait_for_kick(port, s);
	/* Whoever took it before has signalled, which at worst ends the next
	 * sleep early. */
	shared_store(flag, 0);
	return readable;
}

bool port_sleep(struct port *port, const struct port_wait *wait,
		bool (*more)(void *ctx), void *ctx, int sock, int timeout_ms)
{
	const struct sleep s = {
		.wait = wait,
		.posted = true,
		.more = more,
		.ctx = ctx,
		.sock = sock,
		.timeout_ms = timeout_ms,
	};

	return sleep_for(port, &s);
}

void port_drain(struct port *port, unsigned int r)
{
	struct port_wait wait = { .rings = 1u << r };
	const struct sleep s = { .wait = &wait, .sock = -1, .timeout_ms = -1 };

	wait.wake_at[r] = port->rings[r].posted;
	port_submit(port, r);
	while (port_done(port, r) != port->rings[r].posted)
		(void)sleep_for(port, &s);
}
