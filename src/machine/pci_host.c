// SPDX-License-Identifier: BSD-2-Clause
#include "machine/pci_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "machine/bus.h"
#include "machine/layout.h"
#include "machine/vm.h"
#include "pci/pci.h"

/* A BAR that the guest sees. */
struct host_bar {
	struct pci_function *fn; /* borrowed */
	unsigned int bar;
	uint64_t addr;
};

/* What the host keeps of a function, from its first call on. */
struct host_function {
	struct host_function *next;
	struct pci_function *fn; /* borrowed */
	struct host_bar bars[PCI_NR_BARS];
	struct vm_msi *msis; /* owned; nr_msis vectors from 0 on */
	unsigned int nr_msis;
	int eoi_fd; /* watched, borrowed; -1: none */
};

struct pci_host {
	struct pci_host_config config;
	struct pci_windows windows;
	struct pci_bus *bus;		 /* owned */
	struct host_function *functions; /* owned; guarded by the bus's lock */
	struct log_limit limit;
};

static struct host_function *get_function(struct pci_host *host,
					  struct pci_function *fn)
{
	struct host_function *f;

	for (f = host->functions; f; f = f->next)
		if (f->fn == fn)
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->fn = fn;
	f->eoi_fd = -1;
	f->next = host->functions;
	host->functions = f;
	return f;
}

/* ---- BARs ---- */

static void read_bar(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	const struct host_bar *b = ctx;

	pci_bar_read(b->fn, b->bar, off, buf, len);
}

static void write_bar(void *ctx, uint64_t off, const void *buf,
		      unsigned int len)
{
	const struct host_bar *b = ctx;

	pci_bar_write(b->fn, b->bar, off, buf, len);
}

static const struct bus_ops bar_ops = { .read = read_bar, .write = write_bar };

static bool within(uint64_t first, uint64_t last, uint64_t window_first,
		   uint64_t window_last)
{
	return first <= last && first >= window_first && last <= window_last;
}

/* Only there does the host bridge pass accesses on: BARs elsewhere, over RAM or
 * interrupt controllers, are not seen. */
static bool in_window(const struct pci_windows *w, enum pci_bar_type type,
		      uint64_t first, uint64_t last)
{
	if (type == PCI_BAR_IO)
		return within(first, last, w->io_start, w->io_last);
	return within(first, last, w->mem32_start, w->mem32_last) ||
	       within(first, last, w->mem64_start, w->mem64_last);
}

static struct bus *bus_of(const struct pci_host *host, const struct pci_bar *b)
{
	return b->type == PCI_BAR_IO ? host->config.pio : host->config.mmio;
}

/* Finds the @i-th eventfd of a function, if it is one of @bar. */
static bool find_doorbell(const struct pci_function *fn, unsigned int bar,
			  uint64_t addr, unsigned int i,
			  struct vm_doorbell *bell, bool *ours)
{
	struct pci_io_fd io;

	if (!pci_io_fd(fn, i, &io))
		return false;
	*ours = io.bar == bar;
	*bell = (struct vm_doorbell){
		.addr = addr + io.off,
		.len = io.len,
		.pio = pci_function_bar(fn, bar)->type == PCI_BAR_IO,
		.fd = io.fd,
	};
	return true;
}

static void remove_doorbells(struct pci_host *host, struct pci_function *fn,
			     unsigned int bar, uint64_t addr, unsigned int nr)
{
	struct vm_doorbell bell;
	bool ours;

	for (unsigned int i = 0; i < nr; i++) {
		if (!find_doorbell(fn, bar, addr, i, &bell, &ours))
			break;
		if (ours)
			vm_doorbell_remove(host->config.vm, &bell);
	}
}

static int add_doorbells(struct pci_host *host, struct pci_function *fn,
			 unsigned int bar, uint64_t addr)
{
	struct vm_doorbell bell;
	bool ours;

	for (unsigned int i = 0; find_doorbell(fn, bar, addr, i, &bell, &ours);
	     i++) {
		int ret = ours ? vm_doorbell_add(host->config.vm, &bell) : 0;

		if (ret) {
			remove_doorbells(host, fn, bar, addr, i);
			return ret;
		}
	}
	return 0;
}

static int map_bar(struct pci_host *host, struct pci_function *fn,
		   unsigned int bar, uint64_t addr)
{
	const struct pci_bar *desc = pci_function_bar(fn, bar);
	struct host_function *f = get_function(host, fn);
	struct bus_region region;
	int ret;

	if (!f)
		return -ENOMEM;
	if (!in_window(&host->windows, desc->type, addr, addr + desc->size - 1))
		return -ERANGE;
	f->bars[bar] = (struct host_bar){ fn, bar, addr };
	region = (struct bus_region){
		.start = addr,
		.last = addr + desc->size - 1,
		.ops = &bar_ops,
		.ctx = &f->bars[bar],
	};
	ret = bus_add(bus_of(host, desc), &region);
	if (ret)
		return ret;
	ret = add_doorbells(host, fn, bar, addr);
	if (ret)
		bus_remove(bus_of(host, desc), addr);
	return ret;
}

static int host_bar_map(void *ctx, struct pci_function *fn, unsigned int bar,
			uint64_t addr)
{
	struct pci_host *host = ctx;
	int ret = map_bar(host, fn, bar, addr);

	if (ret)
		log_guest(&host->limit, "pci",
			  "%s: BAR %u can not be at %#llx: %s",
			  pci_function_name(fn), bar, (unsigned long long)addr,
			  strerror(-ret));
	return ret;
}

static void host_bar_unmap(void *ctx, struct pci_function *fn, unsigned int bar)
{
	struct pci_host *host = ctx;
	struct host_function *f = get_function(host, fn);

	if (!f)
		return;
	remove_doorbells(host, fn, bar, f->bars[bar].addr, UINT32_MAX);
	bus_remove(bus_of(host, pci_function_bar(fn, bar)), f->bars[bar].addr);
}

/* ---- interrupts ---- */

static int grow_msis(struct host_function *f, unsigned int nr)
{
	struct vm_msi *msis;

	if (nr <= f->nr_msis)
		return 0;
	msis = realloc(f->msis, nr * sizeof(*msis));
	if (!msis)
		return -ENOMEM;
	memset(msis + f->nr_msis, 0, (nr - f->nr_msis) * sizeof(*msis));
	f->msis = msis;
	f->nr_msis = nr;
	return 0;
}

static int host_msix_set(void *ctx, struct pci_function *fn,
			 unsigned int vector, uint64_t addr, uint32_t data,
			 bool masked)
{
	struct pci_host *host = ctx;
	struct host_function *f = get_function(host, fn);
	int ret;

	if (!f || vector >= PCI_MSIX_MAX)
		return -ENOMEM;
	ret = grow_msis(f, vector + 1);
	if (!ret)
		ret = vm_msi_set(host->config.vm, &f->msis[vector],
				 pci_msix_fd(fn, vector), addr, data, masked);
	if (ret)
		log_guest(&host->limit, "pci",
			  "%s: MSI-X vector %u can not go to %#llx: %s",
			  pci_function_name(fn), vector,
			  (unsigned long long)addr, strerror(-ret));
	return ret;
}

static void on_intx_eoi(void *ctx, int fd, uint32_t events)
{
	(void)events;
	fd_event_drain(fd);
	pci_intx_eoi(ctx);
}

static int host_intx_connect(void *ctx, struct pci_function *fn,
			     unsigned int gsi)
{
	struct pci_host *host = ctx;
	struct host_function *f = get_function(host, fn);
	int eoi_fd = pci_intx_eoi_fd(fn);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = vm_irq_level(host->config.vm, gsi, pci_intx_fd(fn), eoi_fd);
	if (ret)
		return ret;
	ret = loop_add(host->config.loop, eoi_fd, EPOLLIN, on_intx_eoi, fn);
	if (ret)
		return ret;
	f->eoi_fd = eoi_fd;
	return 0;
}

static const struct pci_host_ops host_ops = {
	.bar_map = host_bar_map,
	.bar_unmap = host_bar_unmap,
	.msix_set = host_msix_set,
	.intx_connect = host_intx_connect,
};

/* ---- config space ---- */

static void read_ecam(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	pci_ecam_read(ctx, off, buf, len);
}

static void write_ecam(void *ctx, uint64_t off, const void *buf,
		       unsigned int len)
{
	pci_ecam_write(ctx, off, buf, len);
}

static const struct bus_ops ecam_ops = {
	.read = read_ecam,
	.write = write_ecam,
};

/* ---- life ---- */

int pci_host_create(const struct pci_host_config *config, struct pci_host **out)
{
	struct pci_host *host;
	int ret;

	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->config = *config;
	host->windows = (struct pci_windows){
		.mem32_start = LAYOUT_MEM32,
		.mem32_last = LAYOUT_MEM32_LAST,
		.mem64_start = config->mem64_start,
		.mem64_last = config->mem64_last,
		.io_start = LAYOUT_PCI_IO,
		.io_last = LAYOUT_PCI_IO_LAST,
		.gsi_first = LAYOUT_INTX_GSI,
		.nr_gsis = LAYOUT_NR_INTX_GSIS,
	};
	ret = pci_bus_create(&host->windows, &host_ops, host, &host->bus);
	if (ret)
		goto err_free;
	ret =
	    bus_add(config->mmio, &(struct bus_region){
				      .start = LAYOUT_ECAM,
				      .last = LAYOUT_ECAM + LAYOUT_ECAM_LEN - 1,
				      .ops = &ecam_ops,
				      .ctx = host->bus,
				  });
	if (ret)
		goto err_bus;
	*out = host;
	return 0;

err_bus:
	pci_bus_destroy(host->bus);
err_free:
	free(host);
	return ret;
}

void pci_host_destroy(struct pci_host *host)
{
	struct host_function *f;

	if (!host)
		return;
	for (f = host->functions; f; f = f->next)
		if (f->eoi_fd >= 0)
			loop_remove(host->config.loop, f->eoi_fd);
	pci_bus_destroy(host->bus);
	while ((f = host->functions)) {
		host->functions = f->next;
		free(f->msis);
		free(f);
	}
	free(host);
}

struct pci_bus *pci_host_bus(struct pci_host *host)
{
	return host->bus;
}
