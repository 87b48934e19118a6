/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A serial port: a 16550A, as Linux's 8250 driver uses it.
 *
 * Registers are served in vCPU threads, input arrives in the loop's thread; one
 * lock inside. Nobody ever waits for the other side of the descriptor: what it
 * does not take is kept, up to SERIAL_OUT_MAX bytes, and then the transmitter is
 * busy for a guest that asks, and bytes of one that does not ask are lost.
 */
#ifndef MACHINE_SERIAL_H
#define MACHINE_SERIAL_H

#include "base/compiler.h"
#include "machine/bus.h"

#include <stdint.h>

#define SERIAL_NR_REGS 8
#define SERIAL_OUT_MAX 65536

struct loop;
struct serial;

/**
 * serial_create() - Make a serial port
 * @loop: borrowed; watches @fd
 * @fd:	  stream socket or pipe, input and output; -1: goes nowhere. Taken over.
 *
 * Return: 0, -ENOMEM, or -errno.
 */
MUST_CHECK int serial_create(struct loop *loop, int fd, struct serial **out);
/* Writes out what it can without waiting. NULL is fine. */
void serial_destroy(struct serial *s);

/* eventfd that is signalled for each edge of its interrupt; borrowed. */
int serial_irq_fd(const struct serial *s);

/* The registers, for the I/O bus; the context is the struct serial. */
extern const struct bus_ops serial_bus_ops;

#endif
