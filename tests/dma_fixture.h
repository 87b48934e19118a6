/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port with guest RAM, a viommu and a backend, without a device: the test holds
 * the device's end of the shared memory and writes rings by hand.
 *
 * The domain has an identity-free map: page i of the IOVA space at FIX_IOVA is
 * page (FIX_PAGES - 1 - i) of RAM, so that neighbours are never contiguous and
 * that a confusion of the two spaces shows.
 */
#ifndef TESTS_DMA_FIXTURE_H
#define TESTS_DMA_FIXTURE_H

#include "base/bytes.h"
#include "dma/port.h"
#include "viommu/domain.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIX_PAGE     4096ull
#define FIX_RAM	     0x200000ull
#define FIX_IOVA     0x40000000ull
#define FIX_PAGES    64u
#define FIX_ENDPOINT 0x18
#define FIX_DOMAIN   1
#define FIX_CAUSE    0x10
#define FIX_MASK     0x20
#define FIX_STAGING  0x20000u
#define FIX_RINGS    2u
#define FIX_ENTRIES  512u

/* Unlike assert(), for fuzz targets too. */
#define FIX_CHECK(x)             \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

/* Keeps what was sent; gives what it is told. */
struct fix_backend {
	struct backend be;
	uint8_t sent[8][0x11000];
	size_t sent_len[8];
	unsigned int nr_sent;
	int send_ret; /* what send returns */
	uint8_t next[0x5000];
	ssize_t next_len; /* what receive gives … */
	unsigned int nr;  /* … so often, then -EAGAIN */
};

struct fix {
	struct guest_ram *ram;
	uint8_t *bytes; /* of RAM */
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	struct fix_backend *be;
	struct dma_port *port;
	/* The device's mapping, and where things are in it. */
	uint8_t *memory;
	uint32_t size;
	struct port_header header;
	struct port_control *control;
	struct port_frame *frames;
	uint8_t *staging;
	uint32_t tail[FIX_RINGS];
};

static inline int fix_send(struct backend *be, void *buf, size_t len)
{
	struct fix_backend *fb = (struct fix_backend *)be;
	unsigned int i = fb->nr_sent++ % ARRAY_SIZE(fb->sent);

	FIX_CHECK(len <= sizeof(fb->sent[i]));
	memcpy(fb->sent[i], buf, len);
	fb->sent_len[i] = len;
	return fb->send_ret;
}

static inline ssize_t fix_receive(struct backend *be, void *buf, size_t cap)
{
	struct fix_backend *fb = (struct fix_backend *)be;

	if (fb->nr == 0)
		return -EAGAIN;
	fb->nr--;
	if (fb->next_len > (ssize_t)cap)
		return -EMSGSIZE;
	if (fb->next_len > 0)
		memcpy(buf, fb->next, (size_t)fb->next_len);
	return fb->next_len;
}

static const struct backend_ops fix_backend_ops = {
	.send = fix_send,
	.receive = fix_receive,
};

static inline struct dma_port_shape fix_shape(void)
{
	return (struct dma_port_shape){
		.nr_rings = FIX_RINGS,
		.ring_entries = { FIX_ENTRIES, PORT_ENTRIES_MIN },
		.ring_irq_cause = { 1, 2 },
		.staging_len = FIX_STAGING,
		.regs_len = 0x100,
		.irq_cause_off = FIX_CAUSE,
		.irq_mask_off = FIX_MASK,
		.state_len = 64,
		.net = true,
	};
}

static inline void fix_map_device(struct fix *f)
{
	struct dma_port_fds fds;

	dma_port_fds(f->port, &fds);
	f->size = fds.size;
	f->memory = mmap(NULL, fds.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fds.memory, 0);
	FIX_CHECK(f->memory != MAP_FAILED);
	memcpy(&f->header, f->memory, sizeof(f->header));
	f->control = (void *)(f->memory + le32toh(f->header.control_off));
	f->frames = (void *)(f->memory + le32toh(f->header.frames_off));
	f->staging = f->memory + le32toh(f->header.staging_off);
}

/* Where page @i of the IOVA space is in RAM. */
static inline uint64_t fix_gpa(unsigned int i)
{
	return (FIX_PAGES - 1 - i) * FIX_PAGE;
}

static inline uint8_t *fix_page(struct fix *f, unsigned int i)
{
	return f->bytes + fix_gpa(i);
}

static inline void fix_map(struct fix *f, uint64_t iova, uint64_t gpa,
			   uint64_t len, unsigned int prot)
{
	struct iova_range range = { iova, iova + len - 1 };

	FIX_CHECK(viommu_map(f->mmu, FIX_DOMAIN, range, gpa, prot) == 0);
}

static inline void fix_unmap(struct fix *f, uint64_t iova, uint64_t len)
{
	struct iova_range range = { iova, iova + len - 1 };

	FIX_CHECK(viommu_unmap(f->mmu, FIX_DOMAIN, range) == 0);
}

