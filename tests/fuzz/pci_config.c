// SPDX-License-Identifier: BSD-2-Clause
/*
 * A guest that does what it likes to config space and BARs of a bus with a virtio
 * device, a root port and a function with BARs of all kinds. The machine is only
 * told what makes sense, and what is read-only stays.
 *
 * Input: a run of 12 bytes: [kind][len][bar or slot][byte to skip][offset, 32
 * bits][value, 32 bits].
 */
#include "pci/pci.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "virtio/vpci.h"

#define STEP_LEN   12
#define VIRTIO	   1u
#define PORT	   2u
#define PLAIN	   3u
#define NR_SLOTS   4u
#define NR_VECTORS 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What the machine was told. */
struct host {
	bool mapped[NR_SLOTS][PCI_NR_BARS];
	uint64_t addr[NR_SLOTS][PCI_NR_BARS];
	bool unmasked[NR_SLOTS][NR_VECTORS];
	struct pci_bus *bus;
	struct pci_function *fns[NR_SLOTS];
	int notify_fd;
	bool started; /* the virtio device */
};

static unsigned int slot_of(const struct pci_function *fn)
{
	return pci_function_bdf(fn) >> 3;
}

static int bar_map(void *ctx, struct pci_function *fn, unsigned int bar,
		   uint64_t addr)
{
	struct host *host = ctx;

	assert(!host->mapped[slot_of(fn)][bar]);
	assert(addr + pci_function_bar(fn, bar)->size - 1 >= addr);
	assert(addr % pci_function_bar(fn, bar)->size == 0);
	if (addr < 0x10) /* something may be refused */
		return -1;
	host->mapped[slot_of(fn)][bar] = true;
	host->addr[slot_of(fn)][bar] = addr;
	return 0;
}

static void bar_unmap(void *ctx, struct pci_function *fn, unsigned int bar)
{
	struct host *host = ctx;

	assert(host->mapped[slot_of(fn)][bar]);
	host->mapped[slot_of(fn)][bar] = false;
}

static int msix_set(void *ctx, struct pci_function *fn, unsigned int vector,
		    uint64_t addr, uint32_t data, bool masked)
{
	struct host *host = ctx;

	(void)addr, (void)data;
	assert(vector < NR_VECTORS);
	host->unmasked[slot_of(fn)][vector] = !masked;
	return 0;
}

static int intx_connect(void *ctx, struct pci_function *fn, unsigned int gsi)
{
	(void)ctx, (void)fn;
	assert(gsi >= 16 && gsi < 20);
	return 0;
}

static const struct pci_host_ops host_ops = {
	.bar_map = bar_map,
	.bar_unmap = bar_unmap,
	.msix_set = msix_set,
	.intx_connect = intx_connect,
};

static void config_read(void *ctx, unsigned int off, void *buf,
			unsigned int len)
{
	(void)ctx;
	assert(off + len <= 64);
	memset(buf, 0, len);
}

static void config_write(void *ctx, unsigned int off, const void *buf,
			 unsigned int len)
{
	(void)ctx, (void)buf;
	assert(off + len <= 64);
}

static int start(void *ctx)
{
	struct host *host = ctx;

	assert(!host->started);
	host->started = true;
	return 0;
}

static void reset(void *ctx)
{
	((struct host *)ctx)->started = false;
}

static void destroy(void *ctx)
{
	(void)ctx;
}

static const struct vpci_ops virtio_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.start = start,
	.reset = reset,
	.destroy = destroy,
};

static const struct pci_function_ops plain_ops;

