// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/channel.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vfio/deadline.h"
#include "wire/vfio_user.h"

#define HEADER_LEN sizeof(struct vfio_user_header)
#define FLAGS_ALL \
	(VFIO_USER_F_TYPE_MASK | VFIO_USER_F_NO_REPLY | VFIO_USER_F_ERROR)

/* One message as it arrived: numbers in host order, body in channel.in. */
struct message {
	uint16_t id;
	uint16_t command;
	uint32_t flags;
	uint32_t error;
	size_t len; /* of the body */
	int fds[FD_PASS_MAX];
	size_t nr_fds;
};

int channel_init(struct channel *ch, int sock, unsigned int timeout_ms,
		 channel_serve *serve, void *ctx)
{
	int ret;

	*ch = (struct channel){
		.sock = sock,
		.timeout_ms = timeout_ms,
		.serve = serve,
		.serve_ctx = ctx,
		.in = malloc(VFIO_USER_MSG_MAX),
		.out = malloc(VFIO_USER_MSG_MAX),
	};
	pthread_mutex_init(&ch->lock, NULL);
	/* poll(2) also tells of what is not to be read: out-of-band bytes. */
	ret = ch->in && ch->out ? fd_set_nonblock(sock) : -ENOMEM;
	if (ret)
		channel_fini(ch);
	return ret;
}

void channel_fini(struct channel *ch)
{
	free(ch->in);
	free(ch->out);
	pthread_mutex_destroy(&ch->lock);
	fd_close(&ch->sock);
}

const char *channel_why(struct channel *ch)
{
	const char *why;

	pthread_mutex_lock(&ch->lock);
	why = ch->why;
	pthread_mutex_unlock(&ch->lock);
	return why;
}

static int break_channel(struct channel *ch, int error, const char *why)
{
	if (!ch->why) {
		ch->why = why;
		ch->error = error;
	}
	return ch->error;
}

static int broken_socket(struct channel *ch)
{
	return break_channel(ch, -ECONNRESET, "it has closed its socket");
}

void channel_break(struct channel *ch)
{
	/* Wakes whoever has the lock, so that this waits for no deadline. */
	(void)shutdown(ch->sock, SHUT_RDWR);
	pthread_mutex_lock(&ch->lock);
	(void)break_channel(ch, -ECONNRESET, "it was dropped");
	pthread_mutex_unlock(&ch->lock);
}

