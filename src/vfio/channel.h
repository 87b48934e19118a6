/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's end of a vfio-user socket: one conversation at a time.
 *
 * A command is sent, its reply awaited; commands that the server sends meanwhile
 * (DMA of a foreign one) are served on the way. Everything that arrives is
 * hostile: sizes, ids and flags are checked here, descriptors that nobody asked
 * for are closed, and each wait has a deadline. The first violation breaks the
 * channel for good; the channel knows nothing of devices and logs nothing.
 *
 * Any thread may call; `lock` is held for the whole of a conversation, thus for
 * timeout_ms at most.
 */
#ifndef VFIO_CHANNEL_H
#define VFIO_CHANNEL_H

#include "base/compiler.h"
#include "base/fd.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* A command of the server, copied and checked for form. */
struct channel_command {
	uint16_t command;
	const uint8_t *body;
	size_t len;
	uint8_t *reply;	  /* where the body of the answer goes … */
	size_t reply_cap; /* … this long at most */
	size_t reply_len; /* out */
};

/*
 * Serves a command of the server, with the channel's lock held. Return: 0, or
 * -errno: the answer is an error reply; -EBADMSG: the channel is broken.
 */
typedef int channel_serve(void *ctx, struct channel_command *cmd);

struct channel {
	int sock;		 /* owned */
	unsigned int timeout_ms; /* for a conversation, as a whole */
	channel_serve *serve;	 /* NULL: this server may not ask */
	void *serve_ctx;
	pthread_mutex_t lock; /* guards what follows, and reads of sock */
	const char *why;      /* what broke it, a constant; NULL: it works */
	int error;	      /* -errno for that */
	uint16_t next_id;
	uint8_t *in, *out; /* a message each */
};

/* @sock: taken over, also in case of error, and made not to block. Return: 0,
 * -ENOMEM, or -errno of fcntl(2). */
MUST_CHECK int channel_init(struct channel *ch, int sock,
			    unsigned int timeout_ms, channel_serve *serve,
			    void *ctx);
void channel_fini(struct channel *ch);

/* A command, and where its reply goes. */
struct channel_ask {
	uint16_t command;
	const void *fixed; /* first part of the body; borrowed */
	size_t fixed_len;
	const void *data; /* second part */
	size_t data_len;
	const int *fds; /* borrowed */
	size_t nr_fds;

	void *reply;	  /* body of the reply */
	size_t reply_min; /* a shorter or longer one breaks the channel */
	size_t reply_cap;
	size_t reply_len;    /* out; 0 if the device answered with an error */
	int *reply_fds;	     /* FD_PASS_MAX of them, owned by the caller; NULL:
			   * descriptors are closed */
	size_t nr_reply_fds; /* out */
	int error; /* out: 0, or the -errno that the device answered */
};

/**
 * channel_ask() - Send a command and wait for its reply
 *
 * Return: 0: there was an answer (look at ask->error), or, now and from now on,
 *  -ECONNRESET	the server has closed the socket
 *  -ETIMEDOUT	no answer within timeout_ms
 *  -EPROTO	what came is not a reply, see @ch->why
 *  -EMSGSIZE	body longer than a message can be; the channel goes on
 */
MUST_CHECK int channel_ask(struct channel *ch, struct channel_ask *ask);

/**
 * channel_serve_pending() - Serve what the server has sent on its own
 *
 * Does not wait for a message to begin, but for one that has begun to end.
 *
 * Return: 0, or as channel_ask().
 */
MUST_CHECK int channel_serve_pending(struct channel *ch);

/* What broke the channel, NULL if nothing has. Any thread. */
const char *channel_why(struct channel *ch);

/* Breaks it from outside, any thread: ends every wait on it, and when this
 * returns no command of the server is being served or ever will be. Must not be
 * called by channel_serve. */
void channel_break(struct channel *ch);

#endif
