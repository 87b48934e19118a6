/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two kernel formats share (boot.c). */
#ifndef MACHINE_BOOT_INTERNAL_H
#define MACHINE_BOOT_INTERNAL_H

#include "machine/boot.h"

#include <stddef.h>

/* Guest RAM taken by the kernel: [start, end). */
struct boot_extent {
	uint64_t start, end;
};

struct boot_loader {
	const struct boot_source *source;
	struct guest_ram *ram;
	const char **why;
	uint64_t kernel_len;	     /* of the file */
	struct boot_extent kernel;   /* what it will use, once known */
	uint64_t initrd, initrd_len; /* where it was put; 0, 0: none */
};

/* Sets *why and returns @ret. */
int boot_refuse(const struct boot_loader *b, int ret, const char *why);

/* Reads all of [off, off + len) of the kernel. Return: 0, -EINVAL (past the end:
 * @what is the reason given), or -errno. */
MUST_CHECK int boot_read(const struct boot_loader *b, void *buf, size_t len,
			 uint64_t off, const char *what);

/* As boot_read(), into guest RAM. -E2BIG if that is not RAM. */
MUST_CHECK int boot_read_to_guest(const struct boot_loader *b, uint64_t gpa,
				  uint64_t len, uint64_t off, const char *what);

/* Puts the initrd as high as it goes with its end at or below @last; not over
 * b->kernel. */
MUST_CHECK int boot_place_initrd(struct boot_loader *b, uint64_t last);

/* Puts the command line at LAYOUT_CMDLINE; @max: bytes, without the end. */
MUST_CHECK int boot_place_cmdline(const struct boot_loader *b, size_t max);

MUST_CHECK int boot_load_elf(struct boot_loader *b, struct boot_state *state);
MUST_CHECK int boot_load_bzimage(struct boot_loader *b,
				 struct boot_state *state);

#endif
