/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Living through a SIGBUS on guest memory.
 *
 * Guest RAM and ports are sealed memfds, so nobody can truncate them under us.
 * What is left can still raise SIGBUS: a page that the machine found to be
 * broken, one that can not be read back from swap, and shared memory that the
 * host has no page for. None of these may take the VMM down because a device
 * named the page.
 */
#ifndef MEMORY_GUARD_H
#define MEMORY_GUARD_H

#include "base/compiler.h"

/**
 * guard_install() - Take over this process's SIGBUS
 *
 * Outside guard_run() it goes on to kill the process. guest_ram_create() calls
 * this, so whoever has guest RAM has the guard.
 *
 * Return: 0, or -errno of sigaction(2).
 */
MUST_CHECK int guard_install(void);

/**
 * guard_run() - Run @body, and come back if a page under it can not be had
 * @body: may be left at any of its accesses to memory: it holds no lock and
 *	  owns nothing, and what it has done so far is in @ctx
 *
 * Makes no system call, except after a SIGBUS. Inside another guard_run() it is
 * part of that one, which is what a SIGBUS ends: many small accesses may have one
 * guard around them all.
 *
 * Return: 0 when @body has returned, -EFAULT if a SIGBUS ended it.
 */
MUST_CHECK int guard_run(void (*body)(void *ctx), void *ctx);

#endif
