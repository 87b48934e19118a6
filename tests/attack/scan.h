/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device that has been taken over tries: to read every page of guest
 * memory through its port, by a ring and a part of staging of its own, and to find
 * a canary in what it gets. A few pages at a time, so that the device beside it
 * goes on working.
 */
#ifndef TESTS_ATTACK_SCAN_H
#define TESTS_ATTACK_SCAN_H

#include "port/port.h"
#include "wire/vfio_user.h"

#include <stdbool.h>
#include <stdint.h>

/* What is searched for. A guest that wants to be caught out has it in memory. */
#define SCAN_CANARY "pviommu-canary-3f7a91c2"

#define SCAN_PAGE  4096u
#define SCAN_BATCH 64u /* pages at a time */
#define SCAN_END   (1ull << 32)

struct scan {
	struct port *port; /* borrowed */
	unsigned int ring;
	uint32_t staging_off; /* of SCAN_BATCH pages */
	bool active;
	uint64_t next; /* IOVA of the page that is tried next */
	uint64_t tried, granted, canaries;
};

/* Adds the ring and the staging to what a device asks for. */
void scan_ask(struct scan *scan, struct vfio_user_pv_port_info *info);

void scan_start(struct scan *scan, struct port *port);

/* One batch; at the end of the last says on standard error how it went. */
void scan_step(struct scan *scan);

#endif
