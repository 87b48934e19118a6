// SPDX-License-Identifier: BSD-2-Clause
/* dma/: the layout of a port, and what its worker does for memory operations. */

#include "tests/dma_fixture.h"
#include "tests/few_fds.h"
#include "tests/test.h"

#include <fcntl.h>

#include <linux/virtio_iommu.h>

#define RW   (VIOMMU_READ | VIOMMU_WRITE)
#define IOVA FIX_IOVA
#define PAGE FIX_PAGE

/* Every page of RAM and all of staging have bytes of their own. */
static void paint(struct fix *f)
{
	for (uint64_t i = 0; i < FIX_RAM; i++)
		f->bytes[i] = (uint8_t)(i / PAGE * 31 + i * 7);
	for (uint32_t i = 0; i < FIX_STAGING; i++)
		f->staging[i] = (uint8_t)(i / 251 + i * 3);
}

static int setup(void **state)
{
	static const unsigned int prot[] = { RW };
	const struct dma_port_shape shape = fix_shape();
	struct fix *f = malloc(sizeof(*f));

	fix_create(f, &shape);
	fix_map_pages(f, prot, 1);
	paint(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fix_destroy(*state);
	free(*state);
	return 0;
}

static void test_shape_is_checked(void **state)
{
	struct fix *f = *state;
	static const struct {
		size_t off;
		uint32_t value;
	} bad[] = {
		{ offsetof(struct dma_port_shape, nr_rings), 0 },
		{ offsetof(struct dma_port_shape, nr_rings),
		  PORT_RINGS_MAX + 1 },
		{ offsetof(struct dma_port_shape, ring_entries[1]), 0 },
		{ offsetof(struct dma_port_shape, ring_entries[0]), 8 },
		{ offsetof(struct dma_port_shape, ring_entries[0]), 48 },
		{ offsetof(struct dma_port_shape, ring_entries[0]), 8192 },
		{ offsetof(struct dma_port_shape, staging_len), 0x100010 },
		{ offsetof(struct dma_port_shape, staging_len), 8 },
		{ offsetof(struct dma_port_shape, regs_len), 0x102 },
		{ offsetof(struct dma_port_shape, regs_len), 0x20004 },
		{ offsetof(struct dma_port_shape, irq_cause_off), 0x100 },
		{ offsetof(struct dma_port_shape, irq_cause_off), 0x12 },
		{ offsetof(struct dma_port_shape, irq_cause_off), FIX_MASK },
		{ offsetof(struct dma_port_shape, irq_cause_off), PORT_NONE },
		{ offsetof(struct dma_port_shape, irq_mask_off), PORT_NONE },
		{ offsetof(struct dma_port_shape, irq_mask_off), 0xfffffffc },
		{ offsetof(struct dma_port_shape, state_len), 0x10001 },
	};
	struct dma_port *port;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct dma_port_shape shape = fix_shape();

		memcpy((char *)&shape + bad[i].off, &bad[i].value, 4);
		assert_int_equal(dma_port_create(&shape, f->ram, NULL, &port),
				 -EINVAL);
	}
}

static void test_failed_creation_leaves_nothing(void **state)
{
	const struct dma_port_shape shape = fix_shape();
	const int first = next_fd();
	struct fix *f = *state;
	struct dma_port *port = NULL;
	struct rlimit before;
	int ret = -EMFILE, tries = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	while (ret == -EMFILE) {
		assert_null(port);
		limit_fds((rlim_t)(first + tries++));
		ret = dma_port_create(&shape, f->ram, NULL, &port);
		limit_fds(before.rlim_cur);
		if (ret)
			assert_int_equal(next_fd(), first);
	}
	assert_int_equal(ret, 0);
	assert_true(tries > 5); /* the memory, four eventfds */
	dma_port_destroy(port);
	assert_int_equal(next_fd(), first);
}

