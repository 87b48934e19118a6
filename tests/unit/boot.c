// SPDX-License-Identifier: BSD-2-Clause
/* machine/boot: kernels that are good, and every way in which one can be bad. */
#include "machine/boot.h"

#include "tests/test.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "machine/layout.h"
#include "memory/guest_ram.h"

#define RAM_LEN	    (16 * MIB)
#define KERNEL_ADDR (2 * MIB)

/* An ELF file with one segment and one note. */
struct elf_image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load, note;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint64_t entry;
	} notes;
	uint8_t segment[64];
	uint8_t slack[512];
};

/* A bzImage: real-mode part of one sector besides the first, then the kernel. */
struct bz_image {
	uint8_t sectors[1024];
	uint8_t kernel[1024];
};

union image {
	struct elf_image elf;
	struct bz_image bz;
};

static void good_elf(union image *image)
{
	struct elf_image *e = &image->elf;

	memset(image, 0, sizeof(*image));
	memcpy(e->ehdr.e_ident, ELFMAG, SELFMAG);
	e->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	e->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	e->ehdr.e_machine = EM_X86_64;
	e->ehdr.e_phoff = offsetof(struct elf_image, load);
	e->ehdr.e_phentsize = sizeof(Elf64_Phdr);
	e->ehdr.e_phnum = 2;
	e->load.p_type = PT_LOAD;
	e->load.p_offset = offsetof(struct elf_image, segment);
	e->load.p_paddr = KERNEL_ADDR;
	e->load.p_filesz = sizeof(e->segment);
	e->load.p_memsz = 4096;
	e->note.p_type = PT_NOTE;
	e->note.p_offset = offsetof(struct elf_image, notes);
	e->note.p_filesz = sizeof(e->notes);
	e->notes.head = (Elf64_Nhdr){ 4, 8, 18 };
	memcpy(e->notes.name, "Xen", 4);
	e->notes.entry = KERNEL_ADDR + 16;
	memset(e->segment, 0x90, sizeof(e->segment));
}

static struct setup_header *header(union image *image)
{
	return (struct setup_header *)(void *)(image->bz.sectors + 0x1f1);
}

static void good_bzimage(union image *image)
{
	struct setup_header *hdr = header(image);

	memset(image, 0, sizeof(*image));
	hdr->setup_sects = 1;
	hdr->boot_flag = 0xaa55;
	hdr->jump = 0x6aeb; /* up to the end of the header as of 2.15 */
	memcpy(&hdr->header, "HdrS", 4);
	hdr->version = 0x020f;
	hdr->xloadflags = XLF_KERNEL_64;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->cmdline_size = 2047;
	hdr->pref_address = KERNEL_ADDR;
	hdr->init_size = 1 * MIB;
	memset(image->bz.kernel, 0x90, sizeof(image->bz.kernel));
}

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	return fd;
}

struct result {
	int ret;
	const char *why;
	struct boot_state state;
};

static struct result load_from(int kernel_fd, int initrd_fd,
			       const char *cmdline, struct guest_ram *ram)
{
	const struct boot_source source = {
		.kernel_fd = kernel_fd,
		.initrd_fd = initrd_fd,
		.cmdline = cmdline,
		.rsdp = LAYOUT_ACPI,
	};
	struct result r = { .why = "" };

	r.ret = boot_load(&source, ram, &r.state, &r.why);
	return r;
}

static struct result load(const union image *image, size_t len, size_t initrd,
			  const char *cmdline, struct guest_ram *ram)
{
	int fd = make_file(image, len), initrd_fd = -1;
	struct result r;

	if (initrd) {
		initrd_fd = make_file("initrd", 6);
		assert_int_equal(ftruncate(initrd_fd, (off_t)initrd), 0);
	}
	r = load_from(fd, initrd_fd, cmdline, ram);
	fd_close(&fd);
	fd_close(&initrd_fd);
	return r;
}

