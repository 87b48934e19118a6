// SPDX-License-Identifier: BSD-2-Clause
/*
 * The IOMMU beside QEMU's: map and unmap through the virtqueue, the same driver
 * on both, at 1 to 10^6 live mappings; and what a translation costs.
 *
 * QEMU's translation is not to be called alone: its e1000 sends the same frames
 * with and without the IOMMU, and each frame takes three translations (descriptor,
 * payload, write-back).
 */
#include "viommu/viommu.h"
#include "bench/nic.h"
#include "bench/place.h"
#include "bench/qemu.h"
#include "bench/report.h"
#include "bench/viommu_driver.h"
#include "memory/guest_ram.h"
#include "pci/pci.h"
#include "viommu/domain.h"
#include "virtio/viommu_front.h"

#include <stdio.h>
#include <stdlib.h>

#define RAM_SIZE       (256ull << 20)
#define QUEUE_GPA      0x100000ull
#define TARGET_GPA     0x200000ull
#define NIC_GPA	       0x1000000ull
#define IOVA_TOP       0x1000000000ull /* given out downwards, as Linux does */
#define DOMAIN	       1
#define PAIRS	       40000
#define QEMU_BAR       0xe0000000ull
#define QEMU_NIC_BAR   0xf0000000ull
#define IOMMU_SLOT     4
#define NIC_SLOT       5
#define NIC_ENDPOINT   (NIC_SLOT << 3)
#define TRANSLATIONS   2000000
#define TRANSLATE_LIVE 100000

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "bench: %s: error %d\n", what, ret);
	exit(1);
}

/* ---- ours: the real front on a bus without a machine ---- */

