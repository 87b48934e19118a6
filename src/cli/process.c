// SPDX-License-Identifier: BSD-2-Clause
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define FDS_MAX	 64
#define FD_FIRST 3

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL); /* refused for some: fine */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int redirect_standard(int stderr_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	/* dup2() of a descriptor to itself would leave it close-on-exec. */
	if (null <= STDERR_FILENO || dup2(null, STDIN_FILENO) < 0)
		return -EBADF;
	(void)close(null);
	if (stderr_fd >= 0 && dup2(stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	return dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? -errno : 0;
}

/* In two steps, since a place may be taken by one that comes later. */
static int arrange(const int *keep, size_t nr_keep)
{
	int high[FDS_MAX];

	if (nr_keep > FDS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nr_keep; i++) {
		high[i] = fcntl(keep[i], F_DUPFD_CLOEXEC, FD_FIRST + FDS_MAX);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < nr_keep; i++) {
		if (dup2(high[i], FD_FIRST + (int)i) < 0)
			return -errno;
	}
	return close_range(FD_FIRST + (unsigned int)nr_keep, ~0u, 0) ? -errno
								     : 0;
}

int process_become(const int *keep, size_t nr_keep, int stderr_fd, pid_t parent)
{
	int ret;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	if (setsid() < 0)
		return -errno;
	reset_signals();
	ret = redirect_standard(stderr_fd);
	return ret ? ret : arrange(keep, nr_keep);
}

/* Only returns if it failed. The cast: execvpe() changes nothing. */
static int start(const char *path, const char *const *argv, const int *keep,
		 size_t nr_keep, int stderr_fd, pid_t parent)
{
	char *const *args = (char *const *)(uintptr_t)argv;
	int ret = process_become(keep, nr_keep, stderr_fd, parent);

	if (ret)
		return ret;
	(void)fcntl(FD_FIRST + (int)nr_keep - 1, F_SETFD, FD_CLOEXEC);
	(void)execvpe(path, args, environ);
	return -errno;
}

int process_spawn(const char *path, const char *const *argv, const int *fds,
		  size_t nr_fds, int stderr_fd, pid_t *out)
{
	int keep[FDS_MAX], report[2], error, ret;
	pid_t parent = getpid(), pid;

	if (nr_fds >= FDS_MAX)
		return -EINVAL;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < nr_fds; i++)
		keep[i] = fds[i];
	keep[nr_fds] = report[1];

	pid = fork();
	if (pid < 0) {
		ret = -errno;
		goto out_report;
	}
	if (pid == 0) {
		ret = start(path, argv, keep, nr_fds + 1, stderr_fd, parent);
		(void)!write(FD_FIRST + (int)nr_fds, &ret, sizeof(ret));
		_exit(127);
	}
	/* The pipe ends without a word where the program was started. */
	fd_close(&report[1]);
	ret = 0;
	if (read(report[0], &error, sizeof(error)) == sizeof(error)) {
		ret = error;
		(void)waitpid(pid, NULL, 0);
		goto out_report;
	}
	*out = pid;
out_report:
	fd_close(&report[0]);
	fd_close(&report[1]);
	return ret;
}

void process_describe(int status, char *out, size_t len)
{
	if (WIFSIGNALED(status))
		(void)snprintf(out, len, "killed by signal %d (%s)",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(out, len, "ended with exit code %d",
			       WEXITSTATUS(status));
}
