// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes that come out of its socket are answered, or end the connection; the
 * device neither hangs nor breaks. The first byte says how far the connection has
 * got before: 0 nothing, 1 the version, else the port.
 */
#include <stdlib.h>

#include "tests/server_fixture.h"

#define LEN_MAX 2048
/* Sent at once: what can be answered without being read in between. */
#define PIECE	16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_answers(struct server_fixture *f)
{
	static uint8_t buf[VFIO_USER_MSG_MAX];
	ssize_t n;

	do {
		n = recv(f->client, buf, sizeof(buf), MSG_DONTWAIT);
	} while (n > 0);
}

/* Whether the connection goes on. */
static bool serve(struct server_fixture *f)
{
	int ret = server_serve(f->server);

	read_answers(f);
	assert(ret == 0 || ret == -ECONNRESET || ret == -EBADMSG);
	return !ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct server_fixture f;
	bool alive;

	if (len < 1 || len > LEN_MAX)
		return 0;
	server_fixture_init(&f);
	if (data[0] >= 1)
		server_fixture_send_version(&f);
	if (data[0] >= 2)
		server_fixture_send_port(&f);
	alive = serve(&f);
	for (size_t at = 1; alive && at < len; at += PIECE) {
		size_t n = MIN(len - at, (size_t)PIECE);
		int ret = fd_send_msg(f.client, data + at, n, NULL, 0);

		assert(!ret);
		alive = serve(&f);
	}
	server_fixture_fini(&f);
	return 0;
}
