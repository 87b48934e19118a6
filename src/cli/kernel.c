// SPDX-License-Identifier: BSD-2-Clause
#include "cli/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "cli/libexec.h"
#include "cli/process.h"

#define MKINITRAMFS "pviommu-mkinitramfs"

/* Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". */
#define BZIMAGE_FLAG_OFF  0x1fe
#define BZIMAGE_FLAG	  0xaa55
#define BZIMAGE_MAGIC_OFF 0x202
#define HEAD_LEN	  0x206

static bool config_has_viommu(const char *path)
{
	char line[256];
	bool found = false;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strcmp(line, "CONFIG_VIRTIO_IOMMU=y\n") ||
			!strcmp(line, "CONFIG_VIRTIO_IOMMU=m\n");
	(void)fclose(file);
	return found;
}

static bool usable(const char *boot, const char *version, bool need_viommu)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/vmlinuz-%s", boot, version) >=
		(int)sizeof(path) ||
	    access(path, R_OK))
		return false;
	if (!need_viommu)
		return true;
	if (snprintf(path, sizeof(path), "%s/config-%s", boot, version) >=
	    (int)sizeof(path))
		return false;
	return config_has_viommu(path);
}

int kernel_find(const char *boot, bool need_viommu,
		char version[KERNEL_VERSION_MAX])
{
	static const char prefix[] = "vmlinuz-";
	DIR *dir = opendir(boot);
	const struct dirent *entry;

	version[0] = '\0';
	if (!dir)
		return -ENOENT;
	while ((entry = readdir(dir))) {
		const char *found = entry->d_name + strlen(prefix);

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    strlen(found) >= KERNEL_VERSION_MAX ||
		    strverscmp(found, version) <= 0 ||
		    !usable(boot, found, need_viommu))
			continue;
		memcpy(version, found, strlen(found) + 1);
	}
	(void)closedir(dir);
	return version[0] ? 0 : -ENOENT;
}

static bool is_kernel(const uint8_t *head, size_t len)
{
	if (len >= 4 && !memcmp(head, "\177ELF", 4))
		return true;
	return len == HEAD_LEN &&
	       get_le16(head + BZIMAGE_FLAG_OFF) == BZIMAGE_FLAG &&
	       !memcmp(head + BZIMAGE_MAGIC_OFF, "HdrS", 4);
}

int kernel_open(const char *path, int *out)
{
	uint8_t head[HEAD_LEN];
	ssize_t len;
	int fd, ret;

	/* Non-blocking: a FIFO is refused like any other file, not waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	len = pread(fd, head, sizeof(head), 0);
	if (len < 0) {
		ret = errno == ESPIPE ? -ENOEXEC : -errno;
		goto err_close;
	}
	if (!is_kernel(head, (size_t)len)) {
		ret = -ENOEXEC;
		goto err_close;
	}
	*out = fd;
	return 0;

err_close:
	(void)close(fd);
	return ret;
}

static int run_mkinitramfs(const char *program, const char *version,
			   const char *out)
{
	/* The IOMMU's driver first: what it serves waits for it. */
	const char *const argv[] = {
		MKINITRAMFS,  "--optional",   "virtio_pci",
		"--optional", "virtio_iommu", "--optional",
		"e1000",      "--optional",   "af_packet",
		"--optional", "pvpanic_mmio", version,
		out,	      NULL,
	};
	pid_t pid;
	int status, ret;

	ret = process_spawn(program, argv, NULL, 0, -1, &pid);
	if (ret)
		return ret;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	/* It has said why. */
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int kernel_make_initramfs(const char *version, int *out)
{
	char program[PATH_MAX], searched[PATH_MAX], file[64];
	char dir[] = "/tmp/pviommu-XXXXXX";
	int fd, ret;

	ret = libexec_find(MKINITRAMFS, program, searched);
	if (ret) {
		log_err("run",
			MKINITRAMFS ": not found in %s: set PVIOMMU_LIBEXEC, "
				    "or give --initrd",
			searched);
		return ret;
	}
	if (!mkdtemp(dir)) {
		ret = -errno;
		log_err("run", "%s: %s", dir, strerror(-ret));
		return ret;
	}
	(void)snprintf(file, sizeof(file), "%s/initrd", dir);
	ret = run_mkinitramfs(program, version, file);
	if (ret) {
		log_err("run", MKINITRAMFS " failed: see above, or give "
					   "--kernel and --initrd");
		goto out_dir;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		log_err("run", "%s: %s", file, strerror(-ret));
		goto out_dir;
	}
	*out = fd;
out_dir:
	(void)unlink(file);
	(void)rmdir(dir);
	return ret;
}
