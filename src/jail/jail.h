/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a process with nothing, and giving up what is left.
 *
 * jail_spawn() is what the parent calls: the child runs in namespaces of its own
 * (user, mount, pid, network, IPC, UTS, cgroup) with an empty root, no capability,
 * no_new_privs, tight limits, a session of its own, /dev/null as standard input,
 * an empty environment, and only the descriptors given. It works for root (the child
 * is then nobody) and for any user who may make user namespaces (the child is then
 * that user, and has no other user's rights).
 *
 * Sanitised builds (PVIOMMU_SANITISED) keep the host's root, the environment and an
 * unlimited address space: their runtime is a shared library. They are for finding
 * bugs in us, not for guests that are not trusted.
 *
 * jail_enter() is what a process calls itself, before its first byte of hostile
 * input: the list of system calls that are left. There is no way back.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include "base/compiler.h"

#include <stddef.h>
#include <sys/types.h>

#define JAIL_FDS_MAX 8

struct jail_spec {
	const char *path;	 /* program; static unless sanitised */
	const char *const *argv; /* NULL-terminated */
	const int *fds;		 /* become 3, 4, …; borrowed */
	size_t nr_fds;		 /* JAIL_FDS_MAX at most */
	int stderr_fd;		 /* becomes 2 (and 1); -1: inherits */
	const char *name;	 /* for errors: "e1000[net0]" */
};

/**
 * jail_spawn() - Start a program in a jail
 * @out: its pid, as this process sees it; the caller waits for it
 *
 * Waits until the program has been started. It dies when the calling thread does
 * (PR_SET_PDEATHSIG): call this from one that lasts. There may be other threads.
 * A caller who is not root must be dumpable, as it is after exec.
 *
 * Return: 0, or the -errno of the step that failed; jail_spawn_step() names it.
 */
MUST_CHECK int jail_spawn(const struct jail_spec *spec, pid_t *out);
/* The step at which this thread's last jail_spawn() failed: "enter an empty root". */
const char *jail_spawn_step(void);

enum jail_filter {
	JAIL_DEVICE,   /* device process: at most 12 system calls */
	JAIL_VMM_MAIN, /* the VMM's event loop */
	JAIL_VMM_VCPU,
	JAIL_VMM_WORKER, /* DMA workers, the thread that passes faults on */
};

/**
 * jail_enter() - Allow this thread the system calls of a filter, no others
 *
 * Any other kills the process. Threads made later inherit the filter. The process
 * is not dumpable any more. Sanitised builds have longer lists.
 *
 * Return: 0, -ENOMEM, or -errno of prctl(2) or seccomp(2).
 */
MUST_CHECK int jail_enter(enum jail_filter filter);

/* System calls of a filter, for tests: fills up to @cap numbers, returns count. */
size_t jail_filter_calls(enum jail_filter filter, int *out, size_t cap);

/**
 * jail_drop() - Give up privileges for good: the whole process
 * @uid, @gid: become these; ignored if not root
 *
 * No supplementary groups, no capabilities, no_new_privs, not dumpable, no core
 * files. Single-threaded.
 *
 * Return: 0 or -errno.
 */
MUST_CHECK int jail_drop(uid_t uid, gid_t gid);

#endif
