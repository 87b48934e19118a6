/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's side of a DMA port: its shared memory, and the worker that serves it.
 *
 * A port belongs to one device, one endpoint and at most one backend. Its worker
 * is one thread, started and stopped by the owner; everything else of the worker
 * is private to it. wire/port.h is the layout.
 */
#ifndef DMA_PORT_H
#define DMA_PORT_H

#include "backend/backend.h"
#include "base/irqline.h"
#include "dma/access.h"
#include "wire/port.h"

struct dma_port;

/* What the device asked for (PV_PORT_INFO), in host byte order. */
struct dma_port_shape {
	uint32_t nr_rings;
	uint32_t ring_entries[PORT_RINGS_MAX];
	uint32_t ring_irq_cause[PORT_RINGS_MAX];
	uint32_t staging_len;
	uint32_t regs_len;
	uint32_t irq_cause_off; /* PORT_NONE: no level interrupt */
	uint32_t irq_mask_off;
	uint32_t state_len;
	bool net;
};

/**
 * dma_port_create() - Make the shared memory and the eventfds
 * @shape:   checked here; comes from the device
 * @ram:     borrowed
 * @backend: borrowed; NULL: none (SEND fails, nothing is received)
 *
 * Registers no endpoint: the caller adds one with dma_master_listener and
 * dma_port_master(), and gives it to dma_port_start().
 *
 * Return: 0, -EINVAL (a number in @shape is out of bounds), -ENOMEM, or -errno
 * of memfd_create(2), mmap(2), eventfd(2), fcntl(2).
 */
MUST_CHECK int dma_port_create(const struct dma_port_shape *shape,
			       struct guest_ram *ram, struct backend *backend,
			       struct dma_port **out);
/* Stopped, and its endpoint removed, before. NULL is fine. */
void dma_port_destroy(struct dma_port *port);

struct dma_master *dma_port_master(struct dma_port *port);

/* Borrowed descriptors, in the order of enum vfio_user_pv_fd. */
struct dma_port_fds {
	int memory, kick_device, kick_worker, drained;
	uint32_t size;
};
void dma_port_fds(const struct dma_port *port, struct dma_port_fds *out);

/* Where the parts are mapped, for the owner of the register page (vfio/). */
struct port_control *dma_port_control(struct dma_port *port);
struct port_posted *dma_port_posted(struct dma_port *port);
uint32_t *dma_port_regs(struct dma_port *port);
struct irqline *dma_port_irqline(struct dma_port *port); /* NULL: none */

/* Wakes the device if it sleeps. Any thread; contains the full fence. */
void dma_port_kick_device(struct dma_port *port);

/**
 * dma_port_start() - Start the worker thread
 * @ep:	 the endpoint whose mappings count; borrowed until dma_port_stop()
 * @irq: eventfd for PORT_F_IRQ; borrowed; -1: none. Goes into the irqline.
 * @enter: called by the new thread first: its system call filter (dma/ knows no
 *	  jail/). Not 0: the thread ends at once. NULL: none.
 *
 * Return: 0, or -errno of pthread_create(3).
 */
MUST_CHECK int dma_port_start(struct dma_port *port, struct viommu_endpoint *ep,
			      int irq, int (*enter)(void));
/* Ends the thread at the end of an operation. After that nothing touches guest
 * memory through this port. May be called when not started. */
void dma_port_stop(struct dma_port *port);

/**
 * dma_port_step() - Serve what is there, once, in the caller's thread
 *
 * Instead of dma_port_start() in tests and fuzzing (set the endpoint with
 * dma_port_attach()).
 *
 * Return: true if there was anything to do.
 */
bool dma_port_step(struct dma_port *port);
void dma_port_attach(struct dma_port *port, struct viommu_endpoint *ep,
		     int irq);

#endif