static int setup(void **state)
{
	return guest_ram_create(RAM_LEN, (struct guest_ram **)state);
}

static int teardown(void **state)
{
	guest_ram_destroy(*state);
	return 0;
}

static const void *at(struct guest_ram *ram, uint64_t gpa)
{
	const void *p = guest_ram_span(ram, gpa, 4096);

	assert_non_null(p);
	return p;
}

/* ---- what is good ---- */

static void test_elf_starts_at_its_pvh_entry(void **state)
{
	union image image;
	const uint32_t *info;
	struct result r;

	good_elf(&image);
	r = load(&image, sizeof(image), 5000, "console=ttyS0", *state);
	assert_string_equal(r.why, "");
	assert_int_equal(r.ret, 0);
	assert_false(r.state.long_mode);
	assert_int_equal(r.state.rip, KERNEL_ADDR + 16);
	assert_memory_equal(at(*state, KERNEL_ADDR), image.elf.segment,
			    sizeof(image.elf.segment));
	assert_string_equal(at(*state, LAYOUT_CMDLINE), "console=ttyS0");
	info = at(*state, r.state.rbx);
	assert_int_equal(info[0], 0x336ec578);
	assert_int_equal(info[1], 1);
	assert_int_equal(info[3], 1); /* one module: the initrd … */
	assert_int_equal(info[6], LAYOUT_CMDLINE);
	assert_int_equal(info[8], LAYOUT_ACPI);
	assert_int_equal(info[12], 4); /* four ranges of memory */
	info = at(*state, info[4]);
	/* … as high as it goes. */
	assert_int_equal(info[0], RAM_LEN - 8192);
	assert_int_equal(info[2], 5000);
	assert_memory_equal(at(*state, info[0]), "initrd", 6);
	/* mov $port,%dx; mov $value,%al; out %al,%dx; hlt */
	assert_memory_equal(guest_ram_span(*state, 0xffff0, 7),
			    "\xba\x04\x06\xb0\x01\xee\xf4", 7);
}

/* Notes of others come first, with names that end off their alignment. */
static void test_elf_entry_is_found_behind_other_notes(void **state)
{
	struct {
		Elf64_Nhdr head;
		char name[8];
		uint32_t desc;
	} other = { { 6, 3, 18 }, "Other", 0 };
	union image image;
	struct result r;

	good_elf(&image);
	memcpy(image.elf.slack, &other, sizeof(other));
	memcpy(image.elf.slack + sizeof(other), &image.elf.notes,
	       sizeof(image.elf.notes));
	image.elf.note.p_offset = offsetof(struct elf_image, slack);
	image.elf.note.p_filesz = sizeof(other) + sizeof(image.elf.notes);
	r = load(&image, sizeof(image), 0, "", *state);
	assert_string_equal(r.why, "");
	assert_int_equal(r.ret, 0);
	assert_int_equal(r.state.rip, KERNEL_ADDR + 16);
}

static void test_bzimage_starts_in_long_mode(void **state)
{
	const struct boot_params *params;
	union image image;
	struct result r;

	good_bzimage(&image);
	r = load(&image, sizeof(image.bz), 4096, "quiet", *state);
	assert_string_equal(r.why, "");
	assert_int_equal(r.ret, 0);
	assert_true(r.state.long_mode);
	assert_int_equal(r.state.rip, KERNEL_ADDR + 0x200);
	assert_memory_equal(at(*state, KERNEL_ADDR), image.bz.kernel,
			    sizeof(image.bz.kernel));
	params = at(*state, r.state.rsi);
	assert_int_equal(params->hdr.type_of_loader, 0xff);
	assert_int_equal(params->hdr.cmd_line_ptr, LAYOUT_CMDLINE);
	assert_int_equal(params->hdr.ramdisk_image, RAM_LEN - 4096);
	assert_int_equal(params->hdr.ramdisk_size, 4096);
	assert_int_equal(params->acpi_rsdp_addr, LAYOUT_ACPI);
	assert_int_equal(params->e820_entries, 4);
	assert_int_equal(params->e820_table[2].addr, LAYOUT_HIGH_RAM);
	assert_int_equal(params->e820_table[2].size, RAM_LEN - LAYOUT_HIGH_RAM);
}

