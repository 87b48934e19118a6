// SPDX-License-Identifier: BSD-2-Clause
/*
 * An ELF kernel by its PVH entry: loaded segment by segment, started in 32-bit
 * protected mode with the address of a struct hvm_start_info in ebx (Xen's
 * docs/misc/pvh, "Direct Boot"; include/xen/interface/hvm/start_info.h).
 */
#include "machine/boot_internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/range.h"
#include "machine/layout.h"
#include "memory/guest_ram.h"

#define PHDRS_MAX 64
#define NOTES_MAX 65536

#define NOTE_NAME	  "Xen"
#define NOTE_PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

#define START_MAGIC 0x336ec578

/* Version 1 of the structure: little-endian, as everything here. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t nr_memmap;
	uint32_t reserved;
};

struct start_module {
	uint64_t addr;
	uint64_t len;
	uint64_t cmdline;
	uint64_t reserved;
};

struct start_memmap {
	uint64_t addr;
	uint64_t len;
	uint32_t type;
	uint32_t reserved;
};

struct start_page {
	struct start_info info;
	struct start_module initrd;
	struct start_memmap memmap[BOOT_RANGES_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "start_info.h");
_Static_assert(sizeof(struct start_page) <=
		   LAYOUT_BOOT_PARAMS - LAYOUT_START_INFO,
	       "fits its page");

static int check_header(const struct boot_loader *b, const Elf64_Ehdr *ehdr)
{
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr->e_machine != EM_X86_64)
		return boot_refuse(b, -ENOEXEC,
				   "kernel: not an ELF file for x86-64");
	if (ehdr->e_phentsize != sizeof(Elf64_Phdr))
		return boot_refuse(b, -EINVAL,
				   "kernel: ELF program headers of a wrong "
				   "size (e_phentsize)");
	if (ehdr->e_phnum == 0 || ehdr->e_phnum > PHDRS_MAX)
		return boot_refuse(b, -EINVAL,
				   "kernel: no ELF program headers, or too "
				   "many (e_phnum)");
	return 0;
}

static int load_segment(struct boot_loader *b, const Elf64_Phdr *ph)
{
	if (ph->p_filesz > ph->p_memsz)
		return boot_refuse(b, -EINVAL,
				   "kernel: an ELF segment is longer in the "
				   "file than in memory (p_filesz)");
	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_paddr < LAYOUT_HIGH_RAM)
		return boot_refuse(b, -EINVAL,
				   "kernel: an ELF segment below 1 MiB "
				   "(p_paddr)");
	/* Guest RAM is all zeros: what p_memsz adds needs no clearing. */
	if (!guest_ram_contains(b->ram, ph->p_paddr, ph->p_memsz))
		return boot_refuse(b, -E2BIG,
				   "kernel: does not fit into guest memory: "
				   "give the guest more with --memory");
	if (ph->p_paddr + ph->p_memsz > b->kernel.end)
		b->kernel.end = ph->p_paddr + ph->p_memsz;
	if (ph->p_filesz == 0)
		return 0;
	return boot_read_to_guest(b, ph->p_paddr, ph->p_filesz, ph->p_offset,
				  "kernel: an ELF segment beyond the end of "
				  "the file (p_offset, p_filesz)");
}

/* Looks for the entry point in @notes. Return: true if it is there. */
static bool find_entry(const uint8_t *notes, size_t len, uint64_t align,
		       uint64_t *entry)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, desc;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		desc = name + align_up(note.n_namesz, align);
		if (!span_fits(desc, note.n_descsz, len))
			return false;
		if (note.n_type == NOTE_PHYS32_ENTRY &&
		    note.n_namesz == sizeof(NOTE_NAME) &&
		    memcmp(notes + name, NOTE_NAME, sizeof(NOTE_NAME)) == 0 &&
		    (note.n_descsz == 4 || note.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, notes + desc, note.n_descsz);
			return true;
		}
		at = desc + align_up(note.n_descsz, align);
		if (at > len)
			return false;
	}
	return false;
}

