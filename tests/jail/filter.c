// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lists of system calls, tried: each call there is, by number, in a process
 * behind each filter. What is not on the list ends the process.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "base/compiler.h"
#include "jail/jail.h"
#include "tests/test.h"

#define NR_CALLS 512 /* more than there are */
#define X32_BIT	 0x40000000
#define PAGE	 4096

static const enum jail_filter filters[] = {
	JAIL_DEVICE,
	JAIL_VMM_MAIN,
	JAIL_VMM_VCPU,
	JAIL_VMM_WORKER,
};

/* What a process behind @filter does, and how that ends. */
struct deed {
	enum jail_filter filter;
	long call;
	long args[3];
};

static NORETURN void run_child(const struct deed *d)
{
	if (jail_enter(d->filter))
		_exit(2);
	(void)syscall(d->call, d->args[0], d->args[1], d->args[2], -1, 0, 0);
	_exit(0);
}

static int run(const struct deed *d)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		run_child(d);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool is_refused(const struct deed *d)
{
	int status = run(d);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return true;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static bool listed(enum jail_filter filter, int call)
{
	int calls[NR_CALLS];
	size_t nr = jail_filter_calls(filter, calls, ARRAY_SIZE(calls));

	for (size_t i = 0; i < nr; i++)
		if (calls[i] == call)
			return true;
	return false;
}

static void test_a_device_has_twelve_calls_at_most(void **state)
{
	int calls[NR_CALLS];
	size_t nr;

	(void)state;
	nr = jail_filter_calls(JAIL_DEVICE, calls, ARRAY_SIZE(calls));
	print_message("# %zu calls\n", nr);
	assert_true(nr > 0 && nr <= 12);
	/* The space for the answer is respected. */
	assert_int_equal(jail_filter_calls(JAIL_DEVICE, calls, 3), 3);
}

/* Linux never shows filters the calls by which uprobes return to the kernel: they
 * fail outside of a trampoline. */
static bool never_filtered(int call)
{
	return call == 335 || call == 336;
}

static void test_what_is_not_listed_kills(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		for (int call = 0; call < NR_CALLS; call++) {
			struct deed d = { filters[f], call, { 0 } };

			if (listed(filters[f], call) || never_filtered(call))
				continue;
			if (!is_refused(&d))
				fail_msg("filter %d lets call %d pass",
					 (int)filters[f], call);
		}
	}
}

/* The same numbers, called as programs of another ABI would. */
static void test_no_other_abi(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		const struct deed d = { filters[f],
					SYS_close | X32_BIT,
					{ -1 } };

		assert_true(is_refused(&d));
	}
}

/* Whatever else changes: no list ever has these. */
static void test_what_no_list_has(void **state)
{
	static const int never[] = {
		SYS_open,
		SYS_openat,
		SYS_openat2,
		SYS_open_by_handle_at,
		SYS_creat,
		SYS_socket,
		SYS_socketpair,
		SYS_connect,
		SYS_bind,
		SYS_execve,
		SYS_execveat,
		SYS_clone,
		SYS_clone3,
		SYS_fork,
		SYS_vfork,
		SYS_ptrace,
		SYS_kill,
		SYS_process_vm_readv,
		SYS_pidfd_open,
		SYS_pidfd_getfd,
		SYS_process_vm_writev,
		SYS_mount,
		SYS_unshare,
		SYS_setns,
		SYS_memfd_create,
		SYS_io_uring_setup,
		SYS_bpf,
		SYS_perf_event_open,
		SYS_userfaultfd,
		SYS_keyctl,
		SYS_chroot,
		SYS_setuid,
		SYS_prctl,
		SYS_seccomp,
	};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(filters); f++)
		for (size_t i = 0; i < ARRAY_SIZE(never); i++)
			assert_false(listed(filters[f], never[i]));
}

static void test_arguments_count(void **state)
{
	static const struct {
		const char *why;
		struct deed deed;
		bool refused;
	} cases[] = {
		{ "memory",
		  { JAIL_VMM_MAIN, SYS_mmap, { 0, PAGE, PROT_READ } },
		  false },
		{ "memory to run",
		  { JAIL_VMM_MAIN, SYS_mmap, { 0, PAGE, PROT_EXEC } },
		  true },
		{ "memory to run, by a worker",
		  { JAIL_VMM_WORKER, SYS_mmap, { 0, PAGE, PROT_EXEC } },
		  true },
		{ "memory made to run",
		  { JAIL_VMM_VCPU, SYS_mprotect, { 0, PAGE, PROT_EXEC } },
		  true },
		{ "memory for a device",
		  { JAIL_DEVICE, SYS_mmap, { 0, PAGE, PROT_READ } },
		  true },
		{ "a vCPU runs",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_RUN } },
		  false },
		{ "the high half of a request has no meaning",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_RUN | 1l << 32 } },
		  false },
		{ "registers",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_GET_REGS } },
		  false },
		{ "routes",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_SET_GSI_ROUTING } },
		  false },
		{ "interrupt",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_IRQFD } },
		  false },
		{ "doorbell",
		  { JAIL_VMM_MAIN, SYS_ioctl, { -1, KVM_IOEVENTFD } },
		  false },
		{ "the loop does not run a vCPU",
		  { JAIL_VMM_MAIN, SYS_ioctl, { -1, KVM_RUN } },
		  true },
		{ "another VM",
		  { JAIL_VMM_VCPU, SYS_ioctl, { -1, KVM_CREATE_VM } },
		  true },
		{ "other memory for the guest",
		  { JAIL_VMM_MAIN,
		    SYS_ioctl,
		    { -1, KVM_SET_USER_MEMORY_REGION } },
		  true },
		{ "a terminal's input",
		  { JAIL_VMM_MAIN, SYS_ioctl, { 0, TIOCSTI } },
		  true },
		{ "a worker has no ioctl",
		  { JAIL_VMM_WORKER, SYS_ioctl, { -1, KVM_RUN } },
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(is_refused(&cases[i].deed), cases[i].refused);
	}
}

static NORETURN void signal_itself(enum jail_filter filter)
{
	if (jail_enter(filter))
		_exit(2);
	_exit(raise(0));
}

/* Other VMs of the same user are not to be reached, be it by a signal. */
static void test_signals_stay_in_the_process(void **state)
{
	int status;

	(void)state;
	for (size_t f = 1; f < ARRAY_SIZE(filters); f++) {
		const struct deed other = { filters[f],
					    SYS_tgkill,
					    { getpid(), getpid(), 0 } };
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			signal_itself(filters[f]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(is_refused(&other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_device_has_twelve_calls_at_most),
		cmocka_unit_test(test_what_is_not_listed_kills),
		cmocka_unit_test(test_no_other_abi),
		cmocka_unit_test(test_what_no_list_has),
		cmocka_unit_test(test_arguments_count),
		cmocka_unit_test(test_signals_stay_in_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
