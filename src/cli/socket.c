// SPDX-License-Identifier: BSD-2-Clause
#include "cli/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

#define BACKLOG 8

int socket_path(const char *name, char *path, size_t len)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!runtime || !*runtime) {
		if (geteuid() != 0)
			return -ENOENT;
		runtime = "/run";
	}
	n = snprintf(path, len, "%s/pviommu/%s.sock", runtime, name);
	return (size_t)n < len ? 0 : -ENAMETOOLONG;
}

static int address(const char *path, struct sockaddr_un *addr)
{
	size_t len = strlen(path);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, len);
	return 0;
}

int socket_connect(const char *path, int *out)
{
	struct sockaddr_un addr;
	int fd, ret;

	ret = address(path, &addr);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr))) {
		ret = -errno;
		(void)close(fd);
		return ret;
	}
	*out = fd;
	return 0;
}

/* Opens the socket's folder, which it makes; the lock keeps two that start at
 * once from taking each other's socket for a stale one. */
static int lock_folder(const char *path, int *out)
{
	char text[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *dir;
	int fd, ret;

	(void)snprintf(text, sizeof(text), "%s", path);
	dir = dirname(text);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX)) {
		ret = -errno;
		(void)close(fd);
		return ret;
	}
	*out = fd;
	return 0;
}

static int bind_private(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0177);
	int ret = 0;

	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		ret = -errno;
	(void)umask(mask);
	return ret;
}

static int replace_stale(const struct sockaddr_un *addr)
{
	int fd = -1, ret = socket_connect(addr->sun_path, &fd);

	if (!ret) {
		(void)close(fd);
		return -EADDRINUSE;
	}
	if (ret == -ECONNREFUSED)
		return unlink(addr->sun_path) ? -errno : 0;
	return ret == -ENOENT ? 0 : ret;
}

int socket_listen(const char *path, int *out)
{
	struct sockaddr_un addr;
	int folder = -1, fd, ret;

	ret = address(path, &addr);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = lock_folder(path, &folder);
	if (ret)
		goto err_close;
	ret = replace_stale(&addr);
	if (ret)
		goto err_folder;
	ret = bind_private(fd, &addr);
	if (ret)
		goto err_folder;
	if (listen(fd, BACKLOG)) {
		ret = -errno;
		(void)unlink(path);
		goto err_folder;
	}
	fd_close(&folder);
	*out = fd;
	return 0;

err_folder:
	fd_close(&folder);
err_close:
	(void)close(fd);
	return ret;
}
