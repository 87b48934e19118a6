// SPDX-License-Identifier: BSD-2-Clause
/*
 * The virtio-iommu front alone: unmap and map of a page through the virtqueue,
 * with 1 to 10^6 live mappings. JSON lines, medians over rounds.
 *
 *	viommu_queue [REQUESTS]
 *
 * REQUESTS a notification, 1 to VIOMMU_DRIVER_BATCH (the default): 1 is what Linux
 * does for a map, where each answer is waited for.
 */
#include "bench/nic.h"
#include "bench/viommu_driver.h"
#include "memory/guest_ram.h"
#include "pci/pci.h"
#include "viommu/viommu.h"
#include "virtio/viommu_front.h"

#include <stdio.h>
#include <stdlib.h>

#define RAM_SIZE  (64ull << 20)
#define QUEUE_GPA 0x100000ull
#define TARGET	  0x200000ull
#define TOP	  0x1000000000ull /* given out downwards, as Linux does */
#define PAGE	  4096ull
#define DOMAIN	  1u
#define EP	  0x28u
#define NR_ROUND  7
#define NR_PAIRS  20000u

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	(void)fprintf(stderr, "viommu_queue: %s: error %d\n", what, ret);
	exit(EXIT_FAILURE);
}

/* ---- a bus without a machine ---- */

struct board {
	struct guest_ram *ram;
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	struct pci_bus *bus;
	struct viommu_front *front;
	struct pci_function *fn;
	struct viommu_driver driver;
	unsigned int batch, queued;
};

static int bar_map(void *ctx, struct pci_function *fn, unsigned int bar,
		   uint64_t addr)
{
	(void)ctx, (void)fn, (void)bar, (void)addr;
	return 0;
}

static void bar_unmap(void *ctx, struct pci_function *fn, unsigned int bar)
{
	(void)ctx, (void)fn, (void)bar;
}

static int msix_set(void *ctx, struct pci_function *fn, unsigned int vector,
		    uint64_t addr, uint32_t data, bool masked)
{
	(void)ctx, (void)fn, (void)vector, (void)addr, (void)data, (void)masked;
	return 0;
}

static int intx_connect(void *ctx, struct pci_function *fn, unsigned int gsi)
{
	(void)ctx, (void)fn, (void)gsi;
	return 0;
}

static uint32_t config_read(void *ctx, unsigned int off)
{
	const struct board *b = ctx;
	uint32_t value;

	pci_ecam_read(b->bus, (uint64_t)pci_function_bdf(b->fn) << 12 | off,
		      &value, sizeof(value));
	return value;
}

static uint32_t bar_read(void *ctx, unsigned int bar, uint64_t off,
			 unsigned int len)
{
	const struct board *b = ctx;
	uint32_t value = 0;

	pci_bar_read(b->fn, bar, off, &value, len);
	return value;
}

static void bar_write(void *ctx, unsigned int bar, uint64_t off, uint32_t value,
		      unsigned int len)
{
	const struct board *b = ctx;

	pci_bar_write(b->fn, bar, off, &value, len);
}

/* The queue's ioeventfd comes to the same, without the dispatch. */
static void notify(void *ctx, unsigned int bar, uint64_t off)
{
	bar_write(ctx, bar, off, 0, 2);
}

