/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of an 82540EM for benchmarks: the same code drives ours and
 * the peer's, through memory and two functions. Polls; no interrupts.
 */
#ifndef BENCH_NIC_H
#define BENCH_NIC_H

#include <stddef.h>
#include <stdint.h>

#define NIC_RING      4096 /* descriptors of each ring */
#define NIC_BURST     (NIC_RING - 1)
#define NIC_BUFFER    2048
#define NIC_RAM_BYTES 0x2000000 /* what rings and buffers take from base on */

struct nic {
	uint8_t *ram;  /* where guest-physical 0 is mapped */
	uint64_t base; /* guest-physical start of rings and buffers */
	void (*write32)(void *ctx, uint64_t reg, uint32_t value);
	uint32_t (*read32)(void *ctx, uint64_t reg);
	void *ctx;
	uint32_t tx_tail, rx_next;
};

/* Resets the device and its rings; frames of @len bytes are what is sent. */
void nic_init(struct nic *nic, size_t len);

/* Sends @nr frames (at most NIC_BURST) with one doorbell and waits until the last
 * is done. Return: nanoseconds. */
uint64_t nic_send(struct nic *nic, uint32_t nr);

/* Gives the device buffers for @nr frames (at most NIC_BURST), which it had not
 * before, and waits for the frames. Return: nanoseconds for all but the first
 * @uncounted of them. */
uint64_t nic_receive(struct nic *nic, uint32_t nr, uint32_t uncounted);

uint64_t nic_now_ns(void);

#endif
