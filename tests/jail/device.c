// SPDX-License-Identifier: BSD-2-Clause
/*
 * The jail of a device, from inside (a probe that tries what it must not) and from
 * outside (what a running device has: no guest memory, no backend, nothing).
 *
 * Arguments: the probe, a device program.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "jail/jail.h"
#include "tests/server_client.h"
#include "tests/test.h"

struct programs {
	const char *probe, *device;
};

/* Return: as jail_spawn(). */
static int spawn_probe(const struct programs *p, const char *what,
		       const char *argument, int report, pid_t *pid)
{
	const char *const argv[] = { "probe", what, argument, NULL };
	const struct jail_spec spec = {
		.path = p->probe,
		.argv = argv,
		.fds = &report,
		.nr_fds = 1,
		.stderr_fd = -1,
		.name = "probe",
	};

	return jail_spawn(&spec, pid);
}

/* What came of an attempt. */
static int try(const struct programs *p, const char *what, const char *argument)
{
	int ends[2], ret, status;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	ret = spawn_probe(p, what, argument, ends[1], &pid);
	if (ret)
		fail_msg("%s: %s", jail_spawn_step(), strerror(-ret));
	fd_close(&ends[1]);
	assert_int_equal(read(ends[0], &ret, sizeof(ret)), sizeof(ret));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(&ends[0]);
	return ret;
}

/* ---- from inside ---- */

static void test_the_jail_holds(void **state)
{
	static const struct {
		const char *what, *argument;
		int want;
	} cases[] = {
		{ "open", "/etc/passwd", -ENOENT },
		{ "open", "/proc/self/maps", -ENOENT },
		{ "open", "/dev/null", -ENOENT },
		{ "open", "/sys", -ENOENT },
		{ "create", "/file", -EROFS },
		{ "list", "/", 0 },
		{ "leave", "", 0 },
		{ "mount", "", -EPERM },
		{ "remount", "", -EPERM },
		{ "chroot", "/", -EPERM },
		{ "fork", "", -EAGAIN },
		{ "signal-all", "", -ESRCH },
		{ "signal", "2", -ESRCH },
		{ "trace", "2", -ESRCH },
		{ "pid", "", 1 },
		{ "ppid", "", 0 },
		{ "session", "", 1 },
		{ "become-root", "", -EINVAL },
		{ "uid", "", 65534 },
		{ "caps", "", 0 },
		{ "no-new-privs", "", 1 },
		{ "host-name", "", 0 },
		{ "stdin", "", 0 },
		{ "fds", "", 0xf },
		{ "environment", "", 0 },
		{ "limit", "0", -1 }, /* processor time: none */
		{ "limit", "1", 0 },  /* file size */
		{ "limit", "4", 0 },  /* core */
		{ "limit", "6", 0 },  /* processes */
		{ "limit", "7", 64 }, /* descriptors */
		{ "limit", "8", 0 },  /* locked memory */
		{ "limit", "9", 64 << 20 },
	};
	_Static_assert(RLIMIT_FSIZE == 1 && RLIMIT_CORE == 4 &&
			   RLIMIT_NPROC == 6 && RLIMIT_NOFILE == 7 &&
			   RLIMIT_MEMLOCK == 8 && RLIMIT_AS == 9,
		       "the numbers above");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s %s\n", cases[i].what, cases[i].argument);
		assert_int_equal(try(*state, cases[i].what, cases[i].argument),
				 cases[i].want);
	}
}

static void test_the_host_is_not_signalled(void **state)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(try(*state, "signal", pid), -ESRCH);
	assert_int_equal(try(*state, "trace", pid), -ESRCH);
}

static void test_the_host_s_network_is_not_reached(void **state)
{
	struct sockaddr_in inet = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(inet);
	char port[16];
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&inet, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&inet, &len), 0);
	(void)snprintf(port, sizeof(port), "%d", ntohs(inet.sin_port));
	assert_int_equal(try(*state, "connect-inet", port), -ENETUNREACH);
	fd_close(&fd);
}

static void test_the_host_s_abstract_sockets_are_not_reached(void **state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char name[64];
	socklen_t len;
	int fd;

	(void)snprintf(name, sizeof(name), "pviommu-jail-%d", (int)getpid());
	(void)snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s", name);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			  strlen(name));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(try(*state, "connect-abstract", name), -ECONNREFUSED);
	fd_close(&fd);
}

/* ---- starting ---- */

