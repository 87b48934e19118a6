// SPDX-License-Identifier: BSD-2-Clause
/*
 * Can this host's KVM run a 64-bit kernel? Capabilities do not tell: some offer all
 * of them and emulate only real mode. So a guest of 2 MiB runs a few instructions
 * in long mode, among them an exception through an IDT, and must arrive at an
 * output to a port.
 */
#include "machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "machine/cpuid.h"
#include "machine/layout.h"
#include "machine/vm.h"

#define DEVICE	"/dev/kvm"
#define RAM_LEN (2 * MIB)
#define LIMIT_S 2

/* Where things are in the probe's guest. */
#define CODE	0x1000
#define HANDLER 0x1100
#define GDT	0x2000
#define IDT	0x3000
#define TABLES	0x4000 /* 3 pages */
#define STACK	0x8000

#define PORT_DONE 0x80

/* mov %cr3,%rax; mov %rax,%cr3; mov $0xc0000080,%ecx; rdmsr; wrmsr; int3; hlt */
static const uint8_t code[] = {
	0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xb9, 0x80, 0x00,
	0x00, 0xc0, 0x0f, 0x32, 0x0f, 0x30, 0xcc, 0xf4,
};
/* mov %cs,%eax; add $0x40,%al; out %al,$0x80; hlt */
static const uint8_t handler[] = {
	0x8c, 0xc8, 0x04, 0x40, 0xe6, PORT_DONE, 0xf4,
};
#define CS	  8u
#define ANSWER	  (CS + 0x40)
#define VECTOR_BP 3

static void fill_guest(uint8_t *ram)
{
	const uint64_t present_writable = 3, large = 0x80;

	memcpy(ram + CODE, code, sizeof(code));
	memcpy(ram + HANDLER, handler, sizeof(handler));
	put_le64(ram + GDT + CS, 0x00af9b000000ffff);
	put_le64(ram + GDT + 2ul * CS, 0x00cf93000000ffff);
	/* An interrupt gate to CS:HANDLER, present. */
	put_le64(ram + IDT + VECTOR_BP * 16ul,
		 (HANDLER & 0xffff) | (uint64_t)CS << 16 | 0x8e00ull << 32);
	/* All of RAM, mapped to itself by one large page. */
	put_le64(ram + TABLES, (TABLES + 0x1000) | present_writable);
	put_le64(ram + TABLES + 0x1000, (TABLES + 0x2000) | present_writable);
	put_le64(ram + TABLES + 0x2000, present_writable | large);
}

