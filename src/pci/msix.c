// SPDX-License-Identifier: BSD-2-Clause
/*
 * MSI-X: capability, table, pending bits.
 *
 * A function signals a vector's eventfd whether the vector is masked or not. The
 * host takes signals of unmasked vectors only, so a masked one's eventfd counts:
 * that count is the pending bit, and the host finds it when the mask goes.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/range.h"
#include "pci/pci_internal.h"

static uint32_t table_len(unsigned int nr)
{
	return nr * PCI_MSIX_ENTRY_SIZE;
}

static uint32_t pba_len(unsigned int nr)
{
	return (nr + 63) / 64 * 8;
}

int pci_msix_check(const struct pci_function_desc *desc)
{
	uint64_t table = desc->msix_table_off, pba = desc->msix_pba_off;
	uint32_t table_size, pba_size;
	const struct pci_bar *bar;

	if (desc->msix_vectors == 0)
		return 0;
	if (desc->msix_vectors > PCI_MSIX_MAX || desc->msix_bar >= PCI_NR_BARS)
		return -EINVAL;
	bar = &desc->bars[desc->msix_bar];
	if (bar->type != PCI_BAR_MEM32 && bar->type != PCI_BAR_MEM64)
		return -EINVAL;
	table_size = table_len(desc->msix_vectors);
	pba_size = pba_len(desc->msix_vectors);
	if ((table | pba) & PCI_MSIX_TABLE_BIR)
		return -EINVAL;
	if (!span_fits(table, table_size, bar->size) ||
	    !span_fits(pba, pba_size, bar->size))
		return -EINVAL;
	if (table < pba + pba_size && pba < table + table_size)
		return -EINVAL;
	return 0;
}

/* Makes a capability out of zeros at the end of config space, or returns 0. */
static unsigned int add_cap(struct pci_function *fn)
{
	static const uint8_t zeros[PCI_MSIX_CAP_LEN];
	unsigned int at = PCI_HEADER_CONST - PCI_MSIX_CAP_LEN;

	while (at >= 0x40 && memcmp(fn->config + at, zeros, sizeof(zeros)) != 0)
		at -= 4;
	if (at < 0x40)
		return 0;
	fn->config[at + PCI_CAP_LIST_ID] = PCI_CAP_ID_MSIX;
	fn->config[at + PCI_CAP_LIST_NEXT] = fn->config[PCI_CAPABILITY_LIST];
	fn->config[PCI_CAPABILITY_LIST] = (uint8_t)at;
	fn->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	return at;
}

