// SPDX-License-Identifier: BSD-2-Clause
#include "control/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "control/request.h"
#include "machine/machine.h"

#define CLIENTS_MAX 8 /* more are turned away */

/* Either waits for a request or for room for its answer. */
struct client {
	struct control *control;
	int fd; /* -1: free */
	char request[CONTROL_REQUEST_MAX];
	size_t request_len;
	char *answer; /* owned; NULL: none */
	size_t answer_len, sent;
	bool stops; /* the machine stops once the answer is out */
};

struct control {
	struct machine *m; /* borrowed */
	struct loop *loop; /* the machine's */
	int listen_fd;
	struct client clients[CLIENTS_MAX];
};

static void on_writable(void *ctx, int fd, uint32_t events);
static void on_readable(void *ctx, int fd, uint32_t events);

static void drop(struct client *client)
{
	bool stops = client->stops;

	if (client->fd < 0)
		return;
	loop_remove(client->control->loop, client->fd);
	fd_close(&client->fd);
	free(client->answer);
	client->answer = NULL;
	client->request_len = 0;
	client->stops = false;
	if (stops)
		machine_stop(client->control->m, MACHINE_STOPPED);
}

static void watch(struct client *client, uint32_t events, loop_handler *handler)
{
	struct loop *loop = client->control->loop;

	loop_remove(loop, client->fd);
	if (loop_add(loop, client->fd, events, handler, client))
		drop(client);
}

/* The text gets a newline in place of its 0. */
static void answer(struct client *client, char *text)
{
	if (!text) {
		drop(client);
		return;
	}
	client->answer = text;
	client->answer_len = strlen(text) + 1;
	client->answer[client->answer_len - 1] = '\n';
	client->sent = 0;
	watch(client, EPOLLOUT, on_writable);
}

static char *error_text(int error)
{
	return strdup(error == -EOPNOTSUPP ? "{\"error\":\"no such command\"}"
					   : "{\"error\":\"not a request\"}");
}

static void serve(struct client *client, size_t line_len)
{
	enum control_command command;
	int ret = control_request_parse(client->request, line_len, &command);

	client->request_len = 0; /* what follows was sent too early */
	if (ret) {
		answer(client, error_text(ret));
	} else if (command == CONTROL_STAT) {
		answer(client, control_stats_json(client->control->m));
	} else {
		client->stops = true;
		answer(client, strdup("{\"stopping\":true}"));
	}
}

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct client *client = ctx;
	const char *end;
	ssize_t n;

	(void)events;
	n = read(fd, client->request + client->request_len,
		 sizeof(client->request) - client->request_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->request_len += (size_t)n;
	end = memchr(client->request, '\n', client->request_len);
	if (end)
		serve(client, (size_t)(end - client->request));
	else if (client->request_len == sizeof(client->request))
		answer(client, error_text(-EBADMSG));
}

static void on_writable(void *ctx, int fd, uint32_t events)
{
	struct client *client = ctx;
	ssize_t n;

	(void)events;
	n = send(fd, client->answer + client->sent,
		 client->answer_len - client->sent, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop(client);
		return;
	}
	client->sent += (size_t)n;
	if (client->sent < client->answer_len)
		return;
	if (client->stops) {
		drop(client);
		return;
	}
	free(client->answer);
	client->answer = NULL;
	client->request_len = 0;
	watch(client, EPOLLIN, on_readable);
}

static struct client *free_client(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	}
	return NULL;
}

static void on_connect(void *ctx, int fd, uint32_t events)
{
	struct control *control = ctx;
	struct client *client = free_client(control);
	int conn;

	(void)events;
	conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conn < 0)
		return;
	if (!client ||
	    loop_add(control->loop, conn, EPOLLIN, on_readable, client)) {
		(void)close(conn);
		return;
	}
	client->fd = conn;
}

int control_create(int listen_fd, struct machine *m, struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	int ret;

	if (!control) {
		fd_close(&listen_fd);
		return -ENOMEM;
	}
	control->m = m;
	control->loop = machine_loop(m);
	control->listen_fd = listen_fd;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		control->clients[i].control = control;
		control->clients[i].fd = -1;
	}
	/* Now: it opens /dev/urandom, which the system call filter forbids later. */
	json_object_seed(0);
	ret = loop_add(control->loop, listen_fd, EPOLLIN, on_connect, control);
	if (ret) {
		fd_close(&control->listen_fd);
		free(control);
		return ret;
	}
	*out = control;
	return 0;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		control->clients[i].stops = false;
		drop(&control->clients[i]);
	}
	loop_remove(control->loop, control->listen_fd);
	fd_close(&control->listen_fd);
	free(control);
}
