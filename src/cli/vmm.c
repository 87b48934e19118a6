// SPDX-License-Identifier: BSD-2-Clause
#include "cli/vmm.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "cli/process.h"
#include "control/control.h"

#define FDS_MAX	 64
#define FD_FIRST 3

static void on_parent_gone(void *ctx, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	machine_stop(ctx, MACHINE_STOPPED);
}

static void write_stats(struct machine *m, int fd)
{
	char *json = control_stats_json(m);
	size_t len, done = 0;

	if (!json) {
		log_err("vmm", "statistics: out of memory");
		return;
	}
	len = strlen(json);
	json[len] = '\n'; /* in place of the 0, which is not needed here */
	for (len++; done < len;) {
		ssize_t n = write(fd, json + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_err("vmm", "statistics: %s", strerror(errno));
			break;
		}
		done += (size_t)n;
	}
	free(json);
}

static enum machine_end run(const struct vmm_spec *spec)
{
	enum machine_end end = MACHINE_FAILED;
	struct control *control;
	struct machine *m;
	int ret;

	if (machine_create(&spec->config, &m))
		return MACHINE_FAILED;
	/* Again: the change of user made the kernel forget it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL)) {
		log_err("vmm", "prctl: %s", strerror(errno));
		goto out_machine;
	}
	ret = control_create(spec->control, m, &control);
	if (ret) {
		log_err("vmm", "control socket: %s", strerror(-ret));
		goto out_machine;
	}
	ret = loop_add(machine_loop(m), spec->life, EPOLLIN, on_parent_gone, m);
	if (ret) {
		log_err("vmm", "parent's pipe: %s", strerror(-ret));
		goto out_control;
	}
	end = machine_run(m);
	if (spec->stats >= 0)
		write_stats(m, spec->stats);
	loop_remove(machine_loop(m), spec->life);
out_control:
	control_destroy(control);
out_machine:
	machine_destroy(m);
	return end;
}

/* Where in a spec its descriptors are. Return: how many. */
static size_t list_slots(struct vmm_spec *spec, int *slots[FDS_MAX])
{
	struct machine_config *config = &spec->config;
	int *fixed[] = {
		&config->kvm_fd,       &config->kernel_fd,
		&config->initrd_fd,    &config->serial_fd[0],
		&config->serial_fd[1], &spec->control,
		&spec->stats,	       &spec->life,
	};
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(fixed) + (size_t)2 * MACHINE_DEVS_MAX <=
			   FDS_MAX,
		       "all fit");
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		slots[n++] = fixed[i];
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		slots[n++] = &config->devices[i].sock;
		slots[n++] = &config->devices[i].backend_fd;
	}
	return n;
}

/* Keeps the spec's descriptors, under new numbers, and nothing else. */
static int keep_own(struct vmm_spec *spec, pid_t parent)
{
	int *slots[FDS_MAX], keep[FDS_MAX];
	size_t nr_slots = list_slots(spec, slots), nr_keep = 0;

	for (size_t i = 0; i < nr_slots; i++) {
		if (*slots[i] < 0)
			continue;
		keep[nr_keep] = *slots[i];
		*slots[i] = FD_FIRST + (int)nr_keep++;
	}
	return process_become(keep, nr_keep, spec->log, parent);
}

int vmm_spawn(const struct vmm_spec *spec, pid_t *out)
{
	struct vmm_spec own = *spec;
	pid_t parent = getpid(), pid = fork();
	int ret;

	if (pid < 0)
		return -errno;
	if (pid > 0) {
		*out = pid;
		return 0;
	}
	(void)prctl(PR_SET_NAME, "pviommu-vmm");
	ret = keep_own(&own, parent);
	if (ret) {
		log_err("vmm", "can not be set up: %s", strerror(-ret));
		_exit(MACHINE_FAILED);
	}
	/* Without the parent's exit handlers: this is a process of its own. */
	_exit((int)run(&own));
}
