/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef JAIL_JAIL_INTERNAL_H
#define JAIL_JAIL_INTERNAL_H

#include "base/compiler.h"

#include <stdbool.h>

/*
 * A sanitised program is linked dynamically, and its runtime maps terabytes,
 * opens files of /proc for its reports and reads its environment: it keeps the
 * host's root, its address space and its environment.
 */
#ifdef PVIOMMU_SANITISED
#define JAIL_SANITISED true
#else
#define JAIL_SANITISED false
#endif

/* drop.c: no capability in any set, and none by a later exec. Of the calling
 * thread; async-signal-safe. Return: 0 or -errno of prctl(2) or capset(2). */
MUST_CHECK int jail_drop_caps(void);

#endif
