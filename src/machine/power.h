/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a guest ends itself: the sleep and reset registers of hardware-reduced ACPI,
 * and what kernels try besides: port 0xcf9 and the keyboard controller's reset.
 */
#ifndef MACHINE_POWER_H
#define MACHINE_POWER_H

#include "base/compiler.h"
#include "machine/bus.h"
#include "machine/machine.h"

struct power {
	/* Any vCPU thread. */
	void (*ended)(void *ctx, enum machine_end end);
	void *ctx;
};

/* Puts the registers on the I/O bus. @power: borrowed. Return: as bus_add(). */
MUST_CHECK int power_add(struct power *power, struct bus *pio);

#endif
