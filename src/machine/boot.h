/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading a kernel: ELF by its PVH entry, or bzImage by the 64-bit boot protocol;
 * its initramfs and command line.
 *
 * The files are hostile input: every number of theirs is checked before use.
 * Knows no KVM: it fills guest RAM and says in which state the first vCPU starts.
 */
#ifndef MACHINE_BOOT_H
#define MACHINE_BOOT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct guest_ram;

struct boot_source {
	int kernel_fd;	     /* borrowed; read with pread(2) */
	int initrd_fd;	     /* borrowed; -1: none */
	const char *cmdline; /* borrowed */
	uint64_t rsdp;	     /* guest-physical address of the ACPI RSDP */
};

/* How the boot vCPU starts. Flat segments, interrupts off. */
struct boot_state {
	bool long_mode;	   /* else 32-bit protected mode, without paging */
	uint64_t rip;	   /* entry */
	uint64_t rbx, rsi; /* where the kernel finds what it was told */
	uint64_t cr3;	   /* long mode */
};

/**
 * boot_load() - Put a kernel into guest RAM
 * @why: in case of error: what is wrong, in words for the user, beginning with
 *	 the object: "kernel: …"; a constant string
 *
 * Return: 0, -ENOEXEC (not a kernel that can be booted here), -EINVAL (the file
 * contradicts itself), -E2BIG (does not fit: RAM or command line), or -errno of
 * reading.
 */
MUST_CHECK int boot_load(const struct boot_source *source,
			 struct guest_ram *ram, struct boot_state *state,
			 const char **why);

/* ---- memory as the kernel is told of it; also used by tests ---- */

enum boot_range_type { BOOT_RAM = 1, BOOT_RESERVED = 2 }; /* as e820 has it */

struct boot_range {
	uint64_t start, len;
	enum boot_range_type type;
};
#define BOOT_RANGES_MAX 8

/* Return: how many of @out were filled in. */
unsigned int boot_memory_map(const struct guest_ram *ram,
			     struct boot_range out[BOOT_RANGES_MAX]);

#endif
