/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's half of a port, made by hand: what a device is given. */
#ifndef TESTS_PORT_FIXTURE_H
#define TESTS_PORT_FIXTURE_H

#include "base/fd.h"
#include "wire/port.h"

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIXTURE_ENTRIES 16
#define FIXTURE_STAGING 0x20000
#define FIXTURE_CAUSE	0x40
#define FIXTURE_MASK	0x44

/* Where the parts are. */
enum {
	FIXTURE_CONTROL = 0x1000,
	FIXTURE_RING = 0x2000,
	FIXTURE_RING_ENTRIES = 0x3000,
	FIXTURE_RING_ERRORS = 0x4000,
	FIXTURE_FRAMES = 0x5000,
	FIXTURE_POSTED = 0xc000,
	FIXTURE_REGS = 0xd000,
	FIXTURE_STATE = 0xe000,
	FIXTURE_STAGING_OFF = 0xf000,
	FIXTURE_SIZE = FIXTURE_STAGING_OFF + FIXTURE_STAGING,
};

struct port_fixture {
	uint8_t *base; /* owned mapping of FIXTURE_SIZE bytes */
	struct port_header *header;
	struct port_control *control;
	struct port_ring *ring;
	struct port_entry *entries;
	struct port_error *errors;
	struct port_frame *frames;
	struct port_posted *posted;
	/* Owned, until somebody takes them over. */
	int memory_fd, kick_device, kick_worker, drained;
};

static inline void port_fixture_header(struct port_header *h)
{
	*h = (struct port_header){
		.magic = htole32(PORT_MAGIC),
		.version = htole32(PORT_VERSION),
		.size = htole32(FIXTURE_SIZE),
		.nr_rings = htole32(1),
		.control_off = htole32(FIXTURE_CONTROL),
		.frames_off = htole32(FIXTURE_FRAMES),
		.posted_off = htole32(FIXTURE_POSTED),
		.staging_off = htole32(FIXTURE_STAGING_OFF),
		.staging_len = htole32(FIXTURE_STAGING),
		.regs_off = htole32(FIXTURE_REGS),
		.regs_len = htole32(0x1000),
		.state_off = htole32(FIXTURE_STATE),
		.state_len = htole32(0x100),
		.irq_cause_off = htole32(FIXTURE_CAUSE),
		.irq_mask_off = htole32(FIXTURE_MASK),
		.rings[0] = {
			.ring_off = htole32(FIXTURE_RING),
			.entries_off = htole32(FIXTURE_RING_ENTRIES),
			.errors_off = htole32(FIXTURE_RING_ERRORS),
			.nr_entries = htole32(FIXTURE_ENTRIES),
		},
	};
}

static inline void port_fixture_init(struct port_fixture *f)
{
	int ret;

	f->memory_fd = memfd_create("port", MFD_CLOEXEC);
	assert(f->memory_fd >= 0);
	ret = ftruncate(f->memory_fd, FIXTURE_SIZE);
	assert(!ret);
	f->base = mmap(NULL, FIXTURE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       f->memory_fd, 0);
	assert(f->base != MAP_FAILED);
	ret = fd_event_create(&f->kick_device);
	assert(!ret);
	ret = fd_event_create(&f->kick_worker);
	assert(!ret);
	ret = fd_event_create(&f->drained);
	assert(!ret);

	f->header = (void *)f->base;
	f->control = (void *)(f->base + FIXTURE_CONTROL);
	f->ring = (void *)(f->base + FIXTURE_RING);
	f->entries = (void *)(f->base + FIXTURE_RING_ENTRIES);
	f->errors = (void *)(f->base + FIXTURE_RING_ERRORS);
	f->frames = (void *)(f->base + FIXTURE_FRAMES);
	f->posted = (void *)(f->base + FIXTURE_POSTED);
	port_fixture_header(f->header);
}

static inline void port_fixture_fini(struct port_fixture *f)
{
	(void)munmap(f->base, FIXTURE_SIZE);
	fd_close(&f->memory_fd);
	fd_close(&f->kick_device);
	fd_close(&f->kick_worker);
	fd_close(&f->drained);
}

#endif
