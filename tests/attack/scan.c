// SPDX-License-Identifier: BSD-2-Clause
#include "tests/attack/scan.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/range.h"

void scan_ask(struct scan *scan, struct vfio_user_pv_port_info *info)
{
	scan->ring = info->nr_rings++;
	info->ring_entries[scan->ring] = SCAN_BATCH;
	info->ring_irq_cause[scan->ring] = 0;
	scan->staging_off = (uint32_t)align_up(info->staging_len, SCAN_PAGE);
	info->staging_len = scan->staging_off + SCAN_BATCH * SCAN_PAGE;
	assert(scan->ring < PORT_RINGS_MAX);
	assert(info->staging_len <= PORT_STAGING_MAX);
}

void scan_start(struct scan *scan, struct port *port)
{
	scan->port = port;
	scan->active = true;
	scan->next = 0;
	scan->tried = 0;
	scan->granted = 0;
	scan->canaries = 0;
}

/* Return: bit i is set if page i of the batch was refused. */
static uint64_t try_batch(struct scan *scan)
{
	uint32_t first = port_posted_count(scan->port, scan->ring);
	struct port_error error;
	uint64_t refused = 0;
	int ret;

	for (uint32_t i = 0; i < SCAN_BATCH; i++) {
		ret = port_post(scan->port, scan->ring, PORT_OP_READ,
				scan->next + i * SCAN_PAGE, SCAN_PAGE,
				scan->staging_off + i * SCAN_PAGE, 0);
		assert(ret == 0);
	}
	port_submit(scan->port, scan->ring);
	port_drain(scan->port, scan->ring);
	while (port_take_error(scan->port, scan->ring, &error))
		refused |= 1ull << (error.seq - first) % SCAN_BATCH;
	return refused;
}

static uint64_t count_canaries(const uint8_t *page)
{
	const uint8_t *end = page + SCAN_PAGE;
	uint64_t nr = 0;

	for (;;) {
		page = memmem(page, (size_t)(end - page), SCAN_CANARY,
			      sizeof(SCAN_CANARY) - 1);
		if (!page)
			return nr;
		nr++;
		page++;
	}
}

void scan_step(struct scan *scan)
{
	const uint8_t *staging = port_staging(scan->port);
	uint64_t refused = try_batch(scan);

	for (uint32_t i = 0; i < SCAN_BATCH; i++) {
		scan->tried++;
		if (refused >> i & 1)
			continue;
		scan->granted++;
		scan->canaries +=
		    count_canaries(staging + scan->staging_off + i * SCAN_PAGE);
	}
	scan->next += SCAN_BATCH * SCAN_PAGE;
	if (scan->next < SCAN_END)
		return;
	scan->active = false;
	log_info("evil-e1000", "scan tried=%llu granted=%llu canary=%llu",
		 (unsigned long long)scan->tried,
		 (unsigned long long)scan->granted,
		 (unsigned long long)scan->canaries);
}
