// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define BURST	       10
#define SECOND_NS      1000000000ull

/* One write(2) a line, so that lines of different threads do not mix. */
PRINTF(3, 0)
static void emit(const char *component, const char *suffix, const char *fmt,
		 va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t len = 0;
	int n;

	n = snprintf(line, sizeof(line), "pviommu: %s: ", component);
	if (n > 0)
		len = MIN((size_t)n, sizeof(line) - 1);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, args);
	if (n > 0)
		len = MIN(len + (size_t)n, sizeof(line) - 1);
	n = snprintf(line + len, sizeof(line) - len, "%s", suffix);
	if (n > 0)
		len = MIN(len + (size_t)n, sizeof(line) - 1);
	if (len == sizeof(line) - 1)
		len--;
	line[len++] = '\n';
	(void)!write(STDERR_FILENO, line, len);
}

void log_line(enum log_level level, const char *component, const char *fmt, ...)
{
	va_list args;

	if (level == LOG_DEBUG)
		return;
	va_start(args, fmt);
	emit(component, "", fmt, args);
	va_end(args);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* Races between threads may let a line more pass; no line is worth a lock. */
static int may_pass(struct log_limit *limit)
{
	uint64_t now = now_ns();
	uint64_t start = __atomic_load_n(&limit->window_ns, __ATOMIC_RELAXED);
	uint32_t passed;

	if (now - start < SECOND_NS) {
		passed =
		    __atomic_fetch_add(&limit->passed, 1, __ATOMIC_RELAXED);
		return passed < BURST;
	}
	__atomic_store_n(&limit->window_ns, now, __ATOMIC_RELAXED);
	passed = __atomic_exchange_n(&limit->passed, 1, __ATOMIC_RELAXED);
	/* A full second before this one: stay at one a second. */
	if (passed >= BURST && now - start < 2 * SECOND_NS)
		__atomic_store_n(&limit->passed, BURST, __ATOMIC_RELAXED);
	return 1;
}

void log_guest(struct log_limit *limit, const char *component, const char *fmt,
	       ...)
{
	char suffix[64] = "";
	uint64_t held;
	va_list args;

	if (!may_pass(limit)) {
		__atomic_fetch_add(&limit->held, 1, __ATOMIC_RELAXED);
		return;
	}
	held = __atomic_exchange_n(&limit->held, 0, __ATOMIC_RELAXED);
	if (held)
		(void)snprintf(suffix, sizeof(suffix),
			       " (%llu like it not shown)",
			       (unsigned long long)held);
	va_start(args, fmt);
	emit(component, suffix, fmt, args);
	va_end(args);
}