static void test_the_failed_step_is_named(void **state)
{
	static const struct {
		const char *path;
		size_t nr_fds;
		int ret;
		const char *step;
	} cases[] = {
		{ "/nonexistent", 0, -ENOENT, "open the program" },
		{ "/etc/passwd", 0, -EACCES, "execute the program" },
		{ "/", 0, -EACCES, "execute the program" },
		{ "/bin/true", JAIL_FDS_MAX + 1, -EINVAL,
		  "count its descriptors" },
	};
	const char *const argv[] = { "x", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct jail_spec spec = {
			.path = cases[i].path,
			.argv = argv,
			.nr_fds = cases[i].nr_fds,
			.stderr_fd = -1,
			.name = "x",
		};
		pid_t pid = 0;

		assert_int_equal(jail_spawn(&spec, &pid), cases[i].ret);
		assert_string_equal(jail_spawn_step(), cases[i].step);
		assert_int_equal(pid, 0);
		/* Nothing is left behind. */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
	}
}

/* Two steps from us: a parent of its own, which waits to be killed. */
static pid_t start_parent(const struct programs *p, int report)
{
	pid_t parent = fork(), probe;

	assert_true(parent >= 0);
	if (parent > 0)
		return parent;
	if (spawn_probe(p, "wait", "", report, &probe) == 0) {
		(void)close(report);
		(void)pause();
	}
	_exit(1);
}

static void test_it_dies_with_its_parent(void **state)
{
	int ends[2], ready;
	pid_t parent;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	parent = start_parent(*state, ends[1]);
	fd_close(&ends[1]);
	assert_int_equal(read(ends[0], &ready, sizeof(ready)), sizeof(ready));
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	/* Its end of the pipe is the last. */
	assert_int_equal(read(ends[0], &ready, sizeof(ready)), 0);
	fd_close(&ends[0]);
}

/* As the user that most people are. */
static void run_as_user(const struct programs *p)
{
	if (setgid(4242) || setuid(4242) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		_exit(1);
	if (access(p->probe, X_OK))
		_exit(77);
	_exit(try(p, "uid", "") == 65534 && try(p, "caps", "") == 0 &&
		      try(p, "list", "/") == 0
		  ? 0
		  : 1);
}

static void test_no_privilege_is_needed(void **state)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		print_message("# the whole test runs without\n");
		return;
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_as_user(*state);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("# not tried: others can not reach the build\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- from outside ---- */

/* A device that runs, behind its filter. */
struct running {
	struct server_fixture vmm; /* without its server: the device has one */
	pid_t pid;
	int err; /* read end of its standard error */
};

static void spawn_device(struct running *r, const struct programs *p)
{
	const char *const argv[] = { "device", NULL };
	int sv[2], err[2];
	struct jail_spec spec = {
		.path = p->device,
		.argv = argv,
		.fds = &sv[1],
		.nr_fds = 1,
		.name = "device",
	};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
			 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	spec.stderr_fd = err[1];
	assert_int_equal(jail_spawn(&spec, &r->pid), 0);
	fd_close(&sv[1]);
	fd_close(&err[1]);
	r->vmm.client = sv[0];
	r->err = err[0];
}

static void start_device(struct running *r, const struct programs *p)
{
	struct answer a;

	memset(r, 0, sizeof(*r));
	port_fixture_init(&r->vmm.port);
	spawn_device(r, p);
	server_fixture_send_version(&r->vmm);
	receive_for(&r->vmm, VFIO_USER_VERSION, 0, &a);
	server_fixture_send_port(&r->vmm);
	receive_for(&r->vmm, VFIO_USER_PV_PORT_SET, 0, &a);
	/* It sleeps in its loop only, behind the filter. */
	while (!__atomic_load_n(&r->vmm.port.control->device_sleeps,
				__ATOMIC_ACQUIRE))
		(void)usleep(100);
}

static void stop_device(struct running *r)
{
	int status;

	fd_close(&r->vmm.client);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	fd_close(&r->err);
	port_fixture_fini(&r->vmm.port);
}

static FILE *open_proc(const struct running *r, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->pid, file);
	return fopen(path, "re");
}

/* Not dumpable: its descriptors are shown to root alone. */
static bool closed_to_us(const struct running *r)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->pid);
	if (access(path, R_OK) == 0)
		return false;
	assert_int_equal(errno, EACCES);
	assert_int_not_equal(geteuid(), 0);
	print_message("# not looked at: that is for root\n");
	return true;
}