static void test_cause_needs_a_line(void **state)
{
	struct fix *f = *state;
	struct dma_port_shape shape = fix_shape();
	struct dma_port *port;

	shape.irq_cause_off = PORT_NONE;
	shape.irq_mask_off = PORT_NONE;
	assert_int_equal(dma_port_create(&shape, f->ram, NULL, &port), -EINVAL);
	memset(shape.ring_irq_cause, 0, sizeof(shape.ring_irq_cause));
	assert_int_equal(dma_port_create(&shape, f->ram, NULL, &port), 0);
	assert_null(dma_port_irqline(port));
	dma_port_attach(port, f->ep, 0);
	dma_port_destroy(port);
	shape.irq_mask_off = FIX_MASK;
	assert_int_equal(dma_port_create(&shape, f->ram, NULL, &port), -EINVAL);
}

static void test_parts_lie_apart_and_inside(void **state)
{
	struct fix *f = *state;
	const struct port_header *h = &f->header;
	const struct {
		uint32_t off, len;
	} parts[] = {
		{ 0, sizeof(*h) },
		{ h->control_off, sizeof(struct port_control) },
		{ h->rings[0].ring_off, sizeof(struct port_ring) },
		{ h->rings[0].entries_off, 16 * FIX_ENTRIES },
		{ h->rings[0].errors_off, 16 * FIX_ENTRIES },
		{ h->rings[1].ring_off, sizeof(struct port_ring) },
		{ h->rings[1].entries_off, 16 * PORT_ENTRIES_MIN },
		{ h->rings[1].errors_off, 16 * PORT_ENTRIES_MIN },
		{ h->frames_off, PORT_SLOTS * sizeof(struct port_frame) },
		{ h->posted_off, PORT_POSTED_NR * sizeof(struct port_posted) },
		{ h->staging_off, FIX_STAGING },
		{ h->regs_off, 0x100 },
		{ h->state_off, 64 },
	};

	assert_int_equal(h->magic, PORT_MAGIC);
	assert_int_equal(h->version, PORT_VERSION);
	assert_int_equal(h->size, f->size);
	assert_int_equal(h->nr_rings, FIX_RINGS);
	assert_int_equal(h->rings[0].nr_entries, FIX_ENTRIES);
	assert_int_equal(h->rings[1].irq_cause, 2);
	assert_int_equal(h->irq_mask_off, FIX_MASK);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		assert_int_equal(parts[i].off % PAGE, 0);
		if (i > 0)
			assert_true(parts[i - 1].off + parts[i - 1].len <=
				    parts[i].off);
		assert_true(parts[i].off + parts[i].len <= f->size);
	}
	/* The owner of the register page sees what the device sees. */
	dma_port_regs(f->port)[3] = 0x1234;
	assert_int_equal(get_le32(f->memory + h->regs_off + 12), 0x1234);
	assert_ptr_equal((char *)dma_port_posted(f->port) -
			     (char *)dma_port_control(f->port),
			 (void *)(uintptr_t)(h->posted_off - h->control_off));
}

