/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments and control registers at the start (registers.c). */
#ifndef MACHINE_VCPU_INTERNAL_H
#define MACHINE_VCPU_INTERNAL_H

struct boot_state;
struct kvm_sregs;

/* Changes what KVM's reset left in @sregs to what @state says. */
void vcpu_boot_sregs(const struct boot_state *state, struct kvm_sregs *sregs);

#endif