/* No number of sectors means four, as in the first kernels. */
static void test_bzimage_without_setup_sects_has_four(void **state)
{
	uint8_t file[5 * 512 + 1024] = { 0 };
	union image image;
	struct result r;
	int fd;

	good_bzimage(&image);
	header(&image)->setup_sects = 0;
	memcpy(file, image.bz.sectors, sizeof(image.bz.sectors));
	memset(file + 5 * 512, 0x77, 1024);
	fd = make_file(file, sizeof(file));
	r = load_from(fd, -1, "", *state);
	fd_close(&fd);
	assert_int_equal(r.ret, 0);
	assert_memory_equal(at(*state, KERNEL_ADDR), file + 5 * 512, 1024);
}

/* Walks the page tables as the processor would. */
static void test_bzimage_gets_4_gib_mapped_to_themselves(void **state)
{
	static const uint64_t addrs[] = { 0, KERNEL_ADDR, 3 * GIB,
					  4 * GIB - 4096 };
	union image image;
	struct result r;

	good_bzimage(&image);
	r = load(&image, sizeof(image.bz), 0, "", *state);
	assert_int_equal(r.ret, 0);
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		uint64_t entry = r.state.cr3;

		for (unsigned int shift = 39; shift >= 21; shift -= 9) {
			uint64_t index = addrs[i] >> shift & 511;
			const uint64_t *page = at(*state, entry & ~0xfffull);

			entry = page[index];
			assert_int_equal(entry & 3, 3);
		}
		assert_int_equal(entry & 0x80, 0x80);
		assert_int_equal(entry & ~0x1fffffull, addrs[i] & ~0x1fffffull);
	}
}

static void test_setup_data_of_the_file_is_not_followed(void **state)
{
	const struct boot_params *params;
	union image image;
	struct result r;

	good_bzimage(&image);
	header(&image)->setup_data = 0x1234;
	r = load(&image, sizeof(image.bz), 0, "", *state);
	assert_int_equal(r.ret, 0);
	params = at(*state, r.state.rsi);
	assert_int_equal(params->hdr.setup_data, 0);
}

static void test_memory_map_has_the_hole(void **state)
{
	struct boot_range ranges[BOOT_RANGES_MAX];
	struct guest_ram *ram;
	unsigned int n;

	(void)state;
	assert_int_equal(guest_ram_create(5 * GIB, &ram), 0);
	n = boot_memory_map(ram, ranges);
	assert_int_equal(n, 5);
	assert_int_equal(ranges[2].start, LAYOUT_HIGH_RAM);
	assert_int_equal(ranges[2].len, GUEST_RAM_HOLE_START - LAYOUT_HIGH_RAM);
	assert_int_equal(ranges[4].start, GUEST_RAM_HOLE_END);
	assert_int_equal(ranges[4].len, 5 * GIB - GUEST_RAM_HOLE_START);
	for (unsigned int i = 1; i < n; i++)
		assert_true(ranges[i].start >=
			    ranges[i - 1].start + ranges[i - 1].len);
	guest_ram_destroy(ram);
}

/* ---- what is bad ---- */

struct bad {
	void (*spoil)(union image *image);
	int ret;
	const char *why; /* begins with */
};

static void check_bad(const struct bad *cases, size_t nr,
		      void (*make_good)(union image *), struct guest_ram *ram)
{
	for (size_t i = 0; i < nr; i++) {
		union image image;
		struct result r;

		print_message("# %s\n", cases[i].why);
		make_good(&image);
		cases[i].spoil(&image);
		r = load(&image, sizeof(image), 0, "", ram);
		assert_int_equal(r.ret, cases[i].ret);
		assert_memory_equal(r.why, cases[i].why, strlen(cases[i].why));
	}
}

