// SPDX-License-Identifier: BSD-2-Clause
/*
 * Backends without an other end, for tests and measurements. No system calls, so
 * that what is measured is the way to them.
 */
#include "backend/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend_internal.h"

#define ETHER_LEN      14
#define SOURCE_LEN_MAX 0x10000

struct sink {
	struct backend be;
	size_t len; /* of what receive gives, with header; 0: nothing */
	uint8_t frame[];
};

static int sink_send(struct backend *be, void *buf, size_t len)
{
	(void)buf;
	return backend_count_send(be, len, 0);
}

static ssize_t sink_receive(struct backend *be, void *buf, size_t cap)
{
	struct sink *sink = container_of(be, struct sink, be);

	if (sink->len == 0)
		return -EAGAIN;
	if (sink->len > cap)
		return -EMSGSIZE;
	memcpy(buf, sink->frame, sink->len);
	return backend_count_receive(be, (ssize_t)sink->len);
}

static void sink_destroy(struct backend *be)
{
	free(container_of(be, struct sink, be));
}

static const struct backend_ops sink_ops = {
	.send = sink_send,
	.receive = sink_receive,
	.destroy = sink_destroy,
};

static int create(size_t len, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink) + len);

	if (!sink)
		return -ENOMEM;
	sink->be.ops = &sink_ops;
	sink->be.fd = -1;
	sink->len = len;
	*out = sink;
	return 0;
}

int backend_sink_create(struct backend **out)
{
	struct sink *sink;
	int ret = create(0, &sink);

	if (ret)
		return ret;
	*out = &sink->be;
	return 0;
}

int backend_source_create(size_t len, struct backend **out)
{
	struct sink *sink;
	uint8_t *frame;
	int ret;

	if (len < ETHER_LEN || len > SOURCE_LEN_MAX)
		return -EINVAL;
	ret = create(BACKEND_VNET_LEN + len, &sink);
	if (ret)
		return ret;

	/* To everybody, of an experimental type, bytes that can be checked. */
	frame = sink->frame + BACKEND_VNET_LEN;
	for (size_t i = ETHER_LEN; i < len; i++)
		frame[i] = (uint8_t)i;
	memset(frame, 0xff, 6);
	frame[6] = 0x02;
	frame[12] = 0x88;
	frame[13] = 0xb5;
	*out = &sink->be;
	return 0;
}
