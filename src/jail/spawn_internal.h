/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of jail_spawn() share: parent (spawn.c), child (child.c). */
#ifndef JAIL_SPAWN_INTERNAL_H
#define JAIL_SPAWN_INTERNAL_H

#include "base/compiler.h"
#include "jail/jail.h"

#include <stdbool.h>

/* nobody: the only user and group in the namespace. Not 0, so that exec gives it
 * no capabilities. */
#define JAIL_ID 65534u

struct spawn {
	const struct jail_spec *spec;
	bool root;   /* the parent is */
	int program; /* owned, as are the following */
	int null;
	int ours, theirs; /* the parent's end and the child's */
};

/* From the child, if a step fails. */
struct spawn_report {
	int step;
	int error;
};

const char *spawn_step_name(int step);

/* Takes all the steps and executes the program, or reports and exits. Runs in a
 * copy of a process that may have had threads: async-signal-safe calls only. */
NORETURN void spawn_child(struct spawn *spawn);

#endif