static void add_functions(struct host *host)
{
	struct vpci_desc virtio = {
		.name = "virtio",
		.device = 23,
		.features = 1ull << VIRTIO_F_VERSION_1,
		.nr_queues = 2,
		.queue_size = 64,
		.config_len = 64,
		.notify_fd = host->notify_fd,
		.ops = &virtio_ops,
		.ctx = host,
	};
	struct pci_function_desc plain = {
		.name = "plain",
		.bars = { { PCI_BAR_IO, false, 4 },
			  { PCI_BAR_MEM32, true, 16 },
			  { PCI_BAR_MEM64, true, 1ull << 32 },
			  { PCI_BAR_NONE, false, 0 },
			  { PCI_BAR_MEM32, false, 0x1000 } },
		.msix_vectors = NR_VECTORS,
		.msix_bar = 4,
		.msix_table_off = 8,
		.msix_pba_off = 0,
		.ops = &plain_ops,
	};
	struct vpci *vpci;

	if (vpci_create(host->bus, PCI_DEVFN(VIRTIO, 0), &virtio, &vpci) ||
	    pci_root_port_add(host->bus, PCI_DEVFN(PORT, 0), 1) ||
	    pci_function_add(host->bus, PCI_DEVFN(PLAIN, 0), &plain,
			     &host->fns[PLAIN]))
		abort();
	host->fns[VIRTIO] = vpci_function(vpci);
}

static void make_host(struct host *host)
{
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

	memset(host, 0, sizeof(*host));
	if (fd_event_create(&host->notify_fd) ||
	    pci_bus_create(&windows, &host_ops, host, &host->bus))
		abort();
	add_functions(host);
}

static uint32_t config_at(struct host *host, unsigned int slot,
			  unsigned int reg)
{
	uint8_t buf[4];

	pci_ecam_read(host->bus, slot << 15 | reg, buf, sizeof(buf));
	return get_le32(buf);
}

static void check(struct host *host)
{
	static const struct {
		unsigned int slot;
		uint32_t id, class;
	} constants[] = {
		{ 0, 0x00081b36, 0x060000 },
		{ VIRTIO, 0x10571af4, 0 },
		{ PORT, 0x000c1b36, 0x060400 },
		{ PLAIN, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		unsigned int slot = constants[i].slot;
		uint32_t command = config_at(host, slot, PCI_COMMAND);

		assert(config_at(host, slot, 0) == constants[i].id);
		assert(config_at(host, slot, PCI_CLASS_REVISION) >> 8 ==
		       constants[i].class);
		for (unsigned int bar = 0; bar < PCI_NR_BARS; bar++)
			if (host->mapped[slot][bar])
				assert(command &
				       (PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	}
}

/* A BAR access; the lengths that a CPU has, and others. */
static void step_bar(struct host *host, bool write, unsigned int len,
		     unsigned int slot, unsigned int bar, uint64_t off,
		     uint32_t value)
{
	struct pci_function *fn = host->fns[slot];
	uint8_t buf[8];

	if (!fn)
		return;
	put_le32(buf, value);
	put_le32(buf + 4, value);
	if (write)
		pci_bar_write(fn, bar, off, buf, len);
	else
		pci_bar_read(fn, bar, off, buf, len);
}

static void step(struct host *host, const uint8_t *s)
{
	const unsigned int kind = s[0] % 5, len = s[1] % 9;
	const unsigned int slot = s[2] % NR_SLOTS, bar = s[2] / NR_SLOTS % 8;
	const uint32_t off = get_le32(s + 4), value = get_le32(s + 8);
	uint8_t buf[8];

	put_le32(buf, value);
	put_le32(buf + 4, value);
	switch (kind) {
	case 0:
		pci_ecam_write(host->bus, off, buf, len);
		break;
	case 1:
		pci_ecam_write(host->bus, slot << 15 | off % PCI_CONFIG_LEN,
			       buf, len);
		break;
	case 2:
		pci_ecam_read(host->bus, slot << 15 | off % PCI_CONFIG_LEN, buf,
			      len);
		break;
	default:
		step_bar(host, kind == 3, len, slot, bar, off & 0xffff, value);
		break;
	}
	if (host->fns[slot])
		fd_event_signal(pci_msix_fd(host->fns[slot], 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host host;

	make_host(&host);
	for (; len >= STEP_LEN; data += STEP_LEN, len -= STEP_LEN) {
		step(&host, data);
		check(&host);
	}
	pci_bus_destroy(host.bus);
	fd_close(&host.notify_fd);
	return 0;
}
