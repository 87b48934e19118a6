// SPDX-License-Identifier: BSD-2-Clause
/*
 * machine/acpi: the tables are whole and say what the machine is; and iasl, which
 * knows the specification, reads and recompiles them without a complaint.
 */
#include "machine/acpi.h"

#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "machine/acpi_tables.h"
#include "machine/aml.h"
#include "machine/layout.h"

static const unsigned int cpu_counts[] = { 1, 4, 16, 64 };

struct tables {
	uint8_t bytes[LAYOUT_ACPI_MAX];
	size_t len;
};

static struct acpi_config make_config(unsigned int nr_cpus, bool iommu)
{
	struct acpi_config config = {
		.nr_cpus = nr_cpus,
		.mem64_start = 4 * GIB,
		.mem64_last = 516 * GIB - 1,
		.iommu = iommu,
		.iommu_bdf = 8,
		.behind = { { 0x10, 0xef }, { 0x100, 0xffff } },
		.nr_behind = 2,
	};

	for (unsigned int slot = 0; slot < ACPI_NR_SLOTS; slot++)
		for (unsigned int pin = 0; pin < ACPI_NR_PINS; pin++)
			config.intx_gsi[slot][pin] =
			    (uint8_t)(16 + (slot * 4 + pin) % 8);
	return config;
}

static void build(struct tables *t, unsigned int nr_cpus, bool iommu)
{
	const struct acpi_config config = make_config(nr_cpus, iommu);

	memset(t, 0xa5, sizeof(*t));
	assert_int_equal(acpi_build(&config, LAYOUT_ACPI, t->bytes,
				    sizeof(t->bytes), &t->len),
			 0);
}

static uint8_t sum(const void *bytes, size_t len)
{
	uint8_t total = 0;

	for (size_t i = 0; i < len; i++)
		total = (uint8_t)(total + ((const uint8_t *)bytes)[i]);
	return total;
}

/* The table at a guest-physical address, checked. */
static const struct acpi_header *table_at(const struct tables *t, uint64_t gpa)
{
	const struct acpi_header *header;
	uint64_t off = gpa - LAYOUT_ACPI;

	assert_true(gpa >= LAYOUT_ACPI && off + sizeof(*header) <= t->len);
	header = (const void *)(t->bytes + off);
	assert_true(off + header->length <= t->len);
	assert_int_equal(sum(header, header->length), 0);
	return header;
}

/* By signature; NULL: there is none. */
static const void *find_table(const struct tables *t, const char *signature)
{
	const struct acpi_rsdp *rsdp = (const void *)t->bytes;
	const struct acpi_header *xsdt = table_at(t, rsdp->xsdt);
	const uint8_t *entries = (const uint8_t *)(xsdt + 1);

	for (size_t at = 0; at + sizeof(*xsdt) < xsdt->length; at += 8) {
		const struct acpi_header *h =
		    table_at(t, get_le64(entries + at));

		if (memcmp(h->signature, signature, 4) == 0)
			return h;
	}
	return NULL;
}

static void test_rsdp_leads_to_all_tables(void **state)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG", "VIOT" };
	struct tables t;

	(void)state;
	build(&t, 4, true);
	assert_memory_equal(t.bytes, "RSD PTR ", 8);
	assert_int_equal(sum(t.bytes, 20), 0);
	assert_int_equal(sum(t.bytes, sizeof(struct acpi_rsdp)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(find_table(&t, names[i]));
	build(&t, 4, false);
	assert_non_null(find_table(&t, "MCFG"));
	assert_null(find_table(&t, "VIOT"));
}

static void test_fadt_is_hardware_reduced(void **state)
{
	const struct acpi_fadt *fadt;
	const struct acpi_header *dsdt;
	struct tables t;

	(void)state;
	build(&t, 1, false);
	fadt = find_table(&t, "FACP");
	assert_int_equal(fadt->flags >> 20 & 1, 1);
	assert_int_equal(fadt->flags >> 10 & 1, 1); /* has a reset register */
	assert_int_equal(fadt->reset_register.address, LAYOUT_RESET);
	assert_int_equal(fadt->reset_value, LAYOUT_RESET_VALUE);
	assert_int_equal(fadt->sleep_control.address, LAYOUT_SLEEP_CONTROL);
	assert_int_equal(fadt->sleep_status.address, LAYOUT_SLEEP_STATUS);
	dsdt = table_at(&t, fadt->x_dsdt);
	assert_memory_equal(dsdt->signature, "DSDT", 4);
}

static void test_madt_has_every_cpu_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cpu_counts); i++) {
		const struct acpi_madt *madt;
		const uint8_t *entry, *end;
		unsigned int nr_cpus = 0, nr_ioapics = 0;
		struct tables t;

		build(&t, cpu_counts[i], true);
		madt = find_table(&t, "APIC");
		entry = (const uint8_t *)(madt + 1);
		end = (const uint8_t *)madt + madt->header.length;
		for (; entry < end; entry += entry[1]) {
			assert_true(entry[1] >= 2);
			if (entry[0] == 0) {
				assert_int_equal(entry[2], nr_cpus);
				assert_int_equal(entry[3], nr_cpus);
				assert_int_equal(get_le32(entry + 4), 1);
				nr_cpus++;
			}
			nr_ioapics += entry[0] == 1;
		}
		assert_ptr_equal(entry, end);
		assert_int_equal(nr_cpus, cpu_counts[i]);
		assert_int_equal(nr_ioapics, 1);
	}
}

