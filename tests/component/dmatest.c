// SPDX-License-Identifier: BSD-2-Clause
/*
 * The dmatest device in its jail, driven as a guest's driver would: what it moves,
 * what it is not let to, and how it interrupts.
 */
#include "tests/component/dmatest_driver.h"
#include "tests/test.h"

#include <endian.h>
#include <poll.h>
#include <string.h>

#include <linux/virtio_iommu.h>

#include "base/fd.h"

#define IOVA 0x40000000ull
#define GPA  0x200000
#define PAGE 4096ul
#define RW   (VIOMMU_READ | VIOMMU_WRITE)

static void set_staging(struct harness *h, const void *bytes, uint32_t len)
{
	assert_int_equal(h->dev->ops->region_write(h->dev, BAR2, 0, bytes, len),
			 0);
}

static void check_staging(struct harness *h, const void *bytes, uint32_t len)
{
	uint8_t got[64];

	assert_in_range(len, 1, sizeof(got));
	assert_int_equal(h->dev->ops->region_read(h->dev, BAR2, 0, got, len),
			 0);
	assert_memory_equal(got, bytes, len);
}

/* ---- what it moves ---- */

static void test_moves_bytes_inside_a_grant(void **state)
{
	struct harness *h = *state;
	uint8_t *ram = harness_ram(h, GPA, 2 * PAGE);

	assert_int_equal(harness_read32(h, BAR0, DMATEST_ID), DMATEST_MAGIC);
	harness_map(h, IOVA, GPA, 2 * PAGE, RW);
	memcpy(ram + PAGE - 3, "across", sizeof("across"));
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_READ, IOVA + PAGE - 3, 6, 0, 1, 0 }),
	    0);
	check_staging(h, "across", 6);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_MOVED), 6);

	set_staging(h, "written by it", 13);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_WRITE, IOVA + 100, 13, 0, 1, 0 }), 0);
	assert_memory_equal(ram + 100, "written by it", 13);
	assert_int_equal(ram[99], 0);
	assert_int_equal(ram[113], 0);

	/* Bytes of 0x5a at a stride of 16. */
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_FILL, IOVA + 0x200, 4, 0x105a, 1, 0 }),
	    0);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(ram[0x200 + i], i % 16 ? 0 : 0x5a);
	assert_int_equal(stats(h).bytes_read, 6);
	assert_int_equal(stats(h).bytes_written, 17);
	assert_int_equal(stats(h).refused, 0);
}

/* ---- what it is not let to ---- */

static void check_fault(struct harness *h, uint64_t iova, uint32_t access)
{
	struct virtio_iommu_fault fault;

	assert_true(viommu_take_fault(h->mmu, &fault));
	assert_int_equal(fault.reason, VIRTIO_IOMMU_FAULT_R_MAPPING);
	assert_int_equal(le32toh(fault.endpoint), HARNESS_ENDPOINT);
	assert_int_equal(le64toh(fault.address), iova);
	assert_int_equal(le32toh(fault.flags),
			 access | VIRTIO_IOMMU_FAULT_F_ADDRESS);
}

static void test_reaches_nothing_outside_its_grants(void **state)
{
	static const uint64_t others[] = {
		0,     GPA,	   IOVA - 1, IOVA + PAGE, IOVA + PAGE - 1,
		~0ull, 0xfee00000,
	};
	struct harness *h = *state;
	uint8_t before[2 * PAGE];
	uint8_t *ram = harness_ram(h, GPA - PAGE, 2 * PAGE);

	memset(ram, 0xa5, 2 * PAGE);
	memcpy(before, ram, sizeof(before));
	harness_map(h, IOVA, GPA, PAGE, RW);
	set_staging(h, "\1\2", 2);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		print_message("# %#llx\n", (unsigned long long)others[i]);
		assert_int_equal(run(h, &(struct op){ PORT_OP_WRITE, others[i],
						      2, 0, 1, 0 }),
				 PORT_E_FAULT);
		assert_int_equal(harness_read32(h, BAR0, DMATEST_MOVED), 0);
		assert_int_equal(run(h, &(struct op){ PORT_OP_READ, others[i],
						      2, 16, 1, 0 }),
				 PORT_E_FAULT);
	}
	check_staging(h, "\1\2", 2);
	assert_memory_equal(ram, before, sizeof(before));
	assert_int_equal(stats(h).refused, 2 * ARRAY_SIZE(others));
	check_fault(h, 0, VIRTIO_IOMMU_FAULT_F_WRITE);
	check_fault(h, 0, VIRTIO_IOMMU_FAULT_F_READ);
}

