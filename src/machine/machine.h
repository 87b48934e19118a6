/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: a VM under KVM with its RAM, vCPUs, interrupt controllers, ACPI
 * tables, serial ports, PCI bus, IOMMU and devices. Composes everything below.
 *
 * The caller (the VMM process, cli/vmm.c) has opened all descriptors. A machine is
 * made, run once, destroyed: a guest's reboot is a new process (machine_run()
 * returns MACHINE_REBOOT).
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MACHINE_CPUS_MAX 64
#define MACHINE_DEVS_MAX 16

struct machine;
struct loop;
struct viommu;
struct vdev;
struct viommu_front;
struct backend;

enum machine_iommu {
	MACHINE_IOMMU_ON,
	MACHINE_IOMMU_BOOT_BYPASS,
	MACHINE_IOMMU_OFF,
};

enum machine_backend { MACHINE_NO_BACKEND, MACHINE_TAP, MACHINE_PASST };

/* A device behind a vfio-user socket. Descriptors are taken over. */
struct machine_device {
	const char *name; /* "e1000[net0]" */
	int sock;
	enum machine_backend backend;
	int backend_fd;
};

struct machine_config {
	const char *name;
	unsigned int nr_cpus; /* 1 … MACHINE_CPUS_MAX */
	uint64_t memory;      /* bytes, multiple of 2 MiB */
	int kvm_fd;	      /* /dev/kvm; taken over */
	int kernel_fd;	      /* ELF or bzImage; taken over */
	int initrd_fd;	      /* -1: none; taken over */
	const char *cmdline;
	enum machine_iommu iommu;
	int serial_fd
	    [2]; /* stream sockets or pipes; -1: goes nowhere; taken over */
	struct machine_device devices[MACHINE_DEVS_MAX];
	unsigned int nr_devices;
	uid_t uid; /* becomes these before the guest runs, if root */
	gid_t gid;
};

/* How a run ended; also the exit code of `pviommu run`. */
enum machine_end {
	MACHINE_POWEROFF = 0,
	MACHINE_FAILED = 1,  /* the VMM itself; was logged */
	MACHINE_USAGE = 2,   /* cli only */
	MACHINE_REBOOT = 10, /* cli: with --on-reboot exit */
	MACHINE_PANIC = 11,  /* guest panic (pvpanic) */
	MACHINE_TRIPLE_FAULT = 12,
	MACHINE_KVM_ERROR = 13, /* KVM gave up on the guest; was logged */
	MACHINE_STOPPED = 14,	/* control socket, or a signal */
};

/**
 * machine_create() - Give up privileges, build the machine
 *
 * Up to the first instruction. First of all the process becomes @config's uid and
 * gid for good (jail_drop()), so the caller has no other thread yet. Descriptors
 * are taken over also in case of error.
 *
 * Return: 0, or -errno, logged with the object that it is about.
 */
MUST_CHECK int machine_create(const struct machine_config *config,
			      struct machine **out);
void machine_destroy(struct machine *m);

/* The main thread's event loop: control/ adds its socket before machine_run(). */
struct loop *machine_loop(struct machine *m);

/**
 * machine_run() - Start the vCPUs, serve events to the end
 *
 * Each thread gives up the system calls that it does not need (jail_enter()),
 * before the first byte of the guest reaches it; the caller's does, too.
 *
 * Return: how it ended. All threads have stopped.
 */
enum machine_end machine_run(struct machine *m);

/* Ends the run from the loop's thread. */
void machine_stop(struct machine *m, enum machine_end end);

/* ---- what control/ shows ---- */
/* As given, without the descriptors. */
const struct machine_config *machine_configuration(const struct machine *m);
struct viommu_front *machine_front(struct machine *m); /* NULL: --iommu off */
struct viommu *machine_viommu(struct machine *m);
struct vdev *machine_vdev(struct machine *m, unsigned int i); /* NULL: none */
struct backend *machine_backend(struct machine *m, unsigned int i);

/* One of KVM's statistics, summed over vCPUs: "exits", "mmio_exits", … */
struct machine_stat {
	char name[48];
	uint64_t value;
};
/* Fills up to @cap, returns how many there are. VM and vCPU statistics. */
size_t machine_kvm_stats(struct machine *m, struct machine_stat *out,
			 size_t cap);

/* ---- what `pviommu doctor` asks (machine/probe.c) ---- */

enum machine_kvm {
	MACHINE_KVM_OK,
	MACHINE_KVM_ABSENT,	  /* no /dev/kvm */
	MACHINE_KVM_FORBIDDEN,	  /* may not open it */
	MACHINE_KVM_NO_LONG_MODE, /* opens, but can not run a 64-bit kernel */
	MACHINE_KVM_BROKEN,	  /* an ioctl failed */
};
/* Runs a few instructions of a long-mode guest, bounded by a second or two; @why
 * gets one line. Believes no capability bit. */
enum machine_kvm machine_kvm_probe(char *why, size_t len);

#endif
