// SPDX-License-Identifier: BSD-2-Clause
/*
 * Host bridge and root ports. Both are constant but for their config bytes: a
 * root port forwards nothing yet, there is only what the guest's bus scan wants
 * to see, and room for what will be plugged in.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "pci/pci_internal.h"

/* The generic host bridge and root port that pci.ids and kernels know. */
#define VENDOR_ID	0x1b36
#define HOST_BRIDGE_ID	0x0008
#define ROOT_PORT_ID	0x000c
#define CLASS_HOST	0x060000
#define CLASS_PCI	0x060400
#define PORT_CAP	0x40
#define PORT_MEM32_SIZE 0x200000ull
#define PORT_MEM64_SIZE 0x40000000ull

static const struct pci_function_ops no_ops;

static void describe(struct pci_function_desc *desc, const char *name,
		     uint16_t device, uint32_t class)
{
	*desc = (struct pci_function_desc){ .name = name, .ops = &no_ops };
	put_le16(desc->config + PCI_VENDOR_ID, VENDOR_ID);
	put_le16(desc->config + PCI_DEVICE_ID, device);
	put_le32(desc->config + PCI_CLASS_REVISION, class << 8);
}

int pci_host_bridge_add(struct pci_bus *bus)
{
	struct pci_function_desc desc;
	struct pci_function *fn;
	int ret;

	describe(&desc, "host bridge", HOST_BRIDGE_ID, CLASS_HOST);
	pthread_mutex_lock(&bus->lock);
	ret = pci_function_place(bus, &bus->root, PCI_DEVFN(0, 0), &desc, &fn);
	pthread_mutex_unlock(&bus->lock);
	return ret;
}

/* Words of the PCIe capability: what is not here is 0 and read-only. */
static const struct {
	uint8_t off;
	uint32_t value;
	uint32_t writable;
} port_words[] = {
	{ PCI_CAP_LIST_ID,
	  PCI_CAP_ID_EXP |
	      (2u | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT) << 16,
	  0 },
	{ PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER, 0 },
	{ PCI_EXP_DEVCTL, 0,
	  PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
	      PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_PAYLOAD |
	      PCI_EXP_DEVCTL_READRQ },
	{ PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1u << 4, 0 },
	{ PCI_EXP_LNKCTL, 0,
	  PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_LD | PCI_EXP_LNKCTL_CCC },
	{ PCI_EXP_RTCTL, 0,
	  PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE |
	      PCI_EXP_RTCTL_PMEIE },
	{ PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_2_5GT, PCI_EXP_LNKCTL2_TLS },
};

static void init_port_cap(struct pci_function *fn, unsigned int slot_number)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_words); i++) {
		unsigned int at = PORT_CAP + port_words[i].off;

		pci_config_put32(fn, at, port_words[i].value,
				 port_words[i].writable);
	}
	pci_config_put32(fn, PORT_CAP + PCI_EXP_SLTCAP, slot_number << 19, 0);
	fn->config[PCI_CAPABILITY_LIST] = PORT_CAP;
	fn->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

/* The type 1 header: numbers and windows, as firmware leaves them. */
static void init_port_header(struct pci_function *fn, unsigned int nr,
			     uint64_t mem32, uint64_t mem64)
{
	uint64_t mem32_last = mem32 + PORT_MEM32_SIZE - 1;
	uint64_t mem64_last = mem64 + PORT_MEM64_SIZE - 1;

	fn->config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	pci_config_put32(fn, PCI_PRIMARY_BUS, nr << 8 | nr << 16, 0xffffff);
	/* An I/O window that is closed: base above limit. */
	put_le16(fn->config + PCI_IO_BASE, 0x00f0);
	put_le16(fn->writable + PCI_IO_BASE, 0xf0f0);
	pci_config_put32(fn, PCI_MEMORY_BASE,
			 (uint32_t)(mem32 >> 16 & 0xfff0) |
			     (uint32_t)(mem32_last & 0xfff00000),
			 0xfff0fff0);
	pci_config_put32(fn, PCI_PREF_MEMORY_BASE,
			 (uint32_t)(mem64 >> 16 & 0xfff0) |
			     (uint32_t)(mem64_last & 0xfff00000) |
			     PCI_PREF_RANGE_TYPE_64 |
			     PCI_PREF_RANGE_TYPE_64 << 16,
			 0xfff0fff0);
	pci_config_put32(fn, PCI_PREF_BASE_UPPER32, (uint32_t)(mem64 >> 32),
			 ~0u);
	pci_config_put32(fn, PCI_PREF_LIMIT_UPPER32,
			 (uint32_t)(mem64_last >> 32), ~0u);
	put_le16(fn->writable + PCI_BRIDGE_CONTROL,
		 PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR |
		     PCI_BRIDGE_CTL_BUS_RESET);
}

static int add_port(struct pci_bus *bus, int devfn, unsigned int slot_number,
		    struct pci_link *below)
{
	struct pci_space spaces[2] = { bus->spaces[PCI_SPACE_MEM32],
				       bus->spaces[PCI_SPACE_MEM64] };
	struct pci_function_desc desc;
	struct pci_function *fn;
	uint64_t mem32, mem64;
	int ret;

	ret = pci_space_take(&spaces[0], PORT_MEM32_SIZE, &mem32);
	if (ret)
		return ret;
	ret = pci_space_take(&spaces[1], PORT_MEM64_SIZE, &mem64);
	if (ret)
		return ret;
	describe(&desc, "root port", ROOT_PORT_ID, CLASS_PCI);
	desc.intx = true;
	ret = pci_function_place(bus, &bus->root, devfn, &desc, &fn);
	if (ret)
		return ret;

	bus->spaces[PCI_SPACE_MEM32] = spaces[0];
	bus->spaces[PCI_SPACE_MEM64] = spaces[1];
	init_port_header(fn, bus->next_bus++, mem32, mem64);
	init_port_cap(fn, slot_number);
	below->port = fn;
	fn->below = below;
	return 0;
}

int pci_root_port_add(struct pci_bus *bus, int devfn, unsigned int slot_number)
{
	struct pci_link *below;
	int ret;

	if (slot_number > PCI_EXP_SLTCAP_PSN >> 19)
		return -EINVAL;
	below = calloc(1, sizeof(*below));
	if (!below)
		return -ENOMEM;
	pthread_mutex_lock(&bus->lock);
	ret = add_port(bus, devfn, slot_number, below);
	pthread_mutex_unlock(&bus->lock);
	if (ret)
		free(below);
	return ret;
}
