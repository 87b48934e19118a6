/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What child processes write to their standard error, line by line: untrusted
 * text, shown with the writer's name, without control characters, and not faster
 * than a person can read.
 */
#ifndef CLI_DEVLOG_H
#define CLI_DEVLOG_H

#include "base/compiler.h"
#include "base/log.h"

#include <stddef.h>

#define DEVLOG_LINE_MAX 400

struct loop;
struct devlog;

/* Something to say after a line; NULL: nothing. */
typedef const char *devlog_hint(const char *line);

struct devlog_source {
	/* NULL: the VMM, whose lines have a name already; no limit. */
	const char *name;	 /* borrowed */
	const char *const *skip; /* lines that start so are not shown; NULL
				    ends the list; NULL: none; borrowed */
	devlog_hint *hint;	 /* NULL: none */
};

/**
 * devlog_create() - Make a pipe and show what comes out of it
 * @write_end: for the child; owned by the caller, who closes it after the fork
 *
 * Return: 0, -ENOMEM, or -errno.
 */
MUST_CHECK int devlog_create(struct loop *loop,
			     const struct devlog_source *source, int *write_end,
			     struct devlog **out);
/* Shows what is still in the pipe. NULL is fine. */
void devlog_destroy(struct devlog *log);

/* Replaces in place what is not printable ASCII. */
void devlog_sanitise(char *line);

#endif
