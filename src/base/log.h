/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line to standard error: "component: what failed: why". Whoever does not
 * pass an error on logs it. Guest-triggered lines go through log_guest(), which
 * lets a few a second pass and says how many it held back.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

#include <stdint.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_line(enum log_level level, const char *component, const char *fmt, ...)
    PRINTF(3, 4);

#define log_err(component, ...)	 log_line(LOG_ERR, component, __VA_ARGS__)
#define log_warn(component, ...) log_line(LOG_WARN, component, __VA_ARGS__)
#define log_info(component, ...) log_line(LOG_INFO, component, __VA_ARGS__)

/*
 * A rate limit for lines that a guest or a device can cause at will: a burst of
 * 10, then one a second. Zero-initialised is ready; any thread may use it.
 */
struct log_limit {
	uint64_t window_ns; /* start of the current second */
	uint32_t passed;    /* lines in the current second */
	uint64_t held;	    /* lines held back since the last that passed */
};

void log_guest(struct log_limit *limit, const char *component, const char *fmt,
	       ...) PRINTF(3, 4);

#endif
