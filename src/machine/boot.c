// SPDX-License-Identifier: BSD-2-Clause
#include "machine/boot_internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/range.h"
#include "machine/layout.h"
#include "memory/guest_ram.h"

#define PAGE 4096ull

int boot_refuse(const struct boot_loader *b, int ret, const char *why)
{
	*b->why = why;
	return ret;
}

/* Return: 0, -ENODATA (the file ended), or -errno. */
static int read_all(int fd, void *buf, size_t len, uint64_t off)
{
	uint8_t *to = buf;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_len(int fd, uint64_t *len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*len = (uint64_t)st.st_size;
	return 0;
}

int boot_read(const struct boot_loader *b, void *buf, size_t len, uint64_t off,
	      const char *what)
{
	int ret;

	if (!span_fits(off, len, b->kernel_len))
		return boot_refuse(b, -EINVAL, what);
	ret = read_all(b->source->kernel_fd, buf, len, off);
	if (ret == -ENODATA)
		return boot_refuse(b, -EINVAL, what);
	if (ret)
		return boot_refuse(b, ret, "kernel: can not be read");
	return 0;
}

int boot_read_to_guest(const struct boot_loader *b, uint64_t gpa, uint64_t len,
		       uint64_t off, const char *what)
{
	void *to = guest_ram_span(b->ram, gpa, len);

	if (!to)
		return boot_refuse(b, -E2BIG,
				   "kernel: does not fit into guest memory: "
				   "give the guest more with --memory");
	return boot_read(b, to, len, off, what);
}

int boot_place_initrd(struct boot_loader *b, uint64_t last)
{
	const struct guest_ram_bank *low = guest_ram_bank(b->ram, 0);
	uint64_t end = low->gpa + low->len;
	uint64_t len = 0;
	uint64_t at;
	int ret;

	if (b->source->initrd_fd < 0)
		return 0;
	ret = file_len(b->source->initrd_fd, &len);
	if (ret)
		return boot_refuse(b, ret, "initrd: not a regular file");
	if (len == 0)
		return boot_refuse(b, -EINVAL, "initrd: empty");
	if (last < end - 1)
		end = last + 1;
	at = len > end ? 0 : (end - len) & ~(PAGE - 1);
	if (at < align_up(b->kernel.end, PAGE))
		return boot_refuse(
		    b, -E2BIG,
		    "initrd: does not fit into guest memory "
		    "beside the kernel: give the guest more with "
		    "--memory");
	ret = read_all(b->source->initrd_fd, guest_ram_span(b->ram, at, len),
		       len, 0);
	if (ret)
		return boot_refuse(b, ret, "initrd: can not be read");
	b->initrd = at;
	b->initrd_len = len;
	return 0;
}

int boot_place_cmdline(const struct boot_loader *b, size_t max)
{
	size_t len = strlen(b->source->cmdline);

	if (len > max || len >= LAYOUT_CMDLINE_MAX)
		return boot_refuse(b, -E2BIG,
				   "kernel: the command line is longer than "
				   "this kernel takes");
	if (guest_ram_write(b->ram, LAYOUT_CMDLINE, b->source->cmdline,
			    len + 1))
		return boot_refuse(b, -E2BIG,
				   "kernel: guest memory is too "
				   "small for a command line");
	return 0;
}

unsigned int boot_memory_map(const struct guest_ram *ram,
			     struct boot_range out[BOOT_RANGES_MAX])
{
	const struct guest_ram_bank *low = guest_ram_bank(ram, 0);
	const struct guest_ram_bank *high = guest_ram_bank(ram, 1);
	unsigned int n = 0;

	out[n++] = (struct boot_range){ 0, LAYOUT_LOW_RAM_END, BOOT_RAM };
	out[n++] = (struct boot_range){ LAYOUT_LOW_RAM_END,
					LAYOUT_HIGH_RAM - LAYOUT_LOW_RAM_END,
					BOOT_RESERVED };
	out[n++] = (struct boot_range){ LAYOUT_HIGH_RAM,
					low->len - LAYOUT_HIGH_RAM, BOOT_RAM };
	out[n++] =
	    (struct boot_range){ LAYOUT_ECAM, LAYOUT_ECAM_LEN, BOOT_RESERVED };
	if (high)
		out[n++] =
		    (struct boot_range){ high->gpa, high->len, BOOT_RAM };
	return n;
}

/*
 * All the firmware that there is. Linux takes a machine with hardware-reduced ACPI
 * for one with EFI; when it then finds none, it reboots by a jump to the BIOS, in
 * real mode: mov $LAYOUT_RESET,%dx; mov $LAYOUT_RESET_VALUE,%al; out %al,%dx; hlt
 */
static int place_bios_entry(const struct boot_loader *b)
{
	static const uint8_t code[] = {
		0xba, LAYOUT_RESET & 0xff, LAYOUT_RESET >> 8,
		0xb0, LAYOUT_RESET_VALUE,  0xee,
		0xf4,
	};

	return guest_ram_write(b->ram, LAYOUT_BIOS_ENTRY, code, sizeof(code));
}

/* Offset and magic of a bzImage's setup header (boot.rst, "The Real-Mode Kernel
 * Header"). */
#define SETUP_MAGIC_OFF 0x202
static const uint8_t setup_magic[4] = { 'H', 'd', 'r', 'S' };

int boot_load(const struct boot_source *source, struct guest_ram *ram,
	      struct boot_state *state, const char **why)
{
	struct boot_loader b = { .source = source, .ram = ram, .why = why };
	uint8_t head[SETUP_MAGIC_OFF + sizeof(setup_magic)];
	int ret;

	ret = file_len(source->kernel_fd, &b.kernel_len);
	if (ret)
		return boot_refuse(&b, ret, "kernel: not a regular file");
	ret = boot_read(&b, head, sizeof(head), 0,
			"kernel: not an ELF or bzImage kernel (too short)");
	if (ret)
		return ret;
	ret = place_bios_entry(&b);
	if (ret)
		return ret;
	*state = (struct boot_state){ 0 };
	if (memcmp(head, ELFMAG, SELFMAG) == 0)
		return boot_load_elf(&b, state);
	if (memcmp(head + SETUP_MAGIC_OFF, setup_magic, sizeof(setup_magic)) ==
	    0)
		return boot_load_bzimage(&b, state);
	return boot_refuse(&b, -ENOEXEC,
			   "kernel: not an ELF or bzImage kernel");
}