struct ours {
	struct guest_ram *ram;
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	struct pci_bus *bus;
	struct viommu_front *front;
	struct pci_function *fn;
	struct viommu_driver driver;
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

static uint32_t our_config_read(void *ctx, unsigned int off)
{
	struct ours *o = ctx;
	uint32_t value = 0;

	pci_ecam_read(o->bus, (uint64_t)pci_function_bdf(o->fn) << 12 | off,
		      &value, sizeof(value));
	return value;
}

static uint32_t our_bar_read(void *ctx, unsigned int bar, uint64_t off,
			     unsigned int len)
{
	struct ours *o = ctx;
	uint32_t value = 0;

	pci_bar_read(o->fn, bar, off, &value, len);
	return value;
}

static void our_bar_write(void *ctx, unsigned int bar, uint64_t off,
			  uint32_t value, unsigned int len)
{
	struct ours *o = ctx;

	pci_bar_write(o->fn, bar, off, &value, len);
}

/* The vCPU that notifies serves the queue itself. */
static void our_notify(void *ctx, unsigned int bar, uint64_t off)
{
	our_bar_write(ctx, bar, off, 0, 2);
}

static void ours_start(struct ours *o)
{
	static const struct pci_windows windows = {
		.mem32_start = 0xc0000000,
		.mem32_last = 0xdfffffff,
		.mem64_start = 0x4000000000,
		.mem64_last = 0x7fffffffff,
		.io_start = 0xc000,
		.io_last = 0xffff,
		.gsi_first = 16,
		.nr_gsis = 8,
	};
	static const struct pci_host_ops host = {
		.bar_map = bar_map,
		.bar_unmap = bar_unmap,
		.msix_set = msix_set,
		.intx_connect = intx_connect,
	};
	struct viommu_config config;
	uint16_t command = 0x6;

	viommu_config_default(&config);
	config.max_mappings = 1 << 21;
	must(guest_ram_create(RAM_SIZE, &o->ram), "guest RAM");
	must(viommu_create(&config, &o->mmu), "viommu");
	must(viommu_endpoint_add(o->mmu, NIC_ENDPOINT, NULL, NULL, &o->ep),
	     "endpoint");
	must(pci_bus_create(&windows, &host, NULL, &o->bus), "bus");
	must(viommu_front_create(o->mmu, o->ram, o->bus, PCI_DEVFN(1, 0), NULL,
				 &o->front),
	     "front");
	o->fn = viommu_front_function(o->front);
	pci_ecam_write(o->bus, (uint64_t)pci_function_bdf(o->fn) << 12 | 4,
		       &command, sizeof(command));
	o->driver = (struct viommu_driver){
		.ram = guest_ram_span(o->ram, 0, RAM_SIZE),
		.base = QUEUE_GPA,
		.config_read = our_config_read,
		.bar_read = our_bar_read,
		.bar_write = our_bar_write,
		.notify = our_notify,
		.ctx = o,
	};
	viommu_driver_start(&o->driver);
	viommu_driver_attach(&o->driver, DOMAIN, NIC_ENDPOINT);
}

static void ours_stop(struct ours *o)
{
	pci_bus_destroy(o->bus);
	viommu_endpoint_remove(o->ep);
	viommu_destroy(o->mmu);
	guest_ram_destroy(o->ram);
}

/* ---- the peer ---- */

static uint32_t qemu_config(void *ctx, unsigned int off)
{
	return qemu_config_read(ctx, IOMMU_SLOT, off & ~3u);
}

static uint32_t qemu_bar_read(void *ctx, unsigned int bar, uint64_t off,
			      unsigned int len)
{
	uint32_t word = qemu_read32(ctx, QEMU_BAR + (off & ~3ull));

	(void)bar;
	word >>= 8 * (off & 3);
	return len == 4 ? word : word & ((1u << (8 * len)) - 1);
}

static void qemu_bar_write(void *ctx, unsigned int bar, uint64_t off,
			   uint32_t value, unsigned int len)
{
	(void)bar;
	if (len == 1)
		qemu_write8(ctx, QEMU_BAR + off, (uint8_t)value);
	else if (len == 2)
		qemu_write16(ctx, QEMU_BAR + off, (uint16_t)value);
	else
		qemu_write32(ctx, QEMU_BAR + off, value);
}

static void qemu_notify(void *ctx, unsigned int bar, uint64_t off)
{
	(void)bar;
	qemu_write16(ctx, QEMU_BAR + off, 0);
}

static void peer_start(struct qemu *q, struct viommu_driver *driver)
{
	static const char *const args[] = { "-device",
					    "virtio-iommu-pci,addr=04.0",
					    "-device",
					    "e1000,addr=05.0,romfile=", NULL };

	qemu_start(q, RAM_SIZE, args);
	qemu_bar_set(q, IOMMU_SLOT, 4, QEMU_BAR);
	qemu_bar_set(q, NIC_SLOT, 0, QEMU_NIC_BAR);
	*driver = (struct viommu_driver){
		.ram = q->ram,
		.base = QUEUE_GPA,
		.config_read = qemu_config,
		.bar_read = qemu_bar_read,
		.bar_write = qemu_bar_write,
		.notify = qemu_notify,
		.ctx = q,
	};
	viommu_driver_start(driver);
}

static void nic_write(void *ctx, uint64_t reg, uint32_t value)
{
	qemu_write32(ctx, QEMU_NIC_BAR + reg, value);
}

static uint32_t nic_read(void *ctx, uint64_t reg)
{
	return qemu_read32(ctx, QEMU_NIC_BAR + reg);
}

/* ---- map and unmap ---- */

static uint64_t iova_of(uint64_t i)
{
	return IOVA_TOP - (i + 1) * 4096;
}

static void grow(struct viommu_driver *d, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		viommu_driver_map(d, DOMAIN, iova_of(i), 4096, TARGET_GPA);
	viommu_driver_flush(d);
}

/* ns a pair, going through the live mappings in the order they were made. */
static double pairs(struct viommu_driver *d, uint64_t live, uint64_t *at)
{
	uint64_t start = nic_now_ns();

	for (uint64_t i = 0; i < PAIRS; i++) {
		uint64_t iova = iova_of(*at);

		*at = (*at + 1) % live;
		viommu_driver_unmap(d, DOMAIN, iova, 4096);
		viommu_driver_map(d, DOMAIN, iova, 4096, TARGET_GPA);
	}
	viommu_driver_flush(d);
	return (double)(nic_now_ns() - start) / PAIRS;
}

static void bench_map_unmap(struct viommu_driver *ours,
			    struct viommu_driver *peer)
{
	static const struct {
		uint64_t live;
		const char *name;
	} rows[] = {
		{ 1, "viommu.map_unmap.live_1" },
		{ 1000, "viommu.map_unmap.live_1e3" },
		{ 100000, "viommu.map_unmap.live_1e5" },
		{ 1000000, "viommu.map_unmap.live_1e6" },
	};
	double mine[REPORT_ROUNDS], theirs[REPORT_ROUNDS];
	uint64_t live = 0;

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		uint64_t at[2] = { 0, 0 };

