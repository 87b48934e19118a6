// SPDX-License-Identifier: BSD-2-Clause
/* pci/: MSI-X and INTx. */

#include "tests/unit/pci_toy.h"

#include <errno.h>
#include <poll.h>

#include "base/fd.h"

static void table_write(struct fixture *fx, uint64_t off, uint32_t value)
{
	uint8_t buf[4];

	put_le32(buf, value);
	pci_bar_write(fx->fn, 2, TABLE_OFF + off, buf, 4);
}

static uint64_t bar_rd(struct fixture *fx, uint64_t off, unsigned int len)
{
	uint8_t buf[8] = { 0 };

	pci_bar_read(fx->fn, 2, off, buf, len);
	return get_le64(buf);
}

static void msix_control(struct fixture *fx, uint16_t flags)
{
	wr(fx, SLOT, MSIX_CAP + PCI_MSIX_FLAGS, flags, 2);
}

static void program_vector(struct fixture *fx, unsigned int vector,
			   uint32_t addr, uint32_t data)
{
	table_write(fx, 16 * vector, addr);
	table_write(fx, 16 * vector + 4, 0);
	table_write(fx, 16 * vector + 8, data);
	table_write(fx, 16 * vector + 12, 0);
}

static void test_msix_vectors_reach_the_host(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(bar_rd(fx, TABLE_OFF + 12, 4), 1);
	assert_false(pci_msix_is_enabled(fx->fn));
	/* As Linux does it: all masked, program, unmask. */
	msix_control(fx, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_true(pci_msix_is_enabled(fx->fn));
	assert_true(fx->toy.msix_on);
	program_vector(fx, 1, 0xfee00000, 0x41);
	assert_int_equal(fx->host.sets, 0);
	msix_control(fx, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fx->host.sets, 1);
	assert_true(fx->host.unmasked[1]);
	assert_int_equal(fx->host.msi_addr[1], 0xfee00000);
	assert_int_equal(fx->host.msi_data[1], 0x41);
	assert_int_equal(bar_rd(fx, TABLE_OFF + 16, 8), 0xfee00000);
	assert_int_equal(bar_rd(fx, TABLE_OFF + 24, 8), 0x41);

	table_write(fx, 16 + 8, 0x42);
	assert_int_equal(fx->host.msi_data[1], 0x42);
	table_write(fx, 16 + 12, 1);
	assert_false(fx->host.unmasked[1]);
	table_write(fx, 16 + 12, 0);
	assert_true(fx->host.unmasked[1]);
	msix_control(fx, 0);
	assert_false(fx->host.unmasked[1]);
	assert_false(fx->toy.msix_on);
	assert_int_equal(fx->toy.msix_changes, 2);
}

static void test_a_masked_vector_is_pending(void **state)
{
	struct fixture *fx = *state;
	struct pollfd p = { .fd = pci_msix_fd(fx->fn, 2), .events = POLLIN };

	msix_control(fx, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(bar_rd(fx, PBA_OFF, 8), 0);
	fd_event_signal(pci_msix_fd(fx->fn, 2));
	assert_int_equal(bar_rd(fx, PBA_OFF, 8), 1 << 2);
	/* Unmasked it is the host's to take, and no longer pending. */
	program_vector(fx, 2, 0xfee00000, 1);
	assert_true(fx->host.unmasked[2]);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(bar_rd(fx, PBA_OFF, 8), 0);
	/* The function mask holds all of them back. */
	msix_control(fx, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(bar_rd(fx, PBA_OFF, 4), 1 << 2);
	assert_int_equal(pci_msix_fd(fx->fn, NR_VECTORS), -1);
}

static void test_odd_table_writes_are_ignored(void **state)
{
	struct fixture *fx = *state;
	uint8_t ones[8];

	memset(ones, 0xff, sizeof(ones));
	pci_bar_write(fx->fn, 2, TABLE_OFF, ones, 1);
	pci_bar_write(fx->fn, 2, TABLE_OFF, ones, 2);
	pci_bar_write(fx->fn, 2, TABLE_OFF + 2, ones, 4);
	pci_bar_write(fx->fn, 2, TABLE_OFF + 4, ones, 8);
	pci_bar_write(fx->fn, 2, PBA_OFF, ones, 8);
	assert_int_equal(bar_rd(fx, TABLE_OFF, 8), 0);
	assert_int_equal(bar_rd(fx, PBA_OFF, 8), 0);
	/* Two words at once: data and mask of the last vector. */
	pci_bar_write(fx->fn, 2, TABLE_OFF + 16 * NR_VECTORS - 8, ones, 8);
	assert_int_equal(bar_rd(fx, TABLE_OFF + 16 * NR_VECTORS - 8, 8),
			 0x1ffffffff);
}

static void test_intx_line_status_and_disable(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(fx->host.gsi, 16 + SLOT % 4);
	assert_int_equal(pci_intx_gsi(fx->bus, 31, 3), 16 + 34 % 4);
	assert_int_equal(rd(fx, SLOT, PCI_INTERRUPT_LINE, 1), 16 + SLOT % 4);
	assert_true(pci_intx_fd(fx->fn) >= 0);
	assert_true(pci_intx_eoi_fd(fx->fn) >= 0);

	assert_int_equal(rd(fx, SLOT, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	fx->toy.asserted = true;
	assert_int_equal(rd(fx, SLOT, PCI_STATUS, 2),
			 PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT);
	assert_int_equal(rd(fx, SLOT, PCI_COMMAND, 4) >> 16,
			 PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT);

	assert_true(pci_intx_is_allowed(fx->fn));
	pci_intx_eoi(fx->fn);
	assert_int_equal(fx->toy.eois, 1);
	wr(fx, SLOT, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	assert_false(pci_intx_is_allowed(fx->fn));
	pci_intx_eoi(fx->fn);
	assert_int_equal(fx->toy.eois, 1);
	wr(fx, SLOT, PCI_COMMAND, 0, 2); /* asserted meanwhile? look again */
	assert_int_equal(fx->toy.eois, 2);
}

static void test_msix_descriptions_are_checked(void **state)
{
	static const struct {
		const char *why;
		unsigned int vectors, bar;
		uint32_t table, pba;
	} cases[] = {
		{ "too many vectors", 2049, 0, 0, 0x3000 },
		{ "no such BAR", 1, 6, 0, 0x800 },
		{ "table off 8", 1, 2, 4, 0x800 },
		{ "PBA off 8", 1, 2, 0, 0x804 },
		{ "one over the other", 2, 2, 0, 0x18 },
	};
	struct fixture *fx = *state;
	struct pci_function *fn;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_function_desc desc = toy_desc(&fx->toy);

		print_message("# %s\n", cases[i].why);
		desc.msix_vectors = cases[i].vectors;
		desc.msix_bar = cases[i].bar;
		desc.msix_table_off = cases[i].table;
		desc.msix_pba_off = cases[i].pba;
		assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn),
				 -EINVAL);
	}
}

static void test_a_full_config_space_has_no_room_for_msix(void **state)
{
	struct fixture *fx = *state;
	struct pci_function_desc desc = toy_desc(&fx->toy);
	struct pci_function *fn;

	memset(desc.config + 0x40, 0xaa, sizeof(desc.config) - 0x40);
	assert_int_equal(pci_function_add(fx->bus, -1, &desc, &fn), -EINVAL);
}

static void test_an_msix_capability_of_its_own_is_used(void **state)
{
	struct fixture *fx = *state;
	struct toy toy = { .eois = 0 };
	struct pci_function_desc desc = toy_desc(&toy);
	struct pci_function *fn;

	desc.config[PCI_CAPABILITY_LIST] = 0x50;
	desc.config[0x50] = PCI_CAP_ID_VNDR;
	desc.config[0x51] = 0x60;
	desc.config[0x60] = PCI_CAP_ID_MSIX;
	desc.config[0x61] = 0x50; /* a loop: found, or given up */
	assert_int_equal(pci_function_add(fx->bus, PCI_DEVFN(9, 0), &desc, &fn),
			 0);
	assert_int_equal(rd(fx, 9, 0x60, 4), 0x00035011);
	assert_int_equal(rd(fx, 9, PCI_CAPABILITY_LIST, 1), 0x50);
	desc.config[0x60] = PCI_CAP_ID_PM;
	assert_int_equal(
	    pci_function_add(fx->bus, PCI_DEVFN(10, 0), &desc, &fn), 0);
	assert_int_equal(rd(fx, 10, PCI_CAPABILITY_LIST, 1), MSIX_CAP);
	/* toy is on this stack: the bus must not outlive it. */
	pci_bus_destroy(fx->bus);
	assert_int_equal(toy.destroyed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_msix_vectors_reach_the_host),
		TEST(test_a_masked_vector_is_pending),
		TEST(test_odd_table_writes_are_ignored),
		TEST(test_intx_line_status_and_disable),
		TEST(test_msix_descriptions_are_checked),
		TEST(test_a_full_config_space_has_no_room_for_msix),
		cmocka_unit_test_setup(
		    test_an_msix_capability_of_its_own_is_used, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
