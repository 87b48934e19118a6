/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM: the only place that maps it.
 *
 * RAM is one or two banks, each a sealed memfd: below the hole for devices under
 * 4 GiB, and from 4 GiB on. Made once, never resized; reads of its layout take no
 * lock. Others reach its bytes by copy, through guest_ram_read() and
 * guest_ram_write(), or, inside dma/ and machine/ only, through guest_ram_span().
 */
#ifndef MEMORY_GUEST_RAM_H
#define MEMORY_GUEST_RAM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_RAM_HOLE_START 0xc0000000ull  /* devices live from here … */
#define GUEST_RAM_HOLE_END   0x100000000ull /* … to here */

struct guest_ram;

struct guest_ram_bank {
	uint64_t gpa;
	uint64_t len;
	void *host; /* where it is mapped; for KVM's memory slots */
	int fd;	    /* its memfd, borrowed */
};

/**
 * guest_ram_create() - Make guest RAM, all zeros
 * @size: bytes, a multiple of 2 MiB, 2 MiB to 64 TiB
 *
 * Not in core dumps. Takes over this process's SIGBUS (memory/guard.h).
 *
 * Return: 0, -EINVAL for a bad size, -ENOMEM, or -errno of memfd_create(2),
 * ftruncate(2), fcntl(2), mmap(2), sigaction(2).
 */
MUST_CHECK int guest_ram_create(uint64_t size, struct guest_ram **out);
void guest_ram_destroy(struct guest_ram *ram);

/* Bank @i in ascending order of address, or NULL past the last. */
const struct guest_ram_bank *guest_ram_bank(const struct guest_ram *ram,
					    unsigned int i);

/* True if [gpa, gpa + len) is RAM, all of it, without crossing the hole. */
bool guest_ram_contains(const struct guest_ram *ram, uint64_t gpa,
			uint64_t len);

/**
 * guest_ram_span() - Where [gpa, gpa + len) is mapped in this process
 *
 * For dma/ (inside an epoch) and machine/ (before the guest runs) only.
 *
 * Return: pointer valid as long as @ram, or NULL if a byte of it is not RAM.
 */
void *guest_ram_span(const struct guest_ram *ram, uint64_t gpa, uint64_t len);

/**
 * guest_ram_resident() - As guest_ram_span(), for pages that are there already
 *
 * For dma/: an epoch does not wait for a page fault, so it takes only pages that
 * guest_ram_populate() has touched.
 *
 * Return: NULL also if a page of it has not been touched.
 */
void *guest_ram_resident(const struct guest_ram *ram, uint64_t gpa,
			 uint64_t len);

/**
 * guest_ram_populate() - Make the pages of [gpa, gpa + len) resident
 *
 * Changes no byte. Waits for page faults: outside epochs. A page that the host
 * swaps out later is still taken for resident: an unmap then waits for the disk,
 * which is slow and not unsafe.
 *
 * Return: 0, or -EFAULT: not RAM, or a page that the host can not provide.
 */
MUST_CHECK int guest_ram_populate(struct guest_ram *ram, uint64_t gpa,
				  uint64_t len);

/* Copy out of or into RAM. Return: 0, or -EFAULT: not RAM, and nothing copied;
 * or a page that the host can not provide. */
MUST_CHECK int guest_ram_read(const struct guest_ram *ram, uint64_t gpa,
			      void *buf, size_t len);
MUST_CHECK int guest_ram_write(struct guest_ram *ram, uint64_t gpa,
			       const void *buf, size_t len);

#endif
