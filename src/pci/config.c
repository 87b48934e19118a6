// SPDX-License-Identifier: BSD-2-Clause
/*
 * Config space. What may be written is a mask for each byte; after a write, what
 * it has an effect on is brought up to date: decoding, MSI-X, INTx.
 */
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "pci/pci_internal.h"

#define HEADER_LEN 0x40
#define CAPS_MAX   ((PCI_HEADER_CONST - HEADER_LEN) / 4)
#define NO_CLASH(a, a_len, b, b_len) \
	((a) + (a_len) <= (b) || (b) + (b_len) <= (a))

unsigned int pci_config_find_cap(const uint8_t config[PCI_HEADER_CONST],
				 uint8_t id)
{
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3u;

	for (unsigned int i = 0; i < CAPS_MAX && at >= HEADER_LEN; i++) {
		if (config[at + PCI_CAP_LIST_ID] == id)
			return at;
		at = config[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return 0;
}

void pci_config_put32(struct pci_function *fn, unsigned int off, uint32_t value,
		      uint32_t writable)
{
	put_le32(fn->config + off, value);
	put_le32(fn->writable + off, writable);
}

/* The parts of the header that the function describes, all read-only. */
static const struct {
	uint8_t off, len;
} identity[] = {
	{ PCI_VENDOR_ID, 4 },
	{ PCI_CLASS_REVISION, 4 },
	{ PCI_SUBSYSTEM_VENDOR_ID, 4 },
	{ PCI_CAPABILITY_LIST, 1 },
};

void pci_config_init(struct pci_function *fn,
		     const struct pci_function_desc *desc)
{
	for (size_t i = 0; i < ARRAY_SIZE(identity); i++)
		memcpy(fn->config + identity[i].off,
		       desc->config + identity[i].off, identity[i].len);
	memcpy(fn->config + HEADER_LEN, desc->config + HEADER_LEN,
	       PCI_HEADER_CONST - HEADER_LEN);

	put_le16(fn->writable + PCI_COMMAND,
		 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		     PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		     PCI_COMMAND_INTX_DISABLE);
	if (fn->config[PCI_CAPABILITY_LIST])
		fn->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	fn->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	fn->writable[PCI_INTERRUPT_LINE] = 0xff;
}

/* Does pci/ itself serve this byte, or the function by its ops? */
static bool is_own(const struct pci_function *fn, unsigned int off)
{
	if (off < HEADER_LEN)
		return true;
	return fn->msix.nr && off >= fn->msix.cap &&
	       off < fn->msix.cap + PCI_MSIX_CAP_LEN;
}

static void read_own(struct pci_function *fn, unsigned int off, uint8_t *buf,
		     unsigned int len)
{
	bool asserted;

	memcpy(buf, fn->config + off, len);
	if (off > PCI_STATUS || off + len <= PCI_STATUS)
		return;
	asserted = fn->ops->intx_asserted && fn->ops->intx_asserted(fn->ctx);
	if (asserted)
		buf[PCI_STATUS - off] |= PCI_STATUS_INTERRUPT;
}

void pci_config_read(struct pci_function *fn, unsigned int off, void *buf,
		     unsigned int len)
{
	if (!is_own(fn, off) && fn->ops->config_read) {
		fn->ops->config_read(fn->ctx, off, buf, len);
		return;
	}
	if (off >= PCI_HEADER_CONST) {
		memset(buf, 0, len);
		return;
	}
	pthread_mutex_lock(&fn->bus->lock);
	read_own(fn, off, buf, len);
	pthread_mutex_unlock(&fn->bus->lock);
}

static void write_own(struct pci_function *fn, unsigned int off,
		      const uint8_t *buf, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		uint8_t w = fn->writable[off + i];
		uint8_t value = fn->config[off + i];

		value = (uint8_t)((value & ~w) | (buf[i] & w));
		/* pci_intx_is_allowed() and _bdf() look without the lock. */
		__atomic_store_n(&fn->config[off + i], value, __ATOMIC_SEQ_CST);
	}
}

/* What follows from a write of config bytes. Locked. */
static void update(struct pci_function *fn, unsigned int off, unsigned int len,
		   uint16_t msix_before)
{
	bool bars = fn->below == NULL &&
		    !NO_CLASH(off, len, PCI_BASE_ADDRESS_0, PCI_NR_BARS * 4u);

	if (bars || !NO_CLASH(off, len, PCI_COMMAND, 2u))
		pci_bars_update(fn);
	if (fn->msix.nr &&
	    !NO_CLASH(off, len, fn->msix.cap + PCI_MSIX_FLAGS, 2u))
		pci_msix_control(fn, msix_before);
}

void pci_config_write(struct pci_function *fn, unsigned int off,
		      const void *buf, unsigned int len)
{
	bool was_allowed = pci_intx_is_allowed(fn);
	uint16_t msix = 0;

	if (!is_own(fn, off) && fn->ops->config_write) {
		fn->ops->config_write(fn->ctx, off, buf, len);
		return;
	}
	if (off >= PCI_HEADER_CONST)
		return;
	pthread_mutex_lock(&fn->bus->lock);
	if (fn->msix.nr)
		msix = get_le16(fn->config + fn->msix.cap + PCI_MSIX_FLAGS);
	write_own(fn, off, buf, len);
	update(fn, off, len, msix);
	pthread_mutex_unlock(&fn->bus->lock);
	if (!was_allowed)
		pci_intx_eoi(fn);
}
