/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server's files share: its state, and a message on its way through. */
#ifndef PORT_SERVER_INTERNAL_H
#define PORT_SERVER_INTERNAL_H

#include "base/fd.h"
#include "port/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_LEN 256

enum server_state {
	SERVER_NEW,	/* nothing but VERSION */
	SERVER_KNOWN,	/* may be asked what it is, and be given its port */
	SERVER_STARTED, /* the device runs */
};

/* An eventfd for an interrupt. */
struct server_irq {
	int fd; /* owned; -1: none */
	bool masked;
};

struct server {
	int sock; /* owned */
	const struct server_device *dev;
	void *ctx;
	enum server_state state;
	int start_error;	 /* of start() */
	struct port *port;	 /* owned; NULL before SERVER_STARTED */
	uint32_t client_fds;	 /* descriptors that the client takes at once */
	struct server_irq *irqs; /* owned; all kinds in a row */
	uint32_t irq_base[VFIO_USER_NR_IRQS];
	uint8_t config[CONFIG_LEN];

	/* The message that is arriving: have of want bytes. */
	size_t have, want;
	int fds[FD_PASS_MAX]; /* owned; -1: a handler has kept it */
	size_t nr_fds;
	_Alignas(8) uint8_t in[VFIO_USER_MSG_MAX];
	_Alignas(8) uint8_t out[VFIO_USER_MSG_MAX];
};

/* A command, of a length that its row of the table allows. */
struct server_msg {
	const uint8_t *body;
	size_t len;
	int *fds; /* what is kept is set to -1, the rest gets closed */
	size_t nr_fds;

	uint8_t *reply; /* room for VFIO_USER_DATA_MAX and a bit */
	size_t reply_len;
	int reply_fds[FD_PASS_MAX]; /* borrowed */
	size_t nr_reply_fds;
};

/* One kind of command: when it may come, what it consists of, who serves it. */
struct server_rule {
	uint16_t command;
	uint8_t states; /* bit n: allowed in state n */
	uint8_t min_fds, max_fds;
	uint32_t min_len, max_len;
	/* Return: 0, or the -errno that the client gets. */
	int (*handle)(struct server *s, struct server_msg *msg);
};

/* requests.c. NULL: no such command. */
const struct server_rule *server_find_rule(uint16_t command);

/* version.c */
int server_version(struct server *s, struct server_msg *msg);

/* irqs.c. */
MUST_CHECK int server_irqs_init(struct server *s);
void server_irqs_fini(struct server *s);
int server_set_irqs(struct server *s, struct server_msg *msg);

#endif
