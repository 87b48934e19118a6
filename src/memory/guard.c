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
	/* SA_NODEFER: siglongjmp() leaves the handler without unblocking. */
	struct sigaction action = { .sa_handler = on_sigbus,
				    .sa_flags = SA_NODEFER };

	(void)sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

int guard_run(void (*body)(void *ctx), void *ctx)
{
	sigjmp_buf *const outer = landing;
	sigjmp_buf here;
	int ret = 0;

	/* The signal mask is not saved: that would be a system call. */
	if (sigsetjmp(here, 0) == 0) {
		landing = &here;
		body(ctx);
	} else {
		ret = -EFAULT;
	}
	landing = outer;
	return ret;
}
