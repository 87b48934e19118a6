// SPDX-License-Identifier: BSD-2-Clause
#include "memory/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/*
 * Where the running guard_run() of this thread goes on. A signal handler is
 * given no context of ours, so this can not be a member of anything.
 */
static _Thread_local sigjmp_buf *volatile landing;

static void on_sigbus(int sig)
{
	if (landing)
		siglongjmp(*landing, 1);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

int guard_install(void)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	(void)sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

/* The handler was left by a jump, with its signal blocked. */
static void unblock_sigbus(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGBUS);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static __attribute__((noinline)) int run_outermost(void (*body)(void *ctx),
						   void *ctx)
{
	UNINITIALISED sigjmp_buf here; /* 200 bytes, on every path */
	int ret = 0;

	/* The signal mask is not saved: that would be a system call each time. */
	if (sigsetjmp(here, 0) == 0) {
		landing = &here;
		body(ctx);
	} else {
		unblock_sigbus();
		ret = -EFAULT;
	}
	landing = NULL;
	return ret;
}

int guard_run(void (*body)(void *ctx), void *ctx)
{
	if (!landing)
		return run_outermost(body, ctx);
	body(ctx);
	return 0;
}
