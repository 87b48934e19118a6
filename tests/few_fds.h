/* SPDX-License-Identifier: BSD-2-Clause */
/* Running out of descriptors, and whether some were left open. */
#ifndef TESTS_FEW_FDS_H
#define TESTS_FEW_FDS_H

#include <sys/resource.h>
#include <unistd.h>

#include "tests/test.h"

/* The lowest descriptor that is free: the same again if none was left open. */
static inline int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	(void)close(fd);
	return fd;
}

static inline void limit_fds(rlim_t nr)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = nr;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif
