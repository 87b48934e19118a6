// SPDX-License-Identifier: BSD-2-Clause
#include "machine/vcpu.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kvm.h>

#include "base/fd.h"
#include "base/log.h"
#include "machine/boot.h"
#include "machine/bus.h"
#include "machine/cpuid.h"
#include "machine/vcpu_internal.h"
#include "machine/vm.h"

/* Ends a blocking KVM_RUN. Nothing else in the process uses it. */
#define KICK_SIGNAL SIGRTMIN

/* IA32_MTRR_DEF_TYPE: enabled, write-back, as firmware would leave it. Without,
 * Linux does not use its PAT. */
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_WRITE_BACK	  0x806

struct vcpu {
	const struct vcpu_env *env; /* borrowed */
	unsigned int index;
	int fd;		     /* owned */
	struct kvm_run *run; /* owned mapping, shared with KVM */
	pthread_t thread;
	bool started;
	bool stop; /* atomic */
	int (*enter)(void);
};

static int set_mtrr(struct vcpu *vcpu)
{
	union {
		struct kvm_msrs head;
		uint8_t bytes[sizeof(struct kvm_msrs) +
			      sizeof(struct kvm_msr_entry)];
	} msrs = { .head.nmsrs = 1 };

	msrs.head.entries[0] = (struct kvm_msr_entry){
		.index = MSR_MTRR_DEF_TYPE,
		.data = MTRR_WRITE_BACK,
	};
	/* Returns how many it set: a host without MTRRs does without. */
	return ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) < 0 ? -errno : 0;
}

static int map_run(struct vcpu *vcpu)
{
	void *run = mmap(NULL, vcpu->env->vm->run_len, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);

	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	return 0;
}

int vcpu_create(const struct vcpu_env *env, unsigned int index,
		struct vcpu **out)
{
	struct vcpu *vcpu;
	int ret;

	vcpu = calloc(1, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	vcpu->env = env;
	vcpu->index = index;
	vcpu->fd = ioctl(env->vm->fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	ret = map_run(vcpu);
	if (ret)
		goto err_fd;
	ret = cpuid_set(env->vm, vcpu->fd, index, env->nr_cpus);
	if (!ret)
		ret = set_mtrr(vcpu);
	if (ret)
		goto err_run;
	*out = vcpu;
	return 0;

err_run:
	(void)munmap(vcpu->run, env->vm->run_len);
err_fd:
	fd_close(&vcpu->fd);
err_free:
	free(vcpu);
	log_err("kvm", "can not create vcpu %u: %s", index, strerror(-ret));
	return ret;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (!vcpu)
		return;
	(void)munmap(vcpu->run, vcpu->env->vm->run_len);
	fd_close(&vcpu->fd);
	free(vcpu);
}

int vcpu_fd(const struct vcpu *vcpu)
{
	return vcpu->fd;
}

int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *state)
{
	struct kvm_regs regs = {
		.rflags = 2, /* the bit that is always set */
		.rip = state->rip,
		.rbx = state->rbx,
		.rsi = state->rsi,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	vcpu_boot_sregs(state, &sregs);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

/* ---- the thread ---- */

static bool serve_io(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)vcpu->run + run->io.data_offset;
	struct bus *pio = vcpu->env->pio;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			bus_read(pio, run->io.port, data, run->io.size);
		else
			bus_write(pio, run->io.port, data, run->io.size);
	}
	return true;
}

static bool serve_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	unsigned int len = MIN(run->mmio.len, (uint32_t)sizeof(run->mmio.data));

	if (run->mmio.is_write)
		bus_write(vcpu->env->mmio, run->mmio.phys_addr, run->mmio.data,
			  len);
	else
		bus_read(vcpu->env->mmio, run->mmio.phys_addr, run->mmio.data,
			 len);
	return true;
}

static void end(struct vcpu *vcpu, enum machine_end why)
{
	vcpu->env->ended(vcpu->env->ctx, why);
}

static bool serve_shutdown(struct vcpu *vcpu)
{
	end(vcpu, MACHINE_TRIPLE_FAULT);
	return false;
}

static uint64_t where(const struct vcpu *vcpu)
{
	struct kvm_regs regs = { 0 };

	(void)ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	return regs.rip;
}

static bool serve_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	log_err("kvm",
		"vcpu %u: KVM could not go on with the guest at %#llx "
		"(internal error %u%s): see `pviommu doctor`",
		vcpu->index, (unsigned long long)where(vcpu),
		run->internal.suberror,
		run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
		    ? ", an instruction that it can not emulate"
		    : "");
	end(vcpu, MACHINE_KVM_ERROR);
	return false;
}

static bool serve_fail_entry(struct vcpu *vcpu)
{
	log_err("kvm",
		"vcpu %u: the processor refused to enter the guest at %#llx "
		"(reason %#llx): see `pviommu doctor`",
		vcpu->index, (unsigned long long)where(vcpu),
		(unsigned long long)
		    vcpu->run->fail_entry.hardware_entry_failure_reason);
	end(vcpu, MACHINE_KVM_ERROR);
	return false;
}

static bool serve_nothing(struct vcpu *vcpu)
{
	(void)vcpu;
	return true;
}

/* What a vCPU comes back for. False: it does not run again. */
static bool (*const exits[])(struct vcpu *vcpu) = {
	[KVM_EXIT_IO] = serve_io,
	[KVM_EXIT_MMIO] = serve_mmio,
	[KVM_EXIT_INTR] = serve_nothing,
	[KVM_EXIT_SHUTDOWN] = serve_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = serve_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = serve_internal_error,
};

static bool serve_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	if (reason < ARRAY_SIZE(exits) && exits[reason])
		return exits[reason](vcpu);
	log_err("kvm", "vcpu %u: unexpected exit %u at %#llx", vcpu->index,
		reason, (unsigned long long)where(vcpu));
	end(vcpu, MACHINE_KVM_ERROR);
	return false;
}

static bool run_once(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) == 0)
		return serve_exit(vcpu);
	/* EAGAIN: woken before its start-up interrupt came. */
	if (errno == EINTR || errno == EAGAIN)
		return true;
	log_err("kvm", "vcpu %u: can not run: %s", vcpu->index,
		strerror(errno));
	end(vcpu, MACHINE_KVM_ERROR);
	return false;
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	int ret = vcpu->enter ? vcpu->enter() : 0;

	if (ret) {
		log_err("jail", "vcpu %u: can not give up system calls: %s",
			vcpu->index, strerror(-ret));
		end(vcpu, MACHINE_FAILED);
		return NULL;
	}
	while (!__atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE))
		if (!run_once(vcpu))
			break;
	return NULL;
}

static void on_kick(int sig)
{
	(void)sig;
}

int vcpu_start(struct vcpu *vcpu, int (*enter)(void))
{
	/* No SA_RESTART: KVM_RUN must come back. */
	const struct sigaction kick = { .sa_handler = on_kick };
	int ret;

	if (sigaction(KICK_SIGNAL, &kick, NULL) < 0)
		return -errno;
	vcpu->enter = enter;
	ret = -pthread_create(&vcpu->thread, NULL, vcpu_main, vcpu);
	vcpu->started = ret == 0;
	return ret;
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	__atomic_store_n(&vcpu->stop, true, __ATOMIC_RELEASE);
	/* If the signal comes too early for KVM_RUN, this ends it at once. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	(void)pthread_kill(vcpu->thread, KICK_SIGNAL);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
