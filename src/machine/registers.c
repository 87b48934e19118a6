// SPDX-License-Identifier: BSD-2-Clause
#include "machine/vcpu_internal.h"

#include <linux/kvm.h>

#include "machine/boot.h"
#include "machine/layout.h"

#define CR0_PE	 0x1ull
#define CR0_ET	 0x10ull
#define CR0_PG	 0x80000000ull
#define CR4_PAE	 0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull

/* Selectors that Linux's boot protocols ask for. */
#define BOOT_CS 0x10
#define BOOT_DS 0x18
#define BOOT_TR 0x20

#define TYPE_CODE 0xb /* execute, read, accessed */
#define TYPE_DATA 0x3 /* read, write, accessed */
#define TYPE_TSS  0xb /* 32-bit or 64-bit, busy */

static struct kvm_segment flat(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
}

void vcpu_boot_sregs(const struct boot_state *state, struct kvm_sregs *sregs)
{
	sregs->cs = flat(BOOT_CS, TYPE_CODE);
	sregs->ds = flat(BOOT_DS, TYPE_DATA);
	sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->ds;
	sregs->tr = (struct kvm_segment){
		.limit = 0x67,
		.selector = BOOT_TR,
		.type = TYPE_TSS,
		.present = 1,
	};
	sregs->gdt.base = LAYOUT_GDT;
	sregs->gdt.limit = LAYOUT_GDT_LEN - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr0 = CR0_PE | CR0_ET;
	if (!state->long_mode)
		return;
	sregs->cs.db = 0;
	sregs->cs.l = 1;
	sregs->cr0 |= CR0_PG;
	sregs->cr3 = state->cr3;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME | EFER_LMA;
}
