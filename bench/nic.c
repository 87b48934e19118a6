// SPDX-License-Identifier: BSD-2-Clause
#include "bench/nic.h"

#include "base/bytes.h"
#include "bench/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* 8254x Software Developer's Manual, "Register Descriptions". */
enum {
	CTRL = 0x0000,
	ICR = 0x00c0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
};
#define CTRL_SLU   0x40
#define RCTL_EN	   0x02
#define RCTL_UPE   0x08
#define RCTL_MPE   0x10
#define RCTL_BAM   0x8000
#define TCTL_EN	   0x02
#define TCTL_PSP   0x08
#define TX_EOP	   0x01
#define TX_IFCS	   0x02
#define TX_RS	   0x08
#define STATUS_DD  0x01
#define DESC_LEN   16
#define TIMEOUT_NS 10000000000ull
#define RING_BYTES (NIC_RING * DESC_LEN)

uint64_t nic_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint8_t *tx_desc(struct nic *nic, uint32_t i)
{
	return nic->ram + nic->base + (size_t)i * DESC_LEN;
}

static uint8_t *rx_desc(struct nic *nic, uint32_t i)
{
	return nic->ram + nic->base + RING_BYTES + (size_t)i * DESC_LEN;
}

/* Buffers behind the two rings, each ring its own half. */
static uint64_t buffer_gpa(struct nic *nic, unsigned int ring, uint32_t i)
{
	return nic->base + 2 * RING_BYTES +
	       ((uint64_t)ring * NIC_RING + i) * NIC_BUFFER;
}

static void write_reg(struct nic *nic, uint64_t reg, uint32_t value)
{
	nic->write32(nic->ctx, reg, value);
}

/* A UDP-like frame to somebody else: nobody answers it. */
static void fill_frame(uint8_t *frame, size_t len)
{
	static const uint8_t head[] = { 0x02, 0, 0, 0, 0,    0x01, 0x02,
					0,    0, 0, 0, 0x02, 0x88, 0xb5 };

	memset(frame, 0x5a, len);
	memcpy(frame, head, sizeof(head));
}

void nic_init(struct nic *nic, size_t len)
{
	uint64_t rx = nic->base + RING_BYTES;

	write_reg(nic, IMC, 0xffffffff);
	write_reg(nic, RCTL, 0);
	write_reg(nic, TCTL, 0);
	for (uint32_t i = 0; i < NIC_RING; i++) {
		uint64_t buf = buffer_gpa(nic, 0, i);

		fill_frame(nic->ram + buf, len);
		put_le64(tx_desc(nic, i), buf);
		put_le32(tx_desc(nic, i) + 8,
			 (uint32_t)len | (uint32_t)(TX_EOP | TX_IFCS | TX_RS)
					     << 24);
		put_le32(tx_desc(nic, i) + 12, 0);
		memset(rx_desc(nic, i), 0, DESC_LEN);
		put_le64(rx_desc(nic, i), buffer_gpa(nic, 1, i));
	}
	write_reg(nic, CTRL, CTRL_SLU);
	write_reg(nic, TDBAL, (uint32_t)nic->base);
	write_reg(nic, TDBAH, (uint32_t)(nic->base >> 32));
	write_reg(nic, TDLEN, RING_BYTES);
	write_reg(nic, TDH, 0);
	write_reg(nic, TDT, 0);
	write_reg(nic, RDBAL, (uint32_t)rx);
	write_reg(nic, RDBAH, (uint32_t)(rx >> 32));
	write_reg(nic, RDLEN, RING_BYTES);
	write_reg(nic, RDH, 0);
	write_reg(nic, RDT, 0);
	write_reg(nic, TCTL, TCTL_EN | TCTL_PSP);
	write_reg(nic, RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM);
	(void)nic->read32(nic->ctx, ICR);
	nic->tx_tail = 0;
	nic->rx_next = 0;
}

static int is_done(const uint8_t *status)
{
	return __atomic_load_n(status, __ATOMIC_ACQUIRE) & STATUS_DD;
}

static void wait_since(uint64_t start, const char *what)
{
	place_wait();
	if (nic_now_ns() - start < TIMEOUT_NS)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

uint64_t nic_send(struct nic *nic, uint32_t nr)
{
	uint32_t last = (nic->tx_tail + nr - 1) % NIC_RING;
	uint64_t start;

	for (uint32_t i = 0; i < nr; i++)
		tx_desc(nic, (nic->tx_tail + i) % NIC_RING)[12] = 0;
	nic->tx_tail = (nic->tx_tail + nr) % NIC_RING;
	start = nic_now_ns();
	write_reg(nic, TDT, nic->tx_tail);
	while (!is_done(tx_desc(nic, last) + 12))
		wait_since(start, "a frame was never sent");
	return nic_now_ns() - start;
}

uint64_t nic_receive(struct nic *nic, uint32_t nr, uint32_t uncounted)
{
	uint32_t mask = NIC_RING - 1;
	uint64_t begun = nic_now_ns(), start = begun;

	write_reg(nic, RDT, (nic->rx_next + NIC_BURST) & mask);
	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *desc = rx_desc(nic, nic->rx_next);

		while (!is_done(desc + 12))
			wait_since(begun, "a frame was never received");
		desc[12] = 0;
		nic->rx_next = (nic->rx_next + 1) & mask;
		if (i + 1 == uncounted)
			start = nic_now_ns();
	}
	return nic_now_ns() - start;
}
