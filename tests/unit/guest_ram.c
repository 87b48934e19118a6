// SPDX-License-Identifier: BSD-2-Clause
/* memory/: the layout of guest RAM, its bounds, and pages that go bad. */

#include "memory/guest_ram.h"
#include "memory/guard.h"
#include "tests/few_fds.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB  0x100000ull
#define GIB  0x40000000ull
#define PAGE 4096

static struct guest_ram *create(uint64_t size)
{
	struct guest_ram *ram;

	assert_int_equal(guest_ram_create(size, &ram), 0);
	return ram;
}

static void test_size_is_checked(void **state)
{
	static const uint64_t bad[] = {
		0, 1, MIB, 3 * MIB, 2 * MIB + PAGE, 1ull << 47, -2 * MIB,
	};
	struct guest_ram *ram;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(guest_ram_create(bad[i], &ram), -EINVAL);
	guest_ram_destroy(NULL);
}

static void test_hole_lies_below_4_gib(void **state)
{
	static const struct {
		uint64_t size;
		struct {
			uint64_t gpa, len;
		} banks[2];
	} cases[] = {
		{ 2 * MIB, { { 0, 2 * MIB }, { 0, 0 } } },
		{ 3 * GIB, { { 0, 3 * GIB }, { 0, 0 } } },
		{ 3 * GIB + 2 * MIB, { { 0, 3 * GIB }, { 4 * GIB, 2 * MIB } } },
		{ 5 * GIB, { { 0, 3 * GIB }, { 4 * GIB, 2 * GIB } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest_ram *ram = create(cases[i].size);

		for (unsigned int b = 0; b < 2; b++) {
			const struct guest_ram_bank *bank =
			    guest_ram_bank(ram, b);

			if (cases[i].banks[b].len == 0) {
				assert_null(bank);
				continue;
			}
			assert_int_equal(bank->gpa, cases[i].banks[b].gpa);
			assert_int_equal(bank->len, cases[i].banks[b].len);
		}
		assert_null(guest_ram_bank(ram, 2));
		guest_ram_destroy(ram);
	}
}

static void test_what_is_ram(void **state)
{
	static const struct {
		uint64_t gpa, len;
		bool want;
	} cases[] = {
		{ 0, 1, true },
		{ 0, 3 * GIB, true },
		{ 3 * GIB - 1, 1, true },
		{ 3 * GIB - 1, 2, false },
		{ 3 * GIB, 1, false },
		{ 4 * GIB - 1, 1, false },
		{ 4 * GIB - 1, 2, false },
		{ 4 * GIB, 2 * MIB, true },
		{ 4 * GIB, 2 * MIB + 1, false },
		{ 4 * GIB + 2 * MIB, 1, false },
		{ 0, 4 * GIB + 2 * MIB, false }, /* across the hole */
		{ UINT64_MAX, 1, false },
		{ 0, UINT64_MAX, false },
		{ 4 * GIB + MIB, UINT64_MAX - MIB, false },
	};
	struct guest_ram *ram = create(3 * GIB + 2 * MIB);
	char byte = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t gpa = cases[i].gpa, len = cases[i].len;

		assert_int_equal(guest_ram_contains(ram, gpa, len),
				 cases[i].want);
		assert_int_equal(guest_ram_span(ram, gpa, len) != NULL,
				 cases[i].want);
		if (cases[i].want)
			continue;
		assert_null(guest_ram_resident(ram, gpa, len));
		assert_int_equal(guest_ram_populate(ram, gpa, len), -EFAULT);
		assert_int_equal(guest_ram_read(ram, gpa, &byte, len), -EFAULT);
		assert_int_equal(guest_ram_write(ram, gpa, &byte, len),
				 -EFAULT);
	}
	guest_ram_destroy(ram);
}

static void test_copies_reach_the_bank_that_they_name(void **state)
{
	struct guest_ram *ram = create(3 * GIB + 2 * MIB);
	const struct guest_ram_bank *high = guest_ram_bank(ram, 1);
	char buf[8] = "";

	(void)state;
	assert_int_equal(guest_ram_write(ram, 4 * GIB + 8, "canary", 7), 0);
	assert_string_equal((char *)high->host + 8, "canary");
	assert_int_equal(guest_ram_read(ram, 4 * GIB + 8, buf, 7), 0);
	assert_string_equal(buf, "canary");
	assert_ptr_equal(guest_ram_span(ram, 4 * GIB + 8, 7),
			 (char *)high->host + 8);
	guest_ram_destroy(ram);
}

static void test_pages_are_resident_once_populated(void **state)
{
	struct guest_ram *ram = create(2 * MIB);
	char *host = guest_ram_bank(ram, 0)->host;

	(void)state;
	host[3 * PAGE] = 'x';
	assert_null(guest_ram_resident(ram, 2 * PAGE, 1));
	/* The last byte of one page and the first of the next but one. */
	assert_int_equal(guest_ram_populate(ram, 3 * PAGE - 1, PAGE + 2), 0);
	assert_ptr_equal(guest_ram_resident(ram, 2 * PAGE, 3 * PAGE),
			 host + 2 * PAGE);
	assert_null(guest_ram_resident(ram, 2 * PAGE - 1, 2));
	assert_null(guest_ram_resident(ram, 5 * PAGE - 1, 2));
	assert_int_equal(host[3 * PAGE], 'x');
	/* A word of the bitmap has 64 pages. */
	assert_int_equal(guest_ram_populate(ram, 63 * PAGE, 2 * PAGE), 0);
	assert_non_null(guest_ram_resident(ram, 63 * PAGE, 2 * PAGE));
	assert_null(guest_ram_resident(ram, 65 * PAGE, 1));
	guest_ram_destroy(ram);
}

static void test_failed_creation_leaves_nothing(void **state)
{
	const int first = next_fd();
	struct guest_ram *ram = NULL;
	struct rlimit before;
	int ret = -EMFILE, tries = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	while (ret == -EMFILE) {
		assert_null(ram);
		limit_fds((rlim_t)(first + tries++));
		ret = guest_ram_create(3 * GIB + 2 * MIB, &ram);
		limit_fds(before.rlim_cur);
		if (ret)
			assert_int_equal(next_fd(), first);
	}
	assert_int_equal(ret, 0);
	assert_true(tries > 2); /* two banks, two descriptors */
	guest_ram_destroy(ram);
	assert_int_equal(next_fd(), first);
}

static void test_memory_is_sealed(void **state)
{
	struct guest_ram *ram = create(2 * MIB);
	int fd = guest_ram_bank(ram, 0)->fd;

	(void)state;
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 4 * MIB), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	guest_ram_destroy(ram);
}