static void test_directions_are_kept(void **state)
{
	struct harness *h = *state;
	uint8_t *ram = harness_ram(h, GPA, 2 * PAGE);

	memcpy(ram, "read", sizeof("read"));
	harness_map(h, IOVA, GPA, PAGE, VIOMMU_READ);
	harness_map(h, IOVA + PAGE, GPA + PAGE, PAGE, VIOMMU_WRITE);
	assert_int_equal(run(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, 0 }),
			 0);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_WRITE, IOVA + 8, 4, 0, 1, 0 }),
	    PORT_E_FAULT);
	assert_int_equal(ram[8], 0);
	check_fault(h, IOVA + 8, VIRTIO_IOMMU_FAULT_F_WRITE);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_READ, IOVA + PAGE, 4, 0, 1, 0 }),
	    PORT_E_FAULT);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_WRITE, IOVA + PAGE, 4, 0, 1, 0 }), 0);
	assert_memory_equal(ram + PAGE, "read", 4);
}

static void test_entries_that_make_no_sense_fail_alone(void **state)
{
	struct harness *h = *state;

	harness_map(h, IOVA, GPA, PAGE, RW);
	assert_int_equal(run(h, &(struct op){ 99, IOVA, 4, 0, 1, 0 }),
			 PORT_E_ENTRY);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, 0x80 }),
	    PORT_E_ENTRY);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_READ, IOVA, 0x10001, 16, 1, 0 }),
	    PORT_E_ENTRY);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_SEND, IOVA, 64, 0, 1, PORT_F_EOP }),
	    PORT_E_NODEV);
	assert_int_equal(run(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, 0 }),
			 0);
	assert_false(vdev_check(h->dev));
}

static void test_an_unmap_ends_access(void **state)
{
	struct harness *h = *state;
	uint8_t *ram = harness_ram(h, GPA, PAGE);

	harness_map(h, IOVA, GPA, PAGE, RW);
	set_staging(h, "one", 3);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_WRITE, IOVA, 3, 0, 1, 0 }), 0);
	harness_unmap(h, IOVA, PAGE);
	set_staging(h, "two", 3);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_WRITE, IOVA, 3, 0, 1, 0 }),
	    PORT_E_FAULT);
	assert_memory_equal(ram, "one", 3);
}

/* The device writes all of a grant, in pieces of 16 bytes; the grant is revoked on the way, and from then on not a byte changes. */
static void test_an_unmap_ends_what_is_in_flight(void **state)
{
	static uint8_t after[1u << 20];
	struct harness *h = *state;
	uint8_t *ram = harness_ram(h, GPA, sizeof(after));
	const struct op write = { PORT_OP_WRITE,      IOVA, 16, 0,
				  sizeof(after) / 16, 0 };

	for (uint8_t round = 1; round <= 10; round++) {
		int64_t end = now_ms() + 5000;
		uint8_t bytes[16];

		memset(bytes, round, sizeof(bytes));
		set_staging(h, bytes, sizeof(bytes));
		harness_map(h, IOVA, GPA, sizeof(after), RW);
		go(h, &write);
		while (__atomic_load_n(&ram[PAGE * round], __ATOMIC_RELAXED) !=
		       round)
			assert_true(now_ms() < end);
		harness_unmap(h, IOVA, sizeof(after));
		memcpy(after, ram, sizeof(after));
		wait_done(h);
		assert_memory_equal(ram, after, sizeof(after));
	}
}

static void test_without_iommu_it_reaches_ram_and_only_ram(void **state)
{
	struct harness h;

	(void)state;
	harness_start(&h, "pviommu-dmatest", DRIVER_RAM_SIZE, NULL, false);
	memcpy(harness_ram(&h, GPA, 4), "IDEN", 4);
	assert_int_equal(run(&h, &(struct op){ PORT_OP_READ, GPA, 4, 0, 1, 0 }),
			 0);
	check_staging(&h, "IDEN", 4);
	assert_int_equal(
	    run(&h, &(struct op){ PORT_OP_READ, DRIVER_RAM_SIZE, 4, 0, 1, 0 }),
	    PORT_E_FAULT);
	harness_stop(&h);
}

/* ---- interrupts and doorbells ---- */

