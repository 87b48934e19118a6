// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket: messages are cut out of the stream, checked against the table of
 * requests.c, served, and answered.
 */
#include "port/server.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "port/server_internal.h"

#define HEADER_LEN sizeof(struct vfio_user_header)
/* Messages before the device gets its turn again. */
#define SERVE_MAX  16

static void close_fds(struct server *s)
{
	while (s->nr_fds > 0)
		fd_close(&s->fds[--s->nr_fds]);
}

static void expect_message(struct server *s)
{
	close_fds(s);
	s->have = 0;
	s->want = HEADER_LEN;
}

int server_create(int sock, const struct server_device *dev, void *ctx,
		  struct server **out)
{
	struct server *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	if (!s)
		goto err_sock;
	s->sock = sock;
	s->dev = dev;
	s->ctx = ctx;
	s->client_fds = 1;
	memcpy(s->config, dev->config, CONFIG_LEN);
	expect_message(s);
	ret = server_irqs_init(s);
	if (ret)
		goto err_free;
	ret = fd_set_nonblock(sock);
	if (ret)
		goto err_irqs;
	*out = s;
	return 0;

err_irqs:
	server_irqs_fini(s);
err_free:
	free(s);
err_sock:
	fd_close(&sock);
	return ret;
}

void server_destroy(struct server *s)
{
	if (!s)
		return;
	close_fds(s);
	server_irqs_fini(s);
	port_close(s->port);
	fd_close(&s->sock);
	free(s);
}

int server_sock(const struct server *s)
{
	return s->sock;
}

/* ---- receiving ---- */

static int keep_fds(struct server *s, int *fds, size_t nr)
{
	bool fit = nr <= FD_PASS_MAX - s->nr_fds;

	for (size_t i = 0; i < nr; i++) {
		if (fit)
			s->fds[s->nr_fds++] = fds[i];
		else
			fd_close(&fds[i]);
	}
	return fit ? 0 : -EBADMSG;
}

/* One recvmsg, which does not reach into the next message: its descriptors come
 * with its first byte. */
static int receive_some(struct server *s)
{
	int fds[FD_PASS_MAX];
	size_t nr_fds;
	ssize_t n;

	n = fd_recv_msg(s->sock, s->in + s->have, s->want - s->have, fds,
			&nr_fds);
	if (n == -EAGAIN || n == -EBADMSG)
		return (int)n;
	if (n <= 0)
		return -ECONNRESET;
	s->have += (size_t)n;
	return keep_fds(s, fds, nr_fds);
}

static struct vfio_user_header header_of(const struct server *s)
{
	struct vfio_user_header h;

	memcpy(&h, s->in, HEADER_LEN);
	return (struct vfio_user_header){
		.id = le16toh(h.id),
		.command = le16toh(h.command),
		.size = le32toh(h.size),
		.flags = le32toh(h.flags),
		.error = le32toh(h.error),
	};
}

static int receive_message(struct server *s)
{
	int ret;

	while (s->have < s->want) {
		ret = receive_some(s);
		if (ret)
			return ret;
		if (s->have == HEADER_LEN)
			s->want = header_of(s).size;
		if (s->want < HEADER_LEN || s->want > sizeof(s->in))
			return -EBADMSG;
	}
	return 0;
}

/* ---- serving ---- */

static int dispatch(struct server *s, const struct vfio_user_header *h,
		    struct server_msg *msg)
{
	const struct server_rule *rule = server_find_rule(h->command);

	if (!rule)
		return -EOPNOTSUPP;
	if (!(rule->states & 1u << s->state))
		return -EPERM;
	if (msg->len < rule->min_len || msg->len > rule->max_len ||
	    msg->nr_fds < rule->min_fds || msg->nr_fds > rule->max_fds)
		return -EBADMSG;
	if (h->flags & ~(VFIO_USER_F_TYPE_MASK | VFIO_USER_F_NO_REPLY))
		return -EINVAL;
	return rule->handle(s, msg);
}

/* The one place where an errno becomes the protocol's error. */
static int reply(struct server *s, const struct vfio_user_header *h, int error,
		 const struct server_msg *msg)
{
	size_t len = HEADER_LEN + (error ? 0 : msg->reply_len);
	const struct vfio_user_header wire = {
		.id = htole16(h->id),
		.command = htole16(h->command),
		.size = htole32((uint32_t)len),
		.flags = htole32(VFIO_USER_F_TYPE_REPLY |
				 (error ? VFIO_USER_F_ERROR : 0)),
		.error = htole32((uint32_t)-error),
	};

	assert(len <= sizeof(s->out));
	memcpy(s->out, &wire, HEADER_LEN);
	return fd_send_msg(s->sock, s->out, len, msg->reply_fds,
			   error ? 0 : msg->nr_reply_fds)
		   ? -ECONNRESET
		   : 0;
}

static int serve_message(struct server *s)
{
	const struct vfio_user_header h = header_of(s);
	struct server_msg msg = {
		.body = s->in + HEADER_LEN,
		.len = s->have - HEADER_LEN,
		.fds = s->fds,
		.nr_fds = s->nr_fds,
		.reply = s->out + HEADER_LEN,
	};
	int ret;

	/* We never ask: an answer answers nothing. */
	if ((h.flags & VFIO_USER_F_TYPE_MASK) != VFIO_USER_F_TYPE_COMMAND)
		return -EBADMSG;
	ret = dispatch(s, &h, &msg);
	expect_message(s);
	return h.flags & VFIO_USER_F_NO_REPLY ? 0 : reply(s, &h, ret, &msg);
}

int server_serve(struct server *s)
{
	for (unsigned int i = 0; i < SERVE_MAX; i++) {
		int ret = receive_message(s);

		if (ret)
			return ret == -EAGAIN ? 0 : ret;
		ret = serve_message(s);
		if (ret)
			return ret;
	}
	return 0;
}

int server_handshake(struct server *s)
{
	struct pollfd p = { .fd = s->sock, .events = POLLIN };
	int ret = 0;

	while (!ret && !s->start_error && s->state != SERVER_STARTED) {
		(void)poll(&p, 1, -1);
		ret = server_serve(s);
	}
	return ret ? ret : s->start_error;
}
