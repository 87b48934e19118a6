/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A miniature driver of the e1000, for tests and benchmarks: sets the device up
 * and uses its rings as Linux's does. How registers are reached is the caller's.
 */
#ifndef TESTS_E1000_DRIVER_H
#define TESTS_E1000_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/e1000/regs.h"

#define DRIVER_RING 256	 /* descriptors of each ring */
#define DRIVER_BUF  2048 /* bytes of a buffer; one a descriptor */
#define DRIVER_MEM  (2 * DRIVER_RING * (E1000_DESC_LEN + DRIVER_BUF))

/* The rest of DEXT's fields, for driver_put_data(). */
struct driver_context {
	uint8_t ip_start, ip_sum_off, sum_start, sum_off, head_len;
	uint16_t ip_last, mss;
	uint32_t command; /* E1000_TXC_*, E1000_TXD_TSE */
};

struct driver {
	uint32_t (*read)(void *ctx, uint32_t off);
	void (*write)(void *ctx, uint32_t off, uint32_t value);
	void *ctx;
	uint8_t *mem;  /* DRIVER_MEM bytes of guest memory … */
	uint64_t iova; /* … as the device knows them */

	uint32_t tx_next; /* descriptor that is filled next */
	uint32_t rx_next; /* that is looked at next */
};

/* Rings set up, all receive buffers given, both directions on. @rctl, @tctl: as
 * well as E1000_RCTL_EN and E1000_TCTL_EN. */
void driver_start(struct driver *d, uint32_t rctl, uint32_t tctl);

/* The buffer of a descriptor, and its address for the device. */
uint8_t *driver_tx_buf(struct driver *d, uint32_t i);
uint64_t driver_tx_addr(const struct driver *d, uint32_t i);

/* Put one descriptor; the device sees it after driver_send(). Return: its index.
 * @command: E1000_TXD_EOP and so on. @upper: checksum start, special; POPTS. */
uint32_t driver_put(struct driver *d, uint64_t addr, uint32_t lower,
		    uint32_t upper);
uint32_t driver_put_context(struct driver *d, const struct driver_context *c);
void driver_send(struct driver *d);
/* @frame in one legacy descriptor, rung. */
uint32_t driver_send_frame(struct driver *d, const void *frame, uint32_t len);
/* Was this descriptor reported as done? */
bool driver_is_sent(struct driver *d, uint32_t i);

/* A receive descriptor that was written. */
struct driver_received {
	uint16_t len;
	uint8_t status, errors;
	uint16_t special;
	const uint8_t *data; /* its buffer: valid until it is given back */
};

/* The next, if it is done. */
bool driver_receive(struct driver *d, struct driver_received *out);
/* Gives all descriptors that were received back to the device. */
void driver_refill(struct driver *d);

/* An EEPROM word by way of EECD, as Linux reads it. */
uint16_t driver_eeprom_word(struct driver *d, unsigned int addr);
uint16_t driver_phy_read(struct driver *d, unsigned int reg);

#endif