static void board_start(struct board *b)
{
	static const struct pci_windows windows = {
		.mem32_start = 0xc0000000,
		.mem32_last = 0xdfffffff,
		.mem64_start = 0x4000000000,
		.mem64_last = 0x7fffffffff,
		.gsi_first = 16,
		.nr_gsis = 4,
	};
	static const struct pci_host_ops host = {
		.bar_map = bar_map,
		.bar_unmap = bar_unmap,
		.msix_set = msix_set,
		.intx_connect = intx_connect,
	};
	struct viommu_config config;

	viommu_config_default(&config);
	must(guest_ram_create(RAM_SIZE, &b->ram), "guest RAM");
	must(viommu_create(&config, &b->mmu), "viommu");
	must(viommu_endpoint_add(b->mmu, EP, NULL, NULL, &b->ep), "endpoint");
	must(pci_bus_create(&windows, &host, NULL, &b->bus), "bus");
	must(viommu_front_create(b->mmu, b->ram, b->bus, -1, NULL, &b->front),
	     "front");
	b->fn = viommu_front_function(b->front);
	b->driver = (struct viommu_driver){
		.ram = guest_ram_span(b->ram, 0, RAM_SIZE),
		.base = QUEUE_GPA,
		.config_read = config_read,
		.bar_read = bar_read,
		.bar_write = bar_write,
		.notify = notify,
		.ctx = b,
	};
	viommu_driver_start(&b->driver);
	viommu_driver_attach(&b->driver, DOMAIN, EP);
}

static void board_stop(struct board *b)
{
	pci_bus_destroy(b->bus);
	viommu_endpoint_remove(b->ep);
	viommu_destroy(b->mmu);
	guest_ram_destroy(b->ram);
}

/* ---- what is measured ---- */

static uint64_t iova_of(uint64_t page)
{
	return TOP - (page + 1) * PAGE;
}

static void grow(struct board *b, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		viommu_driver_map(&b->driver, DOMAIN, iova_of(i), PAGE, TARGET);
	viommu_driver_flush(&b->driver);
}

/* The driver itself notifies after a full batch, and does not wait for it. */
static void sent(struct board *b)
{
	if (b->batch < VIOMMU_DRIVER_BATCH && ++b->queued % b->batch == 0)
		viommu_driver_flush(&b->driver);
}

/* ns a pair, going through the live mappings in the order they were made. */
static double measure(struct board *b, uint64_t live, uint64_t *at)
{
	uint64_t start = nic_now_ns();

	for (unsigned int i = 0; i < NR_PAIRS; i++) {
		uint64_t iova = iova_of(*at);

		*at = (*at + 1) % live;
		viommu_driver_unmap(&b->driver, DOMAIN, iova, PAGE);
		sent(b);
		viommu_driver_map(&b->driver, DOMAIN, iova, PAGE, TARGET);
		sent(b);
	}
	viommu_driver_flush(&b->driver);
	return (double)(nic_now_ns() - start) / NR_PAIRS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure_all(struct board *b)
{
	static const struct {
		uint64_t live;
		const char *name;
	} rows[] = {
		{ 1, "live_1" },
		{ 1000, "live_1e3" },
		{ 100000, "live_1e5" },
		{ 1000000, "live_1e6" },
	};
	uint64_t live = 0;

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		double ns[NR_ROUND];
		uint64_t at = 0;

		grow(b, live, rows[r].live);
		live = rows[r].live;
		for (unsigned int i = 0; i < NR_ROUND; i++)
			ns[i] = measure(b, live, &at);
		qsort(ns, NR_ROUND, sizeof(ns[0]), compare);
		printf("{\"name\":\"viommu.map_unmap.%s\",\"batch\":%u,"
		       "\"value\":%.1f,\"unit\":\"ns\"}\n",
		       rows[r].name, b->batch, ns[NR_ROUND / 2]);
		(void)fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct board board = { .batch = VIOMMU_DRIVER_BATCH };
	struct viommu_front_stats stats;

	if (argc > 1)
		board.batch = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2 || board.batch == 0 || board.batch > VIOMMU_DRIVER_BATCH) {
		(void)fprintf(stderr, "usage: viommu_queue [1..%d]\n",
			      VIOMMU_DRIVER_BATCH);
		return EXIT_FAILURE;
	}
	board_start(&board);
	measure_all(&board);
	viommu_front_stats(board.front, &stats);
	(void)fprintf(stderr, "%llu requests, %llu notifications, %llu wakes\n",
		      (unsigned long long)stats.requests,
		      (unsigned long long)board.driver.notifications,
		      (unsigned long long)stats.kicks);
	board_stop(&board);
	return EXIT_SUCCESS;
}
