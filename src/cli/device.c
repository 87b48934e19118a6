// SPDX-License-Identifier: BSD-2-Clause
#include "cli/device.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/devlog.h"
#include "cli/libexec.h"
#include "cli/network.h"
#include "cli/process.h"
#include "cli/socket.h"
#include "jail/jail.h"

#define MAC_TEXT_LEN ((size_t)3 * MAC_LEN)
#define END_MS	     2000
#define STEP_MS	     5

/* Complaints of passt that concern nobody: no syslog, and that it drops root. */
static const char *const passt_noise[] = {
	"Failed to send ",
	"Don't run as root.",
	NULL,
};

static int start_passt(struct device *dev, struct loop *loop)
{
	const struct devlog_source source = {
		.name = dev->passt_name,
		.skip = passt_noise,
		.hint = network_passt_hint,
	};
	int write_end, ret;

	(void)snprintf(dev->passt_name, sizeof(dev->passt_name), "passt of %s",
		       dev->spec->label);
	ret = devlog_create(loop, &source, &write_end, &dev->passt_log);
	if (ret)
		return ret;
	ret = network_passt_start(dev->spec, write_end, &dev->passt_sock,
				  &dev->passt);
	(void)close(write_end);
	return ret;
}

static void format_mac(const uint8_t mac[MAC_LEN], char out[MAC_TEXT_LEN])
{
	(void)snprintf(out, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x",
		       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static int spawn_program(struct device *dev, const char *path,
			 const char *const *argv, int sock, struct loop *loop)
{
	const struct devlog_source source = { .name = dev->spec->label };
	struct jail_spec jail = {
		.path = path,
		.argv = argv,
		.fds = &sock,
		.nr_fds = 1,
		.name = dev->spec->label,
	};
	int ret = devlog_create(loop, &source, &jail.stderr_fd, &dev->log);

	if (ret)
		return ret;
	ret = jail_spawn(&jail, &dev->pid);
	if (ret) {
		dev->pid = -1;
		log_err(dev->spec->label, "can not be jailed: %s: %s",
			jail_spawn_step(), strerror(-ret));
	}
	(void)close(jail.stderr_fd);
	return ret;
}

static int start_program(struct device *dev, unsigned int index, const char *vm,
			 struct loop *loop)
{
	char name[RUN_MODEL_MAX + 16], mac_text[MAC_TEXT_LEN];
	char path[PATH_MAX], searched[PATH_MAX];
	const char *argv[] = { name, NULL, NULL, NULL };
	uint8_t mac[MAC_LEN];
	int sv[2], ret;

	(void)snprintf(name, sizeof(name), "pviommu-%s", dev->spec->model);
	ret = libexec_find(name, path, searched);
	if (ret) {
		log_err("run",
			"device model %s: no program %s in %s: take "
			"another model, or set PVIOMMU_LIBEXEC",
			dev->spec->model, name, searched);
		return ret;
	}
	if (dev->spec->net != RUN_NET_NONE) {
		network_mac(dev->spec, vm, index, mac);
		format_mac(mac, mac_text);
		argv[1] = "--mac";
		argv[2] = mac_text;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	ret = spawn_program(dev, path, argv, sv[1], loop);
	fd_close(&sv[1]);
	dev->sock = sv[0];
	return ret;
}

static int connect_socket(struct device *dev)
{
	int ret = socket_connect(dev->spec->socket, &dev->sock);

	if (ret)
		log_err("run",
			"--device vfio-user,socket=%s: %s: start the "
			"device's server first",
			dev->spec->socket, strerror(-ret));
	return ret;
}

int device_start(struct device *dev, const struct run_device *spec,
		 unsigned int index, const struct run_files *files,
		 struct loop *loop, struct machine_device *out)
{
	int ret = 0;

	*dev = (struct device){
		.spec = spec,
		.pid = -1,
		.passt = -1,
		.sock = -1,
		.passt_sock = -1,
	};
	if (spec->net == RUN_NET_USER)
		ret = start_passt(dev, loop);
	if (!ret)
		ret = *spec->model
			  ? start_program(dev, index, files->name, loop)
			  : connect_socket(dev);
	if (ret) {
		device_stop(dev);
		return ret;
	}
	*out = (struct machine_device){
		.name = spec->label,
		.sock = dev->sock,
		.backend_fd = -1,
	};
	if (spec->net == RUN_NET_USER) {
		out->backend = MACHINE_PASST;
		out->backend_fd = dev->passt_sock;
	} else if (spec->net == RUN_NET_TAP) {
		out->backend = MACHINE_TAP;
		out->backend_fd = files->taps[index];
	}
	return 0;
}

void device_handed_over(struct device *dev)
{
	fd_close(&dev->sock);
	fd_close(&dev->passt_sock);
}

bool device_reap(struct device *dev, pid_t pid, int status)
{
	char how[64];

	process_describe(status, how, sizeof(how));
	if (pid == dev->pid) {
		dev->pid = -1;
		if (status)
			log_warn(dev->spec->label, "device process %s", how);
		return true;
	}
	if (pid == dev->passt) {
		dev->passt = -1;
		if (status)
			log_warn(dev->passt_name,
				 "%s: the card has lost its network", how);
		return true;
	}
	return false;
}

static void end_process(pid_t *pid)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	for (int ms = 0; *pid > 0 && ms < END_MS; ms += STEP_MS) {
		if (waitpid(*pid, NULL, WNOHANG) != 0)
			*pid = -1;
		else
			(void)nanosleep(&step, NULL);
	}
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
		*pid = -1;
	}
}

void device_stop(struct device *dev)
{
	device_handed_over(dev);
	end_process(&dev->pid);
	end_process(&dev->passt);
	devlog_destroy(dev->log);
	devlog_destroy(dev->passt_log);
	dev->log = dev->passt_log = NULL;
}
