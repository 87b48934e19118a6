// SPDX-License-Identifier: BSD-2-Clause
/*
 * Interrupt routes. KVM takes the whole table at once: the inputs of the IO-APIC,
 * which never change, then an entry for each MSI that has ever been set.
 */
#include "machine/vm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "machine/layout.h"

/* KVM's limit, which includes the pins. */
#define ROUTES_MAX 4096

struct irqs {
	pthread_mutex_t lock; /* the table, and its copy in KVM */
	struct kvm_irq_routing *table;
};

static int commit_locked(struct irqs *irqs, int vm_fd)
{
	return ioctl(vm_fd, KVM_SET_GSI_ROUTING, irqs->table) < 0 ? -errno : 0;
}

int irqs_create(int vm_fd, struct irqs **out)
{
	struct irqs *irqs;
	int ret;

	irqs = calloc(1, sizeof(*irqs));
	if (!irqs)
		return -ENOMEM;
	irqs->table =
	    calloc(1, sizeof(*irqs->table) +
			  ROUTES_MAX * sizeof(irqs->table->entries[0]));
	if (!irqs->table) {
		ret = -ENOMEM;
		goto err_free;
	}
	for (uint32_t pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		irqs->table->entries[pin] = (struct kvm_irq_routing_entry){
			.gsi = pin,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC,
				       .pin = pin },
		};
	irqs->table->nr = LAYOUT_IOAPIC_PINS;
	ret = commit_locked(irqs, vm_fd);
	if (ret)
		goto err_table;
	pthread_mutex_init(&irqs->lock, NULL);
	*out = irqs;
	return 0;

err_table:
	free(irqs->table);
err_free:
	free(irqs);
	return ret;
}

void irqs_destroy(struct irqs *irqs)
{
	if (!irqs)
		return;
	pthread_mutex_destroy(&irqs->lock);
	free(irqs->table);
	free(irqs);
}

static int set_irqfd(int vm_fd, unsigned int gsi, int fd, int eoi_fd,
		     uint32_t flags)
{
	struct kvm_irqfd arg = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = eoi_fd < 0 ? 0 : (uint32_t)eoi_fd,
	};

	return ioctl(vm_fd, KVM_IRQFD, &arg) < 0 ? -errno : 0;
}

int vm_irq_edge(struct vm *vm, unsigned int gsi, int fd)
{
	return set_irqfd(vm->fd, gsi, fd, -1, 0);
}

int vm_irq_level(struct vm *vm, unsigned int gsi, int fd, int eoi_fd)
{
	return set_irqfd(vm->fd, gsi, fd, eoi_fd, KVM_IRQFD_FLAG_RESAMPLE);
}

static int route_locked(struct irqs *irqs, int vm_fd, struct vm_msi *msi,
			uint64_t addr, uint32_t data)
{
	struct kvm_irq_routing_entry *entry;
	struct kvm_irq_routing_entry want = {
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = (uint32_t)addr,
			   .address_hi = (uint32_t)(addr >> 32),
			   .data = data },
	};
	bool fresh = msi->gsi == 0;
	int ret;

	if (fresh && irqs->table->nr == ROUTES_MAX)
		return -ENOSPC;
	want.gsi = fresh ? irqs->table->nr : msi->gsi;
	entry = &irqs->table->entries[want.gsi];
	if (!fresh && entry->u.msi.address_lo == want.u.msi.address_lo &&
	    entry->u.msi.data == data)
		return 0;

	*entry = want;
	irqs->table->nr += fresh;
	ret = commit_locked(irqs, vm_fd);
	if (ret)
		irqs->table->nr -= fresh;
	else
		msi->gsi = want.gsi;
	return ret;
}

static int disconnect(struct vm *vm, struct vm_msi *msi, int fd)
{
	int ret;

	if (!msi->connected)
		return 0;
	ret = set_irqfd(vm->fd, msi->gsi, fd, -1, KVM_IRQFD_FLAG_DEASSIGN);
	if (!ret)
		msi->connected = false;
	return ret;
}

int vm_msi_set(struct vm *vm, struct vm_msi *msi, int fd, uint64_t addr,
	       uint32_t data, bool masked)
{
	int ret;

	if (masked)
		return disconnect(vm, msi, fd);
	/* Only there does a write mean an interrupt. */
	if ((addr & ~0xfffffull) != LAYOUT_LAPIC) {
		ret = disconnect(vm, msi, fd);
		return ret ? ret : -EINVAL;
	}
	pthread_mutex_lock(&vm->irqs->lock);
	ret = route_locked(vm->irqs, vm->fd, msi, addr, data);
	pthread_mutex_unlock(&vm->irqs->lock);
	if (ret || msi->connected)
		return ret;
	/* KVM delivers at once what was signalled while it was masked. */
	ret = set_irqfd(vm->fd, msi->gsi, fd, -1, 0);
	msi->connected = ret == 0;
	return ret;
}
