/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The place of control sockets: NAME.sock in $XDG_RUNTIME_DIR/pviommu or, for
 * root without that, in /run/pviommu. The folder is its owner's alone.
 */
#ifndef CLI_SOCKET_H
#define CLI_SOCKET_H

#include "base/compiler.h"

#include <stddef.h>

/**
 * socket_path() - Where a VM's control socket is
 *
 * Return: 0, -ENOENT (no $XDG_RUNTIME_DIR, and not root), -ENAMETOOLONG.
 */
MUST_CHECK int socket_path(const char *name, char *path, size_t len);

/**
 * socket_listen() - Make the socket, mode 0600, in place of a stale one
 *
 * Return: 0, -EADDRINUSE if a VM of that name is running, or -errno.
 */
MUST_CHECK int socket_listen(const char *path, int *out);

/* Return: 0, -ENAMETOOLONG, or -errno of socket(2) or connect(2). */
MUST_CHECK int socket_connect(const char *path, int *out);

#endif
