/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI host: gives the bus of pci/ its place in the guest's address space, its
 * doorbells and its interrupts.
 *
 * What the bus calls is called with its lock held, by any vCPU thread.
 */
#ifndef MACHINE_PCI_HOST_H
#define MACHINE_PCI_HOST_H

#include "base/compiler.h"

#include <stdint.h>

struct bus;
struct guest_ram;
struct loop;
struct pci_bus;
struct pci_host;
struct vm;

struct pci_host_config {
	struct vm *vm; /* these three: borrowed */
	struct bus *mmio, *pio;
	struct loop *loop; /* borrowed; ends of INTx interrupts */
	uint64_t mem64_start, mem64_last; /* window for 64-bit BARs */
};

/* Return: 0, -ENOMEM, -EEXIST (the ECAM's place is taken), or -errno. */
MUST_CHECK int pci_host_create(const struct pci_host_config *config,
			       struct pci_host **out);
/* Destroys the bus, too. No vCPU runs. NULL is fine. */
void pci_host_destroy(struct pci_host *host);

struct pci_bus *pci_host_bus(struct pci_host *host);

#endif
