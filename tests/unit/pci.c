// SPDX-License-Identifier: BSD-2-Clause
/* pci/: config space, BARs, slots, root ports. */

#include "tests/unit/pci_toy.h"

#include <errno.h>

static void test_host_bridge_is_at_00_0(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(rd(fx, 0, PCI_CLASS_DEVICE, 2), 0x0600);
	assert_int_equal(rd(fx, 0, PCI_HEADER_TYPE, 1), 0);
}

static void test_identity_comes_from_the_description(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(rd(fx, SLOT, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(rd(fx, SLOT, PCI_CLASS_REVISION, 4), 0x02000001);
	assert_int_equal(rd(fx, SLOT, PCI_COMMAND, 2), 0);
	assert_int_equal(rd(fx, SLOT, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(pci_function_bdf(fx->fn), SLOT << 3);
	assert_string_equal(pci_function_name(fx->fn), "toy");
}

static void test_absent_functions_read_as_ones(void **state)
{
	struct fixture *fx = *state;
	static const uint64_t offs[] = {
		1 << 15,	      /* slot 1 */
		SLOT << 15 | 1 << 12, /* function 1 of the toy */
		1 << 20,	      /* bus 1: no root port */
		255ull << 20,
		256ull << 20, /* past the ECAM */
		UINT64_MAX - 3,
	};

	for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
		uint32_t value = 0;

		pci_ecam_write(fx->bus, offs[i], &value, 4);
		pci_ecam_read(fx->bus, offs[i], &value, 4);
		assert_int_equal(value, 0xffffffff);
	}
}

static void test_odd_accesses_are_harmless(void **state)
{
	struct fixture *fx = *state;
	uint8_t buf[64];
	static const struct {
		unsigned int reg, len;
	} cases[] = { { 1, 2 }, { 2, 4 }, { 0xfff, 4 }, { 0, 8 }, { 0, 3 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(buf, 0, sizeof(buf));
		pci_ecam_write(fx->bus, ecam(0, SLOT, cases[i].reg), buf,
			       cases[i].len);
		pci_ecam_read(fx->bus, ecam(0, SLOT, cases[i].reg), buf,
			      cases[i].len);
		for (unsigned int j = 0; j < cases[i].len; j++)
			assert_int_equal(buf[j], 0xff);
		assert_int_equal(buf[cases[i].len], 0);
	}
}

static void test_write_masks(void **state)
{
	static const struct {
		unsigned int reg, len;
		uint32_t want;
	} cases[] = {
		{ PCI_VENDOR_ID, 4, 0x56781234 },
		{ PCI_COMMAND, 2, 0x547 },
		{ PCI_CLASS_REVISION, 4, 0x02000001 },
		{ PCI_CACHE_LINE_SIZE, 1, 0xff },
		{ PCI_HEADER_TYPE, 1, 0 },
		{ PCI_SUBSYSTEM_VENDOR_ID, 4, 0 },
		{ PCI_ROM_ADDRESS, 4, 0 },
		{ PCI_CAPABILITY_LIST, 1, MSIX_CAP },
		{ PCI_INTERRUPT_LINE, 1, 0xff },
		{ PCI_INTERRUPT_PIN, 1, 1 },
		{ MSIX_CAP, 4, 0xc0030011 },
		{ MSIX_CAP + PCI_MSIX_TABLE, 4, TABLE_OFF | 2 },
		{ MSIX_CAP + PCI_MSIX_PBA, 4, PBA_OFF | 2 },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		wr(fx, SLOT, cases[i].reg, 0xffffffff, cases[i].len);
		assert_int_equal(rd(fx, SLOT, cases[i].reg, cases[i].len),
				 cases[i].want);
	}
}

static void test_bytes_of_the_function_go_to_it(void **state)
{
	struct fixture *fx = *state;

	wr(fx, SLOT, 0x80, 0x11223344, 4);
	wr(fx, SLOT, 0x81, 0x99, 1);
	assert_int_equal(rd(fx, SLOT, 0x80, 4), 0x11229944);
	assert_int_equal(fx->toy.extra[1], 0x99);
	assert_int_equal(rd(fx, SLOT, 0x100, 4), 0);
}

static void test_bars_tell_their_size(void **state)
{
	static const struct {
		unsigned int bar;
		uint32_t want;
	} cases[] = {
		{ 0, 0xffffc00c }, { 1, 0xffffffff }, { 2, 0xfffff000 },
		{ 3, 0xffffffc1 }, { 4, 0 },	      { 5, 0 },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * cases[i].bar;
		uint32_t before = rd(fx, SLOT, reg, 4);

		wr(fx, SLOT, reg, 0xffffffff, 4);
		assert_int_equal(rd(fx, SLOT, reg, 4), cases[i].want);
		wr(fx, SLOT, reg, before, 4);
		assert_int_equal(rd(fx, SLOT, reg, 4), before);
	}
	assert_int_equal(fx->host.maps, 0);
}

static void test_bars_have_addresses_and_decode_on_demand(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(rd(fx, SLOT, PCI_BASE_ADDRESS_0, 4), 0x0000000c);
	assert_int_equal(rd(fx, SLOT, PCI_BASE_ADDRESS_1, 4), 0x40);
	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(fx->host.mapped[0], 0x4000000000);
	assert_int_equal(fx->host.mapped[2], 0xc0000000);
	assert_int_equal(fx->host.mapped[3], 0);
	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
	assert_int_equal(fx->host.mapped[3], 0x1000);
	assert_int_equal(fx->host.maps, 3);
	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_IO, 2);
	assert_int_equal(fx->host.mapped[0], 0);
	assert_int_equal(fx->host.mapped[2], 0);
	assert_int_equal(fx->host.unmaps, 2);
}

static void test_a_decoding_bar_moves(void **state)
{
	struct fixture *fx = *state;

	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	wr(fx, SLOT, PCI_BASE_ADDRESS_1, 0x41, 4);
	assert_int_equal(fx->host.mapped[0], 0x4100000000);
	wr(fx, SLOT, PCI_BASE_ADDRESS_0, 0x8000, 4);
	assert_int_equal(fx->host.mapped[0], 0x4100008000);
}

static void test_a_refused_address_stays_unmapped(void **state)
{
	struct fixture *fx = *state;

	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	fx->host.map_error = -EEXIST;
	wr(fx, SLOT, PCI_BASE_ADDRESS_2, 0x1000, 4);
	assert_int_equal(fx->host.mapped[2], 0);
	fx->host.map_error = 0;
	wr(fx, SLOT, PCI_BASE_ADDRESS_2, 0xc8000000, 4);
	assert_int_equal(fx->host.mapped[2], 0xc8000000);
}

static void test_addresses_that_wrap_are_not_mapped(void **state)
{
	struct fixture *fx = *state;

	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_IO, 2);
	wr(fx, SLOT, PCI_BASE_ADDRESS_3, 0xffc0, 4);
	assert_int_equal(fx->host.mapped[3], 0xffc0);
	wr(fx, SLOT, PCI_BASE_ADDRESS_3, 0x10000, 4);
	assert_int_equal(fx->host.mapped[3], 0);
	wr(fx, SLOT, PCI_BASE_ADDRESS_3, 0xffffffff, 4);
	assert_int_equal(fx->host.mapped[3], 0);
}

static void test_bar_accesses_are_bounded(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		const char *why;
		unsigned int bar;
		uint64_t off;
		unsigned int len;
	} cases[] = {
		{ "no such BAR", 6, 0, 4 },
		{ "upper half of another", 1, 0, 4 },
		{ "past the end", 0, 0x4000, 1 },
		{ "across the end", 0, 0x3ffc, 8 },
		{ "wraps", 0, UINT64_MAX - 3, 8 },
		{ "a length that no CPU has", 0, 0, 3 },
		{ "nobody there", 4, 0, 4 },
	};
	uint64_t value = 0x1122334455667788, got;

	pci_bar_write(fx->fn, 0, 8, &value, 8);
	pci_bar_read(fx->fn, 0, 8, &got, 8);
	assert_int_equal(got, value);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		got = 0;
		pci_bar_write(fx->fn, cases[i].bar, cases[i].off, &value,
			      cases[i].len);
		pci_bar_read(fx->fn, cases[i].bar, cases[i].off, &got,
			     cases[i].len);
		assert_int_equal(got & 0xff, 0xff);
	}
}

