/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket of a running VM: one JSON object a line, both ways, mode
 * 0600 (docs/control.md). Requests: {"command":"stat"}, {"command":"stop"}.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/compiler.h"

struct control;
struct machine;

/**
 * control_create() - Serve requests in the machine's loop
 * @listen_fd: bound and listening UNIX stream socket; taken over
 * @m:	       borrowed
 *
 * Return: 0, -ENOMEM, or -errno.
 */
MUST_CHECK int control_create(int listen_fd, struct machine *m,
			      struct control **out);
void control_destroy(struct control *control);

/**
 * control_stats_json() - All statistics of a machine, as `pviommu stat` has them
 *
 * Return: JSON text, freed by the caller; NULL: out of memory.
 */
char *control_stats_json(struct machine *m);

#endif
