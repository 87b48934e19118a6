/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI bus: functions with config space, BARs, INTx and MSI-X, and root ports.
 *
 * A function is made by virtio/ or vfio/ (or by pci/ itself: host bridge, root
 * ports), which fills in a description and gets called for accesses. The machine
 * gives the bus its ops: what to do when a BAR or an MSI-X vector moves.
 *
 * Locking: the bus has one lock, taken for config accesses, changes of BARs and
 * MSI-X tables. BAR accesses take none: several vCPUs may call read and write of
 * a function at once. Nor is it held while a function serves its own config
 * bytes: a slow device holds up whoever asks it, not the bus.
 */
#ifndef PCI_PCI_H
#define PCI_PCI_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_LEN	4096
#define PCI_NR_BARS	6
#define PCI_MSIX_MAX	2048
#define PCI_DEVFN(d, f) ((uint8_t)((d) << 3 | (f)))

struct pci_bus;
struct pci_function;

enum pci_bar_type { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64 };

struct pci_bar {
	enum pci_bar_type type;
	bool prefetchable;
	uint64_t size; /* power of two; at least 16 (memory) or 4 (I/O) */
};

/* A doorbell without a value: KVM signals @fd, no vCPU exit to the VMM. */
struct pci_io_fd {
	unsigned int bar;
	uint64_t off;
	unsigned int len; /* 0: any */
	int fd;		  /* borrowed from the function */
};

/* What a function is called for. Any may be NULL. */
struct pci_function_ops {
	/* BAR access, @len 1, 2, 4 or 8, inside the BAR, MSI-X table and PBA
	 * excepted. Any vCPU thread. A read that fails gives all ones. */
	void (*bar_read)(void *ctx, unsigned int bar, uint64_t off, void *buf,
			 unsigned int len);
	void (*bar_write)(void *ctx, unsigned int bar, uint64_t off,
			  const void *buf, unsigned int len);
	/* Config bytes that pci/ does not own: outside the header, the MSI-X
	 * capability. @len 1, 2 or 4, aligned. Any vCPU thread, several at once;
	 * may call pci_bar_read() and pci_bar_write(). NULL: they are constant
	 * (beyond byte 255: zeros). */
	void (*config_read)(void *ctx, unsigned int off, void *buf,
			    unsigned int len);
	void (*config_write)(void *ctx, unsigned int off, const void *buf,
			     unsigned int len);
	/* MSI-X was enabled or disabled. Called with the bus's lock held. */
	void (*msix_enabled)(void *ctx, bool enabled);
	/* End of interrupt of INTx, or INTx allowed again: signal again if still
	 * asserted. */
	void (*intx_eoi)(void *ctx);
	/* Does the function want INTx now? For the status register; must not
	 * wait. NULL: it never says so. */
	bool (*intx_asserted)(void *ctx);
	/* The @i-th eventfd to signal in place of writes to (@bar, @off);
	 * @len 0: of any size. False: no more. Constant after creation. */
	bool (*io_fd)(void *ctx, unsigned int i, struct pci_io_fd *out);
	void (*destroy)(void *ctx);
};

struct pci_function_desc {
	const char *name; /* for messages: "e1000[net0]"; copied */
	/* Identity and capabilities; header type 0. Of the header pci/ takes the
	 * identity and the capability pointer, the rest is its own. */
	uint8_t config[256];
	struct pci_bar bars[PCI_NR_BARS];
	bool intx; /* has an INTx pin (INTA) */
	/*
	 * MSI-X: 0 vectors: none. If @config has no such capability, pci/ adds
	 * one in the highest 12 bytes of zeros; what it says is in any case
	 * filled in from here. Table and PBA are served by pci/: each 8-aligned,
	 * in a memory BAR, apart from one another.
	 */
	unsigned int msix_vectors;
	unsigned int msix_bar;
	uint32_t msix_table_off, msix_pba_off;
	const struct pci_function_ops *ops;
	void *ctx;
};

/* What the machine does for the bus. Called with the bus's lock held. */
struct pci_host_ops {
	/* The guest sees BAR @bar of @fn at @addr from now on. -errno if that
	 * is not possible (overlaps RAM or another BAR): stays unmapped. */
	int (*bar_map)(void *ctx, struct pci_function *fn, unsigned int bar,
		       uint64_t addr);
	void (*bar_unmap)(void *ctx, struct pci_function *fn, unsigned int bar);
	/* Vector @vector now sends (@addr, @data) whenever its eventfd is
	 * signalled; @masked: holds it back, and delivers it at unmask. */
	int (*msix_set)(void *ctx, struct pci_function *fn, unsigned int vector,
			uint64_t addr, uint32_t data, bool masked);
	/* Connects the INTx eventfd pair to its GSI. */
	int (*intx_connect)(void *ctx, struct pci_function *fn,
			    unsigned int gsi);
};