static void test_interrupts_while_cause_and_mask_meet(void **state)
{
	struct harness *h = *state;

	harness_map(h, IOVA, GPA, PAGE, RW);
	assert_int_equal(run(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, 0 }),
			 0);
	assert_false(harness_wait_intx(h, 0));
	harness_write32(h, BAR0, DMATEST_MASK_SET, DMATEST_CAUSE_DONE);
	assert_true(harness_wait_intx(h, 1000));
	assert_int_equal(harness_read32(h, BAR0, DMATEST_MASK_SET),
			 DMATEST_CAUSE_DONE);

	/* Nobody has served it: the end of interrupt brings it back. */
	h->dev->ops->intx_eoi(h->dev);
	assert_true(harness_wait_intx(h, 0));
	assert_true(h->dev->ops->intx_asserted(h->dev));
	assert_int_equal(harness_read32(h, BAR0, DMATEST_CAUSE),
			 DMATEST_CAUSE_DONE);
	h->dev->ops->intx_eoi(h->dev);
	assert_false(harness_wait_intx(h, 0));

	/* Now the device itself, and the worker. */
	go(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, 0 });
	assert_true(harness_wait_intx(h, 5000));
	wait_done(h);
	(void)harness_read32(h, BAR0, DMATEST_CAUSE);
	harness_write32(h, BAR0, DMATEST_MASK_CLEAR, ~0u);
	harness_write32(h, BAR0, DMATEST_MASK_SET, DMATEST_CAUSE_RING);
	go(h, &(struct op){ PORT_OP_READ, IOVA, 4, 0, 1, PORT_F_IRQ });
	assert_true(harness_wait_intx(h, 5000));
	assert_true(harness_read32(h, BAR0, DMATEST_CAUSE) &
		    DMATEST_CAUSE_RING);
}

static void test_msix_takes_the_place_of_intx(void **state)
{
	struct harness *h = *state;
	struct pollfd p = { .events = POLLIN };
	int none = -1;

	assert_int_equal(fd_event_create(&p.fd), 0);
	assert_int_equal(h->dev->ops->set_irqs(h->dev, 0, 0, 1, &none), 0);
	assert_int_equal(h->dev->ops->set_irqs(h->dev, 2, 0, 1, &p.fd), 0);
	harness_write32(h, BAR0, DMATEST_MASK_SET, DMATEST_CAUSE_TAIL);
	harness_write32(h, BAR0, DMATEST_TAIL, 5);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_false(harness_wait_intx(h, 0));
	fd_close(&p.fd);
}

static void test_doorbells_arrive(void **state)
{
	struct harness *h = *state;
	int64_t end = now_ms() + 5000;
	unsigned int region;
	uint64_t off;
	uint32_t len;
	int fd;

	harness_write32(h, BAR0, DMATEST_TAIL, 77);
	while (harness_read32(h, BAR0, DMATEST_TAIL_SEEN) != 77)
		assert_true(now_ms() < end);

	/* One without a value: by message, and by the eventfd in its place. */
	assert_true(h->dev->ops->io_fd(h->dev, 0, &region, &off, &len, &fd));
	assert_int_equal(region, BAR2);
	assert_int_equal(off, DMATEST_BELL);
	harness_write32(h, BAR2, DMATEST_BELL, 0);
	fd_event_signal(fd);
	while (harness_read32(h, BAR0, DMATEST_BELL_COUNT) != 2)
		assert_true(now_ms() < end);
}

static void test_registers_of_every_width(void **state)
{
	struct harness *h = *state;
	uint64_t wide = 0x1122334455667788;
	uint8_t bytes[8];

	/* LEN and STAGING, next to one another. */
	assert_int_equal(
	    h->dev->ops->region_write(h->dev, BAR0, DMATEST_LEN, &wide, 8), 0);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_LEN), 0x55667788);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_STAGING), 0x11223344);
	assert_int_equal(
	    h->dev->ops->region_read(h->dev, BAR0, DMATEST_LEN + 1, bytes, 2),
	    0);
	assert_memory_equal(bytes, "\x77\x66", 2);
	assert_int_equal(
	    h->dev->ops->region_read(h->dev, BAR0, DMATEST_LEN + 2, bytes, 4),
	    0);
	assert_memory_equal(bytes, "\x66\x55\x44\x33", 4);
	/* Less than a word, and words off their place, are not written. */
	assert_int_not_equal(
	    h->dev->ops->region_write(h->dev, BAR0, DMATEST_LEN, &wide, 2), 0);
	assert_int_not_equal(
	    h->dev->ops->region_write(h->dev, BAR0, DMATEST_LEN + 2, &wide, 4),
	    0);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_LEN), 0x55667788);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_moves_bytes_inside_a_grant),
		DEVICE_TEST(test_reaches_nothing_outside_its_grants),
		DEVICE_TEST(test_directions_are_kept),
		DEVICE_TEST(test_entries_that_make_no_sense_fail_alone),
		DEVICE_TEST(test_an_unmap_ends_access),
		DEVICE_TEST(test_an_unmap_ends_what_is_in_flight),
		cmocka_unit_test(
		    test_without_iommu_it_reaches_ram_and_only_ram),
		DEVICE_TEST(test_interrupts_while_cause_and_mask_meet),
		DEVICE_TEST(test_msix_takes_the_place_of_intx),
		DEVICE_TEST(test_doorbells_arrive),
		DEVICE_TEST(test_registers_of_every_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
