// SPDX-License-Identifier: BSD-2-Clause
/*
 * Puts the machine together, in an order that can be read from top to bottom, and
 * runs it.
 */
#include "machine/machine_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "jail/jail.h"
#include "machine/acpi.h"
#include "machine/boot.h"
#include "machine/bus.h"
#include "machine/layout.h"
#include "machine/pci_host.h"
#include "machine/serial.h"
#include "machine/stats.h"
#include "memory/guest_ram.h"
#include "pci/pci.h"

/* The first reason counts; later ones come from vCPUs that have not stopped yet.
 * Any thread. */
static void ended(void *ctx, enum machine_end end)
{
	struct machine *m = ctx;

	if (!__atomic_exchange_n(&m->ended, true, __ATOMIC_ACQ_REL))
		loop_stop(m->loop, (int)end);
}

static void panicked(void *ctx)
{
	ended(ctx, MACHINE_PANIC);
}

/* ---- parts ---- */

static int make_privileges(struct machine *m)
{
	/* What a guest makes us write to may be gone: that is an errno. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return jail_drop(m->config.uid, m->config.gid);
}

static int make_vm(struct machine *m)
{
	return vm_init(&m->vm, machine_take_fd(&m->config.kvm_fd));
}

static int make_ram(struct machine *m)
{
	int ret = guest_ram_create(m->config.memory, &m->ram);

	return ret ? ret : vm_map_ram(&m->vm, m->ram);
}

static int make_buses(struct machine *m)
{
	int ret = loop_create(&m->loop);

	if (!ret)
		ret = bus_create(&m->mmio);
	if (!ret)
		ret = bus_create(&m->pio);
	return ret;
}

static int make_power(struct machine *m)
{
	int ret;

	m->power = (struct power){ .ended = ended, .ctx = m };
	ret = power_add(&m->power, m->pio);
	if (ret)
		return ret;
	m->pvpanic = (struct pvpanic){ .panicked = panicked, .ctx = m };
	return bus_add(m->mmio,
		       &(struct bus_region){
			   .start = LAYOUT_PVPANIC,
			   .last = LAYOUT_PVPANIC + LAYOUT_PVPANIC_LEN - 1,
			   .ops = &pvpanic_bus_ops,
			   .ctx = &m->pvpanic,
		       });
}

static int make_serials(struct machine *m)
{
	static const struct {
		uint16_t port;
		unsigned int gsi;
	} places[MACHINE_NR_SERIALS] = {
		{ LAYOUT_COM1, LAYOUT_COM1_GSI },
		{ LAYOUT_COM2, LAYOUT_COM2_GSI },
	};
	int ret = 0;

	for (unsigned int i = 0; !ret && i < MACHINE_NR_SERIALS; i++) {
		ret = serial_create(m->loop,
				    machine_take_fd(&m->config.serial_fd[i]),
				    &m->serials[i]);
		if (ret)
			break;
		ret = vm_irq_edge(&m->vm, places[i].gsi,
				  serial_irq_fd(m->serials[i]));
		if (ret)
			break;
		ret = bus_add(m->pio,
			      &(struct bus_region){
				  .start = places[i].port,
				  .last = places[i].port + LAYOUT_COM_LEN - 1,
				  .ops = &serial_bus_ops,
				  .ctx = m->serials[i],
			      });
	}
	return ret;
}

static int make_vcpus(struct machine *m)
{
	int ret = 0;

	m->vcpu_env = (struct vcpu_env){
		.vm = &m->vm,
		.mmio = m->mmio,
		.pio = m->pio,
		.nr_cpus = m->config.nr_cpus,
		.ended = ended,
		.ctx = m,
	};
	while (!ret && m->nr_vcpus < m->config.nr_cpus) {
		ret = vcpu_create(&m->vcpu_env, m->nr_vcpus,
				  &m->vcpus[m->nr_vcpus]);
		m->nr_vcpus += ret == 0;
	}
	return ret;
}

/* Statistics are not worth failing for. */
static int make_stats(struct machine *m)
{
	int fds[MACHINE_CPUS_MAX];
	int ret;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		fds[i] = vcpu_fd(m->vcpus[i]);
	ret = stats_create(m->vm.fd, fds, m->nr_vcpus, &m->stats);
	if (ret)
		log_warn("kvm", "no statistics: %s", strerror(-ret));
	return 0;
}

static int make_acpi(struct machine *m)
{
	struct acpi_config config = {
		.nr_cpus = m->config.nr_cpus,
		.mem64_start = m->mem64_start,
		.mem64_last = m->mem64_last,
		.iommu = m->config.iommu != MACHINE_IOMMU_OFF,
		.iommu_bdf = PCI_DEVFN(LAYOUT_SLOT_VIOMMU, 0),
		/* The devices, and all that may be plugged into root ports. */
		.behind = { { PCI_DEVFN(LAYOUT_SLOT_DEVICES, 0),
			      PCI_DEVFN(LAYOUT_SLOT_DEVICES_LAST, 7) },
			    { 0x0100, 0xffff } },
		.nr_behind = 2,
	};
	uint8_t *tables = guest_ram_span(m->ram, LAYOUT_ACPI, LAYOUT_ACPI_MAX);
	size_t len;

	if (!tables)
		return -EFAULT;
	for (unsigned int slot = 0; slot < ACPI_NR_SLOTS; slot++)
		for (unsigned int pin = 0; pin < ACPI_NR_PINS; pin++)
			config.intx_gsi[slot][pin] = (uint8_t)pci_intx_gsi(
			    pci_host_bus(m->pci), slot, pin);
	return acpi_build(&config, LAYOUT_ACPI, tables, LAYOUT_ACPI_MAX, &len);
}

static int load_kernel(struct machine *m)
{
	const struct boot_source source = {
		.kernel_fd = m->config.kernel_fd,
		.initrd_fd = m->config.initrd_fd,
		.cmdline = m->config.cmdline,
		.rsdp = LAYOUT_ACPI,
	};
	const char *why = "kernel: can not be loaded";
	struct boot_state state;
	int ret;

	ret = boot_load(&source, m->ram, &state, &why);
	fd_close(&m->config.kernel_fd);
	fd_close(&m->config.initrd_fd);
	if (ret) {
		/* The reason says it all, unless it is the host's. */
		bool ours = ret == -ENOEXEC || ret == -EINVAL || ret == -E2BIG;

		log_err("machine", "%s%s%s", why, ours ? "" : ": ",
			ours ? "" : strerror(-ret));
		return ret;
	}
	return vcpu_set_boot_state(m->vcpus[0], &state);
}

/* In this order; machine_destroy() is the same list backwards. A part without a
 * name logs itself. */
static const struct {
	const char *name;
	int (*make)(struct machine *m);
} parts[] = {
	{ "privileges", make_privileges },
	{ NULL, make_vm },
	{ "guest memory", make_ram },
	{ "event loop", make_buses },
	{ "power registers", make_power },
	{ "serial ports", make_serials },
	{ NULL, machine_make_devices },
	{ NULL, make_vcpus },
	{ "statistics", make_stats },
	{ "ACPI tables", make_acpi },
	{ NULL, load_kernel },
};

static int check_config(const struct machine_config *config)
{
	if (config->nr_cpus < 1 || config->nr_cpus > MACHINE_CPUS_MAX ||
	    config->nr_devices > MACHINE_DEVS_MAX)
		return -EINVAL;
	return 0;
}

static void close_left(struct machine_config *config)
{
	fd_close(&config->kvm_fd);
	fd_close(&config->kernel_fd);
	fd_close(&config->initrd_fd);
	for (unsigned int i = 0; i < MACHINE_NR_SERIALS; i++)
		fd_close(&config->serial_fd[i]);
	for (unsigned int i = 0; i < MACHINE_DEVS_MAX && i < config->nr_devices;
	     i++) {
		fd_close(&config->devices[i].sock);
		fd_close(&config->devices[i].backend_fd);
	}
}

int machine_create(const struct machine_config *config, struct machine **out)
{
	struct machine_config left = *config;
	struct machine *m;
	int ret;

	m = calloc(1, sizeof(*m));
	ret = m ? check_config(config) : -ENOMEM;
	if (ret) {
		log_err("machine", "can not be made: %s", strerror(-ret));
		close_left(&left);
		free(m);
		return ret;
	}
	m->config = left;
	m->vm.fd = m->vm.kvm_fd = -1;
	m->unattached_timer = -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].make(m);
		if (!ret)
			continue;
		if (parts[i].name)
			log_err("machine", "%s: can not be made: %s",
				parts[i].name, strerror(-ret));
		machine_destroy(m);
		return ret;
	}
	*out = m;
	return 0;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	stats_destroy(m->stats);
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		vcpu_destroy(m->vcpus[i]);
	machine_drop_devices(m);
	for (unsigned int i = 0; i < MACHINE_NR_SERIALS; i++)
		serial_destroy(m->serials[i]);
	bus_destroy(m->pio);
	bus_destroy(m->mmio);
	vm_fini(&m->vm);
	guest_ram_destroy(m->ram);
	fd_close(&m->unattached_timer);
	loop_destroy(m->loop);
	close_left(&m->config);
	free(m);
}

