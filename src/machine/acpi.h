/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine as ACPI tells the guest: RSDP, XSDT, FADT (hardware-reduced), MADT,
 * MCFG, DSDT and, with an IOMMU, VIOT.
 *
 * Pure: knows no KVM and no PCI bus, and fills a buffer.
 */
#ifndef MACHINE_ACPI_H
#define MACHINE_ACPI_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_NR_SLOTS 32
#define ACPI_NR_PINS  4

/* Bus, device and function numbers, [first, last], behind the IOMMU. */
struct acpi_bdf_range {
	uint16_t first, last;
};

struct acpi_config {
	unsigned int nr_cpus; /* APIC ids are 0 … nr_cpus - 1 */
	uint64_t mem64_start, mem64_last;
	/* Interrupt lines of bus 0, INTA … INTD of each slot. */
	uint8_t intx_gsi[ACPI_NR_SLOTS][ACPI_NR_PINS];
	bool iommu; /* there is one, at … */
	uint16_t iommu_bdf;
	struct acpi_bdf_range behind[2]; /* endpoint ids are the same numbers */
	unsigned int nr_behind;
};

/**
 * acpi_build() - Write all tables
 * @buf: @cap bytes, as they will lie at @gpa; the RSDP comes first
 * @len: bytes used
 *
 * Return: 0, -ENOSPC if @cap is too small.
 */
MUST_CHECK int acpi_build(const struct acpi_config *config, uint64_t gpa,
			  uint8_t *buf, size_t cap, size_t *len);

#endif
