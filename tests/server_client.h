/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of a server under test: asks, and takes answers apart. */
#ifndef TESTS_SERVER_CLIENT_H
#define TESTS_SERVER_CLIENT_H

#include "tests/server_fixture.h"
#include "tests/test.h"

#define HEADER_LEN sizeof(struct vfio_user_header)

/* An answer, with its descriptors. */
struct answer {
	struct vfio_user_header header;
	uint8_t body[VFIO_USER_MSG_MAX];
	size_t len; /* of the body */
	int fds[FD_PASS_MAX];
	size_t nr_fds;
};

static inline void receive(struct server_fixture *f, struct answer *a)
{
	size_t nr;

	assert_int_equal(
	    fd_recv_msg(f->client, &a->header, HEADER_LEN, a->fds, &a->nr_fds),
	    HEADER_LEN);
	assert_int_equal(le16toh(a->header.id), 7);
	a->len = le32toh(a->header.size) - HEADER_LEN;
	assert_true(a->len <= sizeof(a->body));
	for (size_t at = 0; at < a->len;) {
		int fds[FD_PASS_MAX];
		ssize_t n =
		    fd_recv_msg(f->client, a->body + at, a->len - at, fds, &nr);

		assert_true(n > 0);
		at += (size_t)n;
	}
}

static inline bool nothing_to_receive(struct server_fixture *f)
{
	uint8_t byte;

	return recv(f->client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static inline void receive_for(struct server_fixture *f, uint16_t command,
			       int error, struct answer *a)
{
	receive(f, a);
	assert_int_equal(le16toh(a->header.command), command);
	assert_int_equal(-(int)le32toh(a->header.error), error);
	assert_int_equal(le32toh(a->header.flags),
			 VFIO_USER_F_TYPE_REPLY |
			     (error ? VFIO_USER_F_ERROR : 0));
	if (error)
		assert_int_equal(a->len, 0);
}

/* One command, served and answered. */
static inline void ask(struct server_fixture *f, uint16_t command,
		       const void *body, size_t len, int want, struct answer *a)
{
	server_fixture_send(f, command, body, len, NULL, 0);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, command, want, a);
}

static inline void get_known(struct server_fixture *f)
{
	struct answer a;

	server_fixture_send_version(f);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_VERSION, 0, &a);
}

static inline void get_started(struct server_fixture *f)
{
	struct answer a;

	get_known(f);
	server_fixture_send_port(f);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_PV_PORT_SET, 0, &a);
	assert_non_null(f->dev.port);
}

#endif
