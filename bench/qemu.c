// SPDX-License-Identifier: BSD-2-Clause
#include "bench/qemu.h"

#include "base/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 40

static NORETURN void die(const char *what)
{
	fprintf(stderr, "bench: qemu: %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * Firmware that halts the CPU: 64 KiB, its last 16 bytes the reset vector. The
 * devices are what is measured, and qtest is no accelerator in Debian's build.
 */
static void write_firmware(const char *path)
{
	static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfd };
	uint8_t rom[65536] = { 0 };
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	memcpy(rom + sizeof(rom) - 16, halt, sizeof(halt));
	if (fd < 0 || write(fd, rom, sizeof(rom)) != sizeof(rom))
		die(path);
	(void)close(fd);
}

static void run_child(const struct qemu *q, int ram_fd, const char *const *args)
{
	char object[128], qtest[160], memory[32], fd_path[32];
	const char *argv[ARGS_MAX] = {
		"qemu-system-x86_64",
		"-M",
		"q35,memory-backend=ram",
		"-accel",
		"tcg",
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-object",
		object,
		"-m",
		memory,
		"-qtest",
		qtest,
		"-qtest-log",
		"/dev/null",
		"-bios",
		q->firmware,
	};
	int n = 19;

	(void)snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", ram_fd);
	(void)snprintf(
	    object, sizeof(object),
	    "memory-backend-file,id=ram,share=on,size=%zu,mem-path=%s",
	    q->ram_size, fd_path);
	(void)snprintf(memory, sizeof(memory), "%zuM", q->ram_size >> 20);
	(void)snprintf(qtest, sizeof(qtest), "unix:%s,server=on,wait=off",
		       q->path);
	while (*args && n < ARGS_MAX - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void connect_to(struct qemu *q)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memcpy(addr.sun_path, q->path, sizeof(q->path));
	for (int i = 0; i < 500; i++) {
		q->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(q->sock, (struct sockaddr *)&addr, sizeof(addr)) ==
		    0)
			return;
		(void)close(q->sock);
		if (waitpid(q->pid, NULL, WNOHANG) == q->pid)
			die("ended at once");
		(void)usleep(20000);
	}
	die("no answer");
}

void qemu_start(struct qemu *q, size_t ram_size, const char *const *args)
{
	int ram_fd = memfd_create("bench-ram", 0);

	if (ram_fd < 0 || ftruncate(ram_fd, (off_t)ram_size) < 0)
		die("memfd");
	q->ram_size = ram_size;
	q->ram = mmap(NULL, ram_size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, ram_fd, 0);
	if (q->ram == MAP_FAILED)
		die("mmap");
	(void)snprintf(q->path, sizeof(q->path), "/tmp/pviommu-bench-%d",
		       (int)getpid());
	(void)unlink(q->path);
	(void)snprintf(q->firmware, sizeof(q->firmware),
		       "/tmp/pviommu-bench-%d.rom", (int)getpid());
	(void)unlink(q->firmware);
	write_firmware(q->firmware);
	q->pid = fork();
	if (q->pid < 0)
		die("fork");
	if (q->pid == 0)
		run_child(q, ram_fd, args);
	(void)close(ram_fd);
	connect_to(q);
}

void qemu_stop(struct qemu *q)
{
	(void)kill(q->pid, SIGKILL);
	(void)waitpid(q->pid, NULL, 0);
	(void)close(q->sock);
	(void)unlink(q->path);
	(void)unlink(q->firmware);
	(void)munmap(q->ram, q->ram_size);
}

/* One command, one line of answer: "OK" or "OK VALUE". */
static PRINTF(2, 3) uint64_t command(struct qemu *q, const char *fmt, ...)
{
	char line[128];
	size_t len = 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (write(q->sock, line, (size_t)n) != n)
		die("write");
	while (len == 0 || line[len - 1] != '\n') {
		ssize_t got = read(q->sock, line + len, sizeof(line) - 1 - len);

		if (got <= 0 || len + (size_t)got == sizeof(line) - 1)
			die("read");
		len += (size_t)got;
	}
	line[len] = '\0';
	if (strncmp(line, "OK", 2) != 0)
		die(line);
	return strtoull(line + 2, NULL, 0);
}

void qemu_write8(struct qemu *q, uint64_t gpa, uint8_t value)
{
	(void)command(q, "writeb 0x%" PRIx64 " 0x%x\n", gpa, value);
}

void qemu_write16(struct qemu *q, uint64_t gpa, uint16_t value)
{
	(void)command(q, "writew 0x%" PRIx64 " 0x%x\n", gpa, value);
}

void qemu_write32(struct qemu *q, uint64_t gpa, uint32_t value)
{
	(void)command(q, "writel 0x%" PRIx64 " 0x%x\n", gpa, value);
}

uint32_t qemu_read32(struct qemu *q, uint64_t gpa)
{
	return (uint32_t)command(q, "readl 0x%" PRIx64 "\n", gpa);
}

static void config_select(struct qemu *q, unsigned int slot, unsigned int off)
{
	(void)command(q, "outl 0xcf8 0x%x\n", 0x80000000u | slot << 11 | off);
}

uint32_t qemu_config_read(struct qemu *q, unsigned int slot, unsigned int off)
{
	config_select(q, slot, off);
	return (uint32_t)command(q, "inl 0xcfc\n");
}

void qemu_config_write(struct qemu *q, unsigned int slot, unsigned int off,
		       uint32_t value)
{
	config_select(q, slot, off);
	(void)command(q, "outl 0xcfc 0x%x\n", value);
}

void qemu_bar_set(struct qemu *q, unsigned int slot, unsigned int bar,
		  uint64_t gpa)
{
	qemu_config_write(q, slot, 0x10 + 4 * bar, (uint32_t)gpa);
	if ((qemu_config_read(q, slot, 0x10 + 4 * bar) & 6) == 4)
		qemu_config_write(q, slot, 0x14 + 4 * bar,
				  (uint32_t)(gpa >> 32));
	qemu_config_write(q, slot, 0x04, 0x7);
}
