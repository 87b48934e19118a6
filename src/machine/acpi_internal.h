/* SPDX-License-Identifier: BSD-2-Clause */
/* What acpi.c has of dsdt.c. */
#ifndef MACHINE_ACPI_INTERNAL_H
#define MACHINE_ACPI_INTERNAL_H

struct acpi_config;
struct aml;

/* The DSDT's contents, without its header. */
void dsdt_write(struct aml *a, const struct acpi_config *config);

#endif
