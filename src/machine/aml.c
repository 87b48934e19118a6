// SPDX-License-Identifier: BSD-2-Clause
#include "machine/aml.h"

#include <string.h>

#include "base/bytes.h"

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	PREFIX_BYTE = 0x0a,
	PREFIX_WORD = 0x0b,
	PREFIX_DWORD = 0x0c,
	PREFIX_STRING = 0x0d,
	PREFIX_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	PREFIX_EXT = 0x5b,
	OP_EXT_DEVICE = 0x82,
	OP_IF = 0xa0,
	OP_ELSE = 0xa1,
};

void aml_bytes(struct aml *a, const void *bytes, size_t len)
{
	if (a->full || len > a->cap - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->buf + a->len, bytes, len);
	a->len += len;
}

void aml_byte(struct aml *a, uint8_t value)
{
	aml_bytes(a, &value, 1);
}

static void word(struct aml *a, uint16_t value)
{
	uint8_t bytes[2];

	put_le16(bytes, value);
	aml_bytes(a, bytes, sizeof(bytes));
}

static void dword(struct aml *a, uint32_t value)
{
	uint8_t bytes[4];

	put_le32(bytes, value);
	aml_bytes(a, bytes, sizeof(bytes));
}

static void qword(struct aml *a, uint64_t value)
{
	uint8_t bytes[8];

	put_le64(bytes, value);
	aml_bytes(a, bytes, sizeof(bytes));
}

void aml_name(struct aml *a, const char *name)
{
	aml_bytes(a, name, strlen(name));
}

