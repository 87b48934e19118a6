/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's part of a dmatest device: tells it what to do, and waits. */
#ifndef TESTS_COMPONENT_DMATEST_DRIVER_H
#define TESTS_COMPONENT_DMATEST_DRIVER_H

#include "tests/component/harness.h"

#include "devices/dmatest/dmatest.h"
#include "dma/access.h"
#include "wire/port.h"

#define BAR0 0
#define BAR2 2

struct op {
	enum port_op op;
	uint64_t iova;
	uint32_t len;
	uint32_t staging;
	uint32_t count;
	uint32_t flags;
};

/* cmocka's set-up and tear-down: a device with 8 MiB of RAM, behind the IOMMU. */
#define DRIVER_RAM_SIZE (8u << 20)
int driver_start(void **state);
int driver_stop(void **state);
#define DEVICE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, driver_start, driver_stop)

int64_t now_ms(void);

void go(struct harness *h, const struct op *op);
void wait_done(struct harness *h);
/* Both. Return: the error that the device was told, 0: none. */
uint32_t run(struct harness *h, const struct op *op);

struct dma_stats stats(struct harness *h);

#endif