/* @prot of page i is prot[i % nr_prot]; 0 leaves a page unmapped. */
static inline void fix_map_pages(struct fix *f, const unsigned int *prot,
				 unsigned int nr_prot)
{
	for (unsigned int i = 0; i < FIX_PAGES; i++)
		if (prot[i % nr_prot])
			fix_map(f, FIX_IOVA + i * FIX_PAGE, fix_gpa(i),
				FIX_PAGE, prot[i % nr_prot]);
}

static inline void fix_create(struct fix *f, const struct dma_port_shape *shape)
{
	struct viommu_config config;

	memset(f, 0, sizeof(*f));
	f->be = calloc(1, sizeof(*f->be));
	FIX_CHECK(f->be);
	f->be->be.ops = &fix_backend_ops;
	f->be->be.fd = -1;
	FIX_CHECK(guest_ram_create(FIX_RAM, &f->ram) == 0);
	f->bytes = guest_ram_bank(f->ram, 0)->host;
	viommu_config_default(&config);
	FIX_CHECK(viommu_create(&config, &f->mmu) == 0);
	FIX_CHECK(dma_port_create(shape, f->ram, &f->be->be, &f->port) == 0);
	FIX_CHECK(viommu_endpoint_add(f->mmu, FIX_ENDPOINT,
				      &dma_master_listener,
				      dma_port_master(f->port), &f->ep) == 0);
	FIX_CHECK(viommu_attach(f->mmu, FIX_DOMAIN, FIX_ENDPOINT, false) == 0);
	dma_port_attach(f->port, f->ep, -1);
	fix_map_device(f);
}

static inline void fix_destroy(struct fix *f)
{
	dma_port_stop(f->port);
	viommu_endpoint_remove(f->ep);
	dma_port_destroy(f->port);
	viommu_destroy(f->mmu);
	guest_ram_destroy(f->ram);
	(void)munmap(f->memory, f->size);
	free(f->be);
}

static inline struct port_ring *fix_ring(struct fix *f, unsigned int r)
{
	return (void *)(f->memory + le32toh(f->header.rings[r].ring_off));
}

static inline void fix_publish(struct fix *f, unsigned int r)
{
	shared_store_release(&fix_ring(f, r)->tail, f->tail[r]);
}

/* Writes the next entry of ring @r; fix_publish() shows it to the worker. */
static inline void fix_post(struct fix *f, unsigned int r,
			    struct port_entry entry)
{
	const struct port_ring_layout *l = &f->header.rings[r];
	struct port_entry *entries =
	    (void *)(f->memory + le32toh(l->entries_off));

	entries[f->tail[r]++ % le32toh(l->nr_entries)] = entry;
}

/* Until the worker, run by hand, finds nothing more; true if that came soon. */
static inline bool fix_settle(struct fix *f)
{
	for (int i = 0; i < 10000; i++)
		if (!dma_port_step(f->port))
			return true;
	return false;
}

static inline struct port_error fix_error(struct fix *f, unsigned int r,
					  uint32_t i)
{
	const struct port_ring_layout *l = &f->header.rings[r];
	const struct port_error *errors =
	    (void *)(f->memory + le32toh(l->errors_off));

	return errors[i % le32toh(l->nr_entries)];
}

/* Runs one entry. Return: 0 or the PORT_E_* that it got. */
static inline unsigned int fix_run(struct fix *f, unsigned int r,
				   struct port_entry entry)
{
	struct port_ring *ring = fix_ring(f, r);
	uint32_t errors = shared_load(&ring->errors);
	struct port_error error;

	fix_post(f, r, entry);
	fix_publish(f, r);
	FIX_CHECK(fix_settle(f));
	FIX_CHECK(shared_load_acquire(&ring->done) == f->tail[r]);
	if (shared_load(&ring->errors) == errors)
		return 0;
	FIX_CHECK(shared_load(&ring->errors) == errors + 1);
	error = fix_error(f, r, errors);
	FIX_CHECK(le32toh(error.seq) == f->tail[r] - 1);
	FIX_CHECK(error.code != 0);
	return le16toh(error.code);
}

/* Bytes that the last failed entry of ring @r had moved. */
static inline uint32_t fix_moved(struct fix *f, unsigned int r)
{
	uint32_t errors = shared_load(&fix_ring(f, r)->errors);

	return le32toh(fix_error(f, r, errors - 1).moved);
}

static inline bool fix_signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool yes = poll(&p, 1, 0) == 1;

	fd_event_drain(fd);
	return yes;
}

/* Threads that share a processor only ever see each other at rest: the test on
 * the first, the worker on the last, as far as that can be had. */
static inline void fix_pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* For dma_port_start(). */
static inline int fix_pin_worker(void)
{
	fix_pin(sysconf(_SC_NPROCESSORS_ONLN) - 1);
	return 0;
}

/* An entry, in short. */
static inline struct port_entry fix_entry(enum port_op op, uint64_t iova,
					  uint32_t len, uint32_t staging,
					  unsigned int flags)
{
	return (struct port_entry){
		.iova = htole64(iova),
		.len = htole32(len),
		.staging = htole16((uint16_t)staging),
		.op = (uint8_t)op,
		.flags = (uint8_t)flags,
	};
}

#endif
