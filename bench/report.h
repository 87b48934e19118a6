/* SPDX-License-Identifier: BSD-2-Clause */
/* Results of benchmarks: medians of interleaved rounds, one JSON object a line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define REPORT_ROUNDS 7

enum report_better { REPORT_MORE_IS_BETTER, REPORT_LESS_IS_BETTER };

/**
 * report_row() - Print one result to standard output
 * @ours, @theirs: @nr figures, one a round; sorted in place
 *
 * The ratio of the medians is above 1 where ours is better, whatever the unit.
 */
void report_row(const char *name, const char *unit, enum report_better better,
		const char *peer, double *ours, double *theirs, size_t nr);

/* One line of progress to standard error. */
void report_progress(const char *what, double ours, double theirs);

#endif