static void elf_is_32_bit(union image *i)
{
	i->elf.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
}
static void elf_is_big_endian(union image *i)
{
	i->elf.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
}
static void elf_is_for_arm(union image *i)
{
	i->elf.ehdr.e_machine = EM_AARCH64;
}
static void elf_phentsize(union image *i)
{
	i->elf.ehdr.e_phentsize = 32;
}
static void elf_no_phdrs(union image *i)
{
	i->elf.ehdr.e_phnum = 0;
}
static void elf_many_phdrs(union image *i)
{
	i->elf.ehdr.e_phnum = 0xffff;
}
static void elf_phoff(union image *i)
{
	i->elf.ehdr.e_phoff = UINT64_MAX - 8;
}
static void elf_filesz(union image *i)
{
	i->elf.load.p_filesz = 4097;
}
static void elf_low(union image *i)
{
	i->elf.load.p_paddr = 0x1000;
}
static void elf_high(union image *i)
{
	i->elf.load.p_paddr = RAM_LEN - 4095;
}
static void elf_wraps(union image *i)
{
	i->elf.load.p_paddr = KERNEL_ADDR;
	i->elf.load.p_memsz = UINT64_MAX;
}
static void elf_offset(union image *i)
{
	i->elf.load.p_offset = sizeof(*i) - 63;
}
static void elf_offset_wraps(union image *i)
{
	i->elf.load.p_offset = UINT64_MAX;
}
static void elf_long_notes(union image *i)
{
	i->elf.note.p_filesz = 65537;
}
static void elf_notes_offset(union image *i)
{
	i->elf.note.p_offset = sizeof(*i) - 8;
}
static void elf_other_note(union image *i)
{
	i->elf.notes.head.n_type = 17;
}
static void elf_other_name(union image *i)
{
	i->elf.notes.name[0] = 'Y';
}
static void elf_note_wraps(union image *i)
{
	i->elf.notes.head.n_namesz = UINT32_MAX;
}
static void elf_desc_wraps(union image *i)
{
	i->elf.notes.head.n_descsz = UINT32_MAX;
}
static void elf_entry_low(union image *i)
{
	i->elf.notes.entry = 0x1000;
}
static void elf_entry_high(union image *i)
{
	i->elf.notes.entry = KERNEL_ADDR + 4096;
}

static void test_bad_elf_files_are_refused(void **state)
{
	static const struct bad cases[] = {
		{ elf_is_32_bit, -ENOEXEC, "kernel: not an ELF file for x86" },
		{ elf_is_big_endian, -ENOEXEC, "kernel: not an ELF file for" },
		{ elf_is_for_arm, -ENOEXEC, "kernel: not an ELF file for" },
		{ elf_phentsize, -EINVAL, "kernel: ELF program headers of a" },
		{ elf_no_phdrs, -EINVAL, "kernel: no ELF program headers" },
		{ elf_many_phdrs, -EINVAL, "kernel: no ELF program headers" },
		{ elf_phoff, -EINVAL, "kernel: ELF program headers beyond" },
		{ elf_filesz, -EINVAL, "kernel: an ELF segment is longer" },
		{ elf_low, -EINVAL, "kernel: an ELF segment below 1 MiB" },
		{ elf_high, -E2BIG, "kernel: does not fit into guest memory" },
		{ elf_wraps, -E2BIG, "kernel: does not fit into guest memory" },
		{ elf_offset, -EINVAL, "kernel: an ELF segment beyond" },
		{ elf_offset_wraps, -EINVAL, "kernel: an ELF segment beyond" },
		{ elf_long_notes, -EINVAL, "kernel: ELF notes of more than" },
		{ elf_notes_offset, -EINVAL, "kernel: ELF notes beyond the" },
		{ elf_other_note, -ENOEXEC, "kernel: an ELF file without a" },
		{ elf_other_name, -ENOEXEC, "kernel: an ELF file without a" },
		{ elf_note_wraps, -ENOEXEC, "kernel: an ELF file without a" },
		{ elf_desc_wraps, -ENOEXEC, "kernel: an ELF file without a" },
		{ elf_entry_low, -EINVAL, "kernel: its PVH entry is outside" },
		{ elf_entry_high, -EINVAL, "kernel: its PVH entry is outside" },
	};

	check_bad(cases, ARRAY_SIZE(cases), good_elf, *state);
}

