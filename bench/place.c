// SPDX-License-Identifier: BSD-2-Clause
#include "bench/place.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void run_on(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = first; i <= last; i++)
		CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		perror("bench: sched_setaffinity");
		exit(1);
	}
}

static int last_processor(void)
{
	int nr = (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (nr < 2) {
		fprintf(stderr, "bench: it takes two processors\n");
		exit(1);
	}
	return nr - 1;
}

void place_ours(void)
{
	run_on(1, last_processor());
}

void place_peer(void)
{
	run_on(0, last_processor());
}

void place_driver(void)
{
	run_on(0, 0);
}
