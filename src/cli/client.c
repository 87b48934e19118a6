// SPDX-License-Identifier: BSD-2-Clause
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/options.h"
#include "cli/socket.h"

#define ANSWER_MAX (1u << 20)
#define ANSWER_S   30

static int open_vm(const char *name, int *out)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int ret;

	if (!options_name_valid(name)) {
		log_err("cli", "%.80s: not a name of a VM", name);
		return -EINVAL;
	}
	ret = socket_path(name, path, sizeof(path));
	if (ret) {
		log_err("cli", "no place for control sockets: set "
			       "XDG_RUNTIME_DIR as for pviommu run");
		return ret;
	}
	ret = socket_connect(path, out);
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		log_err("cli",
			"%s: no such VM is running: no one answers at "
			"%s",
			name, path);
	else if (ret)
		log_err("cli", "%s: %s", path, strerror(-ret));
	return ret;
}

static int receive_line(int fd, char **out)
{
	char *text = malloc(ANSWER_MAX);
	size_t len = 0;
	int ret;

	if (!text)
		return -ENOMEM;
	do {
		ssize_t n = recv(fd, text + len, ANSWER_MAX - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		ret = n < 0 ? -errno : n == 0 ? -ECONNRESET : 0;
		if (ret)
			goto err_free;
		len += (size_t)n;
	} while (text[len - 1] != '\n' && len < ANSWER_MAX);
	if (text[len - 1] != '\n') {
		ret = -EBADMSG;
		goto err_free;
	}
	text[len - 1] = '\0';
	*out = text;
	return 0;

err_free:
	free(text);
	return ret;
}

int client_ask(const char *name, const char *command, char **answer)
{
	const struct timeval timeout = { .tv_sec = ANSWER_S };
	char request[64];
	int fd, ret, len;

	ret = open_vm(name, &fd);
	if (ret)
		return ret;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
			 sizeof(timeout));
	len = snprintf(request, sizeof(request), "{\"command\":\"%s\"}\n",
		       command);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		ret = -ECONNRESET;
	if (!ret)
		ret = receive_line(fd, answer);
	if (ret)
		log_err("cli", "%s: does not answer: %s", name, strerror(-ret));
	(void)close(fd);
	return ret;
}