static void test_device_can_not_resize(void **state)
{
	struct fix *f = *state;
	struct dma_port_fds fds;

	dma_port_fds(f->port, &fds);
	assert_int_equal(ftruncate(fds.memory, 0), -1);
	assert_int_equal(ftruncate(fds.memory, fds.size + 4096), -1);
	assert_int_equal(fcntl(fds.memory, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static void test_read_and_write_move_exactly_their_bytes(void **state)
{
	struct fix *f = *state;
	static const uint32_t lens[] = { 0, 1, 64, 4096, 10000, 0x8000 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		const uint32_t len = lens[i];
		uint8_t *before = malloc(FIX_RAM);

		paint(f);
		memcpy(before, f->bytes, FIX_RAM);
		f->staging[16 + len] = 0x77;
		f->staging[15] = 0x78;
		assert_int_equal(
		    fix_run(f, 0,
			    fix_entry(i % 2 ? PORT_OP_READ : PORT_OP_FETCH,
				      IOVA + 100, len, 1, 0)),
		    0);
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal(
			    f->staging[16 + k],
			    fix_page(f, (100 + k) / 4096)[(100 + k) % 4096]);
		assert_int_equal(f->staging[15], 0x78);
		assert_int_equal(f->staging[16 + len], 0x77);
		assert_memory_equal(f->bytes, before, FIX_RAM);

		assert_int_equal(
		    fix_run(f, 0,
			    fix_entry(PORT_OP_WRITE, IOVA + 5000, len, 2, 0)),
		    0);
		for (uint32_t k = 0; k < len; k++) {
			const uint32_t at = 5000 + k;

			before[fix_gpa(at / 4096) + at % 4096] =
			    f->staging[32 + k];
		}
		assert_memory_equal(f->bytes, before, FIX_RAM);
		free(before);
	}
}

static void test_fill_writes_one_byte_at_a_stride(void **state)
{
	struct fix *f = *state;
	static const struct {
		uint32_t nr, stride;
	} cases[] = {
		{ 0, 1 }, { 1, 16 }, { 300, 16 }, { 700, 255 }, { 5000, 1 },
	};
	uint8_t *want = malloc(FIX_RAM);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		paint(f);
		memcpy(want, f->bytes, FIX_RAM);
		for (uint32_t k = 0; k < cases[i].nr; k++) {
			uint32_t at = 12 + k * cases[i].stride;

			want[fix_gpa(at / 4096) + at % 4096] = 0xa5;
		}
		assert_int_equal(
		    fix_run(f, 0,
			    fix_entry(PORT_OP_FILL, IOVA + 12, cases[i].nr,
				      cases[i].stride << 8 | 0xa5, 0)),
		    0);
		assert_memory_equal(f->bytes, want, FIX_RAM);
	}
	free(want);
}

static void test_bad_entries_are_refused(void **state)
{
	struct fix *f = *state;
	static const struct {
		const char *why;
		unsigned int op, len, staging, flags;
	} bad[] = {
		{ "no operation", 0, 1, 0, 0 },
		{ "unknown operation", PORT_OP_DROP + 1, 1, 0, 0 },
		{ "unknown operation", 255, 1, 0, 0 },
		{ "unknown flag", PORT_OP_READ, 1, 0, 0x20 },
		{ "flag of SEND", PORT_OP_READ, 1, 0, PORT_F_EOP },
		{ "flag of SEND", PORT_OP_WRITE, 1, 0, PORT_F_STAGING },
		{ "flag of RECV", PORT_OP_FILL, 1, 0x100, PORT_F_SKIP },
		{ "flag of RECV", PORT_OP_SEND, 60, 0,
		  PORT_F_SKIP | PORT_F_EOP },
		{ "flag of SEND", PORT_OP_RECV, 1, 0, PORT_F_VNET },
		{ "flag of SEND", PORT_OP_DROP, 0, 0, PORT_F_EOP },
		{ "past staging", PORT_OP_READ, FIX_STAGING + 1, 0, 0 },
		{ "past staging", PORT_OP_READ, 17, FIX_STAGING / 16 - 1, 0 },
		{ "past staging", PORT_OP_WRITE, 1, FIX_STAGING / 16, 0 },
		{ "past staging", PORT_OP_FETCH, UINT32_MAX, 1, 0 },
		{ "past staging", PORT_OP_WRITE, 0, 0xffff, 0 },
		{ "no stride", PORT_OP_FILL, 1, 0xff, 0 },
		{ "slot is free", PORT_OP_RECV, 0, 0, 0 },
		{ "no such slot", PORT_OP_RECV, 0, PORT_SLOTS, 0 },
		{ "slot is free", PORT_OP_DROP, 0, 0, 0 },
		{ "no such slot", PORT_OP_DROP, 0, 0xffff, 0 },
		{ "staging", PORT_OP_SEND, 17, FIX_STAGING / 16 - 1,
		  PORT_F_STAGING | PORT_F_EOP },
		{ "vnet not staged", PORT_OP_SEND, PORT_VNET_LEN, 0,
		  PORT_F_VNET | PORT_F_EOP },
		{ "vnet too short", PORT_OP_SEND, PORT_VNET_LEN - 1, 0,
		  PORT_F_VNET | PORT_F_STAGING | PORT_F_EOP },
		{ "frame too long", PORT_OP_SEND, 0x10041, 0, PORT_F_EOP },
		{ "frame too short", PORT_OP_SEND, 13, 0, PORT_F_EOP },
		{ "empty frame", PORT_OP_SEND, 0, 0, PORT_F_EOP },
	};
	uint8_t *ram = malloc(FIX_RAM), *staging = malloc(FIX_STAGING);

	memcpy(ram, f->bytes, FIX_RAM);
	memcpy(staging, f->staging, FIX_STAGING);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		print_message("# %s\n", bad[i].why);
		assert_int_equal(
		    fix_run(f, i % 2,
			    fix_entry(bad[i].op, IOVA, bad[i].len,
				      bad[i].staging, bad[i].flags)),
		    PORT_E_ENTRY);
	}
	assert_memory_equal(f->bytes, ram, FIX_RAM);
	assert_memory_equal(f->staging, staging, FIX_STAGING);
	assert_int_equal(f->be->nr_sent, 0);
	assert_int_equal(dma_port_master(f->port)->stats.bad_entries,
			 ARRAY_SIZE(bad));
	free(ram);
	free(staging);
}

/* IOVA pages that are mapped otherwise than to RAM, both ways. */
#define READ_ONLY  (IOVA + 0x1000000)
#define WRITE_ONLY (IOVA + 0x1001000)
#define BEYOND_RAM (IOVA + 0x1002000)
#define HOLE	   (IOVA + 0x1004000)
#define UNMAPPED   (IOVA + 0x1005000)
#define MSI	   0xfee00000ull

static void map_oddities(struct fix *f)
{
	fix_map(f, READ_ONLY, 0x100000, PAGE, VIOMMU_READ);
	fix_map(f, WRITE_ONLY, 0x101000, PAGE, VIOMMU_WRITE);
	fix_map(f, BEYOND_RAM, FIX_RAM - PAGE, 2 * PAGE, RW);
	fix_map(f, HOLE, GUEST_RAM_HOLE_START, PAGE, RW);
}

static void test_iommu_refusals_move_nothing(void **state)
{
	struct fix *f = *state;
	static const struct {
		const char *why;
		enum port_op op;
		uint64_t iova, at; /* of the fault; 0: not looked at */
		uint32_t len;
		unsigned int staging;
	} cases[] = {
		{ "unmapped", PORT_OP_READ, UNMAPPED, UNMAPPED, 1, 0 },
		{ "unmapped", PORT_OP_FETCH, UNMAPPED, UNMAPPED, 1, 0 },
		{ "unmapped", PORT_OP_FILL, UNMAPPED, UNMAPPED, 1, 0x100 },
		{ "RAM's own address", PORT_OP_READ, 0, 0, 64, 0 },
		{ "write to read-only", PORT_OP_WRITE, READ_ONLY, READ_ONLY, 8,
		  0 },
		{ "fill read-only", PORT_OP_FILL, READ_ONLY, READ_ONLY, 1,
		  0x100 },
		{ "read of write-only", PORT_OP_READ, WRITE_ONLY, WRITE_ONLY, 8,
		  0 },
		{ "send of write-only", PORT_OP_SEND, WRITE_ONLY, WRITE_ONLY,
		  60, 0 },
		{ "last byte unmapped", PORT_OP_WRITE, WRITE_ONLY + 1, 0,
		  4 * PAGE, 0 },
		{ "runs out of its pages", PORT_OP_READ,
		  IOVA + FIX_PAGES * PAGE - 8, IOVA + FIX_PAGES * PAGE, 9, 0 },
		{ "the next page is write-only", PORT_OP_READ, WRITE_ONLY - 10,
		  WRITE_ONLY, 20, 0 },
		{ "past the end of RAM", PORT_OP_READ, BEYOND_RAM + PAGE - 1, 0,
		  2, 0 },
		{ "past the end of RAM", PORT_OP_WRITE, BEYOND_RAM + PAGE, 0, 1,
		  0 },
		{ "a BAR's address", PORT_OP_WRITE, HOLE, HOLE, 4, 0 },
		{ "the MSI window", PORT_OP_WRITE, MSI, MSI, 4, 0 },
		{ "the MSI window", PORT_OP_READ, MSI, MSI, 4, 0 },
		{ "wraps", PORT_OP_READ, UINT64_MAX, UINT64_MAX, 2, 0 },
		{ "wraps", PORT_OP_FILL, UINT64_MAX - 254, UINT64_MAX - 254, 2,
		  0xff00 },
		{ "fill steps off", PORT_OP_FILL, IOVA + FIX_PAGES * PAGE - 16,
		  IOVA + FIX_PAGES * PAGE, 2, 0x1000 },
	};
	uint8_t *ram = malloc(FIX_RAM), *staging = malloc(FIX_STAGING);
	struct virtio_iommu_fault fault;
	struct viommu_stats stats;

	map_oddities(f);
	memcpy(ram, f->bytes, FIX_RAM);
	memcpy(staging, f->staging, FIX_STAGING);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(
		    fix_run(f, 0,
			    fix_entry(cases[i].op, cases[i].iova, cases[i].len,
				      cases[i].staging, 0)),
		    PORT_E_FAULT);
		assert_int_equal(fix_moved(f, 0), 0);
		assert_true(viommu_take_fault(f->mmu, &fault));
		if (cases[i].at)
			assert_int_equal(le64toh(fault.address), cases[i].at);
		if (cases[i].op == PORT_OP_SEND) /* end the frame */
			assert_int_equal(
			    fix_run(f, 0, fix_entry(PORT_OP_SEND, 0, 0, 0, 1)),
			    PORT_E_RUN);
	}
	assert_memory_equal(f->bytes, ram, FIX_RAM);
	assert_memory_equal(f->staging, staging, FIX_STAGING);
	assert_int_equal(dma_port_master(f->port)->stats.refused,
			 ARRAY_SIZE(cases));
	viommu_stats(f->mmu, &stats);
	assert_int_equal(stats.faults, ARRAY_SIZE(cases));
	free(ram);
	free(staging);
}

