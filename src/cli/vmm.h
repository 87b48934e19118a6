/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM: the process that holds the guest's RAM. A fork of the parent that keeps
 * the descriptors that it is given and nothing else.
 */
#ifndef CLI_VMM_H
#define CLI_VMM_H

#include "base/compiler.h"
#include "machine/machine.h"

#include <sys/types.h>

struct vmm_spec {
	struct machine_config config;
	int control; /* listening */
	int stats;   /* gets the last statistics; -1: none */
	int life;    /* a pipe: when it ends, so does the VM */
	int log;     /* becomes standard error */
};

/**
 * vmm_spawn() - Start a VMM
 * @spec: descriptors are borrowed: the VMM has copies
 *
 * It exits with an enum machine_end.
 *
 * Return: 0, or -errno of fork(2).
 */
MUST_CHECK int vmm_spawn(const struct vmm_spec *spec, pid_t *out);

#endif
