/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU as the peer of a benchmark: its devices without a CPU, driven through its
 * test protocol (qtest), its guest RAM shared with this process.
 */
#ifndef BENCH_QEMU_H
#define BENCH_QEMU_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct qemu {
	pid_t pid;
	int sock;
	uint8_t *ram; /* guest-physical 0 … ram_size */
	size_t ram_size;
	char path[108];	    /* of the test protocol's socket */
	char firmware[108]; /* of its ROM */
};

/* Starts QEMU with q35, @ram_size bytes of RAM and the arguments in @args (NULL at
 * the end). Ends the benchmark with a message if that fails. */
void qemu_start(struct qemu *q, size_t ram_size, const char *const *args);
void qemu_stop(struct qemu *q);

void qemu_write8(struct qemu *q, uint64_t gpa, uint8_t value);
void qemu_write16(struct qemu *q, uint64_t gpa, uint16_t value);
void qemu_write32(struct qemu *q, uint64_t gpa, uint32_t value);
uint32_t qemu_read32(struct qemu *q, uint64_t gpa);

/* Config space of 00:@slot.0, @off a multiple of 4. */
uint32_t qemu_config_read(struct qemu *q, unsigned int slot, unsigned int off);
void qemu_config_write(struct qemu *q, unsigned int slot, unsigned int off,
		       uint32_t value);
/* Puts memory BAR @bar at @gpa and turns on decoding and bus mastering. */
void qemu_bar_set(struct qemu *q, unsigned int slot, unsigned int bar,
		  uint64_t gpa);

#endif
