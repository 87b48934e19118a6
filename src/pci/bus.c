// SPDX-License-Identifier: BSD-2-Clause
#include "pci/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/fd.h"
#include "base/range.h"
#include "pci/pci_internal.h"

#define NR_BUSES 256

static struct pci_link *find_link(struct pci_bus *bus, unsigned int nr)
{
	if (nr == 0)
		return &bus->root;
	for (unsigned int i = 0; i < PCI_NR_SLOTS; i++) {
		struct pci_function *fn = bus->root.slots[i];

		if (fn && fn->below && fn->config[PCI_SECONDARY_BUS] == nr)
			return fn->below;
	}
	return NULL;
}

static struct pci_function *find_function(struct pci_bus *bus, uint64_t bdf)
{
	const struct pci_link *link;

	/* Nobody has more than function 0. */
	if (bdf >> 8 >= NR_BUSES || (bdf & 7))
		return NULL;
	link = find_link(bus, (unsigned int)(bdf >> 8));
	return link ? link->slots[bdf >> 3 & (PCI_NR_SLOTS - 1)] : NULL;
}

/* An access that a function can be asked for, or NULL. */
static struct pci_function *ecam_target(struct pci_bus *bus, uint64_t off,
					unsigned int len)
{
	struct pci_function *fn;

	if ((len != 1 && len != 2 && len != 4) || (off & (len - 1)))
		return NULL;
	pthread_mutex_lock(&bus->lock);
	fn = find_function(bus, off / PCI_CONFIG_LEN);
	pthread_mutex_unlock(&bus->lock);
	return fn;
}

void pci_ecam_read(struct pci_bus *bus, uint64_t off, void *buf,
		   unsigned int len)
{
	struct pci_function *fn = ecam_target(bus, off, len);

	if (fn)
		pci_config_read(fn, off % PCI_CONFIG_LEN, buf, len);
	else
		memset(buf, 0xff, len);
}

void pci_ecam_write(struct pci_bus *bus, uint64_t off, const void *buf,
		    unsigned int len)
{
	struct pci_function *fn = ecam_target(bus, off, len);

	if (fn)
		pci_config_write(fn, off % PCI_CONFIG_LEN, buf, len);
}

static bool bar_access_fits(const struct pci_function *fn, unsigned int bar,
			    uint64_t off, unsigned int len)
{
	if (len != 1 && len != 2 && len != 4 && len != 8)
		return false;
	return bar < PCI_NR_BARS &&
	       span_fits(off, len, fn->bars[bar].desc.size);
}

void pci_bar_read(struct pci_function *fn, unsigned int bar, uint64_t off,
		  void *buf, unsigned int len)
{
	memset(buf, 0xff, len);
	if (!bar_access_fits(fn, bar, off, len))
		return;
	if (pci_msix_covers(fn, bar, off, len)) {
		pthread_mutex_lock(&fn->bus->lock);
		pci_msix_read(fn, off, buf, len);
		pthread_mutex_unlock(&fn->bus->lock);
	} else if (fn->ops->bar_read) {
		fn->ops->bar_read(fn->ctx, bar, off, buf, len);
	}
}

void pci_bar_write(struct pci_function *fn, unsigned int bar, uint64_t off,
		   const void *buf, unsigned int len)
{
	if (!bar_access_fits(fn, bar, off, len))
		return;
	if (pci_msix_covers(fn, bar, off, len)) {
		pthread_mutex_lock(&fn->bus->lock);
		pci_msix_write(fn, off, buf, len);
		pthread_mutex_unlock(&fn->bus->lock);
	} else if (fn->ops->bar_write) {
		fn->ops->bar_write(fn->ctx, bar, off, buf, len);
	}
}

static void function_destroy(struct pci_function *fn)
{
	if (!fn)
		return;
	pci_msix_fini(fn);
	fd_close(&fn->intx_eoi_fd);
	fd_close(&fn->intx_fd);
	free(fn->below);
	free(fn);
}

static int init_intx(struct pci_function *fn)
{
	struct pci_bus *bus = fn->bus;
	unsigned int gsi = pci_intx_gsi(bus, fn->devfn >> 3, 0);
	int ret;

	ret = fd_event_create(&fn->intx_fd);
	if (ret)
		return ret;
	ret = fd_event_create(&fn->intx_eoi_fd);
	if (ret)
		return ret;
	fn->config[PCI_INTERRUPT_PIN] = 1;
	fn->config[PCI_INTERRUPT_LINE] = (uint8_t)gsi;
	return bus->host->intx_connect(bus->host_ctx, fn, gsi);
}

/* Everything of a function that can fail. After an error: function_destroy(). */
static int function_init(struct pci_function *fn,
			 const struct pci_function_desc *desc)
{
	int ret;

	pci_config_init(fn, desc);
	ret = pci_bars_init(fn);
	if (ret)
		return ret;
	ret = pci_msix_init(fn, desc);
	if (ret)
		return ret;
	return desc->intx ? init_intx(fn) : 0;
}

static int pick_slot(const struct pci_link *link, int devfn, uint8_t *out)
{
	unsigned int slot = 0;

	if (devfn < -1 || devfn > 0xff || (devfn >= 0 && (devfn & 7)))
		return -EINVAL;
	if (devfn >= 0) {
		*out = (uint8_t)devfn;
		return link->slots[devfn >> 3] ? -EBUSY : 0;
	}
	while (slot < PCI_NR_SLOTS && link->slots[slot])
		slot++;
	if (slot == PCI_NR_SLOTS)
		return -ENOSPC;
	*out = PCI_DEVFN(slot, 0);
	return 0;
}

