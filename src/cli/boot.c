// SPDX-License-Identifier: BSD-2-Clause
#include "cli/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "cli/devlog.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/vmm.h"

/* How long a VMM may take to stop; an emulated host is slow. */
#define STOP_MS 10000

void boot_init(struct boot *boot)
{
	*boot = (struct boot){
		.vmm = -1,
		.life = -1,
		.kill_timer = -1,
	};
}

bool boot_stopping(const struct boot *boot)
{
	return boot->stopping;
}

static void kill_vmm(struct boot *boot)
{
	if (boot->vmm <= 0)
		return;
	boot->killed = true;
	(void)kill(boot->vmm, SIGKILL);
}

static void on_kill_timer(void *ctx, int fd, uint32_t events)
{
	(void)events;
	loop_remove(((struct boot *)ctx)->loop, fd);
	log_warn("run", "the VMM did not stop in %d s: it is killed",
		 STOP_MS / 1000);
	kill_vmm(ctx);
}

void boot_stop(struct boot *boot)
{
	if (boot->stopping) {
		kill_vmm(boot);
		return;
	}
	boot->stopping = true;
	fd_close(&boot->life);
	if (loop_add_timer(boot->loop, STOP_MS, on_kill_timer, boot,
			   &boot->kill_timer))
		kill_vmm(boot);
}

void boot_reap(struct boot *boot)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == boot->vmm) {
			boot->vmm = -1;
			boot->vmm_status = status;
			loop_stop(boot->loop, 0);
			continue;
		}
		for (unsigned int i = 0; i < boot->nr_devices; i++) {
			if (device_reap(&boot->devices[i], pid, status))
				break;
		}
	}
}

static int start_devices(struct boot *boot, struct machine_config *config)
{
	const struct run_options *opt = boot->opt;

	for (unsigned int i = 0; i < opt->nr_devices; i++) {
		int ret =
		    device_start(&boot->devices[i], &opt->devices[i], i,
				 boot->files, boot->loop, &config->devices[i]);

		if (ret)
			return ret;
		boot->nr_devices = ++config->nr_devices;
	}
	return 0;
}

static void stop_devices(struct boot *boot)
{
	while (boot->nr_devices > 0)
		device_stop(&boot->devices[--boot->nr_devices]);
}

/* A VMM that ran before has moved what is shared with it. */
static void rewind_files(const struct run_files *files)
{
	(void)lseek(files->kernel, 0, SEEK_SET);
	(void)lseek(files->initrd, 0, SEEK_SET);
	(void)lseek(files->stats, 0, SEEK_SET);
	(void)!ftruncate(files->stats, 0);
}

/* @spec has the devices; adds the serial port, the log and the life line. */
static int start_vmm(struct boot *boot, struct vmm_spec *spec)
{
	const struct devlog_source source = { .name = NULL };
	int serial[2], life[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, serial) < 0)
		return -errno;
	if (pipe2(life, O_CLOEXEC) < 0) {
		ret = -errno;
		goto err_serial;
	}
	ret = devlog_create(boot->loop, &source, &spec->log, &boot->vmm_log);
	if (ret)
		goto err_life;

	spec->config.serial_fd[0] = serial[1];
	spec->life = life[0];
	ret = vmm_spawn(spec, &boot->vmm);
	fd_close(&spec->log);
	if (ret)
		goto err_log;
	fd_close(&serial[1]);
	fd_close(&life[0]);
	boot->life = life[1];
	/* From here on the VMM's end says how it went. */
	if (terminal_attach(boot->terminal, serial[0]))
		kill_vmm(boot);
	return 0;

err_log:
	devlog_destroy(boot->vmm_log);
	boot->vmm_log = NULL;
err_life:
	fd_close(&life[0]);
	fd_close(&life[1]);
err_serial:
	fd_close(&serial[0]);
	fd_close(&serial[1]);
	return ret;
}

static void stop_vmm(struct boot *boot)
{
	if (boot->kill_timer >= 0)
		loop_remove(boot->loop, boot->kill_timer);
	fd_close(&boot->kill_timer);
	fd_close(&boot->life);
	terminal_detach(boot->terminal);
	devlog_destroy(boot->vmm_log);
	boot->vmm_log = NULL;
}

static const struct {
	enum machine_end end;
	const char *message; /* NULL: said already, or needs no words */
} ends[] = {
	{ MACHINE_POWEROFF, NULL },
	{ MACHINE_FAILED, NULL },
	{ MACHINE_REBOOT, NULL },
	{ MACHINE_STOPPED, NULL },
	{ MACHINE_PANIC, "the guest's kernel has panicked" },
	{ MACHINE_TRIPLE_FAULT, "the guest has stopped with a triple fault" },
	{ MACHINE_KVM_ERROR, "KVM has given up on the guest: pviommu doctor "
			     "tells what KVM can do here" },
};

static enum machine_end judge(const struct boot *boot)
{
	int status = boot->vmm_status;
	char how[64];

	if (boot->killed)
		return boot->stopping ? MACHINE_STOPPED : MACHINE_FAILED;
	for (size_t i = 0; WIFEXITED(status) && i < ARRAY_SIZE(ends); i++) {
		if (WEXITSTATUS(status) != (int)ends[i].end)
			continue;
		if (ends[i].message)
			log_err("run", "%s", ends[i].message);
		return ends[i].end;
	}
	process_describe(status, how, sizeof(how));
	log_err("run", "the VMM was %s", how);
	return MACHINE_FAILED;
}

enum machine_end boot_run(struct boot *boot)
{
	const struct run_files *files = boot->files;
	struct vmm_spec spec = {
		.config = {
			.name = files->name,
			.nr_cpus = boot->opt->nr_cpus,
			.memory = boot->opt->memory,
			.kvm_fd = files->kvm,
			.kernel_fd = files->kernel,
			.initrd_fd = files->initrd,
			.cmdline = files->cmdline,
			.iommu = boot->opt->iommu,
			.serial_fd = { -1, -1 },
			.uid = files->uid,
			.gid = files->gid,
		},
		.control = files->control,
		.stats = files->stats,
	};
	enum machine_end end = MACHINE_USAGE;
	int ret;

	rewind_files(files);
	if (start_devices(boot, &spec.config))
		goto out_devices;
	ret = start_vmm(boot, &spec);
	if (ret) {
		log_err("run", "the VMM can not be started: %s",
			strerror(-ret));
		end = MACHINE_FAILED;
		goto out_devices;
	}
	for (unsigned int i = 0; i < boot->nr_devices; i++)
		device_handed_over(&boot->devices[i]);
	(void)loop_run(boot->loop);
	stop_vmm(boot);
	end = judge(boot);
out_devices:
	stop_devices(boot);
	return end;
}
