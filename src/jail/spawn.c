// SPDX-License-Identifier: BSD-2-Clause
/*
 * jail_spawn(): the parent's half. It clones the child into its namespaces, maps
 * its user, lets it go on, and waits until it has started the program or says
 * which step failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "jail/spawn_internal.h"

#define NAMESPACES                                                   \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* As errno: what jail_spawn() says besides its return value. */
static _Thread_local const char *failed_step;

const char *jail_spawn_step(void)
{
	return failed_step ? failed_step : "";
}

static int fail(const char *step, int ret)
{
	failed_step = step;
	return ret;
}

static int write_map(pid_t pid, const char *file, const char *text)
{
	size_t len = strlen(text);
	char path[64];
	int fd, ret = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		ret = errno ? -errno : -EIO;
	fd_close(&fd);
	return ret;
}

static int map_id(pid_t pid, const char *file, unsigned int outside)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %u 1\n", JAIL_ID, outside);
	return write_map(pid, file, text);
}

/* One user in the namespace: outside it is nobody if we are root, else ourself,
 * which is all that the kernel lets others map. */
static int map_user(const struct spawn *spawn, pid_t pid)
{
	int ret = 0;

	/* The kernel's condition for a group map of the unprivileged. */
	if (!spawn->root)
		ret = write_map(pid, "setgroups", "deny");
	if (!ret)
		ret = map_id(pid, "uid_map", spawn->root ? JAIL_ID : geteuid());
	if (!ret)
		ret = map_id(pid, "gid_map", spawn->root ? JAIL_ID : getegid());
	return ret;
}

static int tell_to_go(const struct spawn *spawn)
{
	return send(spawn->ours, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Nothing to read: exec has closed the child's end. */
static int wait_for_exec(const struct spawn *spawn)
{
	struct spawn_report report;
	ssize_t n;

	do {
		n = recv(spawn->ours, &report, sizeof(report), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != sizeof(report))
		return fail("wait for the program", -EPIPE);
	return fail(spawn_step_name(report.step), report.error);
}

static int guide_child(struct spawn *spawn, pid_t pid)
{
	int ret;

	fd_close(&spawn->theirs);
	ret = map_user(spawn, pid);
	if (ret)
		return fail("map its user", ret);
	ret = tell_to_go(spawn);
	if (ret)
		return fail("let it start", ret);
	return wait_for_exec(spawn);
}

static void end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start_child(struct spawn *spawn, pid_t *out)
{
	/* fork() would call handlers of libraries, and has no namespaces. */
	pid_t pid = (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL,
				   NULL, 0);
	int ret;

	if (pid < 0)
		return fail("make its namespaces", -errno);
	if (pid == 0)
		spawn_child(spawn);
	ret = guide_child(spawn, pid);
	if (ret) {
		end_child(pid);
		return ret;
	}
	*out = pid;
	return 0;
}

/* All that has a name in the file system is opened before there is none. */
static int open_files(struct spawn *spawn)
{
	int sv[2];

	spawn->program = open(spawn->spec->path, O_PATH | O_CLOEXEC);
	if (spawn->program < 0)
		return fail("open the program", -errno);
	spawn->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (spawn->null < 0)
		return fail("open /dev/null", -errno);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return fail("make a socket pair", -errno);
	spawn->ours = sv[0];
	spawn->theirs = sv[1];
	return 0;
}

int jail_spawn(const struct jail_spec *spec, pid_t *out)
{
	struct spawn spawn = {
		.spec = spec,
		.root = geteuid() == 0,
		.program = -1,
		.null = -1,
		.ours = -1,
		.theirs = -1,
	};
	int ret;

	failed_step = NULL;
	if (spec->nr_fds > JAIL_FDS_MAX)
		return fail("count its descriptors", -EINVAL);
	ret = open_files(&spawn);
	if (!ret)
		ret = start_child(&spawn, out);
	fd_close(&spawn.program);
	fd_close(&spawn.null);
	fd_close(&spawn.ours);
	fd_close(&spawn.theirs);
	return ret;
}
