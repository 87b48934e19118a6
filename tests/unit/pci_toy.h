/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of pci/: a host that writes down what it is told, and on its bus
 * a function that remembers. */
#ifndef TESTS_UNIT_PCI_TOY_H
#define TESTS_UNIT_PCI_TOY_H

#include "pci/pci.h"

#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "tests/test.h"

#define SLOT	   3
#define TABLE_OFF  0x100u
#define PBA_OFF	   0x800u
#define NR_VECTORS 4u
#define MSIX_CAP   0xf4u

struct host {
	uint64_t mapped[PCI_NR_BARS]; /* 0: not mapped */
	int map_error;
	unsigned int maps, unmaps, gsi, sets;
	uint64_t msi_addr[NR_VECTORS];
	uint32_t msi_data[NR_VECTORS];
	bool unmasked[NR_VECTORS];
};

static int host_map(void *ctx, struct pci_function *fn, unsigned int bar,
		    uint64_t addr)
{
	struct host *host = ctx;

	(void)fn;
	if (host->map_error)
		return host->map_error;
	host->maps++;
	assert_int_equal(host->mapped[bar], 0);
	host->mapped[bar] = addr;
	return 0;
}

static void host_unmap(void *ctx, struct pci_function *fn, unsigned int bar)
{
	struct host *host = ctx;

	(void)fn;
	host->unmaps++;
	assert_int_not_equal(host->mapped[bar], 0);
	host->mapped[bar] = 0;
}

static int host_msix(void *ctx, struct pci_function *fn, unsigned int vector,
		     uint64_t addr, uint32_t data, bool masked)
{
	struct host *host = ctx;

	(void)fn;
	host->sets++;
	host->msi_addr[vector] = addr;
	host->msi_data[vector] = data;
	host->unmasked[vector] = !masked;
	return 0;
}

static int host_intx(void *ctx, struct pci_function *fn, unsigned int gsi)
{
	struct host *host = ctx;

	(void)fn;
	host->gsi = gsi;
	return 0;
}

static const struct pci_host_ops host_ops = {
	.bar_map = host_map,
	.bar_unmap = host_unmap,
	.msix_set = host_msix,
	.intx_connect = host_intx,
};

static const struct pci_windows windows = {
	.mem32_start = 0xc0000000,
	.mem32_last = 0xcfffffff,
	.mem64_start = 0x4000000000,
	.mem64_last = 0x7fffffffff,
	.io_start = 0x1000,
	.io_last = 0x1fff,
	.gsi_first = 16,
	.nr_gsis = 4,
};

/* A function that remembers. */
struct toy {
	uint8_t bytes[64]; /* start of BAR 0 */
	uint8_t extra[4];  /* config bytes at 0x80 */
	unsigned int eois, destroyed, msix_changes;
	bool msix_on, asserted;
};

static void toy_read(void *ctx, unsigned int bar, uint64_t off, void *buf,
		     unsigned int len)
{
	struct toy *toy = ctx;

	assert_int_equal(bar, 0);
	memset(buf, 0, len);
	if (off + len <= sizeof(toy->bytes))
		memcpy(buf, toy->bytes + off, len);
}

static void toy_write(void *ctx, unsigned int bar, uint64_t off,
		      const void *buf, unsigned int len)
{
	struct toy *toy = ctx;

	assert_int_equal(bar, 0);
	if (off + len <= sizeof(toy->bytes))
		memcpy(toy->bytes + off, buf, len);
}

static void toy_config_read(void *ctx, unsigned int off, void *buf,
			    unsigned int len)
{
	struct toy *toy = ctx;

	memset(buf, 0, len);
	if (off >= 0x80 && off + len <= 0x84)
		memcpy(buf, toy->extra + off - 0x80, len);
}

static void toy_config_write(void *ctx, unsigned int off, const void *buf,
			     unsigned int len)
{
	struct toy *toy = ctx;

	if (off >= 0x80 && off + len <= 0x84)
		memcpy(toy->extra + off - 0x80, buf, len);
}

