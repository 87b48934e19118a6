// SPDX-License-Identifier: BSD-2-Clause
#include "machine/machine_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "backend/backend.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/range.h"
#include "jail/jail.h"
#include "machine/cpuid.h"
#include "machine/layout.h"
#include "machine/pci_host.h"
#include "memory/guest_ram.h"
#include "pci/pci.h"
#include "vfio/vdev.h"
#include "viommu/viommu.h"
#include "virtio/viommu_front.h"

/* How long a guest may take until its IOMMU driver has a device. */
#define UNATTACHED_MS 30000

static int enter_worker(void)
{
	return jail_enter(JAIL_VMM_WORKER);
}

static int make_viommu(struct machine *m)
{
	static const enum viommu_bypass bypass[] = {
		[MACHINE_IOMMU_ON] = VIOMMU_BYPASS_NEVER,
		[MACHINE_IOMMU_BOOT_BYPASS] = VIOMMU_BYPASS_BOOT,
		[MACHINE_IOMMU_OFF] = VIOMMU_BYPASS_ALWAYS,
	};
	struct viommu_config config;

	viommu_config_default(&config);
	config.bypass = bypass[m->config.iommu];
	return viommu_create(&config, &m->viommu);
}

/* The window for 64-bit BARs ends where addresses do. */
static int find_mem64(struct machine *m)
{
	const struct guest_ram_bank *high = guest_ram_bank(m->ram, 1);
	uint64_t start = GUEST_RAM_HOLE_END;
	unsigned int bits;
	int ret;

	ret = cpuid_physical_bits(&m->vm, &bits);
	if (ret)
		return ret;
	if (high)
		start = align_up(high->gpa + high->len, LAYOUT_MEM64_ALIGN);
	if (bits > 52 || start >= 1ull << bits)
		return -ERANGE;
	m->mem64_start = start;
	m->mem64_last = MIN(start + LAYOUT_MEM64_LEN, 1ull << bits) - 1;
	return 0;
}

static int make_bus(struct machine *m)
{
	const struct pci_host_config config = {
		.vm = &m->vm,
		.mmio = m->mmio,
		.pio = m->pio,
		.loop = m->loop,
		.mem64_start = m->mem64_start,
		.mem64_last = m->mem64_last,
	};

	return pci_host_create(&config, &m->pci);
}

static int make_front(struct machine *m)
{
	if (m->config.iommu == MACHINE_IOMMU_OFF)
		return 0;
	return viommu_front_create(m->viommu, m->ram, pci_host_bus(m->pci),
				   PCI_DEVFN(LAYOUT_SLOT_VIOMMU, 0),
				   enter_worker, &m->front);
}

static int make_backend(struct machine_device *config, struct backend **out)
{
	switch (config->backend) {
	case MACHINE_TAP:
		return backend_tap_create(machine_take_fd(&config->backend_fd),
					  out);
	case MACHINE_PASST:
		return backend_passt_create(
		    machine_take_fd(&config->backend_fd), out);
	default:
		return 0;
	}
}

static void on_vdev(void *ctx, int fd, uint32_t events)
{
	struct machine *m = ctx;

	(void)events;
	for (unsigned int i = 0; i < m->config.nr_devices; i++) {
		struct vdev *vdev = m->devices[i].vdev;

		if (!m->devices[i].watched || vdev->watch_fd != fd ||
		    !vdev_check(vdev))
			continue;
		loop_remove(m->loop, fd);
		m->devices[i].watched = false;
	}
}

static int plug(struct machine *m, struct vdev *vdev, unsigned int i)
{
	struct pci_function *fn;
	int ret;

	ret = vdev_plug(vdev, pci_host_bus(m->pci),
			PCI_DEVFN(LAYOUT_SLOT_DEVICES + i, 0), &fn);
	if (ret) {
		vdev_destroy(vdev);
		return ret;
	}
	m->devices[i].vdev = vdev;
	if (vdev->watch_fd < 0)
		return 0;
	ret = loop_add(m->loop, vdev->watch_fd, EPOLLIN, on_vdev, m);
	m->devices[i].watched = ret == 0;
	return ret;
}

static int make_device(struct machine *m, unsigned int i)
{
	struct machine_device *config = &m->config.devices[i];
	struct vdev_user_config user = {
		.name = config->name,
		.viommu = m->viommu,
		.endpoint = PCI_DEVFN(LAYOUT_SLOT_DEVICES + i, 0),
		.ram = m->ram,
	};
	struct vdev *vdev;
	int ret;

	ret = make_backend(config, &m->devices[i].backend);
	if (ret) {
		log_err(config->name, "its network can not be used: %s",
			strerror(-ret));
		return ret;
	}
	user.backend = m->devices[i].backend;
	user.sock = machine_take_fd(&config->sock);
	ret = vdev_user_create(&user, &vdev);
	if (ret)
		return ret; /* was logged */
	ret = plug(m, vdev, i);
	if (ret)
		log_err(config->name, "can not be put on the PCI bus: %s",
			strerror(-ret));
	return ret;
}

static int make_configured(struct machine *m)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < m->config.nr_devices; i++)
		ret = make_device(m, i);
	return ret;
}

static int make_root_ports(struct machine *m)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < LAYOUT_NR_ROOT_PORTS; i++)
		ret = pci_root_port_add(
		    pci_host_bus(m->pci),
		    PCI_DEVFN(LAYOUT_SLOT_ROOT_PORTS + i, 0), i + 1);
	return ret;
}

int machine_make_devices(struct machine *m)
{
	static const struct {
		const char *what;
		int (*make)(struct machine *m);
	} steps[] = {
		{ "iommu", make_viommu },
		{ "pci: room for 64-bit BARs", find_mem64 },
		{ "pci", make_bus },
		{ "virtio-iommu", make_front },
		{ NULL, make_configured }, /* logs itself */
		{ "pci: root ports", make_root_ports },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int ret = steps[i].make(m);

		if (ret && steps[i].what)
			log_err(steps[i].what, "can not be made: %s",
				strerror(-ret));
		if (ret)
			return ret;
	}
	return 0;
}

void machine_drop_devices(struct machine *m)
{
	for (unsigned int i = 0; i < m->config.nr_devices; i++)
		if (m->devices[i].watched)
			loop_remove(m->loop, m->devices[i].vdev->watch_fd);
	pci_host_destroy(m->pci);
	/* A backend is used until its device has gone. */
	for (unsigned int i = 0; i < m->config.nr_devices; i++)
		if (m->devices[i].backend)
			m->devices[i].backend->ops->destroy(
			    m->devices[i].backend);
	viommu_destroy(m->viommu);
}

/* ---- an IOMMU that nobody uses ---- */

static void on_unattached(void *ctx, int fd, uint32_t events)
{
	struct machine *m = ctx;

	(void)events;
	loop_remove(m->loop, fd);
	if (viommu_ever_attached(m->viommu))
		return;
	log_warn("iommu",
		 "after %u s no device is attached: the guest has no "
		 "virtio-iommu driver, or not in its initramfs, and its "
		 "devices are cut off or wait for it (Debian 12's kernel 6.1 "
		 "has none); take a kernel with virtio_iommu in its "
		 "initramfs, or --iommu boot-bypass, or --iommu off",
		 UNATTACHED_MS / 1000);
}

int machine_watch_iommu(struct machine *m)
{
	if (m->config.iommu != MACHINE_IOMMU_ON || m->config.nr_devices == 0)
		return 0;
	return loop_add_timer(m->loop, UNATTACHED_MS, on_unattached, m,
			      &m->unattached_timer);
}
