/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed tables as they lie in memory (ACPI 6.5, "ACPI Software Programming
 * Model"; PCI Firmware Specification 3.3, "MCFG Table Description"; for VIOT, the
 * ACPI Virtual I/O Translation table). Little-endian, like every host we run on.
 */
#ifndef MACHINE_ACPI_TABLES_H
#define MACHINE_ACPI_TABLES_H

#include <stdint.h>

#define PACKED __attribute__((packed))

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum; /* of all */
	uint8_t reserved[3];
} PACKED;

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;

/* Generic address structure. */
struct acpi_address {
	uint8_t space; /* 1: I/O ports */
	uint8_t bits;
	uint8_t bit_offset;
	uint8_t access; /* 1: bytes */
	uint64_t address;
} PACKED;

struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl, dsdt;
	uint8_t reserved0, preferred_profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios_request, pstate_control;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	uint32_t pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_len, pm1_control_len, pm2_control_len, pm_timer_len;
	uint8_t gpe0_len, gpe1_len, gpe1_base, cst_control;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_flags;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_revision;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct acpi_address x_blocks[8]; /* none on reduced hardware */
	struct acpi_address sleep_control, sleep_status;
	uint64_t hypervisor_id;
} PACKED;

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_address;
	uint32_t flags; /* bit 0: has 8259s */
} PACKED;

struct acpi_madt_lapic {
	uint8_t type, length; /* 0 */
	uint8_t processor_uid, apic_id;
	uint32_t flags; /* bit 0: enabled */
} PACKED;

struct acpi_madt_ioapic {
	uint8_t type, length; /* 1 */
	uint8_t id, reserved;
	uint32_t address, gsi_base;
} PACKED;

struct acpi_madt_lapic_nmi {
	uint8_t type, length;  /* 4 */
	uint8_t processor_uid; /* 0xff: all */
	uint16_t flags;
	uint8_t lint;
} PACKED;

struct acpi_mcfg {
	struct acpi_header header;
	uint64_t reserved;
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved1;
} PACKED;

struct acpi_viot {
	struct acpi_header header;
	uint16_t nr_nodes, node_offset;
	uint64_t reserved;
} PACKED;

struct acpi_viot_pci_range {
	uint8_t type, reserved; /* 1 */
	uint16_t length;
	uint32_t first_endpoint;
	uint16_t first_segment, last_segment;
	uint16_t first_bdf, last_bdf;
	uint16_t output_node; /* offset of the IOMMU's node */
	uint8_t reserved1[6];
} PACKED;

struct acpi_viot_iommu_pci {
	uint8_t type, reserved; /* 3 */
	uint16_t length;
	uint16_t segment, bdf;
	uint8_t reserved1[8];
} PACKED;

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct acpi_header) == 36, "header");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT of revision 6");
_Static_assert(sizeof(struct acpi_mcfg) == 60, "MCFG with one entry");
_Static_assert(sizeof(struct acpi_viot) == 48, "VIOT");
_Static_assert(sizeof(struct acpi_viot_pci_range) == 24, "VIOT, PCI range");
_Static_assert(sizeof(struct acpi_viot_iommu_pci) == 16, "VIOT, virtio-iommu");

#endif