static void bz_old(union image *i)
{
	header(i)->version = 0x020b;
}
static void bz_32_bit(union image *i)
{
	header(i)->xloadflags = 0;
}
static void bz_low(union image *i)
{
	header(i)->pref_address = 0x10000;
}
static void bz_unaligned(union image *i)
{
	header(i)->pref_address = KERNEL_ADDR + 1;
}
static void bz_wraps(union image *i)
{
	header(i)->pref_address = UINT64_MAX - 4095;
}
static void bz_sects(union image *i)
{
	header(i)->setup_sects = 255;
}
static void bz_no_entry(union image *i)
{
	/* 0 means 4: only what follows sector 5 is kernel. */
	header(i)->setup_sects = sizeof(*i) / 512 - 2;
}
static void bz_init_size(union image *i)
{
	header(i)->init_size = UINT32_MAX;
}
static void bz_high(union image *i)
{
	header(i)->pref_address = RAM_LEN - 4096;
}

static void test_bad_bzimages_are_refused(void **state)
{
	static const struct bad cases[] = {
		{ bz_old, -ENOEXEC, "kernel: a bzImage with a boot protocol" },
		{ bz_32_bit, -ENOEXEC, "kernel: a bzImage without a 64-bit" },
		{ bz_low, -EINVAL, "kernel: the bzImage wants to be loaded" },
		{ bz_unaligned, -EINVAL, "kernel: the bzImage wants to be" },
		{ bz_wraps, -E2BIG, "kernel: does not fit into guest memory" },
		{ bz_sects, -EINVAL, "kernel: the bzImage ends before its k" },
		{ bz_no_entry, -EINVAL, "kernel: the bzImage ends before its" },
		{ bz_init_size, -E2BIG, "kernel: does not fit into guest" },
		{ bz_high, -E2BIG, "kernel: does not fit into guest memory" },
	};

	check_bad(cases, ARRAY_SIZE(cases), good_bzimage, *state);
}

/* A header that ends early says so in its jump: what is behind is not believed. */
static void test_short_header_hides_what_is_behind(void **state)
{
	union image image;
	struct result r;

	good_bzimage(&image);
	header(&image)->jump = 0x02eb;
	r = load(&image, sizeof(image.bz), 0, "", *state);
	assert_int_equal(r.ret, -ENOEXEC);
}

static void test_files_that_are_no_kernels(void **state)
{
	static const char junk[] = "#!/bin/sh";
	union image image;
	struct result r;
	int fds[2];

	memset(&image, 0, sizeof(image));
	r = load(&image, sizeof(image), 0, "", *state);
	assert_int_equal(r.ret, -ENOEXEC);
	assert_string_equal(r.why, "kernel: not an ELF or bzImage kernel");

	memcpy(&image, junk, sizeof(junk));
	r = load(&image, sizeof(junk), 0, "", *state);
	assert_int_equal(r.ret, -EINVAL);
	assert_string_equal(r.why,
			    "kernel: not an ELF or bzImage kernel (too short)");

	/* Truncated anywhere, a good kernel is refused and nothing worse. */
	good_elf(&image);
	for (size_t len = 0; len < sizeof(image.elf) - 512; len += 7) {
		r = load(&image, len, 0, "", *state);
		assert_int_not_equal(r.ret, 0);
		assert_string_not_equal(r.why, "");
	}
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	r = load_from(fds[0], -1, "", *state);
	assert_int_equal(r.ret, -EINVAL);
	assert_string_equal(r.why, "kernel: not a regular file");
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	/* May not be read. */
	fds[0] = open("/dev/null", O_PATH | O_CLOEXEC);
	r = load_from(fds[0], -1, "", *state);
	assert_int_not_equal(r.ret, 0);
	fd_close(&fds[0]);
}