/* ---- running ---- */

static int enter_vcpu(void)
{
	return jail_enter(JAIL_VMM_VCPU);
}

static int start(struct machine *m)
{
	int ret = machine_watch_iommu(m);

	for (unsigned int i = 0; !ret && i < m->nr_vcpus; i++)
		ret = vcpu_start(m->vcpus[i], enter_vcpu);
	/* After the last thread was made, which would inherit it; before the
	 * loop sees the guest's first byte. */
	if (!ret)
		ret = jail_enter(JAIL_VMM_MAIN);
	return ret;
}

enum machine_end machine_run(struct machine *m)
{
	enum machine_end end = MACHINE_FAILED;
	int ret;

	ret = start(m);
	if (ret)
		log_err("machine", "can not start: %s", strerror(-ret));
	else
		end = (enum machine_end)loop_run(m->loop);
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		vcpu_stop(m->vcpus[i]);
	return end;
}

void machine_stop(struct machine *m, enum machine_end end)
{
	ended(m, end);
}

struct loop *machine_loop(struct machine *m)
{
	return m->loop;
}

const struct machine_config *machine_configuration(const struct machine *m)
{
	return &m->config;
}

struct viommu_front *machine_front(struct machine *m)
{
	return m->front;
}

struct viommu *machine_viommu(struct machine *m)
{
	return m->viommu;
}

struct vdev *machine_vdev(struct machine *m, unsigned int i)
{
	return i < m->config.nr_devices ? m->devices[i].vdev : NULL;
}

struct backend *machine_backend(struct machine *m, unsigned int i)
{
	return i < m->config.nr_devices ? m->devices[i].backend : NULL;
}

size_t machine_kvm_stats(struct machine *m, struct machine_stat *out,
			 size_t cap)
{
	return m->stats ? stats_read(m->stats, out, cap) : 0;
}
