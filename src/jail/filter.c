// SPDX-License-Identifier: BSD-2-Clause
/*
 * The system calls that are left, in one table. None of the lists has a call that
 * opens, connects, executes or starts anything; memory is never made executable.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/jail_internal.h"

#define DEVICE (1u << JAIL_DEVICE)
#define MAIN   (1u << JAIL_VMM_MAIN)
#define VCPU   (1u << JAIL_VMM_VCPU)
#define WORKER (1u << JAIL_VMM_WORKER)
#define VMM    (MAIN | VCPU | WORKER)
#define ALL    (DEVICE | VMM)

/* Requests of KVM, whose header only machine/ includes. */
#define RUN_VCPU	0xae80u
#define GET_REGS	0x8090ae81u
#define SET_GSI_ROUTING 0x4008ae6au
#define SET_IRQFD	0x4020ae76u
#define SET_IOEVENTFD	0x4040ae79u

struct rule {
	int call;
	uint8_t filters; /* bits: the lists that it is in */
	/* Only where (argument & mask) == value; mask 0: always. */
	uint8_t argument;
	uint32_t mask, value;
	bool own; /* the value is this process's id */
};

#define CALL(name, in)                                  \
	{                                               \
		.call = SCMP_SYS(name), .filters = (in) \
	}
#define CALL_IF(name, in, ...)                                       \
	{                                                            \
		.call = SCMP_SYS(name), .filters = (in), __VA_ARGS__ \
	}
#define REQUEST(nr) .argument = 1, .mask = UINT32_MAX, .value = (nr)
#define NOT_EXEC    .argument = 2, .mask = PROT_EXEC, .value = 0
#define OWN_PROCESS .argument = 0, .mask = UINT32_MAX, .own = true

static const struct rule rules[] = {
	/* Messages, eventfds, the log. */
	CALL(read, ALL),
	CALL(write, ALL),
	CALL(recvmsg, ALL),
	CALL(sendmsg, ALL),
	CALL(close, ALL),
	CALL(readv, VMM),
	CALL(writev, VMM),
	CALL(pread64, MAIN),
	CALL(recvfrom, VMM),
	CALL(sendto, VMM),
	CALL(shutdown, VMM),
	CALL(accept4, MAIN),

	/* Waiting, and the time. */
	CALL(poll, ALL),
	CALL(ppoll, ALL),
	CALL(restart_syscall, ALL),
	CALL(sched_yield, ALL),
	CALL(clock_gettime, ALL),
	CALL(clock_nanosleep, VMM),
	CALL(futex, VMM),
	CALL(epoll_wait, MAIN),
	CALL(epoll_ctl, MAIN),
	CALL(timerfd_create, MAIN),
	CALL(timerfd_settime, MAIN),

	/* The allocator's. */
	CALL(brk, VMM),
	CALL_IF(mmap, VMM, NOT_EXEC),
	CALL_IF(mprotect, VMM, NOT_EXEC),
	CALL(mremap, VMM),
	CALL(munmap, VMM),
	CALL(madvise, VMM),
	CALL(sched_getaffinity, VMM),
	CALL(getrandom, VMM),

	/* Threads, signals, the end. tgkill: kicks a vCPU out of the guest. */
	CALL(exit_group, ALL),
	CALL(exit, VMM),
	CALL(rt_sigreturn, VMM),
	CALL(rt_sigprocmask, VMM),
	CALL(rt_sigaction, VMM),
	CALL(getpid, VMM),
	CALL(gettid, VMM),
	CALL_IF(tgkill, VMM, OWN_PROCESS),

	/* The guest moves BARs and interrupts by way of its vCPU. */
	CALL_IF(ioctl, VCPU, REQUEST(RUN_VCPU)),
	CALL_IF(ioctl, VCPU, REQUEST(GET_REGS)),
	CALL_IF(ioctl, VCPU | MAIN, REQUEST(SET_GSI_ROUTING)),
	CALL_IF(ioctl, VCPU | MAIN, REQUEST(SET_IRQFD)),
	CALL_IF(ioctl, VCPU | MAIN, REQUEST(SET_IOEVENTFD)),
};

/* What the sanitizers' runtime does at any time, and for its reports. */
static const struct rule sanitiser_rules[] = {
	CALL(mmap, ALL),
	CALL(munmap, ALL),
	CALL(mremap, ALL),
	CALL(mprotect, ALL),
	CALL(madvise, ALL),
	CALL(brk, ALL),
	CALL(futex, ALL),
	CALL(sigaltstack, ALL),
	CALL(rt_sigaction, ALL),
	CALL(rt_sigprocmask, ALL),
	CALL(rt_sigreturn, ALL),
	CALL(getpid, ALL),
	CALL(gettid, ALL),
	CALL(tgkill, ALL),
	CALL(openat, ALL),
	CALL(open, ALL),
	CALL(readlink, ALL),
	CALL(newfstatat, ALL),
	CALL(fstat, ALL),
	CALL(stat, ALL),
	CALL(lseek, ALL),
	CALL(getdents64, ALL),
	CALL(ioctl, ALL),
	CALL(prctl, ALL),
	CALL(getrusage, ALL),
	CALL(sysinfo, ALL),
	CALL(sched_getaffinity, ALL),
	CALL(clone, ALL),
	CALL(ptrace, ALL),
	CALL(wait4, ALL),
};

static const struct {
	const struct rule *rules;
	size_t nr;
} lists[] = {
	{ rules, ARRAY_SIZE(rules) },
	{ sanitiser_rules, JAIL_SANITISED ? ARRAY_SIZE(sanitiser_rules) : 0 },
};

static int add_rule(scmp_filter_ctx ctx, const struct rule *rule)
{
	const struct scmp_arg_cmp cmp = {
		.arg = rule->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = rule->mask,
		.datum_b = rule->own ? (uint32_t)getpid() : rule->value,
	};

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rule->call,
				      rule->mask ? 1 : 0, &cmp);
}

static int add_rules(scmp_filter_ctx ctx, enum jail_filter filter)
{
	int ret = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l].nr && !ret; i++)
			if (lists[l].rules[i].filters & 1u << filter)
				ret = add_rule(ctx, &lists[l].rules[i]);
	return ret;
}

static int load(enum jail_filter filter)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret;

	if (!ctx)
		return -ENOMEM;
	ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_KILL_PROCESS);
	/* A search tree: a vCPU passes here at each exit. */
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = add_rules(ctx, filter);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	return ret;
}

int jail_enter(enum jail_filter filter)
{
	/* exec made it dumpable: nobody of the same user may look inside. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return load(filter);
}

static bool listed(const int *calls, size_t nr, int call)
{
	for (size_t i = 0; i < nr; i++)
		if (calls[i] == call)
			return true;
	return false;
}

size_t jail_filter_calls(enum jail_filter filter, int *out, size_t cap)
{
	size_t nr = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l].nr && nr < cap; i++)
			if (lists[l].rules[i].filters & 1u << filter &&
			    !listed(out, nr, lists[l].rules[i].call))
				out[nr++] = lists[l].rules[i].call;
	return nr;
}
