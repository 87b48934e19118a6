/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs: a thread each, in KVM_RUN, which serves the exits of its vCPU.
 */
#ifndef MACHINE_VCPU_H
#define MACHINE_VCPU_H

#include "base/compiler.h"
#include "machine/machine.h"

#include <stddef.h>
#include <stdint.h>

struct boot_state;
struct bus;
struct vcpu;
struct vm;

/* What all vCPUs of a machine share; outlives them. */
struct vcpu_env {
	struct vm *vm;
	struct bus *mmio, *pio;
	unsigned int nr_cpus;
	/* The guest ended itself; first call counts. Any vCPU thread. */
	void (*ended)(void *ctx, enum machine_end end);
	void *ctx;
};

/**
 * vcpu_create() - Make vCPU @index, without a thread
 * @env: borrowed
 *
 * Return: 0 or -errno, logged.
 */
MUST_CHECK int vcpu_create(const struct vcpu_env *env, unsigned int index,
			   struct vcpu **out);
/* Stopped before. NULL is fine. */
void vcpu_destroy(struct vcpu *vcpu);

/* Sets the registers of the vCPU that boots; the others wait for it. Return: 0 or
 * -errno. */
MUST_CHECK int vcpu_set_boot_state(struct vcpu *vcpu,
				   const struct boot_state *state);

/**
 * vcpu_start() - Let it run in a thread of its own
 * @enter: called by the thread first: its system call filter. Not 0: the machine
 *	   ends with MACHINE_FAILED.
 *
 * Return: 0, or -errno of pthread_create(3).
 */
MUST_CHECK int vcpu_start(struct vcpu *vcpu, int (*enter)(void));

/* Stops and joins the thread. May be called when not started. */
void vcpu_stop(struct vcpu *vcpu);

/* Its KVM descriptor, borrowed (statistics). */
int vcpu_fd(const struct vcpu *vcpu);

#endif