static void test_io_fds_are_the_functions(void **state)
{
	struct fixture *fx = *state;
	struct pci_io_fd io;

	assert_true(pci_io_fd(fx->fn, 0, &io));
	assert_int_equal(io.fd, 77);
	assert_false(pci_io_fd(fx->fn, 1, &io));
}

static void test_descriptions_are_checked(void **state)
{
	static const struct {
		const char *why;
		unsigned int bar;
		struct pci_bar to;
	} bars[] = {
		{ "not a power of two", 4, { PCI_BAR_MEM32, false, 0x3000 } },
		{ "no size", 4, { PCI_BAR_MEM32, false, 0 } },
		{ "too small for memory", 4, { PCI_BAR_MEM32, false, 8 } },
		{ "too small for I/O", 4, { PCI_BAR_IO, false, 2 } },
		{ "too large for I/O", 4, { PCI_BAR_IO, false, 0x10000 } },
		{ "4 GiB in 32 bits",
		  4,
		  { PCI_BAR_MEM32, false, 0x100000000 } },
		{ "no register for the upper half",
		  5,
		  { PCI_BAR_MEM64, false, 0x1000 } },
		{ "register of the upper half taken",
		  2,
		  { PCI_BAR_MEM64, false, 0x1000 } },
		{ "a size without a type", 4, { PCI_BAR_NONE, false, 16 } },
		{ "prefetchable I/O", 4, { PCI_BAR_IO, true, 16 } },
		{ "MSI-X in I/O space", 2, { PCI_BAR_IO, false, 0x1000 } },
		{ "table outside", 2, { PCI_BAR_MEM32, false, 0x100 } },
		{ "PBA outside", 2, { PCI_BAR_MEM32, false, 0x800 } },
	};
	struct fixture *fx = *state;
	struct pci_function *fn;

	for (size_t i = 0; i < ARRAY_SIZE(bars); i++) {
		struct pci_function_desc desc = toy_desc(&fx->toy);

		print_message("# %s\n", bars[i].why);
		desc.bars[bars[i].bar] = bars[i].to;
		assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn),
				 -EINVAL);
	}
}