static struct pci_function *function_new(struct pci_bus *bus,
					 const struct pci_link *link,
					 uint8_t devfn,
					 const struct pci_function_desc *desc)
{
	struct pci_function *fn = calloc(1, sizeof(*fn));

	if (!fn)
		return NULL;
	fn->bus = bus;
	fn->link = link;
	fn->devfn = devfn;
	fn->intx_fd = -1;
	fn->intx_eoi_fd = -1;
	fn->ops = desc->ops;
	fn->ctx = desc->ctx;
	strncpy(fn->name, desc->name, sizeof(fn->name) - 1);
	for (unsigned int i = 0; i < PCI_NR_BARS; i++)
		fn->bars[i].desc = desc->bars[i];
	return fn;
}

int pci_function_place(struct pci_bus *bus, struct pci_link *link, int devfn,
		       const struct pci_function_desc *desc,
		       struct pci_function **out)
{
	struct pci_space spaces[PCI_NR_SPACES];
	struct pci_function *fn;
	uint8_t at;
	int ret;

	ret = pick_slot(link, devfn, &at);
	if (ret)
		return ret;
	ret = pci_bars_check(desc->bars);
	if (ret)
		return ret;
	ret = pci_msix_check(desc);
	if (ret)
		return ret;

	fn = function_new(bus, link, at, desc);
	if (!fn)
		return -ENOMEM;
	memcpy(spaces, bus->spaces, sizeof(spaces));
	ret = function_init(fn, desc);
	if (ret)
		goto err_spaces;

	link->slots[at >> 3] = fn;
	*out = fn;
	return 0;

err_spaces:
	memcpy(bus->spaces, spaces, sizeof(spaces));
	function_destroy(fn);
	return ret;
}

int pci_function_add(struct pci_bus *bus, int devfn,
		     const struct pci_function_desc *desc,
		     struct pci_function **out)
{
	int ret;

	pthread_mutex_lock(&bus->lock);
	ret = pci_function_place(bus, &bus->root, devfn, desc, out);
	pthread_mutex_unlock(&bus->lock);
	return ret;
}

static void init_spaces(struct pci_bus *bus, const struct pci_windows *w)
{
	bus->spaces[PCI_SPACE_IO] =
	    (struct pci_space){ w->io_start, w->io_last, false };
	bus->spaces[PCI_SPACE_MEM32] =
	    (struct pci_space){ w->mem32_start, w->mem32_last, false };
	bus->spaces[PCI_SPACE_MEM64] =
	    (struct pci_space){ w->mem64_start, w->mem64_last, false };
}

int pci_bus_create(const struct pci_windows *windows,
		   const struct pci_host_ops *ops, void *ctx,
		   struct pci_bus **out)
{
	struct pci_bus *bus;
	int ret;

	if (windows->nr_gsis == 0)
		return -EINVAL;
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return -ENOMEM;
	pthread_mutex_init(&bus->lock, NULL);
	init_spaces(bus, windows);
	bus->gsi_first = windows->gsi_first;
	bus->nr_gsis = windows->nr_gsis;
	bus->next_bus = 1;
	bus->host = ops;
	bus->host_ctx = ctx;
	ret = pci_host_bridge_add(bus);
	if (ret)
		goto err_free;
	*out = bus;
	return 0;

err_free:
	pthread_mutex_destroy(&bus->lock);
	free(bus);
	return ret;
}

/* Last slot first: the IOMMU sits below the devices that report faults to it. */
static void destroy_link(struct pci_link *link)
{
	for (unsigned int i = PCI_NR_SLOTS; i-- > 0;) {
		struct pci_function *fn = link->slots[i];

		if (!fn)
			continue;
		if (fn->ops->destroy)
			fn->ops->destroy(fn->ctx);
		function_destroy(fn);
	}
}

void pci_bus_destroy(struct pci_bus *bus)
{
	if (!bus)
		return;
	for (unsigned int i = 0; i < PCI_NR_SLOTS; i++)
		if (bus->root.slots[i] && bus->root.slots[i]->below)
			destroy_link(bus->root.slots[i]->below);
	destroy_link(&bus->root);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

uint16_t pci_function_bdf(const struct pci_function *fn)
{
	const struct pci_function *port = fn->link->port;
	unsigned int nr = port ? port->config[PCI_SECONDARY_BUS] : 0;

	return (uint16_t)(nr << 8 | fn->devfn);
}

const char *pci_function_name(const struct pci_function *fn)
{
	return fn->name;
}

const struct pci_bar *pci_function_bar(const struct pci_function *fn,
				       unsigned int bar)
{
	return &fn->bars[bar].desc;
}

int pci_intx_fd(const struct pci_function *fn)
{
	return fn->intx_fd;
}

int pci_intx_eoi_fd(const struct pci_function *fn)
{
	return fn->intx_eoi_fd;
}

bool pci_intx_is_allowed(const struct pci_function *fn)
{
	/* The upper byte of the command register, in one access. */
	return !(
	    __atomic_load_n(&fn->config[PCI_COMMAND + 1], __ATOMIC_SEQ_CST) &
	    PCI_COMMAND_INTX_DISABLE >> 8);
}

void pci_intx_eoi(struct pci_function *fn)
{
	if (fn->ops->intx_eoi && pci_intx_is_allowed(fn))
		fn->ops->intx_eoi(fn->ctx);
}

bool pci_io_fd(const struct pci_function *fn, unsigned int i,
	       struct pci_io_fd *out)
{
	return fn->ops->io_fd && fn->ops->io_fd(fn->ctx, i, out);
}

unsigned int pci_intx_gsi(const struct pci_bus *bus, unsigned int slot,
			  unsigned int pin)
{
	return bus->gsi_first + (slot + pin) % bus->nr_gsis;
}
