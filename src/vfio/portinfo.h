/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What port a device of ours asks for (PV_PORT_INFO), checked and copied: the
 * shape of its shared memory, and the class of each word of its register page.
 */
#ifndef VFIO_PORTINFO_H
#define VFIO_PORTINFO_H

#include "base/compiler.h"
#include "dma/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the vCPU's thread serves one word. */
struct portinfo_class {
	bool known;    /* false: reads are messages, writes are posted */
	uint8_t read;  /* enum port_read_class */
	uint8_t write; /* enum port_write_class */
};

struct portinfo {
	struct dma_port_shape shape;
	unsigned int region;		/* BAR that starts with the page */
	struct portinfo_class *classes; /* owned; shape.regs_len / 4 of them */
};

/**
 * portinfo_parse() - Check a PV_PORT_INFO reply
 * @body: @len bytes of the device's; copied
 * @why:  on error: what is wrong, a constant
 *
 * Numbers of rings, entries and bytes are left to dma_port_create().
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
MUST_CHECK int portinfo_parse(const uint8_t *body, size_t len,
			      struct portinfo *out, const char **why);
void portinfo_fini(struct portinfo *info);

#endif