static void test_slots(void **state)
{
	struct fixture *fx = *state;
	struct pci_function_desc desc = { .name = "plain", .ops = &no_ops };
	struct pci_function *fn;

	assert_int_equal(
	    pci_function_add(fx->bus, PCI_DEVFN(SLOT, 0), &desc, &fn), -EBUSY);
	assert_int_equal(pci_function_add(fx->bus, 0, &desc, &fn), -EBUSY);
	assert_int_equal(pci_function_add(fx->bus, PCI_DEVFN(1, 1), &desc, &fn),
			 -EINVAL);
	assert_int_equal(pci_function_add(fx->bus, 256, &desc, &fn), -EINVAL);
	assert_int_equal(pci_function_add(fx->bus, -2, &desc, &fn), -EINVAL);
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn), 0);
	assert_int_equal(pci_function_bdf(fn), 31 << 3);
	assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn), -ENOSPC);
	assert_int_equal(pci_intx_fd(fn), -1);
	/* Without ops it is all constants and ones. */
	assert_int_equal(rd(fx, 31, 0x40, 4), 0);
	wr(fx, 31, 0x40, 0xffffffff, 4);
	assert_int_equal(rd(fx, 31, 0x40, 4), 0);
}

static void test_a_full_window_takes_nothing(void **state)
{
	struct fixture *fx = *state;
	struct pci_function_desc desc = {
		.name = "big",
		.bars = { { PCI_BAR_MEM32, false, 0x1000 },
			  { PCI_BAR_MEM32, false, 0x10000000 } },
		.ops = &no_ops,
	};
	struct pci_function *fn;

	assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn), -ENOSPC);
	/* What BAR 0 had taken was given back. */
	desc.bars[1] = (struct pci_bar){ 0 };
	assert_int_equal(pci_function_add(fx->bus, 0x80, &desc, &fn), 0);
	assert_int_equal(rd(fx, 16, PCI_BASE_ADDRESS_0, 4), 0xc0001000);
}