static void test_initrd_and_cmdline_have_limits(void **state)
{
	static const struct {
		size_t initrd, cmdline;
		int ret;
		const char *why;
	} cases[] = {
		{ RAM_LEN - 3 * MIB, 0, 0, "" },
		{ RAM_LEN - 3 * MIB + 1, 0, -E2BIG, "initrd: does not fit" },
		{ RAM_LEN * 2, 0, -E2BIG, "initrd: does not fit" },
		{ 0, 2047, 0, "" },
		{ 0, 2048, -E2BIG, "kernel: the command line is longer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char cmdline[4096] = "";
		union image image;
		struct result r;

		print_message("# %s\n", cases[i].why);
		memset(cmdline, 'x', cases[i].cmdline);
		good_bzimage(&image);
		r = load(&image, sizeof(image.bz), cases[i].initrd, cmdline,
			 *state);
		assert_int_equal(r.ret, cases[i].ret);
		assert_memory_equal(r.why, cases[i].why, strlen(cases[i].why));
	}
}

static void test_initrd_must_be_a_file_with_something_in_it(void **state)
{
	union image image;
	struct result r;
	int kernel, initrd;

	good_elf(&image);
	kernel = make_file(&image, sizeof(image));
	initrd = make_file("", 0);
	r = load_from(kernel, initrd, "", *state);
	assert_int_equal(r.ret, -EINVAL);
	assert_string_equal(r.why, "initrd: empty");
	fd_close(&initrd);
	initrd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = load_from(kernel, initrd, "", *state);
	assert_int_equal(r.ret, -EINVAL);
	assert_string_equal(r.why, "initrd: not a regular file");
	fd_close(&initrd);
	fd_close(&kernel);
}

/* A kernel that says it needs less than it is still has its place. */
static void test_initrd_stays_off_the_kernel(void **state)
{
	union image image;
	struct result r;

	good_bzimage(&image);
	header(&image)->init_size = 0;
	header(&image)->initrd_addr_max = KERNEL_ADDR + 4095;
	r = load(&image, sizeof(image.bz), 4096, "", *state);
	assert_int_equal(r.ret, -E2BIG);
}

/* The kernel says how high its initrd may be. */
static void test_initrd_stays_below_its_limit(void **state)
{
	const struct boot_params *params;
	union image image;
	struct result r;

	good_bzimage(&image);
	header(&image)->initrd_addr_max = 4 * MIB - 1;
	r = load(&image, sizeof(image.bz), 4096, "", *state);
	assert_int_equal(r.ret, 0);
	params = at(*state, r.state.rsi);
	assert_int_equal(params->hdr.ramdisk_image, 4 * MIB - 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_elf_starts_at_its_pvh_entry),
		TEST(test_elf_entry_is_found_behind_other_notes),
		TEST(test_bzimage_starts_in_long_mode),
		TEST(test_bzimage_without_setup_sects_has_four),
		TEST(test_bzimage_gets_4_gib_mapped_to_themselves),
		TEST(test_setup_data_of_the_file_is_not_followed),
		cmocka_unit_test(test_memory_map_has_the_hole),
		TEST(test_bad_elf_files_are_refused),
		TEST(test_bad_bzimages_are_refused),
		TEST(test_short_header_hides_what_is_behind),
		TEST(test_files_that_are_no_kernels),
		TEST(test_initrd_and_cmdline_have_limits),
		TEST(test_initrd_must_be_a_file_with_something_in_it),
		TEST(test_initrd_stays_off_the_kernel),
		TEST(test_initrd_stays_below_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
