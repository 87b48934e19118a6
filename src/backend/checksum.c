// SPDX-License-Identifier: BSD-2-Clause
/* VIRTIO 1.3, "Packet Transmission"; RFC 1071. */
#include "backend/checksum.h"

#include <endian.h>
#include <errno.h>

#include "base/bytes.h"
#include "base/range.h"

/*
 * In whatever order of bytes the processor has: the sum is the same but for the
 * order (RFC 1071, "Byte Order Independence"). Frames are far too short for 64
 * bits to overflow.
 */
static uint16_t sum_of(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len >= 4; p += 4, len -= 4)
		sum += get_le32(p);
	if (len >= 2) {
		sum += get_le16(p);
		p += 2;
		len -= 2;
	}
	if (len)
		sum += *p;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

int checksum_finish(uint8_t *frame, size_t len,
		    const struct virtio_net_hdr_v1 *vnet)
{
	size_t start = le16toh(vnet->csum_start);
	size_t at = start + le16toh(vnet->csum_offset);
	uint16_t sum;

	if (!span_fits(at, sizeof(sum), len))
		return -EINVAL;
	sum = (uint16_t)~sum_of(frame + start, len - start);
	/* 0 says of UDP that there is no checksum; ones are as good a zero. */
	put_le16(frame + at, sum ? sum : 0xffff);
	return 0;
}
