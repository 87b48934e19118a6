// SPDX-License-Identifier: BSD-2-Clause
/* The parent's small parts: escape key, device logs, kernels, addresses. */
#include "cli/devlog.h"
#include "cli/kernel.h"
#include "cli/network.h"
#include "cli/process.h"
#include "cli/socket.h"
#include "cli/terminal.h"

#include "base/fd.h"
#include "base/loop.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_escape_key(void **state)
{
	static const struct {
		const char *typed, *sent;
		bool pending, quit;
	} cases[] = {
		{ "ls\r", "ls\r", false, false },
		{ "a\001", "a", true, false },
		{ "\001x", "", false, true },
		{ "ls\001xrm", "ls", false, true },
		{ "\001\001x", "\001x", false, false },
		{ "\001\001\001x", "\001", false, true },
		{ "\001q", "q", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t buf[16];
		bool pending = false, quit;
		size_t len = strlen(cases[i].typed);

		memcpy(buf, cases[i].typed, len);
		len = terminal_escape(&pending, buf, len, &quit);
		assert_int_equal(len, strlen(cases[i].sent));
		assert_memory_equal(buf, cases[i].sent, len);
		assert_int_equal(pending, cases[i].pending);
		assert_int_equal(quit, cases[i].quit);
	}
}

static void test_escape_key_over_two_reads(void **state)
{
	bool pending = false, quit;
	uint8_t first[] = { 1 }, second[] = { 'x' };

	(void)state;
	assert_int_equal(terminal_escape(&pending, first, 1, &quit), 0);
	assert_false(quit);
	assert_int_equal(terminal_escape(&pending, second, 1, &quit), 0);
	assert_true(quit);
}

/* Standard error goes to a pipe while @write_all runs, as a device's would. */
static size_t logged(const char *name, const char *text, char *out, size_t cap)
{
	const struct devlog_source source = { .name = name };
	int saved = dup(STDERR_FILENO), fds[2], to;
	struct devlog *log;
	struct loop *loop;
	ssize_t len;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(loop_create(&loop), 0);
	assert_int_equal(devlog_create(loop, &source, &to, &log), 0);
	assert_int_equal(write(to, text, strlen(text)), (ssize_t)strlen(text));
	fd_close(&to);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	devlog_destroy(log);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	loop_destroy(loop);
	len = read(fds[0], out, cap - 1);
	out[len < 0 ? 0 : len] = '\0';
	fd_close(&saved);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	return strlen(out);
}

static void test_device_lines(void **state)
{
	char out[8192], flood[2048] = "", longest[1024];

	(void)state;
	logged("e1000[net0]", "one\ntwo", out, sizeof(out));
	assert_string_equal(out, "pviommu: e1000[net0]: one\n"
				 "pviommu: e1000[net0]: two\n");
	logged("x", "\033[2J\tbad\r\n", out, sizeof(out));
	assert_string_equal(out, "pviommu: x: ?[2J bad\n");
	logged(NULL, "pviommu: vmm: said\007\n", out, sizeof(out));
	assert_string_equal(out, "pviommu: vmm: said?\n");

	/* A line that never ends is shown once, cut. */
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(logged("x", longest, out, sizeof(out)),
			 strlen("pviommu: x: \n") + DEVLOG_LINE_MAX);

	for (int i = 0; i < 100; i++)
		strcat(flood, "line\n");
	assert_true(logged("x", flood, out, sizeof(out)) <
		    20 * strlen("pviommu: x: line\n"));
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fd_close(&fd);
}

static void test_newest_kernel_with_virtio_iommu(void **state)
{
	static const char with[] = "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_IOMMU=m\n";
	static const char without[] = "# CONFIG_VIRTIO_IOMMU is not set\n";
	char dir[] = "/tmp/pviommu-test-XXXXXX", command[64];
	char version[KERNEL_VERSION_MAX];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(kernel_find(dir, false, version), -ENOENT);
	write_file(dir, "vmlinuz-6.9", "");
	write_file(dir, "config-6.9", with);
	write_file(dir, "vmlinuz-6.12", "");
	write_file(dir, "config-6.12", with);
	write_file(dir, "vmlinuz-7.1", "");
	write_file(dir, "config-7.1", without);
	write_file(dir, "config-8.1", with);
	write_file(dir, "vmlinuz-7.2", "");
	assert_int_equal(kernel_find(dir, true, version), 0);
	assert_string_equal(version, "6.12");
	assert_int_equal(kernel_find(dir, false, version), 0);
	assert_string_equal(version, "7.2");
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(kernel_find(dir, true, version), -ENOENT);
}

static void test_addresses_are_stable(void **state)
{
	const struct run_device dev = { .net = RUN_NET_USER };
	uint8_t first[MAC_LEN], again[MAC_LEN], other[MAC_LEN];

	(void)state;
	network_mac(&dev, "vm", 0, first);
	network_mac(&dev, "vm", 0, again);
	assert_memory_equal(first, again, MAC_LEN);
	assert_int_equal(first[0] & 3, 2); /* local, one station's */
	network_mac(&dev, "vm", 1, other);
	assert_memory_not_equal(first, other, MAC_LEN);
	network_mac(&dev, "vn", 0, other);
	assert_memory_not_equal(first, other, MAC_LEN);
}

static void test_spawn_says_what_fails(void **state)
{
	const char *const argv[] = { "x", NULL };
	pid_t pid;

	(void)state;
	assert_int_equal(process_spawn("/nonexistent", argv, NULL, 0, -1, &pid),
			 -ENOENT);
	assert_int_equal(process_spawn("/tmp", argv, NULL, 0, -1, &pid),
			 -EACCES);
}

/* A child has the descriptors that it is given, at 3 and on, and no others. */
static void test_spawn_passes_descriptors(void **state)
{
	const char *const argv[] = { "sh", "-c",
				     "ls /proc/self/fd | tr '\\n' ' ' >&4",
				     NULL };
	int a[2], b[2], status;
	char text[64] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	assert_int_equal(
	    process_spawn("sh", argv, (int[]){ a[0], b[1] }, 2, -1, &pid), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(b[0], text, sizeof(text) - 1) > 0);
	/* The last is that of ls itself. */
	assert_string_equal(text, "0 1 2 3 4 5 ");
	for (int i = 0; i < 2; i++) {
		fd_close(&a[i]);
		fd_close(&b[i]);
	}
}

static void test_control_socket(void **state)
{
	char dir[] = "/tmp/pviommu-test-XXXXXX", path[128], command[64];
	int fd = -1, other = -1;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
	assert_int_equal(socket_path("vm", path, sizeof(path)), 0);
	assert_int_equal(socket_path("vm", path, 10), -ENAMETOOLONG);
	assert_int_equal(socket_path("vm", path, sizeof(path)), 0);
	assert_int_equal(socket_connect(path, &other), -ENOENT);

	assert_int_equal(socket_listen(path, &fd), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(socket_listen(path, &other), -EADDRINUSE);
	fd_close(&fd);
	/* Nobody listens any more: stale. */
	assert_int_equal(socket_connect(path, &other), -ECONNREFUSED);
	assert_int_equal(socket_listen(path, &fd), 0);
	fd_close(&fd);
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_key),
		cmocka_unit_test(test_escape_key_over_two_reads),
		cmocka_unit_test(test_device_lines),
		cmocka_unit_test(test_newest_kernel_with_virtio_iommu),
		cmocka_unit_test(test_addresses_are_stable),
		cmocka_unit_test(test_spawn_says_what_fails),
		cmocka_unit_test(test_spawn_passes_descriptors),
		cmocka_unit_test(test_control_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
