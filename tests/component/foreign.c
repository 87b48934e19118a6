// SPDX-License-Identifier: BSD-2-Clause
/*
 * A foreign vfio-user server, which knows no port: it reaches guest memory by
 * DMA_READ and DMA_WRITE messages, at moments of its own choice. A write to its
 * doorbell starts a job: what it copies, and whether that worked, is up to the
 * IOMMU.
 */
#include "tests/test.h"
#include "tests/unit/vfio_fake.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/virtio_iommu.h>

#include "base/bytes.h"
#include "dma/access.h"
#include "memory/guest_ram.h"
#include "vfio/vdev.h"
#include "viommu/domain.h"
#include "viommu/viommu.h"

#define TIMEOUT_MS 5000
#define DOMAIN	   3
#define IOVA	   0x7000000ull
#define GPA	   0x100000
#define PAGE	   4096ul

/* Registers in BAR 0 of the server: a job from memory to memory. */
#define REG_FROM   0x00 /* 8 bytes */
#define REG_TO	   0x08 /* 8 bytes */
#define REG_LEN	   0x10
#define REG_REPEAT 0x14
#define REG_START  0x18
#define REG_STATUS 0x1c /* jobs done << 16 | errno of the last */

/* ---- the server ---- */

/* One access. Return: the error that the client answered with. */
static uint32_t access_memory(struct fake *fake, uint16_t command,
			      uint64_t address, uint8_t *data, uint32_t len)
{
	const struct vfio_user_dma_access access = {
		.address = htole64(address),
		.count = htole64(len),
	};
	static _Thread_local struct fake_message msg;

	msg = (struct fake_message){
		.header.command = htole16(command),
		.len = sizeof(access),
	};
	memcpy(msg.body, &access, sizeof(access));
	if (command == VFIO_USER_DMA_WRITE) {
		memcpy(msg.body + msg.len, data, len);
		msg.len += len;
	}
	if (!fake_ask(fake, &msg))
		return EPIPE;
	if (le32toh(msg.header.flags) & VFIO_USER_F_ERROR)
		return le32toh(msg.header.error);
	if (command == VFIO_USER_DMA_READ)
		memcpy(data, msg.body + sizeof(access), len);
	return 0;
}

static uint32_t copy(struct fake *fake)
{
	uint32_t len = get_le32(fake->bar0 + REG_LEN);
	uint8_t data[PAGE];
	uint32_t error;

	error = access_memory(fake, VFIO_USER_DMA_READ,
			      get_le64(fake->bar0 + REG_FROM), data, len);
	if (error)
		return error;
	return access_memory(fake, VFIO_USER_DMA_WRITE,
			     get_le64(fake->bar0 + REG_TO), data, len);
}

/* Answers the write, and then does its job while nobody waits for it. */
static enum fake_act doorbell(struct fake *fake, struct fake_message *reply)
{
	struct vfio_user_region_access access;
	uint32_t jobs = get_le32(fake->bar0 + REG_STATUS) >> 16;
	uint32_t error = 0;

	memcpy(&access, reply->body, sizeof(access));
	if (le64toh(access.offset) != REG_START)
		return FAKE_SEND;
	if (!fake_send(fake, reply))
		return FAKE_HANG_UP;
	for (uint32_t i = 0; i <= get_le32(fake->bar0 + REG_REPEAT); i++) {
		error = copy(fake);
		if (error)
			break;
	}
	put_le32(fake->bar0 + REG_STATUS, (jobs + 1) << 16 | error);
	return FAKE_SILENCE;
}

/* ---- the guest's driver ---- */

static void setup_init(struct fake_setup *s)
{
	fake_setup_init(s);
	s->fake.command = VFIO_USER_REGION_WRITE;
	s->fake.spoil = doorbell;
	assert_int_equal(fake_setup_connect(s, TIMEOUT_MS), 0);
	assert_int_equal(viommu_attach(s->mmu, DOMAIN, FAKE_ENDPOINT, false),
			 0);
}