/* What a line of maps maps; "" for nameless memory. */
static const char *mapped(char *line)
{
	char *name = line;

	for (int field = 0; field < 5; field++) {
		name += strcspn(name, " \n");
		name += strspn(name, " ");
	}
	name[strcspn(name, "\n")] = '\0';
	return name;
}

static bool may_be_mapped(const char *name, const char *program)
{
	static const char *const names[] = {
		"",	      "[heap]",
		"[stack]",    "[vvar]",
		"[vdso]",     "[vvar_vclock]",
		"[vsyscall]", "/memfd:port (deleted)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strcmp(name, program);
}

static void check_maps(const struct running *r, const char *program)
{
	FILE *f = open_proc(r, "maps");
	unsigned long start, end, port = 0, anonymous = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char perms[5];
		const char *name;

		assert_int_equal(
		    sscanf(line, "%lx-%lx %4s", &start, &end, perms), 3);
		name = mapped(line);
		if (!may_be_mapped(name, program))
			fail_msg("it maps %s", name);
		if (!strncmp(name, "/memfd:", 7))
			port += end - start;
		else if (!*name || !strcmp(name, "[heap]"))
			anonymous += end - start;
		/* Nothing that it can write can be run. */
		assert_false(perms[1] == 'w' && perms[2] == 'x');
	}
	(void)fclose(f);
	/* Its port, and nothing like a guest's memory beside it. */
	assert_int_equal(port, FIXTURE_SIZE);
	assert_true(anonymous < 1 << 20);
}

static void count_link(const char *target, unsigned int counts[4])
{
	static const char *const kinds[] = {
		"/dev/null",
		"pipe:",
		"socket:",
		"anon_inode:[eventfd]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strncmp(target, kinds[i], strlen(kinds[i]))) {
			counts[i]++;
			return;
		}
	}
	fail_msg("it holds %s", target);
}

/* Standard input, output and error, its socket, and eventfds: its own doorbell and
 * those of its port. */
static void check_fds(const struct running *r)
{
	unsigned int counts[4] = { 0 };
	char path[64], target[256];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		ssize_t n;

		if (entry->d_name[0] == '.')
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target,
			       sizeof(target) - 1);
		assert_true(n > 0);
		target[n] = '\0';
		count_link(target, counts);
	}
	(void)closedir(dir);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 2);
	assert_int_equal(counts[2], 1);
	assert_int_equal(counts[3], 4);
}

static void check_status(const struct running *r)
{
	static const char *const lines[] = {
		"CapInh:\t0000000000000000\n",
		"CapPrm:\t0000000000000000\n",
		"CapEff:\t0000000000000000\n",
		"CapBnd:\t0000000000000000\n",
		"CapAmb:\t0000000000000000\n",
		"NoNewPrivs:\t1\n",
		"Seccomp:\t2\n",
		"Threads:\t1\n",
	};
	FILE *f = open_proc(r, "status");
	char line[512];
	size_t nr = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
			nr += !strcmp(line, lines[i]);
	(void)fclose(f);
	assert_int_equal(nr, ARRAY_SIZE(lines));
}

static void check_mounts(const struct running *r)
{
	FILE *f = open_proc(r, "mounts");
	char line[512];
	int nr = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_non_null(strstr(line, " / tmpfs ro,"));
		nr++;
	}
	(void)fclose(f);
	assert_int_equal(nr, 1);
}

static void test_a_running_device_has_nothing(void **state)
{
	const struct programs *p = *state;
	struct running r;
	char program[PATH_MAX];

	assert_non_null(realpath(p->device, program));
	start_device(&r, p);
	check_status(&r);
	if (!closed_to_us(&r)) {
		check_maps(&r, program);
		check_fds(&r);
		check_mounts(&r);
	}
	stop_device(&r);
}

int main(int argc, char **argv)
{
	struct programs programs = { argv[1], argv[2] };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_the_jail_holds, &programs),
		cmocka_unit_test_prestate(test_the_host_is_not_signalled,
					  &programs),
		cmocka_unit_test_prestate(
		    test_the_host_s_network_is_not_reached, &programs),
		cmocka_unit_test_prestate(
		    test_the_host_s_abstract_sockets_are_not_reached,
		    &programs),
		cmocka_unit_test_prestate(test_the_failed_step_is_named,
					  &programs),
		cmocka_unit_test_prestate(test_it_dies_with_its_parent,
					  &programs),
		cmocka_unit_test_prestate(test_no_privilege_is_needed,
					  &programs),
		cmocka_unit_test_prestate(test_a_running_device_has_nothing,
					  &programs),
	};

	if (argc != 3)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