static int wait_for(struct channel *ch, short events, int64_t deadline)
{
	struct pollfd p = { .fd = ch->sock, .events = events };
	int left, n;

	do {
		left = deadline_left(deadline);
		/* Also when there always is something: no flood goes on. */
		if (left == 0)
			return break_channel(ch, -ETIMEDOUT,
					     "it does not answer");
		n = poll(&p, 1, left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return break_channel(ch, -ECONNRESET, "its socket fails");
	return 0;
}

static int send_all(struct channel *ch, const uint8_t *buf, size_t len,
		    const int *fds, size_t nr_fds, int64_t deadline)
{
	while (len > 0) {
		ssize_t n = fd_send_some(ch->sock, buf, len, fds, nr_fds);

		if (n == -EAGAIN) {
			int ret = wait_for(ch, POLLOUT, deadline);

			if (ret)
				return ret;
			continue;
		}
		if (n < 0)
			return broken_socket(ch);
		nr_fds = 0;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static void drop_fds(struct message *msg)
{
	while (msg->nr_fds > 0)
		fd_close(&msg->fds[--msg->nr_fds]);
}

/* Keeps what fits into one message; a server that sends more loses the rest. */
static void keep_fds(struct message *msg, int *fds, size_t nr_fds)
{
	for (size_t i = 0; i < nr_fds; i++) {
		if (msg->nr_fds < FD_PASS_MAX)
			msg->fds[msg->nr_fds++] = fds[i];
		else
			fd_close(&fds[i]);
	}
}

static int receive_all(struct channel *ch, struct message *msg, uint8_t *buf,
		       size_t len, int64_t deadline)
{
	while (len > 0) {
		int fds[FD_PASS_MAX];
		size_t nr_fds;
		ssize_t n;
		int ret;

		ret = wait_for(ch, POLLIN, deadline);
		if (ret)
			return ret;
		n = fd_recv_msg(ch->sock, buf, len, fds, &nr_fds);
		if (n == -EAGAIN)
			continue;
		if (n == -EBADMSG)
			return break_channel(ch, -EPROTO,
					     "too many descriptors");
		if (n <= 0)
			return broken_socket(ch);
		keep_fds(msg, fds, nr_fds);
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_message(struct channel *ch, struct message *msg,
			   int64_t deadline)
{
	struct vfio_user_header h;
	uint32_t size;
	int ret;

	ret = receive_all(ch, msg, (uint8_t *)&h, sizeof(h), deadline);
	if (ret)
		return ret;
	msg->id = le16toh(h.id);
	msg->command = le16toh(h.command);
	msg->flags = le32toh(h.flags);
	msg->error = le32toh(h.error);
	size = le32toh(h.size);
	if (size < HEADER_LEN || size > VFIO_USER_MSG_MAX)
		return break_channel(ch, -EPROTO,
				     "a message of impossible size");
	if ((msg->flags & ~FLAGS_ALL) ||
	    (msg->flags & VFIO_USER_F_TYPE_MASK) > VFIO_USER_F_TYPE_REPLY)
		return break_channel(ch, -EPROTO,
				     "a message with unknown flags");
	msg->len = size - HEADER_LEN;
	return receive_all(ch, msg, ch->in, msg->len, deadline);
}

static int receive(struct channel *ch, struct message *msg, int64_t deadline)
{
	int ret;

	msg->nr_fds = 0;
	ret = receive_message(ch, msg, deadline);
	if (ret)
		drop_fds(msg);
	return ret;
}

static void put_header(uint8_t *out, uint16_t id, uint16_t command, size_t len,
		       uint32_t flags, int error)
{
	struct vfio_user_header h = {
		.id = htole16(id),
		.command = htole16(command),
		.size = htole32((uint32_t)(HEADER_LEN + len)),
		.flags = htole32(flags),
		.error = htole32((uint32_t)error),
	};

	memcpy(out, &h, sizeof(h));
}

static int serve_command(struct channel *ch, const struct message *msg,
			 int64_t deadline)
{
	struct channel_command cmd = {
		.command = msg->command,
		.body = ch->in,
		.len = msg->len,
		.reply = ch->out + HEADER_LEN,
		.reply_cap = VFIO_USER_MSG_MAX - HEADER_LEN,
	};
	uint32_t flags = VFIO_USER_F_TYPE_REPLY;
	int ret;

	if (!ch->serve)
		return break_channel(ch, -EPROTO,
				     "a command that it may not give");
	ret = ch->serve(ch->serve_ctx, &cmd);
	if (ret == -EBADMSG)
		return break_channel(ch, -EPROTO, "a malformed command");
	if (msg->flags & VFIO_USER_F_NO_REPLY)
		return 0;
	if (ret) {
		flags |= VFIO_USER_F_ERROR;
		cmd.reply_len = 0;
	}
	put_header(ch->out, msg->id, msg->command, cmd.reply_len, flags, -ret);
	return send_all(ch, ch->out, HEADER_LEN + cmd.reply_len, NULL, 0,
			deadline);
}

static bool is_reply(const struct message *msg)
{
	return (msg->flags & VFIO_USER_F_TYPE_MASK) == VFIO_USER_F_TYPE_REPLY;
}

static int send_command(struct channel *ch, const struct channel_ask *ask,
			uint16_t id, int64_t deadline)
{
	size_t len = ask->fixed_len + ask->data_len;
	uint8_t *body = ch->out + HEADER_LEN;

	put_header(ch->out, id, ask->command, len, VFIO_USER_F_TYPE_COMMAND, 0);
	if (ask->fixed_len > 0)
		memcpy(body, ask->fixed, ask->fixed_len);
	if (ask->data_len > 0)
		memcpy(body + ask->fixed_len, ask->data, ask->data_len);
	return send_all(ch, ch->out, HEADER_LEN + len, ask->fds, ask->nr_fds,
			deadline);
}

/* The device's word for what went wrong, as an errno of ours. */
static int error_of(const struct message *msg)
{
	return msg->error > 0 && msg->error < 4096 ? -(int)msg->error : -EIO;
}

static int take_reply(struct channel *ch, struct channel_ask *ask, uint16_t id,
		      struct message *msg)
{
	if (msg->id != id || msg->command != ask->command)
		return break_channel(ch, -EPROTO,
				     "a reply to what was not asked");
	if (msg->flags & VFIO_USER_F_ERROR) {
		ask->error = error_of(msg);
		return 0;
	}
	if (msg->len < ask->reply_min || msg->len > ask->reply_cap)
		return break_channel(ch, -EPROTO, "a reply of wrong length");
	if (msg->len > 0)
		memcpy(ask->reply, ch->in, msg->len);
	ask->reply_len = msg->len;
	if (ask->reply_fds) {
		memcpy(ask->reply_fds, msg->fds, sizeof(msg->fds));
		ask->nr_reply_fds = msg->nr_fds;
		msg->nr_fds = 0;
	}
	return 0;
}

static int converse(struct channel *ch, struct channel_ask *ask)
{
	int64_t deadline = deadline_in(ch->timeout_ms);
	uint16_t id = ch->next_id++;
	struct message msg;
	bool answered;
	int ret;

	ret = send_command(ch, ask, id, deadline);
	if (ret)
		return ret;
	do {
		ret = receive(ch, &msg, deadline);
		if (ret)
			return ret;
		answered = is_reply(&msg);
		ret = answered ? take_reply(ch, ask, id, &msg)
			       : serve_command(ch, &msg, deadline);
		drop_fds(&msg);
	} while (!ret && !answered);
	return ret;
}

int channel_ask(struct channel *ch, struct channel_ask *ask)
{
	int ret;

	ask->reply_len = 0;
	ask->nr_reply_fds = 0;
	ask->error = 0;
	if (ask->fixed_len + ask->data_len > VFIO_USER_MSG_MAX - HEADER_LEN)
		return -EMSGSIZE;
	pthread_mutex_lock(&ch->lock);
	ret = ch->why ? ch->error : converse(ch, ask);
	pthread_mutex_unlock(&ch->lock);
	return ret;
}

static int serve_one(struct channel *ch)
{
	int64_t deadline = deadline_in(ch->timeout_ms);
	struct message msg;
	int ret;

	ret = receive(ch, &msg, deadline);
	if (ret)
		return ret;
	ret = is_reply(&msg)
		  ? break_channel(ch, -EPROTO, "a reply to what was not asked")
		  : serve_command(ch, &msg, deadline);
	drop_fds(&msg);
	return ret;
}

int channel_serve_pending(struct channel *ch)
{
	struct pollfd p = { .fd = ch->sock, .events = POLLIN };
	int ret = 0;

	pthread_mutex_lock(&ch->lock);
	if (ch->why)
		ret = ch->error;
	else if (poll(&p, 1, 0) > 0)
		ret = serve_one(ch);
	pthread_mutex_unlock(&ch->lock);
	return ret;
}
