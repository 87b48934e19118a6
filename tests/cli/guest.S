/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest of a few instructions, started by PVH (32-bit, no paging): says "up" on
 * the first serial port, and does what it is sent: p powers off, r reboots, x
 * panics, t ends with a triple fault; anything else is echoed.
 */
	.section .note.pvh, "a", @note
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.section .text
	.code32
	.globl _start
_start:
	mov $hello, %esi
1:	lodsb
	test %al, %al
	jz wait
	mov $0x3f8, %dx
	outb %al, %dx
	jmp 1b

wait:
	pause
	mov $0x3fd, %dx
	inb %dx, %al
	test $1, %al
	jz wait
	mov $0x3f8, %dx
	inb %dx, %al
	cmp $'p', %al
	je power_off
	cmp $'r', %al
	je reboot
	cmp $'x', %al
	je panic
	cmp $'t', %al
	je triple_fault
	outb %al, %dx
	jmp wait

power_off:
	mov $0x600, %dx
	mov $(0x20 | 5 << 2), %al
	outb %al, %dx
	jmp wait
reboot:
	mov $0x604, %dx
	mov $1, %al
	outb %al, %dx
	jmp wait
panic:
	movb $1, 0xf0000000
	jmp wait
triple_fault:
	lidt no_idt
	int3
	jmp wait

hello:	.asciz "up\n"
no_idt:	.word 0
	.long 0