/* What lies between the bytes of a FILL need not be permitted. */
static void test_fill_asks_only_for_its_bytes(void **state)
{
	struct fix *f = *state;

	fix_unmap(f, IOVA + PAGE, PAGE);
	assert_int_equal(
	    fix_run(f, 0,
		    fix_entry(PORT_OP_FILL, IOVA + PAGE - 200, 2, 0xff33, 0)),
	    PORT_E_FAULT);
	assert_int_not_equal(fix_page(f, 0)[PAGE - 200], 0x33);
	assert_int_equal(
	    fix_run(f, 0,
		    fix_entry(PORT_OP_FILL, IOVA + PAGE - 200, 1, 0xff33, 0)),
	    0);
	assert_int_equal(fix_page(f, 0)[PAGE - 200], 0x33);
}

/* Longer than an epoch: each piece by itself, and the rest tells how far. */
static void test_long_operations_are_cut(void **state)
{
	struct fix *f = *state;

	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x18000, 0, 0)), 0);
	for (unsigned int i = 0; i < 0x18; i++)
		assert_memory_equal(f->staging + i * PAGE, fix_page(f, i),
				    PAGE);
	fix_unmap(f, IOVA + 0x14 * PAGE, PAGE);
	memset(f->staging, 0, FIX_STAGING);
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x18000, 0, 0)),
	    PORT_E_FAULT);
	assert_int_equal(fix_moved(f, 0), 0x10000);
	for (unsigned int i = 0; i < 0x10; i++)
		assert_memory_equal(f->staging + i * PAGE, fix_page(f, i),
				    PAGE);
	for (uint32_t i = 0x10000; i < FIX_STAGING; i++)
		assert_int_equal(f->staging[i], 0);
	/* A FILL's epoch has 256 bytes. */
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_FILL, IOVA, 0x1000, 0x8055, 0)),
	    PORT_E_FAULT);
	assert_int_equal(fix_moved(f, 0), 0x200);
}

