/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM as KVM knows it: memory slots, interrupt controllers, routes of
 * interrupts, doorbells.
 *
 * Any thread may call: what changes routes takes the lock inside.
 */
#ifndef MACHINE_VM_H
#define MACHINE_VM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_ram;

struct vm {
	int kvm_fd;	   /* owned */
	int fd;		   /* owned */
	size_t run_len;	   /* of a vCPU's shared page(s) */
	struct irqs *irqs; /* owned */
};

/**
 * vm_init() - Create a VM with its interrupt controllers
 * @kvm_fd: /dev/kvm; taken over, also in case of error
 *
 * Logs which step failed. Return: 0, -EOPNOTSUPP (a capability is missing), or
 * -errno of ioctl(2).
 */
MUST_CHECK int vm_init(struct vm *vm, int kvm_fd);
void vm_fini(struct vm *vm);

/* Makes all of @ram visible to the guest. Return: 0 or -errno. */
MUST_CHECK int vm_map_ram(struct vm *vm, const struct guest_ram *ram);

/* ---- doorbells ---- */

struct vm_doorbell {
	uint64_t addr;
	uint32_t len; /* 0: writes of any size */
	bool pio;
	int fd; /* borrowed */
};
/* Return: 0, -EEXIST (there is one), or -errno. */
MUST_CHECK int vm_doorbell_add(struct vm *vm, const struct vm_doorbell *bell);
void vm_doorbell_remove(struct vm *vm, const struct vm_doorbell *bell);

/* ---- interrupts (irq.c) ---- */

/* Whenever @fd is signalled, GSI @gsi (an input of the IO-APIC) gets an edge.
 * Return: 0 or -errno. */
MUST_CHECK int vm_irq_edge(struct vm *vm, unsigned int gsi, int fd);

/* Signalling @fd raises GSI @gsi; end of interrupt lowers it and signals
 * @eoi_fd. Return: 0 or -errno. */
MUST_CHECK int vm_irq_level(struct vm *vm, unsigned int gsi, int fd,
			    int eoi_fd);

/* An MSI: gets a GSI of its own at the first call of vm_msi_set(). */
struct vm_msi {
	uint32_t gsi; /* 0: none yet */
	bool connected;
};

/**
 * vm_msi_set() - Where a message-signalled interrupt goes
 * @msi: zero-initialised at first; one thread at a time
 * @fd:	 eventfd that raises it; borrowed until the VM ends
 *
 * A masked one is not delivered: what is signalled meanwhile stays in @fd and
 * goes out when it is unmasked.
 *
 * Return: 0, -EINVAL (not the address of an interrupt: stays masked), -ENOSPC
 * (no more routes), or -errno.
 */
MUST_CHECK int vm_msi_set(struct vm *vm, struct vm_msi *msi, int fd,
			  uint64_t addr, uint32_t data, bool masked);

MUST_CHECK int irqs_create(int vm_fd, struct irqs **out);
void irqs_destroy(struct irqs *irqs);

#endif
