// SPDX-License-Identifier: BSD-2-Clause
#include "tests/component/dmatest_driver.h"

#include <time.h>

#include "tests/test.h"

int driver_start(void **state)
{
	static struct harness h;

	harness_start(&h, "pviommu-dmatest", DRIVER_RAM_SIZE, NULL, true);
	*state = &h;
	return 0;
}

int driver_stop(void **state)
{
	harness_stop(*state);
	return 0;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void go(struct harness *h, const struct op *op)
{
	harness_write32(h, BAR0, DMATEST_OP, op->op);
	harness_write32(h, BAR0, DMATEST_FLAGS, op->flags);
	harness_write32(h, BAR0, DMATEST_IOVA_LO, (uint32_t)op->iova);
	harness_write32(h, BAR0, DMATEST_IOVA_HI, (uint32_t)(op->iova >> 32));
	harness_write32(h, BAR0, DMATEST_LEN, op->len);
	harness_write32(h, BAR0, DMATEST_STAGING, op->staging);
	harness_write32(h, BAR0, DMATEST_COUNT, op->count);
	harness_write32(h, BAR0, DMATEST_GO, 1);
}

void wait_done(struct harness *h)
{
	int64_t end = now_ms() + 20000;

	while (harness_read32(h, BAR0, DMATEST_STATUS) == DMATEST_BUSY)
		assert_true(now_ms() < end);
	assert_int_equal(harness_read32(h, BAR0, DMATEST_STATUS), DMATEST_DONE);
}

uint32_t run(struct harness *h, const struct op *op)
{
	go(h, op);
	wait_done(h);
	return harness_read32(h, BAR0, DMATEST_ERROR);
}

struct dma_stats stats(struct harness *h)
{
	struct dma_stats s;

	assert_true(vdev_dma_stats(h->dev, &s));
	return s;
}
