// SPDX-License-Identifier: BSD-2-Clause
#include "tests/e1000_driver.h"

#include <string.h>

#include "base/bytes.h"

/* In the driver's memory: rings, then buffers. */
#define TX_RING 0u
#define RX_RING (DRIVER_RING * E1000_DESC_LEN)
#define TX_BUFS (2u * DRIVER_RING * E1000_DESC_LEN)
#define RX_BUFS (TX_BUFS + DRIVER_RING * DRIVER_BUF)

static uint8_t *desc(struct driver *d, uint32_t ring, uint32_t i)
{
	return d->mem + ring + (size_t)i * E1000_DESC_LEN;
}

static void give_buffer(struct driver *d, uint32_t i)
{
	uint8_t *p = desc(d, RX_RING, i);

	put_le64(p, d->iova + RX_BUFS + (uint64_t)i * DRIVER_BUF);
	put_le64(p + 8, 0);
}

static void set_ring(struct driver *d, uint32_t base, uint32_t ring)
{
	d->write(d->ctx, base, (uint32_t)(d->iova + ring));
	d->write(d->ctx, base + 4, (uint32_t)((d->iova + ring) >> 32));
	d->write(d->ctx, base + 8, DRIVER_RING * E1000_DESC_LEN);
	d->write(d->ctx, base + 0x10, 0);
	d->write(d->ctx, base + 0x18, 0);
}

void driver_start(struct driver *d, uint32_t rctl, uint32_t tctl)
{
	memset(d->mem, 0, TX_BUFS);
	for (uint32_t i = 0; i < DRIVER_RING; i++)
		give_buffer(d, i);
	d->tx_next = 0;
	d->rx_next = 0;
	set_ring(d, E1000_TDBAL, TX_RING);
	set_ring(d, E1000_RDBAL, RX_RING);
	d->write(d->ctx, E1000_TCTL, tctl | E1000_TCTL_EN);
	d->write(d->ctx, E1000_RCTL, rctl | E1000_RCTL_EN);
	d->write(d->ctx, E1000_RDT, DRIVER_RING - 1);
}

uint8_t *driver_tx_buf(struct driver *d, uint32_t i)
{
	return d->mem + TX_BUFS + (size_t)i * DRIVER_BUF;
}

uint64_t driver_tx_addr(const struct driver *d, uint32_t i)
{
	return d->iova + TX_BUFS + (uint64_t)i * DRIVER_BUF;
}

uint32_t driver_put(struct driver *d, uint64_t addr, uint32_t lower,
		    uint32_t upper)
{
	uint32_t i = d->tx_next;
	uint8_t *p = desc(d, TX_RING, i);

	put_le64(p, addr);
	put_le32(p + 8, lower);
	put_le32(p + 12, upper);
	d->tx_next = (i + 1) % DRIVER_RING;
	return i;
}

uint32_t driver_put_context(struct driver *d, const struct driver_context *c)
{
	uint64_t fields = c->ip_start | (uint64_t)c->ip_sum_off << 8 |
			  (uint64_t)c->ip_last << 16 |
			  (uint64_t)c->sum_start << 32 |
			  (uint64_t)c->sum_off << 40;

	return driver_put(d, fields, E1000_TXD_DEXT | c->command,
			  (uint32_t)c->mss << 16 | (uint32_t)c->head_len << 8);
}

void driver_send(struct driver *d)
{
	/* The device must not see the doorbell before the descriptors. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	d->write(d->ctx, E1000_TDT, d->tx_next);
}

uint32_t driver_send_frame(struct driver *d, const void *frame, uint32_t len)
{
	uint32_t i = d->tx_next;

	memcpy(driver_tx_buf(d, i), frame, len);
	driver_put(d, driver_tx_addr(d, i), E1000_TXD_EOP | E1000_TXD_RS | len,
		   0);
	driver_send(d);
	return i;
}

bool driver_is_sent(struct driver *d, uint32_t i)
{
	return __atomic_load_n(desc(d, TX_RING, i) + E1000_TXD_STATUS_OFF,
			       __ATOMIC_ACQUIRE) &
	       E1000_TXD_STAT_DD;
}

bool driver_receive(struct driver *d, struct driver_received *out)
{
	uint32_t i = d->rx_next;
	uint64_t *p = (void *)(desc(d, RX_RING, i) + E1000_RXD_WRITTEN_OFF);
	uint64_t written = le64toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));

	out->status = (uint8_t)(written >> 32);
	if (!(out->status & E1000_RXD_STAT_DD))
		return false;
	out->len = (uint16_t)written;
	out->errors = (uint8_t)(written >> 40);
	out->special = (uint16_t)(written >> 48);
	out->data = d->mem + RX_BUFS + (size_t)i * DRIVER_BUF;
	d->rx_next = (i + 1) % DRIVER_RING;
	return true;
}

void driver_refill(struct driver *d)
{
	for (uint32_t i = 0; i < DRIVER_RING; i++)
		if (desc(d, RX_RING, i)[12] & E1000_RXD_STAT_DD)
			give_buffer(d, i);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	d->write(d->ctx, E1000_RDT,
		 (d->rx_next + DRIVER_RING - 1) % DRIVER_RING);
}

/* ---- EEPROM and PHY ---- */

static void set_lines(struct driver *d, uint32_t lines)
{
	d->write(d->ctx, E1000_EECD, lines);
	(void)d->read(d->ctx, E1000_STATUS);
}

static void shift_out(struct driver *d, uint32_t lines, uint32_t bits,
		      unsigned int nr)
{
	while (nr-- > 0) {
		uint32_t in = bits >> nr & 1 ? E1000_EECD_DI : 0;

		set_lines(d, lines | in);
		set_lines(d, lines | in | E1000_EECD_SK);
		set_lines(d, lines | in);
	}
}

uint16_t driver_eeprom_word(struct driver *d, unsigned int addr)
{
	const uint32_t lines = E1000_EECD_REQ | E1000_EECD_CS;
	uint32_t word = 0;

	set_lines(d, E1000_EECD_REQ);
	set_lines(d, lines);
	shift_out(d, lines, 6, 3);
	shift_out(d, lines, addr, 6);
	for (int i = 0; i < 16; i++) {
		set_lines(d, lines | E1000_EECD_SK);
		word =
		    word << 1 | !!(d->read(d->ctx, E1000_EECD) & E1000_EECD_DO);
		set_lines(d, lines);
	}
	set_lines(d, 0);
	return (uint16_t)word;
}

uint16_t driver_phy_read(struct driver *d, unsigned int reg)
{
	d->write(d->ctx, E1000_MDIC,
		 E1000_MDIC_OP_READ | 1u << E1000_MDIC_PHY_SHIFT |
		     reg << E1000_MDIC_REG_SHIFT);
	return (uint16_t)d->read(d->ctx, E1000_MDIC);
}
