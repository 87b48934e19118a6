// SPDX-License-Identifier: BSD-2-Clause
/*
 * A device program gone bad: started in the real jail, it tries one thing, named by
 * its first argument, and writes to descriptor 3 what came of it: an int, what the
 * system call returned or -errno. It has not entered the filter: what stops it here
 * is the jail alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/compiler.h"

#define REPORT 3

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long open_it(const char *path)
{
	return result(open(path, O_RDONLY));
}

static long create_it(const char *path)
{
	return result(open(path, O_RDWR | O_CREAT, 0600));
}

/* Entries of a folder, without "." and "..". */
static long count_entries(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	long at = 0, n, nr = 0;

	if (fd < 0)
		return -errno;
	n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	while (at < n) {
		unsigned short len;

		memcpy(&len, buf + at + 16, sizeof(len));
		at += len;
		nr++;
	}
	return n < 0 ? -errno : nr - 2;
}

static long leave_root(const char *path)
{
	struct stat here, up;

	(void)path;
	if (stat("/", &here) < 0 || stat("/../..", &up) < 0)
		return -errno;
	return here.st_dev == up.st_dev && here.st_ino == up.st_ino ? 0 : 1;
}

static long mount_it(const char *path)
{
	(void)path;
	return result(mount("none", "/", "tmpfs", 0, NULL));
}

static long remount_it(const char *path)
{
	(void)path;
	return result(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static long chroot_it(const char *path)
{
	return result(chroot(path));
}

static long fork_it(const char *unused)
{
	(void)unused;
	return result(fork());
}

/* Everybody that it can see, but for itself. */
static long signal_all(const char *unused)
{
	(void)unused;
	return result(kill(-1, 0));
}

static long signal_pid(const char *pid)
{
	return result(kill(atoi(pid), 0));
}

static long trace_pid(const char *pid)
{
	return result(ptrace(PTRACE_ATTACH, atoi(pid), NULL, NULL));
}

static long get_pid(const char *unused)
{
	(void)unused;
	return getpid();
}

static long get_ppid(const char *unused)
{
	(void)unused;
	return getppid();
}

static long get_session(const char *unused)
{
	(void)unused;
	return getsid(0);
}

static long connect_inet(const char *port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static long connect_abstract(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s", name);
	return result(
	    connect(fd, (const struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				strlen(name))));
}

static long become_root(const char *unused)
{
	(void)unused;
	return result(setuid(0));
}

static long get_uid(const char *unused)
{
	(void)unused;
	return getuid();
}

static long have_caps(const char *unused)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	uint32_t any = 0;

	(void)unused;
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		any |=
		    data[i].effective | data[i].permitted | data[i].inheritable;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		any |= (uint32_t)prctl(PR_CAPBSET_READ, cap);
	return any != 0;
}

static long no_new_privs(const char *unused)
{
	(void)unused;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static long host_name_len(const char *unused)
{
	struct utsname name;

	(void)unused;
	return uname(&name) < 0 ? -errno : (long)strlen(name.nodename);
}

static long read_stdin(const char *unused)
{
	char byte;

	(void)unused;
	return result(read(STDIN_FILENO, &byte, 1));
}

/* A bit for each descriptor that is open. */
static long open_fds(const char *unused)
{
	long bits = 0;

	(void)unused;
	for (int fd = 0; fd < 30; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			bits |= 1l << fd;
	for (int fd = 30; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			bits |= 1l << 30;
	return bits;
}

static long environment(const char *unused)
{
	(void)unused;
	return environ[0] != NULL;
}

static long get_limit(const char *what)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)atoi(what), &limit) < 0)
		return -errno;
	return limit.rlim_cur == limit.rlim_max && limit.rlim_max < INT32_MAX
		   ? (long)limit.rlim_max
		   : -1;
}

/* Until its parent dies. */
static long wait_for_death(const char *unused)
{
	const int ready = 0;

	(void)unused;
	(void)!write(REPORT, &ready, sizeof(ready));
	return result(pause());
}

static const struct {
	const char *name;
	long (*try)(const char *argument);
} attempts[] = {
	{ "open", open_it },
	{ "create", create_it },
	{ "list", count_entries },
	{ "leave", leave_root },
	{ "mount", mount_it },
	{ "remount", remount_it },
	{ "chroot", chroot_it },
	{ "fork", fork_it },
	{ "signal-all", signal_all },
	{ "signal", signal_pid },
	{ "trace", trace_pid },
	{ "pid", get_pid },
	{ "ppid", get_ppid },
	{ "session", get_session },
	{ "connect-inet", connect_inet },
	{ "connect-abstract", connect_abstract },
	{ "become-root", become_root },
	{ "uid", get_uid },
	{ "caps", have_caps },
	{ "no-new-privs", no_new_privs },
	{ "host-name", host_name_len },
	{ "stdin", read_stdin },
	{ "fds", open_fds },
	{ "environment", environment },
	{ "limit", get_limit },
	{ "wait", wait_for_death },
};

int main(int argc, char **argv)
{
	if (argc != 3)
		return EXIT_FAILURE;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int ret;

		if (strcmp(attempts[i].name, argv[1]) != 0)
			continue;
		ret = (int)attempts[i].try(argv[2]);
		return write(REPORT, &ret, sizeof(ret)) == sizeof(ret)
			   ? EXIT_SUCCESS
			   : EXIT_FAILURE;
	}
	return EXIT_FAILURE;
}
