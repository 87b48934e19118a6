// SPDX-License-Identifier: BSD-2-Clause
/* Statistics registers: the manual, "Statistics Registers". */

#include "devices/e1000/stats.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/e1000/regs.h"

void e1000_stats_add(uint32_t *regs, uint32_t off, uint64_t n)
{
	uint32_t *reg = &regs[off / 4];
	uint32_t old = shared_load(reg), new;

	if (n == 0)
		return;
	/* Only a vCPU that clears the register can get in between. */
	do
		new = n > UINT32_MAX - old ? UINT32_MAX : old + (uint32_t)n;
	while (!__atomic_compare_exchange_n(
	    reg, &old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

/* Two words; each half clears by itself, so the sum of all reads is right. */
static void add_wide(uint32_t *regs, uint32_t off, uint64_t n)
{
	uint32_t low = (uint32_t)n, old;

	old = __atomic_fetch_add(&regs[off / 4], low, __ATOMIC_RELAXED);
	e1000_stats_add(regs, off + 4, (n >> 32) + (old + low < old));
}

static void add_lengths(uint32_t *regs, uint32_t off,
			const struct e1000_counts *c)
{
	for (uint32_t i = 0; i < E1000_NR_LENGTHS; i++)
		e1000_stats_add(regs, off + 4 * i, c->lengths[i]);
}

void e1000_stats_add_sent(uint32_t *regs, struct e1000_counts *c)
{
	if (c->frames == 0)
		return;
	e1000_stats_add(regs, E1000_GPTC, c->frames);
	e1000_stats_add(regs, E1000_TPT, c->frames);
	add_wide(regs, E1000_GOTCL, c->bytes);
	add_wide(regs, E1000_TOTL, c->bytes);
	add_lengths(regs, E1000_PTC64, c);
	memset(c, 0, sizeof(*c));
}

void e1000_stats_add_received(uint32_t *regs, struct e1000_counts *c)
{
	if (c->frames == 0)
		return;
	e1000_stats_add(regs, E1000_GPRC, c->frames);
	e1000_stats_add(regs, E1000_TPR, c->frames);
	e1000_stats_add(regs, E1000_MPRC, c->multicast);
	e1000_stats_add(regs, E1000_BPRC, c->broadcast);
	add_wide(regs, E1000_GORCL, c->bytes);
	add_wide(regs, E1000_TORL, c->bytes);
	add_lengths(regs, E1000_PRC64, c);
	memset(c, 0, sizeof(*c));
}
