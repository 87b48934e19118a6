/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine consists of, for machine.c, devices.c and stats.c. */
#ifndef MACHINE_MACHINE_INTERNAL_H
#define MACHINE_MACHINE_INTERNAL_H

#include "machine/machine.h"

#include "machine/power.h"
#include "machine/pvpanic.h"
#include "machine/vcpu.h"
#include "machine/vm.h"

#define MACHINE_NR_SERIALS 2

/* All owned, but for what is marked; made in this order. */
struct machine {
	/* As given; of its descriptors, what has not been taken yet (-1: has). */
	struct machine_config config;

	struct loop *loop;
	struct vm vm;
	struct guest_ram *ram;
	struct bus *mmio, *pio;
	struct power power;
	struct pvpanic pvpanic;
	struct serial *serials[MACHINE_NR_SERIALS];

	uint64_t mem64_start, mem64_last;
	struct viommu *viommu;
	struct viommu_front *front; /* of the PCI bus; NULL: none */
	struct pci_host *pci;
	/* As configured. The vdevs belong to the PCI bus once plugged. */
	struct {
		struct vdev *vdev;
		struct backend *backend;
		bool watched;
	} devices[MACHINE_DEVS_MAX];

	struct vcpu_env vcpu_env;
	struct vcpu *vcpus[MACHINE_CPUS_MAX];
	unsigned int nr_vcpus;
	struct stats *stats; /* NULL: this KVM has none */

	int unattached_timer; /* -1: none */
	bool ended;	      /* atomic: the first reason counts */
};

/* Moves a descriptor of the configuration to the caller. */
static inline int machine_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The IOMMU, the PCI bus and everything on it (devices.c). Return: 0 or -errno,
 * logged. */
MUST_CHECK int machine_make_devices(struct machine *m);
/* No vCPU runs. What was not made is skipped. */
void machine_drop_devices(struct machine *m);

/* Starts to wait for an endpoint to attach. Return: 0 or -errno. */
MUST_CHECK int machine_watch_iommu(struct machine *m);

#endif
