/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of pci/ share: the bus, its functions, their parts.
 *
 * bus.c finds and makes functions, config.c has their config space, bar.c their
 * BARs, msix.c their MSI-X tables, bridge.c makes host bridge and root ports.
 * "locked" stands for the bus's lock.
 */
#ifndef PCI_PCI_INTERNAL_H
#define PCI_PCI_INTERNAL_H

#include "base/log.h"
#include "pci/pci.h"

#include <pthread.h>

#define PCI_NR_SLOTS	 32
#define PCI_HEADER_CONST 256 /* config bytes with a value of their own */
#define PCI_MSIX_CAP_LEN 12

struct pci_bar_state {
	struct pci_bar desc;
	uint64_t addr; /* where the host has it mapped */
	bool mapped;
};

struct pci_msix_entry {
	uint64_t addr; /* as the guest wrote them */
	uint32_t data;
	uint32_t control;
	uint64_t told_addr; /* as the host was told */
	uint32_t told_data;
	bool told_unmasked;
	int fd;
};

struct pci_msix {
	unsigned int nr; /* 0: no MSI-X */
	unsigned int cap, bar;
	uint32_t table_off, pba_off;
	struct pci_msix_entry *entries; /* owned */
};

/* The functions under one bus number. */
struct pci_link {
	const struct pci_function *port;	  /* leads here; NULL: bus 0 */
	struct pci_function *slots[PCI_NR_SLOTS]; /* owned */
};

struct pci_function {
	struct pci_bus *bus;
	const struct pci_link *link; /* that it is on */
	struct pci_link *below;	     /* owned; NULL: no root port */
	uint8_t devfn;
	char name[32];
	/* Bits that a write clears by a one are not among the writable: the
	 * errors that they stand for do not happen, so they stay 0. */
	uint8_t config[PCI_HEADER_CONST];
	uint8_t writable[PCI_HEADER_CONST];
	struct pci_bar_state bars[PCI_NR_BARS];
	struct pci_msix msix;
	int intx_fd, intx_eoi_fd; /* -1: no INTx */
	const struct pci_function_ops *ops;
	void *ctx;
};

/* Where the next BAR of a kind goes; the rest of the window is free. */
struct pci_space {
	uint64_t next, last;
	bool full; /* next would wrap */
};

enum pci_space_kind {
	PCI_SPACE_IO,
	PCI_SPACE_MEM32,
	PCI_SPACE_MEM64,
	PCI_NR_SPACES
};

struct pci_bus {
	pthread_mutex_t lock; /* guards all below, and config, BARs, MSI-X */
	struct pci_link root;
	struct pci_space spaces[PCI_NR_SPACES];
	unsigned int gsi_first, nr_gsis;
	unsigned int next_bus; /* number for the next root port */
	const struct pci_host_ops *host;
	void *host_ctx;
	struct log_limit limit;
};

/* ---- bus.c ---- */

/* Puts a function on a link. Locked. Otherwise as pci_function_add(). */
MUST_CHECK int pci_function_place(struct pci_bus *bus, struct pci_link *link,
				  int devfn,
				  const struct pci_function_desc *desc,
				  struct pci_function **out);

/* ---- config.c ---- */

/* Fills in the header: identity of @desc, masks of what can be written. */
void pci_config_init(struct pci_function *fn,
		     const struct pci_function_desc *desc);
/* First capability with this id, or 0. */
unsigned int pci_config_find_cap(const uint8_t config[PCI_HEADER_CONST],
				 uint8_t id);
void pci_config_put32(struct pci_function *fn, unsigned int off, uint32_t value,
		      uint32_t writable);
/* Not locked. @off and @len are one aligned access. */
void pci_config_read(struct pci_function *fn, unsigned int off, void *buf,
		     unsigned int len);
void pci_config_write(struct pci_function *fn, unsigned int off,
		      const void *buf, unsigned int len);

/* ---- bar.c ---- */

/* Takes @size bytes, aligned to it. Return: 0, -ENOSPC. */
MUST_CHECK int pci_space_take(struct pci_space *space, uint64_t size,
			      uint64_t *addr);
/* Return: 0, -EINVAL. */
MUST_CHECK int pci_bars_check(const struct pci_bar bars[PCI_NR_BARS]);
/* Gives each BAR an address. Return: 0, -ENOSPC. */
MUST_CHECK int pci_bars_init(struct pci_function *fn);
/* Maps and unmaps after command register or BARs changed. Locked. */
void pci_bars_update(struct pci_function *fn);

/* ---- msix.c ---- */

/* Return: 0, -EINVAL. */
MUST_CHECK int pci_msix_check(const struct pci_function_desc *desc);
/* Return: 0, -EINVAL (no room for the capability), -ENOMEM, or -errno. */
MUST_CHECK int pci_msix_init(struct pci_function *fn,
			     const struct pci_function_desc *desc);
void pci_msix_fini(struct pci_function *fn);
/* Is any byte of this part of a BAR in the table or the PBA? */
bool pci_msix_covers(const struct pci_function *fn, unsigned int bar,
		     uint64_t off, unsigned int len);
/* Locked. */
void pci_msix_read(struct pci_function *fn, uint64_t off, void *buf,
		   unsigned int len);
void pci_msix_write(struct pci_function *fn, uint64_t off, const void *buf,
		    unsigned int len);
/* After the control word changed from @before. Locked. */
void pci_msix_control(struct pci_function *fn, uint16_t before);

/* ---- bridge.c ---- */

MUST_CHECK int pci_host_bridge_add(struct pci_bus *bus);

#endif
