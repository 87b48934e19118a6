// SPDX-License-Identifier: BSD-2-Clause
/* The serial EEPROM: a 93C46's instructions, a bit a clock. */

#include "devices/e1000/eeprom.h"

#include <stdbool.h>
#include <string.h>

#include "devices/e1000/regs.h"

/* Words that a driver looks at; see the manual, "EEPROM Address Map". */
enum {
	WORD_MAC = 0x00,
	WORD_COMPATIBILITY = 0x03,
	WORD_INIT_CONTROL1 = 0x0a,
	WORD_SUBSYSTEM_ID = 0x0b,
	WORD_SUBSYSTEM_VENDOR = 0x0c,
	WORD_DEVICE_ID = 0x0d,
	WORD_VENDOR = 0x0e,
	WORD_INIT_CONTROL2 = 0x0f,
	WORD_SUM = 0x3f,
};

/* An instruction is a start bit, two bits of operation, six of address. */
#define INSTRUCTION_BITS 9
#define WRITE_BITS	 (INSTRUCTION_BITS + 16)
#define ADDR_MASK	 0x3f

enum { OP_CONTROL = 0, OP_WRITE = 1, OP_READ = 2 };

/* Of OP_CONTROL, in the upper two bits of the address. */
enum { CONTROL_EWDS = 0, CONTROL_EWEN = 3 };

void e1000_eeprom_init(struct e1000_eeprom *ee, const uint8_t mac[6])
{
	uint16_t sum = 0;

	memset(ee, 0, sizeof(*ee));
	for (unsigned int i = WORD_INIT_CONTROL2 + 1; i < WORD_SUM; i++)
		ee->words[i] = 0xffff;
	for (unsigned int i = 0; i < 3; i++)
		ee->words[WORD_MAC + i] =
		    (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
	ee->words[WORD_COMPATIBILITY] = 0x0200; /* a client card, copper */
	for (unsigned int i = WORD_COMPATIBILITY + 1; i < WORD_INIT_CONTROL1;
	     i++)
		ee->words[i] = 0xffff;
	ee->words[WORD_INIT_CONTROL1] = 0x4002; /* valid; subsystem loaded */
	ee->words[WORD_SUBSYSTEM_ID] = 0x001e;
	ee->words[WORD_SUBSYSTEM_VENDOR] = 0x8086;
	ee->words[WORD_DEVICE_ID] = 0x100e;
	ee->words[WORD_VENDOR] = 0x8086;
	ee->words[WORD_INIT_CONTROL2] = 0x3000; /* pauses both ways */
	ee->words[0x24] = 0;			/* no wake-up */

	for (unsigned int i = 0; i < WORD_SUM; i++)
		sum = (uint16_t)(sum + ee->words[i]);
	ee->words[WORD_SUM] = (uint16_t)(E1000_EEPROM_SUM - sum);
	ee->out = 1;
}

static bool word_bit(const struct e1000_eeprom *ee, uint32_t bit)
{
	uint16_t word = ee->words[(bit / 16) % E1000_EEPROM_WORDS];

	return word >> (15 - bit % 16) & 1;
}

static unsigned int operation(const struct e1000_eeprom *ee)
{
	return ee->shifted_in >> 6 & 3;
}

/* The last bit of an instruction has come in. */
static void start_instruction(struct e1000_eeprom *ee)
{
	unsigned int addr = ee->shifted_in & ADDR_MASK;

	switch (operation(ee)) {
	case OP_READ:
		ee->next_out = addr * 16;
		ee->out = 0; /* the dummy bit in front of the data */
		break;
	case OP_CONTROL:
		if (addr >> 4 == CONTROL_EWEN)
			ee->writable = 1;
		else if (addr >> 4 == CONTROL_EWDS)
			ee->writable = 0;
		break;
	default:
		break;
	}
}

static void finish_write(struct e1000_eeprom *ee)
{
	unsigned int addr = ee->shifted_in >> 16 & ADDR_MASK;

	if (ee->writable)
		ee->words[addr] = (uint16_t)ee->shifted_in;
	ee->out = 1; /* ready at once */
}

static void clock_rises(struct e1000_eeprom *ee, bool in)
{
	if (ee->nr_in == 0 && !in)
		return; /* waits for the start bit */
	if (ee->nr_in == INSTRUCTION_BITS && operation(ee) == OP_READ) {
		ee->out = word_bit(ee, ee->next_out);
		ee->next_out = (ee->next_out + 1) % (16 * E1000_EEPROM_WORDS);
		return;
	}
	if (ee->nr_in >= WRITE_BITS ||
	    (ee->nr_in == INSTRUCTION_BITS && operation(ee) != OP_WRITE))
		return;

	ee->shifted_in = ee->shifted_in << 1 | in;
	ee->nr_in++;
	if (ee->nr_in == INSTRUCTION_BITS)
		start_instruction(ee);
	else if (ee->nr_in == WRITE_BITS)
		finish_write(ee);
}

void e1000_eeprom_set_lines(struct e1000_eeprom *ee, uint32_t eecd)
{
	uint32_t before = ee->lines;

	ee->lines = eecd & (E1000_EECD_SK | E1000_EECD_CS | E1000_EECD_DI |
			    E1000_EECD_FWE | E1000_EECD_REQ);
	if (!(eecd & E1000_EECD_CS)) {
		ee->nr_in = 0;
		ee->shifted_in = 0;
		ee->out = 1;
		return;
	}
	if (eecd & ~before & E1000_EECD_SK)
		clock_rises(ee, eecd & E1000_EECD_DI);
}

uint32_t e1000_eeprom_lines(const struct e1000_eeprom *ee)
{
	uint32_t eecd = ee->lines | E1000_EECD_PRES;

	if (ee->out)
		eecd |= E1000_EECD_DO;
	if (ee->lines & E1000_EECD_REQ)
		eecd |= E1000_EECD_GNT;
	return eecd;
}

uint32_t e1000_eeprom_read(const struct e1000_eeprom *ee, uint32_t eerd)
{
	uint32_t addr = eerd >> E1000_EERD_ADDR_SHIFT & 0xff;
	uint32_t word = addr < E1000_EEPROM_WORDS ? ee->words[addr] : 0xffff;

	if (!(eerd & E1000_EERD_START))
		return eerd & (0xffu << E1000_EERD_ADDR_SHIFT);
	return addr << E1000_EERD_ADDR_SHIFT | E1000_EERD_DONE |
	       word << E1000_EERD_DATA_SHIFT;
}
