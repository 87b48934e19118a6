/* SPDX-License-Identifier: BSD-2-Clause */
/* pvpanic-mmio: one register in which a guest's kernel says that it panics (QEMU's
 * docs/specs/pvpanic). */
#ifndef MACHINE_PVPANIC_H
#define MACHINE_PVPANIC_H

#include "machine/bus.h"

struct pvpanic {
	void (*panicked)(void *ctx); /* any vCPU thread */
	void *ctx;
};

/* The register, for the MMIO bus; the context is the struct pvpanic. */
extern const struct bus_ops pvpanic_bus_ops;

#endif