static int init_cap(struct pci_function *fn,
		    const struct pci_function_desc *desc)
{
	unsigned int at = pci_config_find_cap(fn->config, PCI_CAP_ID_MSIX);
	uint16_t flags = (uint16_t)(desc->msix_vectors - 1);

	if (at == 0)
		at = add_cap(fn);
	if (at == 0 || at > PCI_HEADER_CONST - PCI_MSIX_CAP_LEN)
		return -EINVAL;
	fn->msix.cap = at;
	put_le16(fn->config + at + PCI_MSIX_FLAGS, flags);
	put_le16(fn->writable + at + PCI_MSIX_FLAGS,
		 PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_config_put32(fn, at + PCI_MSIX_TABLE,
			 desc->msix_table_off | desc->msix_bar, 0);
	pci_config_put32(fn, at + PCI_MSIX_PBA,
			 desc->msix_pba_off | desc->msix_bar, 0);
	return 0;
}

int pci_msix_init(struct pci_function *fn, const struct pci_function_desc *desc)
{
	struct pci_msix *m = &fn->msix;
	int ret;

	if (desc->msix_vectors == 0)
		return 0;
	m->entries = calloc(desc->msix_vectors, sizeof(*m->entries));
	if (!m->entries)
		return -ENOMEM;
	m->nr = desc->msix_vectors;
	m->bar = desc->msix_bar;
	m->table_off = desc->msix_table_off;
	m->pba_off = desc->msix_pba_off;
	for (unsigned int i = 0; i < m->nr; i++) {
		m->entries[i].fd = -1;
		m->entries[i].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	for (unsigned int i = 0; i < m->nr; i++) {
		ret = fd_event_create(&m->entries[i].fd);
		if (ret)
			return ret;
	}
	return init_cap(fn, desc);
}

void pci_msix_fini(struct pci_function *fn)
{
	for (unsigned int i = 0; i < fn->msix.nr; i++)
		fd_close(&fn->msix.entries[i].fd);
	free(fn->msix.entries);
}

static uint16_t control(const struct pci_function *fn)
{
	return get_le16(fn->config + fn->msix.cap + PCI_MSIX_FLAGS);
}

static bool vector_masked(const struct pci_function *fn, unsigned int i)
{
	uint16_t flags = control(fn);

	return !(flags & PCI_MSIX_FLAGS_ENABLE) ||
	       (flags & PCI_MSIX_FLAGS_MASKALL) ||
	       (fn->msix.entries[i].control & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* Tells the host what has changed for it: not what a masked vector would send. */
static void update_vector(struct pci_function *fn, unsigned int i)
{
	struct pci_msix_entry *e = &fn->msix.entries[i];
	bool unmasked = !vector_masked(fn, i);
	struct pci_bus *bus = fn->bus;
	int ret;

	if (unmasked == e->told_unmasked &&
	    (!unmasked || (e->addr == e->told_addr && e->data == e->told_data)))
		return;
	ret = bus->host->msix_set(bus->host_ctx, fn, i, e->addr, e->data,
				  !unmasked);
	if (ret)
		log_guest(&bus->limit, fn->name, "MSI-X vector %u: %s", i,
			  strerror(-ret));
	e->told_unmasked = unmasked;
	e->told_addr = e->addr;
	e->told_data = e->data;
}

void pci_msix_control(struct pci_function *fn, uint16_t before)
{
	bool enabled = control(fn) & PCI_MSIX_FLAGS_ENABLE;
	bool was = before & PCI_MSIX_FLAGS_ENABLE;

	for (unsigned int i = 0; i < fn->msix.nr; i++)
		update_vector(fn, i);
	if (enabled != was && fn->ops->msix_enabled)
		fn->ops->msix_enabled(fn->ctx, enabled);
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

bool pci_msix_covers(const struct pci_function *fn, unsigned int bar,
		     uint64_t off, unsigned int len)
{
	const struct pci_msix *m = &fn->msix;

	return m->nr && bar == m->bar &&
	       (overlap(off, len, m->table_off, table_len(m->nr)) ||
		overlap(off, len, m->pba_off, pba_len(m->nr)));
}

/* 8 pending bits, from vector @first on. */
static uint8_t pending(const struct pci_function *fn, unsigned int first)
{
	struct pollfd fds[8];
	unsigned int bits = 0;

	for (unsigned int i = 0; i < 8; i++) {
		unsigned int v = first + i;
		bool held = v < fn->msix.nr && vector_masked(fn, v);

		fds[i] = (struct pollfd){
			.fd = held ? fn->msix.entries[v].fd : -1,
			.events = POLLIN,
		};
	}
	if (poll(fds, 8, 0) <= 0)
		return 0;
	for (unsigned int i = 0; i < 8; i++)
		bits |= (fds[i].revents & POLLIN ? 1u : 0u) << i;
	return (uint8_t)bits;
}

static uint8_t table_byte(const struct pci_msix *m, uint64_t off)
{
	const struct pci_msix_entry *e = &m->entries[off / PCI_MSIX_ENTRY_SIZE];
	uint8_t wire[PCI_MSIX_ENTRY_SIZE];

	put_le64(wire + PCI_MSIX_ENTRY_LOWER_ADDR, e->addr);
	put_le32(wire + PCI_MSIX_ENTRY_DATA, e->data);
	put_le32(wire + PCI_MSIX_ENTRY_VECTOR_CTRL, e->control);
	return wire[off % PCI_MSIX_ENTRY_SIZE];
}

void pci_msix_read(struct pci_function *fn, uint64_t off, void *buf,
		   unsigned int len)
{
	const struct pci_msix *m = &fn->msix;
	uint8_t *out = buf;

	memset(buf, 0, len);
	for (unsigned int i = 0; i < len; i++) {
		uint64_t at = off + i;

		if (at - m->table_off < table_len(m->nr))
			out[i] = table_byte(m, at - m->table_off);
		else if (at - m->pba_off < pba_len(m->nr))
			out[i] =
			    pending(fn, (unsigned int)(at - m->pba_off) * 8);
	}
}

static void write_word(struct pci_function *fn, uint64_t off, uint32_t value)
{
	unsigned int i = (unsigned int)(off / PCI_MSIX_ENTRY_SIZE);
	struct pci_msix_entry *e = &fn->msix.entries[i];

	switch (off % PCI_MSIX_ENTRY_SIZE) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		e->addr = (e->addr & ~0xffffffffull) | (value & ~3u);
		break;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		e->addr = (e->addr & 0xffffffffull) | (uint64_t)value << 32;
		break;
	case PCI_MSIX_ENTRY_DATA:
		e->data = value;
		break;
	default:
		e->control = value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
		break;
	}
	update_vector(fn, i);
}

void pci_msix_write(struct pci_function *fn, uint64_t off, const void *buf,
		    unsigned int len)
{
	const struct pci_msix *m = &fn->msix;
	const uint8_t *in = buf;

	/* PCI, "MSI-X Capability and Table Structure": whole words only. */
	if (len < 4 || (off & (len - 1)))
		return;
	for (unsigned int i = 0; i < len; i += 4)
		if (off + i - m->table_off < table_len(m->nr))
			write_word(fn, off + i - m->table_off,
				   get_le32(in + i));
}

int pci_msix_fd(const struct pci_function *fn, unsigned int vector)
{
	return vector < fn->msix.nr ? fn->msix.entries[vector].fd : -1;
}

bool pci_msix_is_enabled(const struct pci_function *fn)
{
	if (fn->msix.nr == 0)
		return false;
	/* The upper byte of the control word, in one access. */
	return __atomic_load_n(&fn->config[fn->msix.cap + PCI_MSIX_FLAGS + 1],
			       __ATOMIC_SEQ_CST) &
	       PCI_MSIX_FLAGS_ENABLE >> 8;
}
