/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the programs are that pviommu starts: the folders of $PVIOMMU_LIBEXEC,
 * separated by colons, or else ../libexec/pviommu beside the folder of the running
 * program.
 */
#ifndef CLI_LIBEXEC_H
#define CLI_LIBEXEC_H

#include "base/compiler.h"

#include <limits.h>
#include <stddef.h>

/**
 * libexec_find() - The path of a program by its name
 * @searched: after -ENOENT: where it was looked for, for a message
 *
 * Return: 0, -ENOENT if it is in none of the folders, -ENAMETOOLONG, or -errno
 * of readlink(2).
 */
MUST_CHECK int libexec_find(const char *name, char path[PATH_MAX],
			    char searched[PATH_MAX]);

#endif