static void test_root_port(void **state)
{
	struct fixture *fx = *state;
	uint32_t value = 0;

	assert_int_equal(pci_root_port_add(fx->bus, PCI_DEVFN(5, 0), 7), 0);
	assert_int_equal(pci_root_port_add(fx->bus, PCI_DEVFN(6, 0), 8), 0);
	assert_int_equal(pci_root_port_add(fx->bus, PCI_DEVFN(6, 0), 8),
			 -EBUSY);
	assert_int_equal(pci_root_port_add(fx->bus, -1, 1 << 13), -EINVAL);
	assert_int_equal(rd(fx, 5, PCI_CLASS_DEVICE, 2), 0x0604);
	assert_int_equal(rd(fx, 5, PCI_HEADER_TYPE, 1), 1);
	assert_int_equal(rd(fx, 5, PCI_PRIMARY_BUS, 4), 0x00010100);
	assert_int_equal(rd(fx, 6, PCI_PRIMARY_BUS, 4), 0x00020200);
	assert_int_equal(rd(fx, 5, PCI_MEMORY_BASE, 4), 0xc030c020);
	assert_int_equal(rd(fx, 6, PCI_MEMORY_BASE, 4), 0xc050c040);
	assert_int_equal(rd(fx, 5, PCI_PREF_MEMORY_BASE, 4), 0x7ff14001);
	assert_int_equal(rd(fx, 5, PCI_PREF_BASE_UPPER32, 4), 0x40);
	assert_int_equal(rd(fx, 5, PCI_PREF_LIMIT_UPPER32, 4), 0x40);
	assert_int_equal(rd(fx, 5, PCI_IO_BASE, 2), 0x00f0);

	assert_int_equal(rd(fx, 5, PCI_CAPABILITY_LIST, 1), 0x40);
	assert_int_equal(rd(fx, 5, 0x40, 4), 0x01420010);
	assert_int_equal(rd(fx, 5, 0x40 + PCI_EXP_SLTCAP, 4) >> 19, 7);
	assert_int_equal(rd(fx, 5, 0x40 + PCI_EXP_SLTSTA, 2), 0);

	/* Behind it: nobody, under whatever number. */
	wr(fx, 5, PCI_SECONDARY_BUS, 9, 1);
	pci_ecam_read(fx->bus, ecam(9, 0, 0), &value, 4);
	assert_int_equal(value, 0xffffffff);
	/* Two base address registers that a bridge has, not six. */
	wr(fx, 5, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	assert_int_equal(rd(fx, 5, PCI_BASE_ADDRESS_0, 4), 0);
	wr(fx, 5, PCI_MEMORY_BASE, 0xffffffff, 4);
	assert_int_equal(rd(fx, 5, PCI_MEMORY_BASE, 4), 0xfff0fff0);
}

static void test_a_bus_wants_interrupt_lines(void **state)
{
	struct pci_windows none = windows;
	struct pci_bus *bus;

	(void)state;
	none.nr_gsis = 0;
	assert_int_equal(pci_bus_create(&none, &host_ops, NULL, &bus), -EINVAL);
	pci_bus_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_host_bridge_is_at_00_0),
		TEST(test_identity_comes_from_the_description),
		TEST(test_absent_functions_read_as_ones),
		TEST(test_odd_accesses_are_harmless),
		TEST(test_write_masks),
		TEST(test_bytes_of_the_function_go_to_it),
		TEST(test_bars_tell_their_size),
		TEST(test_bars_have_addresses_and_decode_on_demand),
		TEST(test_a_decoding_bar_moves),
		TEST(test_a_refused_address_stays_unmapped),
		TEST(test_addresses_that_wrap_are_not_mapped),
		TEST(test_bar_accesses_are_bounded),
		TEST(test_io_fds_are_the_functions),
		TEST(test_descriptions_are_checked),
		TEST(test_slots),
		TEST(test_a_full_window_takes_nothing),
		TEST(test_root_port),
		cmocka_unit_test(test_a_bus_wants_interrupt_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
