// SPDX-License-Identifier: BSD-2-Clause
/*
 * A bzImage by Linux's 64-bit boot protocol (Documentation/arch/x86/boot.rst,
 * "64-bit Boot Protocol"): long mode with the low 4 GiB mapped to themselves, the
 * address of struct boot_params in rsi.
 */
#include "machine/boot_internal.h"

#include <errno.h>
#include <string.h>

#include <asm/bootparam.h>

#include "base/range.h"
#include "machine/layout.h"
#include "memory/guest_ram.h"

#define SETUP_OFF	   offsetof(struct boot_params, hdr)
#define SETUP_SECTS_LEGACY 4 /* what 0 in setup_sects means */
#define SECTOR		   512ull
#define VERSION_MIN	   0x020c /* the first with xloadflags */
#define VERSION_RSDP	   0x020e /* the first with acpi_rsdp_addr */
#define LOADER_UNKNOWN	   0xff
#define ENTRY_64	   0x200 /* from the start of the loaded kernel */

#define PAGE_PRESENT   1ull
#define PAGE_WRITABLE  2ull
#define PAGE_LARGE     0x80ull
#define PAGE_LEN       4096ull
#define LARGE_LEN      (2 * MIB)
#define NR_DIRECTORIES 4 /* of 1 GiB each */

static int check_header(const struct boot_loader *b,
			const struct setup_header *hdr)
{
	if (hdr->version < VERSION_MIN)
		return boot_refuse(b, -ENOEXEC,
				   "kernel: a bzImage with a boot protocol "
				   "before 2.12: too old for this machine");
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return boot_refuse(b, -ENOEXEC,
				   "kernel: a bzImage without a 64-bit entry "
				   "(a 32-bit kernel?)");
	if (hdr->pref_address < LAYOUT_HIGH_RAM ||
	    hdr->pref_address % PAGE_LEN != 0)
		return boot_refuse(b, -EINVAL,
				   "kernel: the bzImage wants to be loaded "
				   "where it can not be (pref_address)");
	return 0;
}

/* Loads what follows the real-mode part at its preferred address. */
static int load_protected(struct boot_loader *b, const struct setup_header *hdr)
{
	uint64_t sects =
	    hdr->setup_sects ? hdr->setup_sects : SETUP_SECTS_LEGACY;
	uint64_t off = (sects + 1) * SECTOR;
	uint64_t need = hdr->init_size;
	uint64_t len;

	if (off >= b->kernel_len)
		return boot_refuse(b, -EINVAL,
				   "kernel: the bzImage ends before its "
				   "kernel begins (setup_sects)");
	len = b->kernel_len - off;
	if (len <= ENTRY_64)
		return boot_refuse(b, -EINVAL,
				   "kernel: the bzImage ends before its "
				   "64-bit entry");
	if (len > need)
		need = len;
	if (!guest_ram_contains(b->ram, hdr->pref_address, need))
		return boot_refuse(b, -E2BIG,
				   "kernel: does not fit into guest memory: "
				   "give the guest more with --memory");
	b->kernel.start = hdr->pref_address;
	b->kernel.end = hdr->pref_address + need;
	return boot_read_to_guest(b, hdr->pref_address, len, off,
				  "kernel: the bzImage became shorter while "
				  "it was read");
}

static int write_params(const struct boot_loader *b,
			const struct setup_header *hdr)
{
	struct boot_range ranges[BOOT_RANGES_MAX];
	struct boot_params params = { .hdr = *hdr };

	params.hdr.type_of_loader = LOADER_UNKNOWN;
	params.hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	params.hdr.ramdisk_image = (uint32_t)b->initrd;
	params.hdr.ramdisk_size = (uint32_t)b->initrd_len;
	/* Not a list of ours: what the file has there is not followed. */
	params.hdr.setup_data = 0;
	if (hdr->version >= VERSION_RSDP)
		params.acpi_rsdp_addr = b->source->rsdp;
	params.e820_entries = (uint8_t)boot_memory_map(b->ram, ranges);
	for (unsigned int i = 0; i < params.e820_entries; i++)
		params.e820_table[i] = (struct boot_e820_entry){
			.addr = ranges[i].start,
			.size = ranges[i].len,
			.type = ranges[i].type,
		};
	return guest_ram_write(b->ram, LAYOUT_BOOT_PARAMS, &params,
			       sizeof(params));
}

/* The low 4 GiB, one to one, in pages of 2 MiB. */
static int write_page_tables(const struct boot_loader *b)
{
	uint64_t *tables = guest_ram_span(b->ram, LAYOUT_PAGE_TABLES,
					  (2 + NR_DIRECTORIES) * PAGE_LEN);
	const size_t entries = PAGE_LEN / sizeof(*tables);
	const uint64_t flags = PAGE_PRESENT | PAGE_WRITABLE;
	uint64_t *root = tables;
	uint64_t *pointers = tables + entries;
	uint64_t *directories = tables + 2 * entries;

	if (!tables)
		return -EFAULT;
	root[0] = (LAYOUT_PAGE_TABLES + PAGE_LEN) | flags;
	for (size_t i = 0; i < NR_DIRECTORIES; i++)
		pointers[i] = (LAYOUT_PAGE_TABLES + (2 + i) * PAGE_LEN) | flags;
	for (size_t i = 0; i < NR_DIRECTORIES * entries; i++)
		directories[i] = i * LARGE_LEN | flags | PAGE_LARGE;
	return 0;
}

/* The selectors that the protocol wants loadable: 0x10 code, 0x18 data. */
static int write_gdt(const struct boot_loader *b)
{
	static const uint64_t gdt[LAYOUT_GDT_LEN / sizeof(uint64_t)] = {
		[2] = 0x00af9b000000ffff,
		[3] = 0x00cf93000000ffff,
	};

	return guest_ram_write(b->ram, LAYOUT_GDT, gdt, sizeof(gdt));
}

/* Only as many bytes as the file says that its header has; the rest is zero. */
static int read_header(const struct boot_loader *b, struct setup_header *hdr)
{
	uint8_t jump[2]; /* over the header, at 0x200: its end from 0x202 on */
	size_t len;
	int ret;

	ret = boot_read(b, jump, sizeof(jump), 0x200, "kernel: too short");
	if (ret)
		return ret;
	len = 0x202 + (size_t)jump[1] - SETUP_OFF;
	memset(hdr, 0, sizeof(*hdr));
	return boot_read(b, hdr, MIN(len, sizeof(*hdr)), SETUP_OFF,
			 "kernel: the bzImage ends inside its header");
}

int boot_load_bzimage(struct boot_loader *b, struct boot_state *state)
{
	struct setup_header hdr;
	int ret;

	ret = read_header(b, &hdr);
	if (!ret)
		ret = check_header(b, &hdr);
	if (!ret)
		ret = load_protected(b, &hdr);
	if (!ret)
		ret = boot_place_initrd(b, hdr.initrd_addr_max);
	if (!ret)
		ret = boot_place_cmdline(b, hdr.cmdline_size);
	if (!ret)
		ret = write_params(b, &hdr);
	if (!ret)
		ret = write_page_tables(b);
	if (!ret)
		ret = write_gdt(b);
	if (ret)
		return ret;
	state->long_mode = true;
	state->rip = b->kernel.start + ENTRY_64;
	state->rsi = LAYOUT_BOOT_PARAMS;
	state->cr3 = LAYOUT_PAGE_TABLES;
	return 0;
}