static void test_viot_puts_ranges_behind_the_iommu(void **state)
{
	const struct acpi_viot_iommu_pci *iommu;
	const struct acpi_viot_pci_range *range;
	const struct acpi_viot *viot;
	struct tables t;

	(void)state;
	build(&t, 1, true);
	viot = find_table(&t, "VIOT");
	assert_int_equal(viot->nr_nodes, 3);
	iommu = (const void *)((const uint8_t *)viot + viot->node_offset);
	assert_int_equal(iommu->type, 3);
	assert_int_equal(iommu->bdf, 8);
	range = (const void *)(iommu + 1);
	assert_int_equal(range[0].type, 1);
	assert_int_equal(range[0].first_endpoint, 0x10);
	assert_int_equal(range[0].first_bdf, 0x10);
	assert_int_equal(range[0].last_bdf, 0xef);
	assert_int_equal(range[0].output_node, viot->node_offset);
	assert_int_equal(range[1].first_endpoint, 0x100);
	assert_int_equal(range[1].last_bdf, 0xffff);
	assert_ptr_equal(range + 2,
			 (const uint8_t *)viot + viot->header.length);
}

static void test_small_buffers_are_refused(void **state)
{
	const struct acpi_config config = make_config(64, true);
	struct tables t;
	size_t len;

	(void)state;
	build(&t, 64, true);
	for (size_t cap = 0; cap < t.len; cap += 5)
		assert_int_equal(
		    acpi_build(&config, LAYOUT_ACPI, t.bytes, cap, &len),
		    -ENOSPC);
	assert_int_equal(acpi_build(&config, LAYOUT_ACPI, t.bytes, t.len, &len),
			 0);
}

/* ---- AML's two encodings that depend on numbers ---- */

static void test_lengths_take_one_to_three_bytes(void **state)
{
	static const struct {
		size_t body;
		uint8_t head[3];
		size_t nr_head;
	} cases[] = {
		{ 62, { 63 }, 1 },
		{ 63, { 0x41, 0x04 }, 2 },	   /* 65 */
		{ 4093, { 0x4f, 0xff }, 2 },	   /* 4095 */
		{ 4094, { 0x81, 0x00, 0x01 }, 3 }, /* 4097 */
	};
	static uint8_t buf[8192], body[8192];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aml a = { .buf = buf, .cap = sizeof(buf) };
		size_t begun = aml_begin_if(&a);

		aml_bytes(&a, body, cases[i].body);
		aml_end(&a, begun);
		assert_false(a.full);
		assert_int_equal(a.len, 1 + cases[i].nr_head + cases[i].body);
		assert_memory_equal(buf + 1, cases[i].head, cases[i].nr_head);
	}
}

static void test_integers_take_the_shortest_form(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[9];
		size_t len;
	} cases[] = {
		{ 0, { 0x00 }, 1 },
		{ 1, { 0x01 }, 1 },
		{ 0xff, { 0x0a, 0xff }, 2 },
		{ 0x100, { 0x0b, 0x00, 0x01 }, 3 },
		{ 0x10000, { 0x0c, 0, 0, 1, 0 }, 5 },
		{ 1ull << 32, { 0x0e, 0, 0, 0, 0, 1, 0, 0, 0 }, 9 },
	};
	uint8_t buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aml a = { .buf = buf, .cap = sizeof(buf) };

		aml_integer(&a, cases[i].value);
		assert_int_equal(a.len, cases[i].len);
		assert_memory_equal(buf, cases[i].bytes, cases[i].len);
	}
}

/* ---- iasl ---- */

static void dump(const char *dir, unsigned int nr_cpus,
		 const struct acpi_header *table)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%.4s-%u.dat", dir,
		       table->signature, nr_cpus);
	file = fopen(path, "wbe");
	assert_non_null(file);
	assert_int_equal(fwrite(table, table->length, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void dump_all(const char *dir, unsigned int nr_cpus)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG", "VIOT" };
	const struct acpi_fadt *fadt;
	struct tables t;

	build(&t, nr_cpus, true);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		dump(dir, nr_cpus, find_table(&t, names[i]));
	fadt = find_table(&t, "FACP");
	dump(dir, nr_cpus, table_at(&t, fadt->x_dsdt));
}

/* Return: the exit status of a command line in @dir. */
static int run_in(const char *dir, const char *command)
{
	char line[1024];
	int status;

	(void)snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	status = system(line); /* NOLINT: a constant command in our folder */
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_iasl_takes_them(void **state)
{
	char dir[] = "/tmp/pviommu-acpi-XXXXXX";

	(void)state;
	if (run_in("/", "command -v iasl >/dev/null") != 0) {
		print_message("iasl (acpica-tools) is not installed\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(cpu_counts); i++)
		dump_all(dir, cpu_counts[i]);
	if (run_in(dir, "for f in *.dat; do iasl -d $f && "
			"iasl -tc -p new-${f%.dat} ${f%.dat}.dsl || exit 1; "
			"done >log 2>&1 && "
			"! grep -E '(Error|Warning) +[0-9]+ -|[1-9][0-9]* "
			"(Errors|Warnings)' log") != 0) {
		(void)run_in(dir, "cat log");
		fail_msg("iasl complains; see the tables in %s", dir);
	}
	assert_int_equal(run_in(dir, "rm -f -- *"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsdp_leads_to_all_tables),
		cmocka_unit_test(test_fadt_is_hardware_reduced),
		cmocka_unit_test(test_madt_has_every_cpu_once),
		cmocka_unit_test(test_viot_puts_ranges_behind_the_iommu),
		cmocka_unit_test(test_small_buffers_are_refused),
		cmocka_unit_test(test_lengths_take_one_to_three_bytes),
		cmocka_unit_test(test_integers_take_the_shortest_form),
		cmocka_unit_test(test_iasl_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
