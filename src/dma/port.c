// SPDX-License-Identifier: BSD-2-Clause
/* Making a port: its shared memory, laid out as wire/port.h says. */
#include "dma/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/range.h"
#include "dma/port_internal.h"

#define PAGE 4096u

/* Where each part is; computed once, from a checked shape. */
struct layout {
	uint32_t control;
	uint32_t ring[PORT_RINGS_MAX];
	uint32_t entries[PORT_RINGS_MAX];
	uint32_t errors[PORT_RINGS_MAX];
	uint32_t frames;
	uint32_t posted;
	uint32_t staging;
	uint32_t regs;
	uint32_t state;
	uint32_t size;
};

_Static_assert(sizeof(struct port_entry) == 16, "wire format");
_Static_assert(sizeof(struct port_error) == 16, "wire format");
_Static_assert(sizeof(struct port_ring) == 128, "wire format");
_Static_assert(sizeof(struct port_frame) == 96, "wire format");
_Static_assert(sizeof(struct port_control) == 320, "wire format");
_Static_assert(sizeof(struct port_header) <= PAGE, "one page");

static bool rings_valid(const struct dma_port_shape *shape)
{
	if (shape->nr_rings == 0 || shape->nr_rings > PORT_RINGS_MAX)
		return false;
	for (uint32_t i = 0; i < shape->nr_rings; i++) {
		uint32_t nr = shape->ring_entries[i];

		if (nr < PORT_ENTRIES_MIN || nr > PORT_ENTRIES_MAX ||
		    nr & (nr - 1))
			return false;
		/* A cause needs a word to be raised in. */
		if (shape->ring_irq_cause[i] &&
		    shape->irq_cause_off == PORT_NONE)
			return false;
	}
	return true;
}

static bool register_valid(const struct dma_port_shape *shape, uint32_t off)
{
	return off % sizeof(uint32_t) == 0 &&
	       span_fits(off, sizeof(uint32_t), shape->regs_len);
}

static bool line_valid(const struct dma_port_shape *shape)
{
	if (shape->irq_cause_off == PORT_NONE)
		return shape->irq_mask_off == PORT_NONE;
	return shape->irq_cause_off != shape->irq_mask_off &&
	       register_valid(shape, shape->irq_cause_off) &&
	       register_valid(shape, shape->irq_mask_off);
}

static bool shape_valid(const struct dma_port_shape *shape)
{
	return rings_valid(shape) && line_valid(shape) &&
	       shape->staging_len <= PORT_STAGING_MAX &&
	       shape->staging_len % PORT_STAGING_UNIT == 0 &&
	       shape->regs_len <= PORT_REGS_MAX &&
	       shape->regs_len % sizeof(uint32_t) == 0 &&
	       shape->state_len <= PORT_STATE_MAX;
}

/* The next part: a page's multiple behind the last. */
static uint32_t place(struct layout *l, size_t len)
{
	const uint32_t at = l->size;

	l->size += (uint32_t)align_up(len, PAGE);
	return at;
}

static struct layout lay_out(const struct dma_port_shape *shape)
{
	struct layout l = { 0 };

	(void)place(&l, sizeof(struct port_header));
	l.control = place(&l, sizeof(struct port_control));
	for (uint32_t i = 0; i < shape->nr_rings; i++) {
		const size_t nr = shape->ring_entries[i];

		l.ring[i] = place(&l, sizeof(struct port_ring));
		l.entries[i] = place(&l, nr * sizeof(struct port_entry));
		l.errors[i] = place(&l, nr * sizeof(struct port_error));
	}
	if (shape->net)
		l.frames = place(&l, PORT_SLOTS * sizeof(struct port_frame));
	l.posted = place(&l, PORT_POSTED_NR * sizeof(struct port_posted));
	l.staging = place(&l, shape->staging_len);
	l.regs = place(&l, shape->regs_len);
	l.state = place(&l, shape->state_len);
	return l;
}

/* For the device; the VMM never reads it back. */
static void write_header(void *memory, const struct dma_port_shape *shape,
			 const struct layout *l)
{
	struct port_header header = {
		.magic = htole32(PORT_MAGIC),
		.version = htole32(PORT_VERSION),
		.size = htole32(l->size),
		.nr_rings = htole32(shape->nr_rings),
		.control_off = htole32(l->control),
		.frames_off = htole32(l->frames),
		.posted_off = htole32(l->posted),
		.staging_off = htole32(l->staging),
		.staging_len = htole32(shape->staging_len),
		.regs_off = htole32(l->regs),
		.regs_len = htole32(shape->regs_len),
		.state_off = htole32(l->state),
		.state_len = htole32(shape->state_len),
		.irq_cause_off = htole32(shape->irq_cause_off),
		.irq_mask_off = htole32(shape->irq_mask_off),
	};

	for (uint32_t i = 0; i < shape->nr_rings; i++)
		header.rings[i] = (struct port_ring_layout){
			.ring_off = htole32(l->ring[i]),
			.entries_off = htole32(l->entries[i]),
			.errors_off = htole32(l->errors[i]),
			.nr_entries = htole32(shape->ring_entries[i]),
			.irq_cause = htole32(shape->ring_irq_cause[i]),
		};
	memcpy(memory, &header, sizeof(header));
}

