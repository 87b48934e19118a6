// SPDX-License-Identifier: BSD-2-Clause
/*
 * BARs. A BAR's register is its config bytes: those below its size are not
 * writable, which is all there is to the sizing protocol.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "pci/pci_internal.h"

/* A memory BAR never shares a page with another one, so that KVM can map it. */
#define MEM_ALIGN 4096

#define MEM32_SIZE_MAX 0x80000000ull
#define IO_SIZE_MAX    0x8000ull

static const struct {
	enum pci_space_kind space;
	uint16_t enable; /* bit of the command register */
	uint32_t flags;	 /* read-only low bits */
	uint32_t low_mask;
	uint64_t size_min, size_max;
} kinds[] = {
	[PCI_BAR_IO] = { PCI_SPACE_IO, PCI_COMMAND_IO,
			 PCI_BASE_ADDRESS_SPACE_IO,
			 (uint32_t)PCI_BASE_ADDRESS_IO_MASK, 4, IO_SIZE_MAX },
	[PCI_BAR_MEM32] = { PCI_SPACE_MEM32, PCI_COMMAND_MEMORY,
			    PCI_BASE_ADDRESS_MEM_TYPE_32,
			    (uint32_t)PCI_BASE_ADDRESS_MEM_MASK, 16,
			    MEM32_SIZE_MAX },
	[PCI_BAR_MEM64] = { PCI_SPACE_MEM64, PCI_COMMAND_MEMORY,
			    PCI_BASE_ADDRESS_MEM_TYPE_64,
			    (uint32_t)PCI_BASE_ADDRESS_MEM_MASK, 16,
			    1ull << 63 },
};

int pci_space_take(struct pci_space *space, uint64_t size, uint64_t *addr)
{
	uint64_t start = (space->next + size - 1) & ~(size - 1);

	if (space->full || start < space->next || start > space->last ||
	    size - 1 > space->last - start)
		return -ENOSPC;
	*addr = start;
	space->next = start + size;
	space->full = space->next == 0;
	return 0;
}

int pci_bars_check(const struct pci_bar bars[PCI_NR_BARS])
{
	for (unsigned int i = 0; i < PCI_NR_BARS; i++) {
		const struct pci_bar *bar = &bars[i];

		if (bar->type == PCI_BAR_NONE) {
			if (bar->size)
				return -EINVAL;
			continue;
		}
		if (bar->type >= ARRAY_SIZE(kinds) ||
		    bar->size < kinds[bar->type].size_min ||
		    bar->size > kinds[bar->type].size_max ||
		    (bar->size & (bar->size - 1)))
			return -EINVAL;
		if (bar->type == PCI_BAR_IO && bar->prefetchable)
			return -EINVAL;
		/* The upper half takes the next register. */
		if (bar->type == PCI_BAR_MEM64 &&
		    (i + 1 == PCI_NR_BARS || bars[i + 1].type != PCI_BAR_NONE))
			return -EINVAL;
	}
	return 0;
}

static int init_bar(struct pci_function *fn, unsigned int i)
{
	const struct pci_bar *bar = &fn->bars[i].desc;
	unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * i;
	uint64_t addr, size = bar->size, mask = ~(bar->size - 1);
	uint32_t flags = kinds[bar->type].flags;
	int ret;

	if (bar->type != PCI_BAR_IO)
		size = MAX(size, (uint64_t)MEM_ALIGN);
	ret = pci_space_take(&fn->bus->spaces[kinds[bar->type].space], size,
			     &addr);
	if (ret)
		return ret;
	if (bar->prefetchable)
		flags |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	pci_config_put32(fn, reg, (uint32_t)addr | flags,
			 (uint32_t)mask & kinds[bar->type].low_mask);
	if (bar->type == PCI_BAR_MEM64)
		pci_config_put32(fn, reg + 4, (uint32_t)(addr >> 32),
				 (uint32_t)(mask >> 32));
	return 0;
}

int pci_bars_init(struct pci_function *fn)
{
	int ret = 0;

	for (unsigned int i = 0; i < PCI_NR_BARS && !ret; i++)
		if (fn->bars[i].desc.type != PCI_BAR_NONE)
			ret = init_bar(fn, i);
	return ret;
}

/* Where the guest wants the BAR. Return: false: nowhere. */
static bool wanted(const struct pci_function *fn, unsigned int i,
		   uint64_t *addr)
{
	const struct pci_bar *bar = &fn->bars[i].desc;
	const uint8_t *reg = fn->config + PCI_BASE_ADDRESS_0 + 4ul * i;

	if (!(get_le16(fn->config + PCI_COMMAND) & kinds[bar->type].enable))
		return false;
	*addr = get_le32(reg) & kinds[bar->type].low_mask;
	if (bar->type == PCI_BAR_MEM64)
		*addr |= (uint64_t)get_le32(reg + 4) << 32;
	/* Aligned to its size it can not wrap, but I/O space has 16 bits. */
	return bar->type != PCI_BAR_IO || *addr + bar->size - 1 <= UINT16_MAX;
}

static void update_bar(struct pci_function *fn, unsigned int i)
{
	struct pci_bar_state *bar = &fn->bars[i];
	struct pci_bus *bus = fn->bus;
	uint64_t addr = 0;
	bool want = wanted(fn, i, &addr);
	int ret;

	if (bar->mapped && (!want || addr != bar->addr)) {
		bus->host->bar_unmap(bus->host_ctx, fn, i);
		bar->mapped = false;
	}
	if (!want || bar->mapped)
		return;
	ret = bus->host->bar_map(bus->host_ctx, fn, i, addr);
	if (ret) {
		log_guest(&bus->limit, fn->name, "BAR %u at %#llx: %s", i,
			  (unsigned long long)addr, strerror(-ret));
		return;
	}
	bar->addr = addr;
	bar->mapped = true;
}

void pci_bars_update(struct pci_function *fn)
{
	for (unsigned int i = 0; i < PCI_NR_BARS; i++)
		if (fn->bars[i].desc.type != PCI_BAR_NONE)
			update_bar(fn, i);
}
