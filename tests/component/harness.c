// SPDX-License-Identifier: BSD-2-Clause
#include "tests/component/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "jail/jail.h"

/* Without cmocka, since benchmarks use this too: ends the program. */
static _Noreturn void die(const char *what, int ret)
{
	fprintf(stderr, "harness: %s: %s\n", what, strerror(-ret));
	exit(EXIT_FAILURE);
}

static void must(int ret, const char *what)
{
	if (ret)
		die(what, ret);
}

/* The first of the folders in $PVIOMMU_LIBEXEC that has the program. */
static void find_program(const char *program, char *path, size_t len)
{
	const char *at = getenv("PVIOMMU_LIBEXEC");

	while (at && *at) {
		size_t n = strcspn(at, ":");

		snprintf(path, len, "%.*s/%s", (int)n, at, program);
		if (access(path, X_OK) == 0)
			return;
		at += n + (at[n] == ':');
	}
	die("device program not found in $PVIOMMU_LIBEXEC", -ENOENT);
}

/* Return: our end of its socket. */
static int start_program(struct harness *h, const char *program)
{
	char path[4096];
	const char *const argv[] = { program, NULL };
	int sv[2], err[2];
	struct jail_spec spec = {
		.path = path,
		.argv = argv,
		.fds = &sv[1],
		.nr_fds = 1,
		.name = program,
	};
	int ret;

	find_program(program, path, sizeof(path));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0 ||
	    pipe2(err, O_CLOEXEC) < 0)
		die("descriptors for the device", -errno);
	must(fd_set_nonblock(err[0]), "pipe for its messages");
	spec.stderr_fd = err[1];
	ret = jail_spawn(&spec, &h->pid);
	if (ret)
		die(jail_spawn_step(), ret);
	h->stderr_fd = err[0];
	fd_close(&err[1]);
	fd_close(&sv[1]);
	return sv[0];
}

static void make_iommu(struct harness *h, bool iommu)
{
	struct viommu_config config;

	viommu_config_default(&config);
	config.bypass = iommu ? VIOMMU_BYPASS_NEVER : VIOMMU_BYPASS_ALWAYS;
	must(viommu_create(&config, &h->mmu), "IOMMU");
}

void harness_start(struct harness *h, const char *program, uint64_t ram_size,
		   struct backend *backend, bool iommu)
{
	struct vdev_user_config config = {
		.name = program,
		.endpoint = HARNESS_ENDPOINT,
		.backend = backend,
	};

	*h = (struct harness){ .backend = backend, .pid = -1 };
	must(guest_ram_create(ram_size, &h->ram), "guest RAM");
	make_iommu(h, iommu);
	config.sock = start_program(h, program);
	config.viommu = h->mmu;
	config.ram = h->ram;
	must(vdev_user_create(&config, &h->dev), program);
	must(fd_event_create(&h->intx), "eventfd");
	must(h->dev->ops->set_irqs(h->dev, 0, 0, 1, &h->intx), "INTx");
	if (iommu)
		must(viommu_attach(h->mmu, HARNESS_DOMAIN, HARNESS_ENDPOINT,
				   false),
		     "attaching the endpoint");
}

void harness_stop(struct harness *h)
{
	vdev_destroy(h->dev);
	(void)kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (h->backend)
		h->backend->ops->destroy(h->backend);
	viommu_destroy(h->mmu);
	guest_ram_destroy(h->ram);
	fd_close(&h->intx);
	fd_close(&h->stderr_fd);
}

void harness_map(struct harness *h, uint64_t iova, uint64_t gpa, uint64_t len,
		 unsigned int prot)
{
	const struct iova_range range = { iova, iova + len - 1 };

	must(viommu_map(h->mmu, HARNESS_DOMAIN, range, gpa, prot), "map");
}

void harness_unmap(struct harness *h, uint64_t iova, uint64_t len)
{
	const struct iova_range range = { iova, iova + len - 1 };

	must(viommu_unmap(h->mmu, HARNESS_DOMAIN, range), "unmap");
}

uint32_t harness_read32(struct harness *h, unsigned int bar, uint64_t off)
{
	uint32_t value;

	/* A device that is gone reads as ones; the test knows what it wants. */
	(void)h->dev->ops->region_read(h->dev, bar, off, &value, sizeof(value));
	return value;
}

void harness_write32(struct harness *h, unsigned int bar, uint64_t off,
		     uint32_t value)
{
	(void)h->dev->ops->region_write(h->dev, bar, off, &value,
					sizeof(value));
}

bool harness_wait_intx(struct harness *h, int ms)
{
	struct pollfd p = { .fd = h->intx, .events = POLLIN };

	if (poll(&p, 1, ms) <= 0)
		return false;
	fd_event_drain(h->intx);
	return true;
}

void *harness_ram(struct harness *h, uint64_t gpa, uint64_t len)
{
	void *at = guest_ram_span(h->ram, gpa, len);

	if (!at)
		die("no such guest RAM", -EFAULT);
	return at;
}
