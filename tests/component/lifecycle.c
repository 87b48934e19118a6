// SPDX-License-Identifier: BSD-2-Clause
/*
 * The life of a device process, here dmatest: reset, load, several vCPUs at once,
 * and its end, after which the VM's side goes on without it.
 */
#include "tests/component/dmatest_driver.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#define IOVA 0x40000000ull
#define GPA  0x200000
#define PAGE 4096ul
#define RW   (VIOMMU_READ | VIOMMU_WRITE)

/* ---- reset and load ---- */

static void test_a_reset_is_a_fresh_start(void **state)
{
	struct harness *h = *state;

	harness_map(h, IOVA, GPA, PAGE, RW);
	harness_write32(h, BAR0, DMATEST_SCRATCH, 1234);
	go(h, &(struct op){ PORT_OP_WRITE, IOVA, 16, 0, 1000, 0 });
	assert_int_equal(h->dev->ops->reset(h->dev), 0);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_SCRATCH), 0);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_STATUS), DMATEST_IDLE);
	assert_int_equal(
	    run(h, &(struct op){ PORT_OP_READ, IOVA, 16, 0, 1, 0 }), 0);
}

static void test_a_flood_of_writes_is_served(void **state)
{
	struct harness *h = *state;

	harness_map(h, IOVA, GPA, PAGE, RW);
	harness_write32(h, BAR0, DMATEST_OP, PORT_OP_READ);
	harness_write32(h, BAR0, DMATEST_IOVA_LO, (uint32_t)IOVA);
	harness_write32(h, BAR0, DMATEST_LEN, 64);
	for (uint32_t i = 1; i <= 20000; i++) {
		harness_write32(h, BAR0, DMATEST_GO, i);
		harness_write32(h, BAR0, DMATEST_TAIL, i);
		harness_write32(h, BAR0, DMATEST_CAUSE_SET, i);
	}
	wait_done(h);
	assert_false(vdev_check(h->dev));
	assert_int_equal(harness_read32(h, BAR0, DMATEST_ERROR), 0);
}

/* One vCPU of several: its own part of the staging area, by messages, and posted
 * writes and reads of registers in between. */
struct vcpu {
	struct harness *h;
	uint32_t off;
	bool failed;
};

static void *run_vcpu(void *ctx)
{
	struct vcpu *v = ctx;

	for (uint32_t i = 0; i < 300; i++) {
		harness_write32(v->h, BAR2, v->off, i);
		harness_write32(v->h, BAR0, DMATEST_GO, i);
		v->failed |= harness_read32(v->h, BAR2, v->off) != i;
		v->failed |=
		    harness_read32(v->h, BAR0, DMATEST_ID) != DMATEST_MAGIC;
	}
	return NULL;
}

static void test_serves_several_vcpus(void **state)
{
	struct vcpu vcpus[4];
	pthread_t threads[4];

	for (uint32_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		vcpus[i] = (struct vcpu){ .h = *state, .off = i * 64 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run_vcpu, &vcpus[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(vcpus[i].failed);
	}
}

/* ---- its end ---- */

static void check_gone(struct harness *h)
{
	struct pollfd p = { .fd = h->dev->watch_fd, .events = POLLIN };
	struct dma_stats before = stats(h);
	uint32_t value = 0;

	assert_int_equal(poll(&p, 1, 0), 1);
	assert_true(vdev_check(h->dev));
	assert_int_equal(harness_read32(h, BAR0, DMATEST_ID), ~0u);
	assert_int_equal(harness_read32(h, BAR2, 0), ~0u);
	assert_int_equal(h->dev->ops->region_read(h->dev, 7, 0, &value, 4),
			 -ENODEV);
	assert_int_equal(value, ~0u);
	harness_write32(h, BAR0, DMATEST_GO, 1);
	h->dev->ops->intx_eoi(h->dev);
	assert_int_equal(h->dev->ops->reset(h->dev), -ENODEV);
	/* Its grants can be taken back, and nothing moves any more. */
	harness_unmap(h, IOVA, PAGE);
	assert_int_equal(stats(h).operations, before.operations);
}

static void test_a_killed_device_is_gone(void **state)
{
	struct harness *h = *state;
	struct pollfd p = { .fd = h->dev->watch_fd, .events = POLLIN };

	harness_map(h, IOVA, GPA, PAGE, RW);
	assert_false(vdev_check(h->dev));
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(kill(h->pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 5000), 1);
	check_gone(h);
}

static void test_a_device_killed_while_it_writes_is_gone(void **state)
{
	struct harness *h = *state;

	harness_map(h, IOVA, GPA, PAGE, RW);
	go(h, &(struct op){ PORT_OP_WRITE, IOVA, 16, 0, 1u << 20, 0 });
	assert_int_equal(kill(h->pid, SIGKILL), 0);
	harness_write32(h, BAR0, DMATEST_GO, 1);
	/* Waits for the write: nobody is there to take it. */
	(void)harness_read32(h, BAR0, DMATEST_STATUS);
	check_gone(h);
}

static void test_a_stopped_device_is_given_up(void **state)
{
	struct harness *h = *state;
	int64_t start_ms = now_ms();

	harness_map(h, IOVA, GPA, PAGE, RW);
	assert_int_equal(kill(h->pid, SIGSTOP), 0);
	harness_write32(h, BAR0, DMATEST_GO, 1);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_STATUS), ~0u);
	assert_in_range(now_ms() - start_ms, 1000, 10000);
	check_gone(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_a_reset_is_a_fresh_start),
		DEVICE_TEST(test_a_flood_of_writes_is_served),
		DEVICE_TEST(test_serves_several_vcpus),
		DEVICE_TEST(test_a_killed_device_is_gone),
		DEVICE_TEST(test_a_device_killed_while_it_writes_is_gone),
		DEVICE_TEST(test_a_stopped_device_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