/* Behind other entries of its epoch a short one still moves whole or not. */
static void test_what_fits_an_epoch_is_not_cut(void **state)
{
	struct fix *f = *state;
	uint8_t before[PAGE];

	/* Resident already: no other reason to end an epoch. */
	assert_int_equal(guest_ram_populate(f->ram, 0, FIX_RAM), 0);
	fix_unmap(f, IOVA + 0x27 * PAGE, PAGE);
	memcpy(before, fix_page(f, 0x20), PAGE);
	fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x4000, 0, 0));
	fix_post(f, 0,
		 fix_entry(PORT_OP_WRITE, IOVA + 0x20 * PAGE, 0x8000, 0, 0));
	fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA, 16, 0, 0));
	fix_publish(f, 0);
	assert_true(fix_settle(f));
	assert_int_equal(fix_ring(f, 0)->done, 3);
	assert_int_equal(fix_ring(f, 0)->errors, 1);
	assert_int_equal(fix_error(f, 0, 0).seq, 1);
	assert_int_equal(fix_error(f, 0, 0).moved, 0);
	assert_memory_equal(fix_page(f, 0x20), before, PAGE);
}

static void test_tail_past_the_ring_ends_it(void **state)
{
	struct fix *f = *state;
	static const uint32_t tails[] = { PORT_ENTRIES_MIN + 1, UINT32_MAX };
	struct dma_stats *stats = &dma_port_master(f->port)->stats;

	fix_post(f, 1, fix_entry(PORT_OP_WRITE, IOVA, 64, 0, 0));
	shared_store(&fix_ring(f, 1)->tail, tails[0]);
	assert_false(dma_port_step(f->port));
	assert_int_equal(stats->bad_entries, 1);
	assert_int_equal(stats->operations, 0);
	/* For good: and the other ring does not notice. */
	shared_store(&fix_ring(f, 1)->tail, 1);
	assert_false(dma_port_step(f->port));
	assert_int_equal(fix_run(f, 0, fix_entry(PORT_OP_READ, IOVA, 64, 0, 0)),
			 0);
	shared_store(&fix_ring(f, 0)->tail, tails[1]);
	assert_false(dma_port_step(f->port));
	assert_int_equal(stats->bad_entries, 2);
	assert_int_equal(fix_ring(f, 1)->done, 0);
}