static int make_memory(struct dma_port *port, uint32_t size)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	void *memory;

	port->memory_fd = memfd_create("port", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (port->memory_fd < 0)
		return -errno;
	/* Without the seals the device could make the VMM's accesses fail. */
	if (ftruncate(port->memory_fd, (off_t)size) < 0 ||
	    fcntl(port->memory_fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	/* Populated: an epoch meets no page fault here. */
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, port->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	port->memory = memory;
	port->size = size;
	/* Staging has had the guest's bytes in it. */
	return madvise(memory, size, MADV_DONTDUMP) < 0 ? -errno : 0;
}

static int make_events(struct dma_port *port)
{
	int *const fds[] = { &port->kick_device, &port->kick_worker,
			     &port->drained, &port->stop_fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		int ret = fd_event_create(fds[i]);

		if (ret)
			return ret;
	}
	return 0;
}

static void *part(struct dma_port *port, uint32_t off)
{
	return port->memory + off;
}

static void set_parts(struct dma_port *port, const struct dma_port_shape *shape,
		      const struct layout *l)
{
	port->control = part(port, l->control);
	port->frames = shape->net ? part(port, l->frames) : NULL;
	port->posted = part(port, l->posted);
	port->staging = part(port, l->staging);
	port->staging_len = shape->staging_len;
	port->regs = part(port, l->regs);
	if (shape->irq_cause_off != PORT_NONE) {
		port->has_line = true;
		port->line.cause =
		    port->regs + shape->irq_cause_off / sizeof(uint32_t);
		port->line.mask =
		    port->regs + shape->irq_mask_off / sizeof(uint32_t);
	}
	port->nr_rings = shape->nr_rings;
	for (uint32_t i = 0; i < shape->nr_rings; i++) {
		struct ring *ring = &port->rings[i];

		ring->shared = part(port, l->ring[i]);
		ring->entries = part(port, l->entries[i]);
		ring->error_ring = part(port, l->errors[i]);
		ring->nr_entries = shape->ring_entries[i];
		ring->irq_cause = shape->ring_irq_cause[i];
	}
}

static int make_frames(struct dma_port *port)
{
	int ret = dma_rx_init(&port->rx);

	for (uint32_t i = 0; !ret && i < port->nr_rings; i++)
		ret = dma_tx_init(&port->rings[i].tx);
	return ret;
}

int dma_port_create(const struct dma_port_shape *shape, struct guest_ram *ram,
		    struct backend *backend, struct dma_port **out)
{
	struct dma_port *port;
	struct layout layout;
	int ret;

	if (!shape_valid(shape))
		return -EINVAL;
	/* The epoch has a cache line of its own. */
	port = aligned_alloc(_Alignof(struct dma_port), sizeof(*port));
	if (!port)
		return -ENOMEM;
	memset(port, 0, sizeof(*port));
	port->master.ram = ram;
	port->backend = backend;
	port->memory_fd = -1;
	port->kick_device = -1;
	port->kick_worker = -1;
	port->drained = -1;
	port->stop_fd = -1;
	port->line.fd = -1;

	layout = lay_out(shape);
	ret = make_memory(port, layout.size);
	if (ret)
		goto err_destroy;
	ret = make_events(port);
	if (ret)
		goto err_destroy;
	write_header(port->memory, shape, &layout);
	set_parts(port, shape, &layout);
	if (shape->net) {
		ret = make_frames(port);
		if (ret)
			goto err_destroy;
	}
	*out = port;
	return 0;

err_destroy:
	dma_port_destroy(port);
	return ret;
}

void dma_port_destroy(struct dma_port *port)
{
	if (!port)
		return;
	for (uint32_t i = 0; i < port->nr_rings; i++)
		dma_tx_fini(&port->rings[i].tx);
	dma_rx_fini(&port->rx);
	if (port->memory)
		(void)munmap(port->memory, port->size);
	fd_close(&port->memory_fd);
	fd_close(&port->kick_device);
	fd_close(&port->kick_worker);
	fd_close(&port->drained);
	fd_close(&port->stop_fd);
	free(port);
}

struct dma_master *dma_port_master(struct dma_port *port)
{
	return &port->master;
}

void dma_port_fds(const struct dma_port *port, struct dma_port_fds *out)
{
	*out = (struct dma_port_fds){
		.memory = port->memory_fd,
		.kick_device = port->kick_device,
		.kick_worker = port->kick_worker,
		.drained = port->drained,
		.size = port->size,
	};
}

struct port_control *dma_port_control(struct dma_port *port)
{
	return port->control;
}

struct port_posted *dma_port_posted(struct dma_port *port)
{
	return port->posted;
}

uint32_t *dma_port_regs(struct dma_port *port)
{
	return port->regs;
}

struct irqline *dma_port_irqline(struct dma_port *port)
{
	return port->has_line ? &port->line : NULL;
}

void dma_port_kick_device(struct dma_port *port)
{
	uint32_t *flag = &port->control->device_sleeps;
	uint32_t sleeps = 1;

	/* What was published before, then the look. Whoever takes the flag
	 * signals, so that a sleep costs one signal at most. */
	shared_fence();
	if (shared_load(flag) == 1 &&
	    __atomic_compare_exchange_n(flag, &sleeps, 0, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		fd_event_signal(port->kick_device);
}

void dma_port_attach(struct dma_port *port, struct viommu_endpoint *ep, int irq)
{
	port->master.ep = ep;
	if (port->has_line)
		irqline_connect(&port->line, irq);
}
