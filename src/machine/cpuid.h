/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest's CPUID says: all that KVM supports on this host, one package
 * with a core for each vCPU, and no virtualization inside.
 */
#ifndef MACHINE_CPUID_H
#define MACHINE_CPUID_H

#include "base/compiler.h"

#include <stdint.h>

struct vm;

/* Return: 0, -ENOMEM, or -errno of ioctl(2). */
MUST_CHECK int cpuid_set(const struct vm *vm, int vcpu_fd, unsigned int index,
			 unsigned int nr_cpus);

/* Width of a guest-physical address, in bits. */
MUST_CHECK int cpuid_physical_bits(const struct vm *vm, unsigned int *bits);

#endif