static int read_notes(struct boot_loader *b, const Elf64_Phdr *ph,
		      uint64_t *entry)
{
	uint8_t notes[NOTES_MAX];
	int ret;

	if (ph->p_filesz > sizeof(notes))
		return boot_refuse(b, -EINVAL,
				   "kernel: ELF notes of more than 64 KiB "
				   "(p_filesz)");
	ret = boot_read(b, notes, ph->p_filesz, ph->p_offset,
			"kernel: ELF notes beyond the end of the file "
			"(p_offset, p_filesz)");
	if (ret)
		return ret;
	(void)find_entry(notes, ph->p_filesz, ph->p_align == 8 ? 8 : 4, entry);
	return 0;
}

static int load_segments(struct boot_loader *b, const Elf64_Ehdr *ehdr,
			 uint64_t *entry)
{
	Elf64_Phdr phdrs[PHDRS_MAX];
	int ret;

	ret =
	    boot_read(b, phdrs, ehdr->e_phnum * sizeof(phdrs[0]), ehdr->e_phoff,
		      "kernel: ELF program headers beyond the end of the "
		      "file (e_phoff)");
	for (unsigned int i = 0; !ret && i < ehdr->e_phnum; i++) {
		if (phdrs[i].p_type == PT_LOAD)
			ret = load_segment(b, &phdrs[i]);
		else if (phdrs[i].p_type == PT_NOTE)
			ret = read_notes(b, &phdrs[i], entry);
	}
	return ret;
}

static int write_start_info(const struct boot_loader *b)
{
	struct boot_range ranges[BOOT_RANGES_MAX];
	struct start_page page = {
		.info = {
			.magic = START_MAGIC,
			.version = 1,
			.cmdline = LAYOUT_CMDLINE,
			.rsdp = b->source->rsdp,
			.memmap = LAYOUT_START_INFO +
				  offsetof(struct start_page, memmap),
			.nr_memmap = boot_memory_map(b->ram, ranges),
		},
	};

	for (uint32_t i = 0; i < page.info.nr_memmap; i++)
		page.memmap[i] = (struct start_memmap){
			.addr = ranges[i].start,
			.len = ranges[i].len,
			.type = ranges[i].type,
		};
	if (b->initrd_len > 0) {
		page.info.nr_modules = 1;
		page.info.modules =
		    LAYOUT_START_INFO + offsetof(struct start_page, initrd);
		page.initrd.addr = b->initrd;
		page.initrd.len = b->initrd_len;
	}
	return guest_ram_write(b->ram, LAYOUT_START_INFO, &page, sizeof(page));
}

int boot_load_elf(struct boot_loader *b, struct boot_state *state)
{
	uint64_t entry = 0;
	Elf64_Ehdr ehdr;
	int ret;

	ret = boot_read(b, &ehdr, sizeof(ehdr), 0, "kernel: too short");
	if (!ret)
		ret = check_header(b, &ehdr);
	if (!ret)
		ret = load_segments(b, &ehdr, &entry);
	if (ret)
		return ret;
	if (entry == 0)
		return boot_refuse(b, -ENOEXEC,
				   "kernel: an ELF file without a PVH entry "
				   "(CONFIG_PVH): take its bzImage");
	if (entry < LAYOUT_HIGH_RAM || entry >= b->kernel.end)
		return boot_refuse(b, -EINVAL,
				   "kernel: its PVH entry is outside of it");
	ret = boot_place_initrd(b, UINT32_MAX);
	if (!ret)
		ret = boot_place_cmdline(b, LAYOUT_CMDLINE_MAX - 1);
	if (!ret)
		ret = write_start_info(b);
	if (ret)
		return ret;
	state->rip = entry;
	state->rbx = LAYOUT_START_INFO;
	return 0;
}