static int set_registers(int vcpu_fd)
{
	const struct kvm_segment segment = {
		.limit = UINT32_MAX,
		.selector = CS,
		.type = 11,
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_regs regs = { .rip = CODE, .rsp = STACK, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs = segment;
	sregs.ds = segment;
	sregs.ds.selector = 2 * CS;
	sregs.ds.type = 3;
	sregs.ds.l = 0;
	sregs.ds.db = 1;
	sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
	sregs.gdt.base = GDT;
	sregs.gdt.limit = 3 * CS - 1;
	sregs.idt.base = IDT;
	sregs.idt.limit = (VECTOR_BP + 1) * 16 - 1;
	sregs.cr0 = 0x80010033;
	sregs.cr3 = TABLES;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Runs until the guest comes back or time is up. Return: 0 or -errno. */
static int run_bounded(int vcpu_fd)
{
	/* No SA_RESTART: KVM_RUN must come back. */
	const struct sigaction action = { .sa_handler = on_alarm };
	struct sigaction before;
	int ret = 0;

	if (sigaction(SIGALRM, &action, &before) < 0)
		return -errno;
	(void)alarm(LIMIT_S);
	if (ioctl(vcpu_fd, KVM_RUN, 0) < 0)
		ret = -errno;
	(void)alarm(0);
	(void)sigaction(SIGALRM, &before, NULL);
	return ret;
}

static enum machine_kvm judge(int ret, const struct kvm_run *run, char *why,
			      size_t len)
{
	const uint8_t *data = (const uint8_t *)run;

	if (ret == -EINTR) {
		(void)snprintf(why, len,
			       "a 64-bit guest did not get anywhere in %u s",
			       LIMIT_S);
		return MACHINE_KVM_NO_LONG_MODE;
	}
	if (ret) {
		(void)snprintf(why, len, "a vCPU can not run: %s",
			       strerror(-ret));
		return MACHINE_KVM_BROKEN;
	}
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_DONE &&
	    data[run->io.data_offset] == ANSWER) {
		(void)snprintf(why, len, "a 64-bit guest ran");
		return MACHINE_KVM_OK;
	}
	(void)snprintf(why, len,
		       "a 64-bit guest that takes an exception fails (KVM exit "
		       "%u): this KVM does not run stock kernels",
		       run->exit_reason);
	return MACHINE_KVM_NO_LONG_MODE;
}

static enum machine_kvm broken(char *why, size_t len, const char *what, int ret)
{
	(void)snprintf(why, len, "%s: %s", what, strerror(-ret));
	return MACHINE_KVM_BROKEN;
}

static enum machine_kvm probe_vcpu(const struct vm *vm, int vcpu_fd, char *why,
				   size_t len)
{
	struct kvm_run *run;
	enum machine_kvm verdict;
	int ret;

	/* Without CPUID, EFER can not be set on any KVM. */
	ret = cpuid_set(vm, vcpu_fd, 0, 1);
	if (!ret)
		ret = set_registers(vcpu_fd);
	if (ret)
		return broken(why, len, "a vCPU can not be set up", ret);
	run = mmap(NULL, vm->run_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu_fd, 0);
	if (run == MAP_FAILED)
		return broken(why, len, "a vCPU can not be mapped", -errno);
	ret = run_bounded(vcpu_fd);
	verdict = judge(ret, run, why, len);
	(void)munmap(run, vm->run_len);
	return verdict;
}

static enum machine_kvm probe_ram(const struct vm *vm, uint8_t *ram, char *why,
				  size_t len)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = RAM_LEN,
		.userspace_addr = (uintptr_t)ram,
	};
	enum machine_kvm verdict;
	int vcpu_fd;

	fill_guest(ram);
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return broken(why, len, "a VM can not be given memory", -errno);
	vcpu_fd = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	if (vcpu_fd < 0)
		return broken(why, len, "a vCPU can not be made", -errno);
	verdict = probe_vcpu(vm, vcpu_fd, why, len);
	fd_close(&vcpu_fd);
	return verdict;
}

static enum machine_kvm probe_vm(struct vm *vm, char *why, size_t len)
{
	enum machine_kvm verdict;
	void *ram;
	int size;

	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return broken(why, len, "a VM can not be made", -errno);
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return broken(why, len, "KVM_GET_VCPU_MMAP_SIZE", -EPROTO);
	vm->run_len = (size_t)size;
	ram = mmap(NULL, RAM_LEN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		return broken(why, len, "no memory for a guest", -errno);
	verdict = probe_ram(vm, ram, why, len);
	(void)munmap(ram, RAM_LEN);
	return verdict;
}

enum machine_kvm machine_kvm_probe(char *why, size_t len)
{
	struct vm vm = { .fd = -1 };
	enum machine_kvm verdict;

	vm.kvm_fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (vm.kvm_fd < 0) {
		int ret = -errno;

		(void)snprintf(why, len, "%s: %s", DEVICE, strerror(-ret));
		if (ret == -EACCES || ret == -EPERM)
			return MACHINE_KVM_FORBIDDEN;
		return ret == -ENOENT || ret == -ENODEV || ret == -ENXIO
			   ? MACHINE_KVM_ABSENT
			   : MACHINE_KVM_BROKEN;
	}
	verdict = probe_vm(&vm, why, len);
	fd_close(&vm.fd);
	fd_close(&vm.kvm_fd);
	return verdict;
}
