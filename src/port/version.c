// SPDX-License-Identifier: BSD-2-Clause
/* VERSION, the only message with JSON in it; never served behind the filter. */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "port/server_internal.h"

/* The client's limit of descriptors. vfio-user, "Capabilities": 1 if not given. */
static int take_capabilities(struct server *s, const json_t *caps)
{
	const json_t *fds = json_object_get(caps, "max_msg_fds");

	if (!fds)
		return 0;
	if (json_integer_value(fds) < 1)
		return -EINVAL;
	s->client_fds =
	    (uint32_t)MIN(json_integer_value(fds), (json_int_t)FD_PASS_MAX);
	return 0;
}

static int parse_json(struct server *s, const char *text, size_t len)
{
	json_t *root;
	int ret = -EINVAL;

	if (text[len - 1] != '\0')
		return -EBADMSG;
	root = json_loads(text, 0, NULL);
	if (json_is_object(root))
		ret =
		    take_capabilities(s, json_object_get(root, "capabilities"));
	json_decref(root);
	return ret;
}

static size_t put_capabilities(uint8_t *out, size_t cap)
{
	int n = snprintf((char *)out, cap,
			 "{\"capabilities\":{\"max_msg_fds\":%d,"
			 "\"max_data_xfer_size\":%d,\"pviommu_port\":%d}}",
			 VFIO_USER_FDS_MAX, VFIO_USER_DATA_MAX, PORT_VERSION);

	return (size_t)n + 1;
}

int server_version(struct server *s, struct server_msg *msg)
{
	struct vfio_user_version v;
	int ret;

	memcpy(&v, msg->body, sizeof(v));
	if (le16toh(v.major) != VFIO_USER_MAJOR)
		return -EINVAL;
	if (msg->len > sizeof(v)) {
		ret = parse_json(s, (const char *)msg->body + sizeof(v),
				 msg->len - sizeof(v));
		if (ret)
			return ret;
	}

	if (le16toh(v.minor) > VFIO_USER_MINOR)
		v.minor = htole16(VFIO_USER_MINOR);
	memcpy(msg->reply, &v, sizeof(v));
	msg->reply_len =
	    sizeof(v) + put_capabilities(msg->reply + sizeof(v), 256);
	s->state = SERVER_KNOWN;
	return 0;
}
