// SPDX-License-Identifier: BSD-2-Clause
/* Any file given as a kernel is loaded or refused with a reason, and whatever is
 * loaded starts inside guest RAM. */
#include "machine/boot.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/layout.h"
#include "memory/guest_ram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char initrd[] = "initrd";
	struct boot_source source = {
		.kernel_fd = make_file(data, len),
		.initrd_fd = make_file(initrd, sizeof(initrd)),
		.cmdline = "console=ttyS0",
		.rsdp = LAYOUT_ACPI,
	};
	struct boot_state state;
	const char *why = NULL;
	struct guest_ram *ram;

	if (guest_ram_create(8 * MIB, &ram))
		abort();
	if (boot_load(&source, ram, &state, &why) == 0) {
		if (!guest_ram_contains(ram, state.rip, 1))
			abort();
	} else if (!why) {
		abort();
	}
	guest_ram_destroy(ram);
	(void)close(source.initrd_fd);
	(void)close(source.kernel_fd);
	return 0;
}
