// SPDX-License-Identifier: BSD-2-Clause
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/kernel.h"
#include "cli/network.h"
#include "cli/socket.h"

/*
 * What every guest gets. The machine has neither PIT nor HPET, so there is no
 * timer interrupt whose routing Linux could check; and a kernel that panics
 * should end or restart the VM, not hang it.
 */
#define CMDLINE_DEFAULT "console=ttyS0 no_timer_check panic=-1"

#define BOOT "/boot"

static int open_kernel(const char *path, int *out)
{
	int ret = kernel_open(path, out);

	if (ret == -ENOEXEC)
		log_err("run",
			"--kernel %s: neither an ELF kernel nor a "
			"bzImage: give a vmlinux or a vmlinuz",
			path);
	else if (ret)
		log_err("run", "--kernel %s: %s", path, strerror(-ret));
	return ret;
}

/* A kernel of the host, and an initramfs for it unless one was given. */
static int open_host_kernel(const struct run_options *opt,
			    struct run_files *files)
{
	char version[KERNEL_VERSION_MAX], path[PATH_MAX];
	bool need_viommu = opt->iommu != MACHINE_IOMMU_OFF;
	int ret;

	ret = kernel_find(BOOT, need_viommu, version);
	if (ret) {
		log_err("run",
			"no kernel in " BOOT "%s: give one with --kernel, or "
			"install one (Debian 12: linux-image-amd64 of "
			"bookworm-backports)%s",
			need_viommu ? " has virtio_iommu" : "",
			need_viommu ? ", or use --iommu off with any kernel"
				    : "");
		return ret;
	}
	(void)snprintf(path, sizeof(path), BOOT "/vmlinuz-%s", version);
	ret = open_kernel(path, &files->kernel);
	if (ret || opt->initrd)
		return ret;
	log_info("run", "taking %s, with an initramfs to a shell", path);
	return kernel_make_initramfs(version, &files->initrd);
}

static int open_initrd(const char *path, int *out)
{
	struct stat st;
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		log_err("run", "--initrd %s: %s", path, strerror(-ret));
	} else if (!S_ISREG(st.st_mode)) {
		ret = -EINVAL;
		log_err("run", "--initrd %s: not a regular file", path);
	}
	if (ret)
		fd_close(&fd);
	*out = fd;
	return ret;
}

static int open_boot_files(const struct run_options *opt,
			   struct run_files *files)
{
	int ret = 0;

	if (opt->initrd)
		ret = open_initrd(opt->initrd, &files->initrd);
	if (ret)
		return ret;
	return opt->kernel ? open_kernel(opt->kernel, &files->kernel)
			   : open_host_kernel(opt, files);
}

static int open_kvm(int *out)
{
	int ret;

	*out = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (*out >= 0)
		return 0;
	ret = -errno;
	log_err("run", "/dev/kvm: %s: see pviommu doctor", strerror(-ret));
	return ret;
}

static int open_taps(const struct run_options *opt, struct run_files *files)
{
	for (unsigned int i = 0; i < opt->nr_devices; i++) {
		int ret;

		if (opt->devices[i].net != RUN_NET_TAP)
			continue;
		ret = network_tap_open(opt->devices[i].tap, &files->taps[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static int find_user(const struct run_options *opt, struct run_files *files)
{
	const char *user = opt->user ? opt->user : "nobody";
	const struct passwd *pw;

	files->uid = getuid();
	files->gid = getgid();
	if (geteuid() != 0) {
		if (!opt->user)
			return 0;
		log_err("run",
			"--user %s: only root can become another user: "
			"leave it out",
			user);
		return -EPERM;
	}
	pw = getpwnam(user);
	if (!pw) {
		log_err("run", "--user %s: no such user", user);
		return -ENOENT;
	}
	if (pw->pw_uid == 0) {
		log_err("run",
			"--user %s: is root: name a user without "
			"privileges",
			user);
		return -EINVAL;
	}
	files->uid = pw->pw_uid;
	files->gid = pw->pw_gid;
	return 0;
}

static int open_stats(const char *path, int *out)
{
	int ret;

	if (!path)
		return 0;
	*out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	if (*out >= 0)
		return 0;
	ret = -errno;
	log_err("run", "--stats %s: %s", path, strerror(-ret));
	return ret;
}

static int open_control(const struct run_options *opt, struct run_files *files)
{
	int ret;

	if (opt->name)
		(void)snprintf(files->name, sizeof(files->name), "%s",
			       opt->name);
	else
		(void)snprintf(files->name, sizeof(files->name), "vm-%ld",
			       (long)getpid());
	ret = socket_path(files->name, files->control_path,
			  sizeof(files->control_path));
	if (ret == -ENOENT) {
		log_err("run", "no place for the control socket: set "
			       "XDG_RUNTIME_DIR to a folder of your own");
		return ret;
	}
	if (!ret)
		ret = socket_listen(files->control_path, &files->control);
	if (ret == -EADDRINUSE)
		log_err("run",
			"--name %s: a VM of this name is running: give "
			"another one, or end it with pviommu stop %s",
			files->name, files->name);
	else if (ret)
		log_err("run", "control socket %s: %s", files->control_path,
			strerror(-ret));
	return ret;
}

static int make_cmdline(const struct run_options *opt, struct run_files *files)
{
	int n = snprintf(files->cmdline, sizeof(files->cmdline), "%s%s%s",
			 CMDLINE_DEFAULT, opt->cmdline ? " " : "",
			 opt->cmdline ? opt->cmdline : "");

	if ((size_t)n < sizeof(files->cmdline))
		return 0;
	log_err("run", "--cmdline: too long: with the default at most %d bytes",
		FILES_CMDLINE_MAX - 1);
	return -EINVAL;
}

int files_open(const struct run_options *opt, struct run_files *files)
{
	int ret;

	*files = (struct run_files){
		.kvm = -1,
		.kernel = -1,
		.initrd = -1,
		.stats = -1,
		.control = -1,
	};
	for (size_t i = 0; i < ARRAY_SIZE(files->taps); i++)
		files->taps[i] = -1;

	ret = make_cmdline(opt, files);
	if (!ret)
		ret = find_user(opt, files);
	if (!ret)
		ret = open_boot_files(opt, files);
	if (!ret)
		ret = open_taps(opt, files);
	if (!ret)
		ret = open_stats(opt->stats, &files->stats);
	if (!ret)
		ret = open_kvm(&files->kvm);
	if (!ret)
		ret = open_control(opt, files);
	if (ret)
		files_close(files);
	return ret;
}

void files_close(struct run_files *files)
{
	if (files->control >= 0)
		(void)unlink(files->control_path);
	fd_close(&files->control);
	for (size_t i = 0; i < ARRAY_SIZE(files->taps); i++)
		fd_close(&files->taps[i]);
	fd_close(&files->stats);
	fd_close(&files->initrd);
	fd_close(&files->kernel);
	fd_close(&files->kvm);
}