static void toy_msix(void *ctx, bool enabled)
{
	struct toy *toy = ctx;

	toy->msix_changes++;
	toy->msix_on = enabled;
}

static void toy_eoi(void *ctx)
{
	((struct toy *)ctx)->eois++;
}

static bool toy_asserted(void *ctx)
{
	return ((struct toy *)ctx)->asserted;
}

static bool toy_io_fd(void *ctx, unsigned int i, struct pci_io_fd *out)
{
	(void)ctx;
	*out = (struct pci_io_fd){ .bar = 0, .off = 0x20, .len = 4, .fd = 77 };
	return i == 0;
}

static void toy_destroy(void *ctx)
{
	((struct toy *)ctx)->destroyed++;
}

static const struct pci_function_ops toy_ops = {
	.bar_read = toy_read,
	.bar_write = toy_write,
	.config_read = toy_config_read,
	.config_write = toy_config_write,
	.msix_enabled = toy_msix,
	.intx_eoi = toy_eoi,
	.intx_asserted = toy_asserted,
	.io_fd = toy_io_fd,
	.destroy = toy_destroy,
};

static const struct pci_function_ops no_ops;

/* BAR 0: 64-bit, 16 KiB; BAR 2: 32-bit with MSI-X; BAR 3: I/O. */
static struct pci_function_desc toy_desc(struct toy *toy)
{
	struct pci_function_desc desc = {
		.name = "toy",
		.bars = {
			[0] = { PCI_BAR_MEM64, true, 0x4000 },
			[2] = { PCI_BAR_MEM32, false, 0x1000 },
			[3] = { PCI_BAR_IO, false, 0x40 },
		},
		.intx = true,
		.msix_vectors = NR_VECTORS,
		.msix_bar = 2,
		.msix_table_off = TABLE_OFF,
		.msix_pba_off = PBA_OFF,
		.ops = &toy_ops,
		.ctx = toy,
	};

	put_le32(desc.config + PCI_VENDOR_ID, 0x56781234);
	put_le32(desc.config + PCI_CLASS_REVISION, 0x02000001);
	/* pci/ must not take these over: they are its own. */
	desc.config[PCI_COMMAND] = 0xff;
	desc.config[PCI_HEADER_TYPE] = 0x81;
	desc.config[PCI_INTERRUPT_PIN] = 4;
	return desc;
}

struct fixture {
	struct host host;
	struct toy toy;
	struct pci_bus *bus;
	struct pci_function *fn;
};

static inline int setup(void **state)
{
	static struct fixture fx;
	struct pci_function_desc desc;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	desc = toy_desc(&fx.toy);
	if (pci_bus_create(&windows, &host_ops, &fx.host, &fx.bus))
		return -1;
	return pci_function_add(fx.bus, PCI_DEVFN(SLOT, 0), &desc, &fx.fn);
}

static inline int teardown(void **state)
{
	struct fixture *fx = *state;

	pci_bus_destroy(fx->bus);
	return fx->toy.destroyed == 1 ? 0 : -1;
}

static inline uint64_t ecam(unsigned int bus, unsigned int slot,
			    unsigned int reg)
{
	return (uint64_t)bus << 20 | slot << 15 | reg;
}

static inline uint32_t rd(struct fixture *fx, unsigned int slot,
			  unsigned int reg, unsigned int len)
{
	uint8_t buf[4] = { 0 };

	pci_ecam_read(fx->bus, ecam(0, slot, reg), buf, len);
	return get_le32(buf);
}

static inline void wr(struct fixture *fx, unsigned int slot, unsigned int reg,
		      uint32_t value, unsigned int len)
{
	uint8_t buf[4];

	put_le32(buf, value);
	pci_ecam_write(fx->bus, ecam(0, slot, reg), buf, len);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
