/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the guest's physical address space and in its I/O ports.
 *
 * The hole between guest RAM's two banks (memory/guest_ram.h) holds, in this
 * order: 32-bit BARs, ECAM, registers of the machine, IO-APIC, local APICs.
 * What boot/ and acpi/ place in low memory is gone once the kernel runs, but for
 * the ACPI tables.
 */
#ifndef MACHINE_LAYOUT_H
#define MACHINE_LAYOUT_H

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Low memory, before the kernel runs. */
#define LAYOUT_GDT	   0x500ull
#define LAYOUT_GDT_LEN	   0x28	     /* 5 descriptors */
#define LAYOUT_START_INFO  0x6000ull /* PVH: hvm_start_info and what it names */
#define LAYOUT_BOOT_PARAMS 0x7000ull /* bzImage: the "zero page" */
#define LAYOUT_PAGE_TABLES 0x9000ull /* bzImage: 6 pages */
#define LAYOUT_CMDLINE	   0x20000ull
#define LAYOUT_CMDLINE_MAX 0x10000ull /* bytes, with the end */
#define LAYOUT_LOW_RAM_END 0x9fc00ull /* reserved from here to 1 MiB */
#define LAYOUT_ACPI	   0xe0000ull /* tables; the RSDP comes first */
#define LAYOUT_ACPI_MAX	   0x1fff0ull
#define LAYOUT_BIOS_ENTRY  0xffff0ull /* where a BIOS would start */
#define LAYOUT_HIGH_RAM	   0x100000ull

/* The hole below 4 GiB. */
#define LAYOUT_MEM32	    0xc0000000ull
#define LAYOUT_MEM32_LAST   0xdfffffffull
#define LAYOUT_ECAM	    0xe0000000ull /* 256 buses */
#define LAYOUT_ECAM_LEN	    0x10000000ull
#define LAYOUT_PVPANIC	    0xf0000000ull
#define LAYOUT_PVPANIC_LEN  0x1000ull
#define LAYOUT_IOAPIC	    0xfec00000ull
#define LAYOUT_LAPIC	    0xfee00000ull
#define LAYOUT_IDENTITY_MAP 0xfffbc000ull /* KVM's own, on Intel: 1 page … */
#define LAYOUT_TSS	    0xfffbd000ull /* … and 3 */

/* 64-bit BARs: from the first multiple of this above RAM, so many bytes at most. */
#define LAYOUT_MEM64_ALIGN (4 * GIB)
#define LAYOUT_MEM64_LEN   (512 * GIB)

/* I/O ports. */
#define LAYOUT_COM1	     0x3f8
#define LAYOUT_COM2	     0x2f8
#define LAYOUT_COM_LEN	     8
#define LAYOUT_SLEEP_CONTROL 0x600
#define LAYOUT_SLEEP_STATUS  0x601
#define LAYOUT_RESET	     0x604
#define LAYOUT_PCI_IO	     0xc000
#define LAYOUT_PCI_IO_LAST   0xffff

/* Interrupts: inputs of the IO-APIC, then MSI routes. */
#define LAYOUT_COM1_GSI	    4
#define LAYOUT_COM2_GSI	    3
#define LAYOUT_INTX_GSI	    16
#define LAYOUT_NR_INTX_GSIS 8
#define LAYOUT_IOAPIC_PINS  24
#define LAYOUT_MSI_GSI	    LAYOUT_IOAPIC_PINS

/* Slots of bus 0. */
#define LAYOUT_SLOT_VIOMMU	 1
#define LAYOUT_SLOT_DEVICES	 2
#define LAYOUT_SLOT_DEVICES_LAST 29
#define LAYOUT_SLOT_ROOT_PORTS	 30
#define LAYOUT_NR_ROOT_PORTS	 2

/* The value written to LAYOUT_RESET, and the sleep type of S5. */
#define LAYOUT_RESET_VALUE 1
#define LAYOUT_S5	   5

#endif
