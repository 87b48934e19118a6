// SPDX-License-Identifier: BSD-2-Clause
/*
 * jail_spawn(): the child's half, a list of steps between clone and exec. The
 * process starts as the first of its namespaces, with every capability in them and
 * none outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/fd.h"
#include "jail/jail_internal.h"
#include "jail/spawn_internal.h"

/* Enough for a port's descriptors and an interrupt's, and for what a message may
 * bring at once. */
#define NOFILE_MAX 64
/* A static program and its port. */
#define AS_MAX	   (64ul << 20)

#define FD_FIRST 3

/* Until then it has no user, and the parent no child to map one for. */
static int wait_for_user(struct spawn *spawn)
{
	char go;

	/* Else the parent's death would not end the wait. */
	fd_close(&spawn->ours);
	return read(spawn->theirs, &go, 1) == 1 ? 0 : -EPIPE;
}

static int become_nobody(struct spawn *spawn)
{
	/* Others than root keep their groups: they had to promise that. */
	if (spawn->root && setgroups(0, NULL) < 0)
		return -errno;
	if (setresgid(JAIL_ID, JAIL_ID, JAIL_ID) < 0 ||
	    setresuid(JAIL_ID, JAIL_ID, JAIL_ID) < 0)
		return -errno;
	return 0;
}

/* After the change of user, which would undo it. The exec to come changes no user
 * and adds no capability, so it stays. */
static int die_with_parent(struct spawn *spawn)
{
	struct pollfd p = { .fd = spawn->theirs };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	/* It may have died before that. */
	return poll(&p, 1, 0) ? -EPIPE : 0;
}

static int leave_session(struct spawn *spawn)
{
	sigset_t none;

	(void)spawn;
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0)
		return -errno;
	return 0;
}

static int forget_host_name(struct spawn *spawn)
{
	(void)spawn;
	return sethostname("", 0) < 0 ? -errno : 0;
}

/* Moves what is to stay above all numbers that are given out. */
static int move_up(int *fd, int base)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, base);

	if (high < 0)
		return -errno;
	*fd = high;
	return 0;
}

static int give_descriptors(struct spawn *spawn)
{
	const struct jail_spec *spec = spawn->spec;
	int err = spec->stderr_fd >= 0 ? spec->stderr_fd : STDERR_FILENO;
	int fds[FD_FIRST + JAIL_FDS_MAX] = { spawn->null, err, err };
	int nr = FD_FIRST + (int)spec->nr_fds;
	int ret;

	for (int i = FD_FIRST; i < nr; i++)
		fds[i] = spec->fds[i - FD_FIRST];
	ret = move_up(&spawn->program, nr);
	if (!ret)
		ret = move_up(&spawn->theirs, nr);
	for (int i = 0; i < nr && !ret; i++)
		ret = move_up(&fds[i], nr);
	for (int i = 0; i < nr && !ret; i++)
		if (dup2(fds[i], i) < 0)
			ret = -errno;
	if (ret)
		return ret;
	/* Everything else, these two included, is closed by exec. */
	return close_range((unsigned int)nr, ~0u, CLOSE_RANGE_CLOEXEC) < 0
		   ? -errno
		   : 0;
}

static int make_empty_mount(int *out)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mnt, ret = 0;

	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "4096", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		ret = -errno;
		goto out;
	}
	mnt = fsmount(fs, FSMOUNT_CLOEXEC,
		      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			  MOUNT_ATTR_NOEXEC);
	if (mnt < 0)
		ret = -errno;
	else
		*out = mnt;
out:
	fd_close(&fs);
	return ret;
}

/* The empty mount becomes the root, and the old root, which ends up on top of it,
 * is taken off with all that is mounted in it. */
static int enter_empty_root(struct spawn *spawn)
{
	int mnt = -1, ret;

	(void)spawn;
	if (JAIL_SANITISED)
		return 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	ret = make_empty_mount(&mnt);
	if (ret)
		return ret;
	if (move_mount(mnt, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(mnt) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		ret = -errno;
	fd_close(&mnt);
	return ret;
}

static int set_limits(struct spawn *spawn)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t value;
		bool sanitised_too;
	} limits[] = {
		{ RLIMIT_CORE, 0, true },
		{ RLIMIT_FSIZE, 0, true },
		{ RLIMIT_MEMLOCK, 0, true },
		{ RLIMIT_NPROC, 0, true },
		{ RLIMIT_NOFILE, NOFILE_MAX, true },
		{ RLIMIT_AS, AS_MAX, false },
	};

	(void)spawn;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct rlimit limit = { limits[i].value,
					      limits[i].value };

		if (JAIL_SANITISED && !limits[i].sanitised_too)
			continue;
		if (setrlimit(limits[i].what, &limit) < 0)
			return -errno;
	}
	return 0;
}

static int drop_caps(struct spawn *spawn)
{
	(void)spawn;
	return jail_drop_caps();
}

/* By descriptor: its name is gone. */
static int execute(struct spawn *spawn)
{
	char *const none[] = { NULL };

	(void)syscall(SYS_execveat, spawn->program, "", spawn->spec->argv,
		      JAIL_SANITISED ? environ : none, AT_EMPTY_PATH);
	return -errno;
}

static const struct {
	const char *name;
	int (*take)(struct spawn *spawn);
} steps[] = {
	{ "wait for its user", wait_for_user },
	{ "become nobody", become_nobody },
	{ "die with its parent", die_with_parent },
	{ "leave the session", leave_session },
	{ "forget the host's name", forget_host_name },
	{ "give it its descriptors", give_descriptors },
	{ "enter an empty root", enter_empty_root },
	{ "set its limits", set_limits },
	{ "give up its capabilities", drop_caps },
	{ "execute the program", execute },
};

const char *spawn_step_name(int step)
{
	return step >= 0 && (size_t)step < ARRAY_SIZE(steps) ? steps[step].name
							     : "unknown";
}

void spawn_child(struct spawn *spawn)
{
	struct spawn_report report = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !report.error; i++) {
		report.step = (int)i;
		report.error = steps[i].take(spawn);
	}
	(void)send(spawn->theirs, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(EXIT_FAILURE);
}
