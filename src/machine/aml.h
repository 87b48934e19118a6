/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing AML, the byte code of ACPI's DSDT (ACPI 6.5, "ACPI Machine Language
 * (AML) Specification"): only what dsdt.c needs.
 *
 * A buffer too small sets `full`, after which nothing is written: check it once,
 * at the end. Names are four characters.
 */
#ifndef MACHINE_AML_H
#define MACHINE_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *buf; /* borrowed */
	size_t len, cap;
	bool full;
};

void aml_bytes(struct aml *a, const void *bytes, size_t len);
void aml_byte(struct aml *a, uint8_t value);
void aml_name(struct aml *a, const char *name);	 /* as an operand */
void aml_integer(struct aml *a, uint64_t value); /* shortest form */
void aml_string(struct aml *a, const char *text);
void aml_eisa_id(struct aml *a, const char *id); /* "PNP0A08" */

/* Name (NAME, …): the object follows. */
void aml_define(struct aml *a, const char *name);

/*
 * What has a length in front: begin, contents, end with what begin returned. They
 * nest.
 */
size_t aml_begin_scope(struct aml *a, const char *path); /* "\\_SB_" */
size_t aml_begin_device(struct aml *a, const char *name);
size_t aml_begin_method(struct aml *a, const char *name, unsigned int nr_args);
size_t aml_begin_package(struct aml *a, uint8_t nr_elements);
size_t aml_begin_if(struct aml *a);
size_t aml_begin_else(struct aml *a);
void aml_end(struct aml *a, size_t begun);

/* Buffer of @len constant bytes. */
void aml_buffer(struct aml *a, const void *bytes, uint8_t len);

/* ---- resource templates (ACPI 6.5, "Resource Data Types for ACPI") ---- */

size_t aml_begin_resources(struct aml *a);
void aml_end_resources(struct aml *a, size_t begun);

void aml_io_ports(struct aml *a, uint16_t first, uint8_t len);
void aml_memory32(struct aml *a, uint32_t start, uint32_t len);
void aml_edge_interrupt(struct aml *a, uint32_t gsi);

/* Windows that a bridge passes on to its bus. */
void aml_bus_window(struct aml *a, uint16_t first, uint16_t last);
void aml_io_window(struct aml *a, uint16_t first, uint16_t last);
void aml_memory32_window(struct aml *a, uint32_t first, uint32_t last);
void aml_memory64_window(struct aml *a, uint64_t first, uint64_t last);

/* ---- opcodes that dsdt.c writes itself ---- */

enum aml_op {
	AML_ARG0 = 0x68,
	AML_ARG3 = 0x6b,
	AML_AND = 0x7b,
	AML_OR = 0x7d,
	AML_CREATE_DWORD_FIELD = 0x8a,
	AML_EQUAL = 0x93,
	AML_RETURN = 0xa4,
};

#endif