static void map(struct fake_setup *s, uint64_t iova, uint64_t gpa,
		unsigned int prot)
{
	const struct iova_range page = { iova, iova + PAGE - 1 };

	assert_int_equal(viommu_map(s->mmu, DOMAIN, page, gpa, prot), 0);
}

static void unmap(struct fake_setup *s, uint64_t iova)
{
	const struct iova_range page = { iova, iova + PAGE - 1 };

	assert_int_equal(viommu_unmap(s->mmu, DOMAIN, page), 0);
}

static void write_reg(struct fake_setup *s, uint64_t off, const void *value,
		      uint32_t len)
{
	assert_int_equal(s->dev->ops->region_write(s->dev, 0, off, value, len),
			 0);
}

static void start_job(struct fake_setup *s, uint64_t from, uint64_t to,
		      uint32_t len, uint32_t repeat)
{
	write_reg(s, REG_FROM, &from, sizeof(from));
	write_reg(s, REG_TO, &to, sizeof(to));
	write_reg(s, REG_LEN, &len, sizeof(len));
	write_reg(s, REG_REPEAT, &repeat, sizeof(repeat));
	write_reg(s, REG_START, &repeat, sizeof(repeat));
}

/* The server answers when the job is over. */
static uint32_t job_error(struct fake_setup *s)
{
	uint32_t status;

	assert_int_equal(s->dev->ops->region_read(s->dev, 0, REG_STATUS,
						  &status, sizeof(status)),
			 0);
	return status & 0xffff;
}

static uint32_t run_job(struct fake_setup *s, uint64_t from, uint64_t to,
			uint32_t len)
{
	start_job(s, from, to, len, 0);
	return job_error(s);
}

static uint8_t *ram_at(struct fake_setup *s, uint64_t gpa)
{
	return guest_ram_span(s->ram, gpa, PAGE);
}

/* ---- tests ---- */

static void test_copies_inside_its_grants(void **state)
{
	struct dma_stats stats;
	struct fake_setup s;

	(void)state;
	setup_init(&s);
	map(&s, IOVA, GPA, VIOMMU_READ);
	map(&s, IOVA + PAGE, GPA + 4 * PAGE, VIOMMU_WRITE);
	memcpy(ram_at(&s, GPA) + 9, "foreign", 7);
	assert_int_equal(run_job(&s, IOVA + 9, IOVA + PAGE + 1, 7), 0);
	assert_memory_equal(ram_at(&s, GPA + 4 * PAGE), "\0foreign\0", 9);
	assert_true(vdev_dma_stats(s.dev, &stats));
	assert_int_equal(stats.bytes_read, 7);
	assert_int_equal(stats.bytes_written, 7);
	fake_setup_fini(&s);
}

static void test_is_refused_what_it_was_not_granted(void **state)
{
	static const struct {
		const char *why;
		uint64_t from, to;
		uint32_t error, flags;
		uint64_t fault;
	} cases[] = {
		{ "reads outside", IOVA + 2 * PAGE, IOVA + PAGE, ENOENT,
		  VIRTIO_IOMMU_FAULT_F_READ, IOVA + 2 * PAGE },
		{ "reads a guest-physical address", GPA, IOVA + PAGE, ENOENT,
		  VIRTIO_IOMMU_FAULT_F_READ, GPA },
		{ "writes what is to be read", IOVA, IOVA, EACCES,
		  VIRTIO_IOMMU_FAULT_F_WRITE, IOVA },
		{ "reads what is to be written", IOVA + PAGE, IOVA + PAGE,
		  EACCES, VIRTIO_IOMMU_FAULT_F_READ, IOVA + PAGE },
		{ "writes past the end", IOVA, IOVA + 2 * PAGE - 4, ENOENT,
		  VIRTIO_IOMMU_FAULT_F_WRITE, IOVA + 2 * PAGE },
		{ "writes to the MSI window", IOVA, 0xfee00000, ERANGE,
		  VIRTIO_IOMMU_FAULT_F_WRITE, 0xfee00000 },
	};
	struct virtio_iommu_fault fault;
	uint8_t before[PAGE];
	struct fake_setup s;

	(void)state;
	setup_init(&s);
	map(&s, IOVA, GPA, VIOMMU_READ);
	map(&s, IOVA + PAGE, GPA + PAGE, VIOMMU_WRITE);
	memset(ram_at(&s, GPA), 1, PAGE);
	memset(ram_at(&s, GPA + PAGE), 2, PAGE);
	memset(before, 2, PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(run_job(&s, cases[i].from, cases[i].to, 8),
				 cases[i].error);
		assert_true(viommu_take_fault(s.mmu, &fault));
		assert_int_equal(le64toh(fault.address), cases[i].fault);
		assert_int_equal(le32toh(fault.flags),
				 cases[i].flags | VIRTIO_IOMMU_FAULT_F_ADDRESS);
		assert_memory_equal(ram_at(&s, GPA + PAGE), before, PAGE);
	}
	assert_false(vdev_check(s.dev));
	fake_setup_fini(&s);
}

