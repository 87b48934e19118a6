/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The register page and the posted ring, seen from the vCPUs: registers of a
 * device that are served without the device.
 *
 * Only whole, aligned 32-bit words. PCI order: a read waits until the device has
 * acted on every write posted before it; doorbells and the other classes that are
 * stored at once may overtake posted writes, so a device acts on the posted ring
 * before it looks at its doorbells.
 *
 * Any vCPU thread may call. All of the shared memory but the VMM's own counters is
 * hostile; of the device's it reads posted_head only, and checks it. None of the
 * calls waits for longer than the time-out.
 */
#ifndef VFIO_REGPAGE_H
#define VFIO_REGPAGE_H

#include "base/compiler.h"
#include "vfio/portinfo.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct regpage {
	const struct portinfo *info; /* borrowed */
	struct dma_port *port;	     /* borrowed */
	struct port_control *control;
	struct port_posted *posted;
	uint32_t *regs;
	struct irqline *irqline; /* NULL: none */
	int drained;		 /* borrowed from the port */
	int sock;		 /* borrowed; hung up: the device has died */
	unsigned int timeout_ms;
	pthread_mutex_t lock; /* who posts, or waits for the device */
	uint32_t tail;	      /* atomic, written under lock; the true one */
};

void regpage_init(struct regpage *rp, const struct portinfo *info,
		  struct dma_port *port, int sock, unsigned int timeout_ms);
void regpage_fini(struct regpage *rp);

/**
 * regpage_drain() - Wait until the device has acted on all posted writes
 *
 * Return: 0, or what the device is to be dropped for (regpage_why()):
 *  -ETIMEDOUT	it does not act on them
 *  -EPROTO	its count of them is impossible
 *  -ECONNRESET	it hung up
 */
MUST_CHECK int regpage_drain(struct regpage *rp);
const char *regpage_why(int ret);

/* Is the word at @off of BAR @region read, or written, here? */
bool regpage_reads(const struct regpage *rp, unsigned int region, uint64_t off);
bool regpage_writes(const struct regpage *rp, unsigned int region,
		    uint64_t off);

/* A word that regpage_reads(), after a drain. */
uint32_t regpage_read(struct regpage *rp, uint64_t off);

/* A word that regpage_writes(). Return: as regpage_drain(). */
MUST_CHECK int regpage_write(struct regpage *rp, uint64_t off, uint32_t value);

#endif
