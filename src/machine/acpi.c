// SPDX-License-Identifier: BSD-2-Clause
#include "machine/acpi.h"

#include <errno.h>
#include <string.h>

#include "machine/acpi_internal.h"
#include "machine/acpi_tables.h"
#include "machine/aml.h"
#include "machine/layout.h"

#define OEM_ID	     "PVIOMM"
#define OEM_TABLE_ID "PVIOMMU "
#define CREATOR_ID   "PVIO"

/* FADT, "Fixed Feature Flags" and "IA-PC Boot Architecture Flags". */
#define FADT_WBINVD	      (1u << 0)
#define FADT_RESET_REGISTER   (1u << 10)
#define FADT_HARDWARE_REDUCED (1u << 20)
#define BOOT_NO_VGA	      (1u << 2)
#define BOOT_NO_CMOS_RTC      (1u << 5)

#define TABLES_MAX  5 /* that the XSDT points to */
#define TABLE_ALIGN 16

struct writer {
	struct aml a; /* all of it goes into one buffer */
	uint64_t gpa;
	uint64_t tables[TABLES_MAX]; /* guest-physical addresses */
	unsigned int nr_tables;
};

static uint8_t checksum(const uint8_t *bytes, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static size_t begin_table(struct writer *w)
{
	while (w->a.len % TABLE_ALIGN != 0 && !w->a.full)
		aml_byte(&w->a, 0);
	return w->a.len;
}

/* Fills in the header of the table that began at @begun. */
static void end_table(struct writer *w, size_t begun, const char *signature,
		      uint8_t revision)
{
	struct acpi_header header = {
		.length = (uint32_t)(w->a.len - begun),
		.revision = revision,
		.oem_revision = 1,
		.creator_revision = 1,
	};
	uint8_t *at = w->a.buf + begun;

	if (w->a.full)
		return;
	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(header.oem_id, OEM_ID, sizeof(header.oem_id));
	memcpy(header.oem_table_id, OEM_TABLE_ID, sizeof(header.oem_table_id));
	memcpy(header.creator_id, CREATOR_ID, sizeof(header.creator_id));
	memcpy(at, &header, sizeof(header));
	header.checksum = checksum(at, header.length);
	memcpy(at, &header, sizeof(header));
}

static void list_table(struct writer *w, size_t begun)
{
	w->tables[w->nr_tables++] = w->gpa + begun;
}

static uint64_t write_dsdt(struct writer *w, const struct acpi_config *c)
{
	const struct acpi_header header = { 0 };
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &header, sizeof(header));
	dsdt_write(&w->a, c);
	end_table(w, begun, "DSDT", 2);
	return w->gpa + begun;
}

static struct acpi_address port(uint64_t address)
{
	return (struct acpi_address){
		.space = 1,
		.bits = 8,
		.access = 1,
		.address = address,
	};
}

static void write_fadt(struct writer *w, uint64_t dsdt)
{
	const struct acpi_fadt fadt = {
		.boot_flags = BOOT_NO_VGA | BOOT_NO_CMOS_RTC,
		.flags =
		    FADT_WBINVD | FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED,
		.reset_register = port(LAYOUT_RESET),
		.reset_value = LAYOUT_RESET_VALUE,
		.minor_revision = 5,
		.x_dsdt = dsdt,
		.sleep_control = port(LAYOUT_SLEEP_CONTROL),
		.sleep_status = port(LAYOUT_SLEEP_STATUS),
	};
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &fadt, sizeof(fadt));
	end_table(w, begun, "FACP", 6);
	list_table(w, begun);
}

static void write_madt(struct writer *w, unsigned int nr_cpus)
{
	const struct acpi_madt madt = { .lapic_address = LAYOUT_LAPIC };
	const struct acpi_madt_ioapic ioapic = {
		.type = 1,
		.length = sizeof(ioapic),
		.address = LAYOUT_IOAPIC,
	};
	const struct acpi_madt_lapic_nmi nmi = {
		.type = 4,
		.length = sizeof(nmi),
		.processor_uid = 0xff,
		.lint = 1,
	};
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &madt, sizeof(madt));
	for (unsigned int i = 0; i < nr_cpus; i++) {
		const struct acpi_madt_lapic lapic = {
			.length = sizeof(lapic),
			.processor_uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = 1,
		};

		aml_bytes(&w->a, &lapic, sizeof(lapic));
	}
	aml_bytes(&w->a, &ioapic, sizeof(ioapic));
	aml_bytes(&w->a, &nmi, sizeof(nmi));
	end_table(w, begun, "APIC", 5);
	list_table(w, begun);
}

static void write_mcfg(struct writer *w)
{
	const struct acpi_mcfg mcfg = {
		.base = LAYOUT_ECAM,
		.last_bus = 255,
	};
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &mcfg, sizeof(mcfg));
	end_table(w, begun, "MCFG", 1);
	list_table(w, begun);
}

/* The IOMMU's node comes first: the ranges name it by its offset. */
static void write_viot(struct writer *w, const struct acpi_config *c)
{
	const struct acpi_viot viot = {
		.nr_nodes = (uint16_t)(1 + c->nr_behind),
		.node_offset = sizeof(viot),
	};
	const struct acpi_viot_iommu_pci iommu = {
		.type = 3,
		.length = sizeof(iommu),
		.bdf = c->iommu_bdf,
	};
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &viot, sizeof(viot));
	aml_bytes(&w->a, &iommu, sizeof(iommu));
	for (unsigned int i = 0; i < c->nr_behind; i++) {
		const struct acpi_viot_pci_range range = {
			.type = 1,
			.length = sizeof(range),
			.first_endpoint = c->behind[i].first,
			.first_bdf = c->behind[i].first,
			.last_bdf = c->behind[i].last,
			.output_node = sizeof(viot),
		};

		aml_bytes(&w->a, &range, sizeof(range));
	}
	end_table(w, begun, "VIOT", 0);
	list_table(w, begun);
}

static uint64_t write_xsdt(struct writer *w)
{
	const struct acpi_header header = { 0 };
	size_t begun = begin_table(w);

	aml_bytes(&w->a, &header, sizeof(header));
	aml_bytes(&w->a, w->tables, w->nr_tables * sizeof(w->tables[0]));
	end_table(w, begun, "XSDT", 1);
	return w->gpa + begun;
}

static void fill_rsdp(struct writer *w, uint64_t xsdt)
{
	struct acpi_rsdp rsdp = {
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	memcpy(rsdp.oem_id, OEM_ID, sizeof(rsdp.oem_id));
	rsdp.checksum = checksum((const uint8_t *)&rsdp, 20);
	rsdp.extended_checksum = checksum((const uint8_t *)&rsdp, sizeof(rsdp));
	memcpy(w->a.buf, &rsdp, sizeof(rsdp));
}

int acpi_build(const struct acpi_config *config, uint64_t gpa, uint8_t *buf,
	       size_t cap, size_t *len)
{
	const struct acpi_rsdp room = { 0 };
	struct writer w = { .gpa = gpa };
	uint64_t xsdt;

	w.a.buf = buf;
	w.a.cap = cap;
	aml_bytes(&w.a, &room, sizeof(room));
	write_fadt(&w, write_dsdt(&w, config));
	write_madt(&w, config->nr_cpus);
	write_mcfg(&w);
	if (config->iommu)
		write_viot(&w, config);
	xsdt = write_xsdt(&w);
	if (w.a.full)
		return -ENOSPC;
	fill_rsdp(&w, xsdt);
	*len = w.a.len;
	return 0;
}