/* It copies without a pause; the grant is revoked, and from then on not a byte
 * changes, nor is one served that was asked for before. */
static void test_an_unmap_waits_for_what_is_served(void **state)
{
	uint8_t after[PAGE];
	struct fake_setup s;

	(void)state;
	setup_init(&s);
	map(&s, IOVA, GPA, VIOMMU_READ);
	memset(ram_at(&s, GPA), 7, PAGE);
	for (unsigned int round = 0; round < 20; round++) {
		uint8_t *to = ram_at(&s, GPA + PAGE);

		memset(to, 0, PAGE);
		map(&s, IOVA + PAGE, GPA + PAGE, VIOMMU_WRITE);
		start_job(&s, IOVA, IOVA + PAGE, PAGE, 1u << 30);
		while (__atomic_load_n(to, __ATOMIC_RELAXED) != 7)
			assert_false(vdev_check(s.dev));
		unmap(&s, IOVA + PAGE);
		memset(to, 9, PAGE);
		memset(after, 9, PAGE);
		assert_int_equal(job_error(&s), ENOENT);
		assert_memory_equal(to, after, PAGE);
	}
	fake_setup_fini(&s);
}

struct revocation {
	struct fake_setup *s;
	bool done; /* atomic */
};

static void *revoke(void *ctx)
{
	struct revocation *r = ctx;

	unmap(r->s, IOVA);
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The same with certainty: the test holds the epoch that an access would. */
static void test_an_unmap_waits_for_the_epoch(void **state)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct fake_setup s;
	struct revocation r = { .s = &s };
	struct epoch *epoch;
	pthread_t thread;

	(void)state;
	setup_init(&s);
	epoch = &user_of(s.dev)->foreign.master.epoch;
	map(&s, IOVA, GPA, VIOMMU_READ);
	epoch_enter(epoch);
	assert_int_equal(pthread_create(&thread, NULL, revoke, &r), 0);
	nanosleep(&pause, NULL);
	assert_false(__atomic_load_n(&r.done, __ATOMIC_ACQUIRE));
	epoch_leave(epoch);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fake_setup_fini(&s);
}

static void test_is_dropped_when_it_speaks_nonsense_unasked(void **state)
{
	struct fake_message nonsense = {
		.header.command = htole16(VFIO_USER_DEVICE_RESET),
	};
	struct pollfd p = { .events = POLLIN };
	uint32_t value = 0;
	struct fake_setup s;

	(void)state;
	setup_init(&s);
	assert_true(fake_send(&s.fake, &nonsense));
	p.fd = s.dev->watch_fd;
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_true(vdev_check(s.dev));
	assert_int_equal(s.dev->ops->region_read(s.dev, 0, 0, &value, 4),
			 -ENODEV);
	assert_int_equal(value, UINT32_MAX);
	fake_setup_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_inside_its_grants),
		cmocka_unit_test(test_is_refused_what_it_was_not_granted),
		cmocka_unit_test(test_an_unmap_waits_for_what_is_served),
		cmocka_unit_test(test_an_unmap_waits_for_the_epoch),
		cmocka_unit_test(
		    test_is_dropped_when_it_speaks_nonsense_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