		grow(ours, live, rows[r].live);
		grow(peer, live, rows[r].live);
		live = rows[r].live;
		for (size_t i = 0; i < REPORT_ROUNDS; i++) {
			mine[i] = pairs(ours, live, &at[0]);
			theirs[i] = pairs(peer, live, &at[1]);
			report_progress(rows[r].name, mine[i], theirs[i]);
		}
		report_row(rows[r].name, "ns", REPORT_LESS_IS_BETTER,
			   "QEMU virtio-iommu", mine, theirs, REPORT_ROUNDS);
	}
}

/* ---- translation ---- */

static double translate_ours(struct ours *o)
{
	uint64_t start = nic_now_ns(), gpa, run;

	for (uint64_t i = 0; i < TRANSLATIONS; i++)
		must(viommu_translate(o->ep, iova_of(i % TRANSLATE_LIVE), 64,
				      VIOMMU_READ, &gpa, &run),
		     "translate");
	return (double)(nic_now_ns() - start) / TRANSLATIONS;
}

static double send_ns(struct nic *nic)
{
	return (double)nic_send(nic, NIC_BURST) / NIC_BURST;
}

static void bench_translate(struct ours *o, struct qemu *q,
			    struct viommu_driver *peer)
{
	double mine[REPORT_ROUNDS], theirs[REPORT_ROUNDS];
	double direct[REPORT_ROUNDS];
	struct nic nic = {
		.ram = q->ram,
		.base = NIC_GPA,
		.write32 = nic_write,
		.read32 = nic_read,
		.ctx = q,
	};

	/* Before the first attach QEMU's NIC is in boot bypass. */
	nic_init(&nic, 64);
	for (size_t i = 0; i < REPORT_ROUNDS; i++)
		direct[i] = send_ns(&nic);
	viommu_driver_attach(peer, DOMAIN, NIC_ENDPOINT);
	for (uint64_t off = 0; off < NIC_RAM_BYTES; off += 4096)
		viommu_driver_map(peer, DOMAIN, NIC_GPA + off, 4096,
				  NIC_GPA + off);
	grow(peer, 0, TRANSLATE_LIVE);
	grow(&o->driver, 0, TRANSLATE_LIVE);
	for (size_t i = 0; i < REPORT_ROUNDS; i++) {
		mine[i] = translate_ours(o);
		theirs[i] = (send_ns(&nic) - direct[i]) / 3;
		report_progress("viommu.translate", mine[i], theirs[i]);
	}
	report_row("viommu.translate", "ns", REPORT_LESS_IS_BETTER,
		   "QEMU virtio-iommu", mine, theirs, REPORT_ROUNDS);
}

static void drop(struct viommu_driver *d, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		viommu_driver_unmap(d, DOMAIN, iova_of(i), 4096);
	viommu_driver_flush(d);
}

int main(void)
{
	struct viommu_driver peer;
	struct ours ours;
	struct qemu q;

	place_ours();
	ours_start(&ours);
	place_peer();
	peer_start(&q, &peer);
	place_driver();
	bench_translate(&ours, &q, &peer);
	drop(&ours.driver, TRANSLATE_LIVE);
	drop(&peer, TRANSLATE_LIVE);
	bench_map_unmap(&ours.driver, &peer);
	qemu_stop(&q);
	ours_stop(&ours);
	return 0;
}
