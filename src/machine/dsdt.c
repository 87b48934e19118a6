// SPDX-License-Identifier: BSD-2-Clause
#include "machine/acpi_internal.h"

#include "machine/acpi.h"
#include "machine/aml.h"
#include "machine/layout.h"

/* PCI Firmware Specification 3.3, "_OSC Interface for PCI Host Bridge Devices":
 * its UUID as ACPI stores it, and the controls that the guest may take. */
static const uint8_t osc_uuid[16] = {
	0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
	0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
};
#define OSC_HOT_PLUG	 0x01
#define OSC_PME		 0x04
#define OSC_CAPABILITY	 0x10
#define OSC_GRANTED	 (OSC_HOT_PLUG | OSC_PME | OSC_CAPABILITY)
#define OSC_UNKNOWN_UUID 0x04

static void write_id(struct aml *a, const char *name, const char *eisa_id)
{
	aml_define(a, name);
	aml_eisa_id(a, eisa_id);
}

static void write_number(struct aml *a, const char *name, uint64_t value)
{
	aml_define(a, name);
	aml_integer(a, value);
}

/* _PRT: Package { slot, any function; pin; no link device; GSI } for each pin. */
static void write_interrupt_lines(struct aml *a, const struct acpi_config *c)
{
	size_t list, line;

	aml_define(a, "_PRT");
	list = aml_begin_package(a, ACPI_NR_SLOTS * ACPI_NR_PINS);
	for (uint32_t slot = 0; slot < ACPI_NR_SLOTS; slot++) {
		for (uint32_t pin = 0; pin < ACPI_NR_PINS; pin++) {
			line = aml_begin_package(a, 4);
			aml_integer(a, slot << 16 | 0xffff);
			aml_integer(a, pin);
			aml_integer(a, 0);
			aml_integer(a, c->intx_gsi[slot][pin]);
			aml_end(a, line);
		}
	}
	aml_end(a, list);
}

static void write_windows(struct aml *a, const struct acpi_config *c)
{
	size_t list;

	aml_define(a, "_CRS");
	list = aml_begin_resources(a);
	aml_bus_window(a, 0, 255);
	aml_io_window(a, LAYOUT_PCI_IO, LAYOUT_PCI_IO_LAST);
	aml_memory32_window(a, LAYOUT_MEM32, LAYOUT_MEM32_LAST);
	aml_memory64_window(a, c->mem64_start, c->mem64_last);
	aml_end_resources(a, list);
}

static void write_dword_field(struct aml *a, unsigned int off, const char *name)
{
	aml_byte(a, AML_CREATE_DWORD_FIELD);
	aml_byte(a, AML_ARG3);
	aml_integer(a, off);
	aml_name(a, name);
}

/* @field = @field @op @mask */
static void write_change(struct aml *a, enum aml_op op, const char *field,
			 uint64_t mask)
{
	aml_byte(a, (uint8_t)op);
	aml_name(a, field);
	aml_integer(a, mask);
	aml_name(a, field);
}

/* _OSC: grants OSC_GRANTED of what is asked for. */
static void write_osc(struct aml *a)
{
	size_t method, branch;

	method = aml_begin_method(a, "_OSC", 4);
	write_dword_field(a, 0, "CDW1");
	write_dword_field(a, 8, "CDW3");
	branch = aml_begin_if(a);
	aml_byte(a, AML_EQUAL);
	aml_byte(a, AML_ARG0);
	aml_buffer(a, osc_uuid, sizeof(osc_uuid));
	write_change(a, AML_AND, "CDW3", OSC_GRANTED);
	aml_end(a, branch);
	branch = aml_begin_else(a);
	write_change(a, AML_OR, "CDW1", OSC_UNKNOWN_UUID);
	aml_end(a, branch);
	aml_byte(a, AML_RETURN);
	aml_byte(a, AML_ARG3);
	aml_end(a, method);
}

static void write_host_bridge(struct aml *a, const struct acpi_config *c)
{
	size_t device = aml_begin_device(a, "PCI0");

	write_id(a, "_HID", "PNP0A08");
	write_id(a, "_CID", "PNP0A03");
	write_number(a, "_UID", 0);
	write_number(a, "_SEG", 0);
	write_number(a, "_BBN", 0);
	write_windows(a, c);
	write_interrupt_lines(a, c);
	write_osc(a);
	aml_end(a, device);
}

static void write_serial(struct aml *a, const char *name, unsigned int uid,
			 uint16_t ports, uint32_t gsi)
{
	size_t device = aml_begin_device(a, name);
	size_t list;

	write_id(a, "_HID", "PNP0501");
	write_number(a, "_UID", uid);
	aml_define(a, "_CRS");
	list = aml_begin_resources(a);
	aml_io_ports(a, ports, LAYOUT_COM_LEN);
	aml_edge_interrupt(a, gsi);
	aml_end_resources(a, list);
	aml_end(a, device);
}

/* What no device may be given: ECAM, and the power registers. */
static void write_motherboard(struct aml *a)
{
	size_t device = aml_begin_device(a, "MBRD");
	size_t list;

	write_id(a, "_HID", "PNP0C02");
	write_number(a, "_UID", 0);
	aml_define(a, "_CRS");
	list = aml_begin_resources(a);
	aml_memory32(a, LAYOUT_ECAM, LAYOUT_ECAM_LEN);
	aml_io_ports(a, LAYOUT_SLEEP_CONTROL, 2);
	aml_io_ports(a, LAYOUT_RESET, 1);
	aml_end_resources(a, list);
	aml_end(a, device);
}

static void write_pvpanic(struct aml *a)
{
	size_t device = aml_begin_device(a, "PEVT");
	size_t list;

	aml_define(a, "_HID");
	aml_string(a, "QEMU0001");
	write_number(a, "_UID", 0);
	aml_define(a, "_CRS");
	list = aml_begin_resources(a);
	aml_memory32(a, LAYOUT_PVPANIC, LAYOUT_PVPANIC_LEN);
	aml_end_resources(a, list);
	aml_end(a, device);
}

/* \_S5: the sleep type for the sleep control register. */
static void write_soft_off(struct aml *a)
{
	size_t list;

	aml_define(a, "_S5_");
	list = aml_begin_package(a, 4);
	aml_integer(a, LAYOUT_S5);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_end(a, list);
}

void dsdt_write(struct aml *a, const struct acpi_config *config)
{
	size_t scope = aml_begin_scope(a, "\\_SB_");

	write_host_bridge(a, config);
	write_serial(a, "COM1", 1, LAYOUT_COM1, LAYOUT_COM1_GSI);
	write_serial(a, "COM2", 2, LAYOUT_COM2, LAYOUT_COM2_GSI);
	write_motherboard(a);
	write_pvpanic(a);
	aml_end(a, scope);
	write_soft_off(a);
}