/* Lays a page that can not be had over one of RAM's: beyond the end of a file. */
static void spoil(void *page)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_ptr_equal(mmap(page, PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0),
			 page);
	(void)close(fd);
}

static void test_bad_page_is_an_error(void **state)
{
	struct guest_ram *ram = create(2 * MIB);
	char buf[2 * PAGE] = "";

	(void)state;
	spoil((char *)guest_ram_bank(ram, 0)->host + PAGE);
	assert_int_equal(guest_ram_populate(ram, 0, 2 * PAGE), -EFAULT);
	assert_null(guest_ram_resident(ram, 0, 1));
	assert_int_equal(guest_ram_read(ram, 0, buf, sizeof(buf)), -EFAULT);
	assert_int_equal(guest_ram_write(ram, PAGE, buf, 1), -EFAULT);
	/* Not only the first time. */
	assert_int_equal(guest_ram_write(ram, PAGE, buf, 1), -EFAULT);
	assert_int_equal(guest_ram_write(ram, 0, buf, PAGE), 0);
	guest_ram_destroy(ram);
}

struct nested {
	volatile char *good, *bad;
	int inner;
	bool after_inner;
};

static void read_good(void *ctx)
{
	(void)*((struct nested *)ctx)->good;
}

static void read_bad(void *ctx)
{
	(void)*((struct nested *)ctx)->bad;
}

static void guard_inside(void *ctx)
{
	struct nested *n = ctx;

	n->inner = guard_run(read_good, n);
	n->after_inner = true;
	n->inner = guard_run(read_bad, n);
	fail();
}

static void test_guards_nest(void **state)
{
	struct guest_ram *ram = create(2 * MIB);
	char *host = guest_ram_bank(ram, 0)->host;
	struct nested n = { .good = host + PAGE, .bad = host, .inner = -1 };

	(void)state;
	spoil(host);
	assert_int_equal(guard_run(guard_inside, &n), -EFAULT);
	assert_int_equal(n.inner, 0);
	assert_true(n.after_inner);
	/* And nothing is left of them. */
	assert_int_equal(guard_run(read_bad, &n), -EFAULT);
	guest_ram_destroy(ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_is_checked),
		cmocka_unit_test(test_hole_lies_below_4_gib),
		cmocka_unit_test(test_what_is_ram),
		cmocka_unit_test(test_copies_reach_the_bank_that_they_name),
		cmocka_unit_test(test_pages_are_resident_once_populated),
		cmocka_unit_test(test_failed_creation_leaves_nothing),
		cmocka_unit_test(test_memory_is_sealed),
		cmocka_unit_test(test_bad_page_is_an_error),
		cmocka_unit_test(test_guards_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
