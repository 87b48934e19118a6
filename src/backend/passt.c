// SPDX-License-Identifier: BSD-2-Clause
/*
 * passt takes and gives whole frames on a stream, each behind its length (4 bytes,
 * big-endian), without a vnet header. It wants checksums that are complete, and
 * takes a TCP segment of any size: what is to be segmented goes as it is.
 */
#include "backend/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>

#include "backend/backend_internal.h"
#include "backend/checksum.h"
#include "base/fd.h"

#define LENGTH_LEN	4
#define FRAME_LEN_MAX	65535
#define ETHER_LEN	14
#define ETHER_FRAME_MIN 60 /* without its check sequence */
#define IPV4_LEN	20 /* without options */
#define MESSAGE_MAX	(LENGTH_LEN + FRAME_LEN_MAX)

_Static_assert(sizeof(struct virtio_net_hdr_v1) == BACKEND_VNET_LEN,
	       "a vnet header is struct virtio_net_hdr_v1");

struct passt {
	struct backend be;
	/* The rest of a message that the socket took in part. */
	uint8_t out[MESSAGE_MAX];
	size_t out_at, out_end;
	/* What was read and is no complete frame yet, or not taken yet. */
	uint8_t in[2 * MESSAGE_MAX];
	size_t in_at, in_end;
};

static void passt_flush(struct backend *be)
{
	struct passt *passt = container_of(be, struct passt, be);

	while (passt->out_at < passt->out_end) {
		ssize_t n = send(be->fd, passt->out + passt->out_at,
				 passt->out_end - passt->out_at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		/* Nobody is there any more: what is left goes nowhere. */
		if (n < 0)
			passt->out_at = passt->out_end;
		else
			passt->out_at += (size_t)n;
	}
	be->want_write = passt->out_at < passt->out_end;
}

/* The stream must not lose its framing: the part that did not go is kept. */
static void keep_rest(struct passt *passt, const struct iovec iov[2],
		      size_t sent)
{
	passt->out_at = 0;
	passt->out_end = 0;
	for (int i = 0; i < 2; i++) {
		size_t skip = MIN(sent, iov[i].iov_len);

		memcpy(passt->out + passt->out_end,
		       (const uint8_t *)iov[i].iov_base + skip,
		       iov[i].iov_len - skip);
		passt->out_end += iov[i].iov_len - skip;
		sent -= skip;
	}
	passt->be.want_write = passt->out_end > 0;
}

static int send_frame(struct passt *passt, uint8_t *frame, size_t len)
{
	uint8_t length[LENGTH_LEN] = {
		(uint8_t)(len >> 24),
		(uint8_t)(len >> 16),
		(uint8_t)(len >> 8),
		(uint8_t)len,
	};
	struct iovec iov[2] = {
		{ length, LENGTH_LEN },
		{ frame, len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (passt->be.want_write)
		passt_flush(&passt->be);
	if (passt->be.want_write)
		return -EAGAIN;
	do {
		n = sendmsg(passt->be.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	keep_rest(passt, iov, (size_t)n);
	return 0;
}

static bool is_known_gso(const struct virtio_net_hdr_v1 *vnet)
{
	uint8_t type = vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	return type == VIRTIO_NET_HDR_GSO_NONE ||
	       type == VIRTIO_NET_HDR_GSO_TCPV4 ||
	       type == VIRTIO_NET_HDR_GSO_TCPV6;
}

/*
 * The frame without padding. Ethernet's short frames are padded to 60 bytes, by
 * drivers too; passt drops an IPv4 packet that is not exactly as long as it says
 * (2023_03_09, which Debian 12 has).
 */
static size_t unpadded(const uint8_t *frame, size_t len)
{
	size_t packet;

	if (len < ETHER_LEN + IPV4_LEN || len > ETHER_FRAME_MIN ||
	    frame[12] != 0x08 || frame[13] != 0x00)
		return len;
	packet = (size_t)frame[16] << 8 | frame[17]; /* RFC 791: total length */
	return packet < IPV4_LEN ? len : MIN(len, ETHER_LEN + packet);
}

static int passt_send(struct backend *be, void *buf, size_t len)
{
	struct passt *passt = container_of(be, struct passt, be);
	uint8_t *frame = (uint8_t *)buf + BACKEND_VNET_LEN;
	struct virtio_net_hdr_v1 vnet;
	int ret = 0;

	memcpy(&vnet, buf, sizeof(vnet));
	if (!is_known_gso(&vnet))
		ret = -EOPNOTSUPP;
	else if (len - sizeof(vnet) > FRAME_LEN_MAX)
		ret = -EMSGSIZE;
	else if (vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		ret = checksum_finish(frame, len - sizeof(vnet), &vnet);
	if (!ret)
		ret = send_frame(passt, frame,
				 unpadded(frame, len - sizeof(vnet)));
	return backend_count_send(be, len, ret);
}

/* Reads what there is behind what is there. */
static int fill(struct passt *passt)
{
	ssize_t n;

	memmove(passt->in, passt->in + passt->in_at,
		passt->in_end - passt->in_at);
	passt->in_end -= passt->in_at;
	passt->in_at = 0;
	do {
		n = recv(passt->be.fd, passt->in + passt->in_end,
			 sizeof(passt->in) - passt->in_end, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	passt->in_end += (size_t)n;
	return 0;
}

/* The length of the frame at in_at: -EAGAIN if not all of it is there. */
static ssize_t next_length(const struct passt *passt)
{
	const uint8_t *at = passt->in + passt->in_at;
	size_t have = passt->in_end - passt->in_at;
	size_t len;

	if (have < LENGTH_LEN)
		return -EAGAIN;
	len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 |
	      at[3];
	if (len > FRAME_LEN_MAX)
		return -EBADMSG;
	return have - LENGTH_LEN < len ? -EAGAIN : (ssize_t)len;
}

static ssize_t passt_receive(struct backend *be, void *buf, size_t cap)
{
	struct passt *passt = container_of(be, struct passt, be);
	ssize_t len = next_length(passt);
	const uint8_t *frame;

	if (len == -EAGAIN) {
		int ret = fill(passt);

		if (ret)
			return ret;
		len = next_length(passt);
	}
	if (len < 0)
		return len;
	frame = passt->in + passt->in_at + LENGTH_LEN;
	passt->in_at += LENGTH_LEN + (size_t)len;
	if (len == 0 || (size_t)len + BACKEND_VNET_LEN > cap)
		return -EMSGSIZE;
	memset(buf, 0, BACKEND_VNET_LEN);
	memcpy((uint8_t *)buf + BACKEND_VNET_LEN, frame, (size_t)len);
	return backend_count_receive(be, len + BACKEND_VNET_LEN);
}

static void passt_destroy(struct backend *be)
{
	fd_close(&be->fd);
	free(container_of(be, struct passt, be));
}

static const struct backend_ops passt_ops = {
	.send = passt_send,
	.receive = passt_receive,
	.flush = passt_flush,
	.destroy = passt_destroy,
};

int backend_passt_create(int fd, struct backend **out)
{
	struct passt *passt = calloc(1, sizeof(*passt));

	if (!passt) {
		fd_close(&fd);
		return -ENOMEM;
	}
	passt->be.ops = &passt_ops;
	passt->be.fd = fd;
	*out = &passt->be;
	return 0;
}
