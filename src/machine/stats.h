/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's own counters of a VM and its vCPUs, summed over vCPUs. */
#ifndef MACHINE_STATS_H
#define MACHINE_STATS_H

#include "base/compiler.h"
#include "machine/machine.h"

#include <stddef.h>

struct stats;

/**
 * stats_create() - Learn which counters there are
 * @vm_fd, @vcpu_fds: KVM's; not retained
 * @nr_vcpus: 1 … MACHINE_CPUS_MAX
 *
 * Return: 0, -ENOMEM, -EPROTO (they do not describe themselves as documented), or
 * -errno of ioctl(2), pread(2): -ENOTTY where KVM has none.
 */
MUST_CHECK int stats_create(int vm_fd, const int *vcpu_fds,
			    unsigned int nr_vcpus, struct stats **out);
void stats_destroy(struct stats *stats);

/* As machine_kvm_stats(). One thread at a time. */
size_t stats_read(struct stats *stats, struct machine_stat *out, size_t cap);

#endif
