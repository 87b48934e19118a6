// SPDX-License-Identifier: BSD-2-Clause
#include "bench/report.h"

#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), ascending);
	if (nr % 2)
		return values[nr / 2];
	return (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

void report_row(const char *name, const char *unit, enum report_better better,
		const char *peer, double *ours, double *theirs, size_t nr)
{
	double mine = median(ours, nr), other = median(theirs, nr);
	double ratio =
	    better == REPORT_MORE_IS_BETTER ? mine / other : other / mine;

	printf("{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.4g,"
	       "\"peer\":\"%s\",\"peer_value\":%.4g,\"ratio\":%.3f,"
	       "\"ours_min\":%.4g,\"ours_max\":%.4g,"
	       "\"peer_min\":%.4g,\"peer_max\":%.4g}\n",
	       name, unit, mine, peer, other, ratio, ours[0], ours[nr - 1],
	       theirs[0], theirs[nr - 1]);
	(void)fflush(stdout);
}

void report_progress(const char *what, double ours, double theirs)
{
	fprintf(stderr, "  %-32s %10.4g %10.4g\n", what, ours, theirs);
}