void aml_integer(struct aml *a, uint64_t value)
{
	if (value == 0) {
		aml_byte(a, OP_ZERO);
	} else if (value == 1) {
		aml_byte(a, OP_ONE);
	} else if (value <= UINT8_MAX) {
		aml_byte(a, PREFIX_BYTE);
		aml_byte(a, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		aml_byte(a, PREFIX_WORD);
		word(a, (uint16_t)value);
	} else if (value <= UINT32_MAX) {
		aml_byte(a, PREFIX_DWORD);
		dword(a, (uint32_t)value);
	} else {
		aml_byte(a, PREFIX_QWORD);
		qword(a, value);
	}
}

void aml_string(struct aml *a, const char *text)
{
	aml_byte(a, PREFIX_STRING);
	aml_bytes(a, text, strlen(text) + 1);
}

static unsigned int hex_digit(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of 5 bits, four hex digits; the whole in big-endian order. */
void aml_eisa_id(struct aml *a, const char *id)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < 3; i++)
		value = value << 5 | (uint32_t)(id[i] - '@');
	for (unsigned int i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	aml_byte(a, PREFIX_DWORD);
	dword(a, htobe32(value));
}

void aml_define(struct aml *a, const char *name)
{
	aml_byte(a, OP_NAME);
	aml_name(a, name);
}

size_t aml_begin_scope(struct aml *a, const char *path)
{
	size_t begun;

	aml_byte(a, OP_SCOPE);
	begun = a->len;
	aml_name(a, path);
	return begun;
}

size_t aml_begin_device(struct aml *a, const char *name)
{
	size_t begun;

	aml_byte(a, PREFIX_EXT);
	aml_byte(a, OP_EXT_DEVICE);
	begun = a->len;
	aml_name(a, name);
	return begun;
}

size_t aml_begin_method(struct aml *a, const char *name, unsigned int nr_args)
{
	size_t begun;

	aml_byte(a, OP_METHOD);
	begun = a->len;
	aml_name(a, name);
	aml_byte(a, (uint8_t)nr_args);
	return begun;
}

size_t aml_begin_package(struct aml *a, uint8_t nr_elements)
{
	size_t begun;

	aml_byte(a, OP_PACKAGE);
	begun = a->len;
	aml_byte(a, nr_elements);
	return begun;
}

size_t aml_begin_if(struct aml *a)
{
	aml_byte(a, OP_IF);
	return a->len;
}

size_t aml_begin_else(struct aml *a)
{
	aml_byte(a, OP_ELSE);
	return a->len;
}

/*
 * PkgLength: the length of itself and of what follows. One byte up to 63; else
 * the first says how many follow and has the low 4 bits. Shifts the contents to
 * make room.
 */
void aml_end(struct aml *a, size_t begun)
{
	size_t body = a->len - begun;
	size_t extra = 0;
	size_t total;
	uint8_t head[4] = { 0 };

	while (body + 1 + extra >= (extra ? 1ul << (4 + 8 * extra) : 64))
		extra++;
	total = body + 1 + extra;
	aml_bytes(a, head, 1 + extra); /* room; filled in below */
	if (a->full)
		return;
	head[0] = (uint8_t)(extra ? extra << 6 | (total & 0x0f) : total);
	for (size_t i = 0; i < extra; i++)
		head[1 + i] = (uint8_t)(total >> (4 + 8 * i));
	memmove(a->buf + begun + 1 + extra, a->buf + begun, body);
	memcpy(a->buf + begun, head, 1 + extra);
}

void aml_buffer(struct aml *a, const void *bytes, uint8_t len)
{
	size_t begun;

	aml_byte(a, OP_BUFFER);
	begun = a->len;
	aml_integer(a, len);
	aml_bytes(a, bytes, len);
	aml_end(a, begun);
}

/* ---- resource templates ---- */

#define SIZE_FIELD_LEN 3 /* BufferSize: a word, always, filled in at the end */

size_t aml_begin_resources(struct aml *a)
{
	size_t begun;

	aml_byte(a, OP_BUFFER);
	begun = a->len;
	aml_byte(a, PREFIX_WORD);
	word(a, 0);
	return begun;
}

void aml_end_resources(struct aml *a, size_t begun)
{
	aml_byte(a, 0x79); /* end tag … */
	aml_byte(a, 0);	   /* … with no checksum */
	if (a->full)
		return;
	put_le16(a->buf + begun + 1,
		 (uint16_t)(a->len - begun - SIZE_FIELD_LEN));
	aml_end(a, begun);
}

void aml_io_ports(struct aml *a, uint16_t first, uint8_t len)
{
	aml_byte(a, 0x47); /* "I/O Port Descriptor" */
	aml_byte(a, 1);	   /* decodes 16 bits */
	word(a, first);
	word(a, first);
	aml_byte(a, 1); /* alignment */
	aml_byte(a, len);
}

void aml_memory32(struct aml *a, uint32_t start, uint32_t len)
{
	aml_byte(a, 0x86); /* "32-Bit Fixed Memory Range Descriptor" */
	word(a, 9);
	aml_byte(a, 1); /* writable */
	dword(a, start);
	dword(a, len);
}

void aml_edge_interrupt(struct aml *a, uint32_t gsi)
{
	aml_byte(a, 0x89); /* "Extended Interrupt Descriptor" */
	word(a, 6);
	aml_byte(a, 0x03); /* consumer, edge, active high, exclusive */
	aml_byte(a, 1);
	dword(a, gsi);
}

/* The flags of all windows: producer, positive decode, both ends fixed. */
#define WINDOW_FIXED 0x0c

static void window_head(struct aml *a, uint8_t tag, uint16_t len, uint8_t type,
			uint8_t type_flags)
{
	aml_byte(a, tag);
	word(a, len);
	aml_byte(a, type);
	aml_byte(a, WINDOW_FIXED);
	aml_byte(a, type_flags);
}

static void window16(struct aml *a, uint8_t type, uint8_t type_flags,
		     uint16_t first, uint32_t last)
{
	window_head(a, 0x88, 13, type, type_flags);
	word(a, 0); /* granularity */
	word(a, first);
	word(a, (uint16_t)last);
	word(a, 0); /* translation */
	word(a, (uint16_t)(last - first + 1));
}

void aml_bus_window(struct aml *a, uint16_t first, uint16_t last)
{
	window16(a, 2, 0, first, last);
}

void aml_io_window(struct aml *a, uint16_t first, uint16_t last)
{
	window16(a, 1, 3 /* the whole range */, first, last);
}

void aml_memory32_window(struct aml *a, uint32_t first, uint32_t last)
{
	window_head(a, 0x87, 23, 0, 1 /* writable, not cacheable */);
	dword(a, 0);
	dword(a, first);
	dword(a, last);
	dword(a, 0);
	dword(a, last - first + 1);
}

void aml_memory64_window(struct aml *a, uint64_t first, uint64_t last)
{
	window_head(a, 0x8a, 43, 0, 1);
	qword(a, 0);
	qword(a, first);
	qword(a, last);
	qword(a, 0);
	qword(a, last - first + 1);
}