static void test_counters_may_wrap_the_ring(void **state)
{
	struct fix *f = *state;

	for (uint32_t i = 0; i < 10; i++) {
		for (uint32_t k = 0; k < PORT_ENTRIES_MIN; k++)
			fix_post(f, 1,
				 fix_entry(PORT_OP_READ,
					   k % 2 ? UNMAPPED : IOVA, 8, 0, 0));
		fix_publish(f, 1);
		assert_true(fix_settle(f));
		assert_int_equal(fix_ring(f, 1)->done, f->tail[1]);
		assert_int_equal(fix_ring(f, 1)->errors, f->tail[1] / 2);
		assert_int_equal(fix_error(f, 1, f->tail[1] / 2 - 1).seq,
				 f->tail[1] - 1);
	}
}

/* A device that keeps one ring full does not keep the other from its turn. */
static void test_rings_take_turns(void **state)
{
	struct fix *f = *state;

	for (uint32_t i = 0; i < FIX_ENTRIES; i++)
		fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x8000, 0, 0));
	fix_publish(f, 0);
	fix_post(f, 1, fix_entry(PORT_OP_READ, IOVA, 64, 0, 0));
	fix_publish(f, 1);
	assert_true(dma_port_step(f->port));
	assert_int_equal(fix_ring(f, 1)->done, 1);
	assert_true(fix_ring(f, 0)->done < 8);
}

/* A FILL's bytes are as dear as what they may cost. */
static void test_fills_do_not_prolong_a_turn(void **state)
{
	struct fix *f = *state;

	for (uint32_t i = 0; i < FIX_ENTRIES; i++)
		fix_post(f, 0, fix_entry(PORT_OP_FILL, IOVA, 256, 0x100, 0));
	fix_publish(f, 0);
	assert_true(dma_port_step(f->port));
	assert_true(fix_ring(f, 0)->done < 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_shape_is_checked),
		TEST(test_cause_needs_a_line),
		TEST(test_failed_creation_leaves_nothing),
		TEST(test_parts_lie_apart_and_inside),
		TEST(test_device_can_not_resize),
		TEST(test_read_and_write_move_exactly_their_bytes),
		TEST(test_fill_writes_one_byte_at_a_stride),
		TEST(test_bad_entries_are_refused),
		TEST(test_iommu_refusals_move_nothing),
		TEST(test_fill_asks_only_for_its_bytes),
		TEST(test_long_operations_are_cut),
		TEST(test_what_fits_an_epoch_is_not_cut),
		TEST(test_tail_past_the_ring_ends_it),
		TEST(test_counters_may_wrap_the_ring),
		TEST(test_rings_take_turns),
		TEST(test_fills_do_not_prolong_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
