/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Child processes that need no jail of ours: trusted programs, with few
 * descriptors and without our signals' settings.
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include "base/compiler.h"

#include <stddef.h>
#include <sys/types.h>

/**
 * process_spawn() - Start a program
 * @fds:       become 3, 4, …; borrowed; at most 8
 * @stderr_fd: becomes 2; -1: inherits
 *
 * In a session of its own, so that a terminal's signals do not reach it; dies
 * with this process. It has no standard input, and its standard output is its
 * standard error.
 *
 * Return: 0, -EINVAL for too many descriptors, or -errno of the step that failed,
 * execve(2) included. A @path without a slash is
 * searched for in $PATH.
 */
MUST_CHECK int process_spawn(const char *path, const char *const *argv,
			     const int *fds, size_t nr_fds, int stderr_fd,
			     pid_t *out);

/**
 * process_become() - What a child does first, between fork() and its own work
 * @keep:   becomes 3, 4, … in this order, not close-on-exec; every other
 *	    descriptor from 3 on is closed
 * @stderr_fd: as above
 * @parent: getpid() of before the fork
 *
 * Also: session of its own, default signals, none blocked, SIGKILL when the
 * parent dies.
 *
 * Return: 0, or -errno.
 */
MUST_CHECK int process_become(const int *keep, size_t nr_keep, int stderr_fd,
			      pid_t parent);

/* How a process ended, in words: "killed by signal 9 (Killed)". */
void process_describe(int status, char *out, size_t len);

#endif