/* Windows from which BARs are given out, [start, last]. */
struct pci_windows {
	uint64_t mem32_start, mem32_last;
	uint64_t mem64_start, mem64_last;
	uint16_t io_start, io_last;
	unsigned int gsi_first, nr_gsis; /* INTx lines, 4 a turn by slot */
};

/* Makes bus 0 with its host bridge at 00.0. @windows is copied; @ops and @ctx
 * outlive the bus. Return: 0, -EINVAL (no GSIs), or -ENOMEM. */
MUST_CHECK int pci_bus_create(const struct pci_windows *windows,
			      const struct pci_host_ops *ops, void *ctx,
			      struct pci_bus **out);
/* Destroys its functions, too (ops->destroy), the last slot first. */
void pci_bus_destroy(struct pci_bus *bus);

/**
 * pci_function_add() - Put a function on bus 0
 * @devfn: PCI_DEVFN(slot, 0), or -1: the next free slot
 * @desc:  copied; its ops and ctx outlive the bus. After an error the caller
 *	   still owns ctx: ops->destroy is not called.
 * @out:   owned by the bus
 *
 * Gives its BARs addresses (as firmware would; decoding is off until the guest
 * turns it on), and its INTx pin a line.
 *
 * Return: 0, -EINVAL (description), -EBUSY (slot taken), -ENOSPC (no slot, no room
 * in a window), -ENOMEM, or -errno of eventfd(2).
 */
MUST_CHECK int pci_function_add(struct pci_bus *bus, int devfn,
				const struct pci_function_desc *desc,
				struct pci_function **out);

/* A PCIe root port without anything behind it; bus number and windows assigned.
 * Hot plug comes with the devices that need it. Return: as pci_function_add(). */
MUST_CHECK int pci_root_port_add(struct pci_bus *bus, int devfn,
				 unsigned int slot_number);

uint16_t pci_function_bdf(const struct pci_function *fn);
const char *pci_function_name(const struct pci_function *fn);
const struct pci_bar *pci_function_bar(const struct pci_function *fn,
				       unsigned int bar);
/* eventfds, borrowed: of an MSI-X vector; of INTx (signal: raise; eoi: resample) */
int pci_msix_fd(const struct pci_function *fn, unsigned int vector);
int pci_intx_fd(const struct pci_function *fn);
int pci_intx_eoi_fd(const struct pci_function *fn);
/* The machine's loop calls this when the eoi fd was signalled. */
void pci_intx_eoi(struct pci_function *fn);
bool pci_msix_is_enabled(const struct pci_function *fn);
/* Whether the guest lets the function raise INTx (command register). Who raises
 * it looks here first; when it is allowed again, ops->intx_eoi is called. */
bool pci_intx_is_allowed(const struct pci_function *fn);
/* As ops->io_fd; for the machine, which registers them when a BAR is mapped. */
bool pci_io_fd(const struct pci_function *fn, unsigned int i,
	       struct pci_io_fd *out);

/* GSI of INTx pin @pin (0: INTA) of slot @slot; for the DSDT's _PRT. */
unsigned int pci_intx_gsi(const struct pci_bus *bus, unsigned int slot,
			  unsigned int pin);

/* ECAM access, @off inside bus 0's 1 MiB and what follows; @len 1, 2 or 4. What
 * is absent, unaligned or of another length reads as ones, and is not written. */
void pci_ecam_read(struct pci_bus *bus, uint64_t off, void *buf,
		   unsigned int len);
void pci_ecam_write(struct pci_bus *bus, uint64_t off, const void *buf,
		    unsigned int len);

/* BAR access by the machine's dispatcher; serves the MSI-X table, calls ops. One
 * that is not inside the BAR, or not @len 1, 2, 4 or 8: as for the ECAM. */
void pci_bar_read(struct pci_function *fn, unsigned int bar, uint64_t off,
		  void *buf, unsigned int len);
void pci_bar_write(struct pci_function *fn, unsigned int bar, uint64_t off,
		   const void *buf, unsigned int len);

#endif
