// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transmit offloads: the manual, "TCP/IP Context Transmit Descriptor Format" and
 * "IP/TCP/UDP Transmit Checksum Offloading"; VIRTIO 1.3, "Network Device",
 * "Packet Transmission".
 */

#include "devices/e1000/offload.h"

#include <errno.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "base/bytes.h"

#define IP4_LEN_OFF   2
#define IP4_LEN	      20
#define IP6_LEN_OFF   4
#define IP6_LEN	      40
#define TCP_FLAGS_OFF 13
#define TCP_FLAG_CWR  0x80
#define TCP_LEN	      20
#define PACKET_MAX    65535

void e1000_offload_parse(struct e1000_offload *o,
			 const struct e1000_tx_desc *first,
			 const struct e1000_tx_desc *context)
{
	uint32_t lower = le32toh(first->lower), upper = le32toh(first->upper);
	uint64_t fields = le64toh(context->addr);

	memset(o, 0, sizeof(*o));
	if (!(lower & E1000_TXD_DEXT)) {
		o->sum = lower & E1000_TXD_IC;
		o->sum_start = (uint8_t)(upper >> E1000_TXD_CSS_SHIFT);
		o->sum_off = (uint8_t)(lower >> E1000_TXD_CSO_SHIFT);
		return;
	}
	o->segment = lower & E1000_TXD_TSE;
	o->ip_sum = upper & E1000_TXD_POPTS_IXSM;
	o->sum = upper & E1000_TXD_POPTS_TXSM;
	o->ip_start = (uint8_t)fields;
	o->ip_sum_off = (uint8_t)(fields >> 8);
	o->ip_last = (uint16_t)(fields >> 16);
	o->sum_start = (uint8_t)(fields >> 32);
	o->sum_off = (uint8_t)(fields >> 40);
	o->tcp = le32toh(context->lower) & E1000_TXC_TCP;
	o->ip4 = le32toh(context->lower) & E1000_TXC_IP;
	o->head_len = (uint8_t)(le32toh(context->upper) >> 8);
	o->mss = (uint16_t)(le32toh(context->upper) >> 16);
}

static int check_segmentation(const struct e1000_offload *o, uint32_t len)
{
	uint32_t ip_len = o->ip4 ? IP4_LEN : IP6_LEN;

	if (!o->tcp || o->mss == 0 || o->head_len >= len)
		return -EINVAL;
	if (o->ip_start + ip_len > o->sum_start ||
	    o->sum_start + TCP_LEN > o->head_len)
		return -EINVAL;
	if (len - o->ip_start > PACKET_MAX)
		return -EINVAL;
	return 0;
}

int e1000_offload_check(struct e1000_offload *o, uint32_t len)
{
	uint32_t limit = o->segment ? o->head_len : len;
	int ret;

	if (o->segment) {
		ret = check_segmentation(o, len);
		if (ret)
			return ret;
		o->sum = true;
	}
	if (o->sum_off < o->sum_start || o->sum_off + 2u > limit) {
		if (o->segment)
			return -EINVAL;
		o->sum = false;
	}
	if (o->ip_sum_off < o->ip_start || o->ip_sum_off + 1u > o->ip_last ||
	    o->ip_last >= MIN(limit, (uint32_t)E1000_HEAD_MAX - 1))
		o->ip_sum = false;
	return 0;
}

uint32_t e1000_offload_head(const struct e1000_offload *o)
{
	if (o->segment)
		return o->head_len;
	return o->ip_sum ? o->ip_last + 1u : 0;
}

static void put_be16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint32_t get_be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1071 over [p, p + len), len at most E1000_HEAD_MAX. */
static uint32_t sum_bytes(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get_be16(p + i);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return fold(sum);
}

void e1000_offload_fix(const struct e1000_offload *o, uint8_t *head,
		       uint32_t len)
{
	uint8_t *ip = head + o->ip_start, *sum = head + o->sum_off;

	if (o->segment && o->ip4)
		put_be16(ip + IP4_LEN_OFF, len - o->ip_start);
	else if (o->segment)
		put_be16(ip + IP6_LEN_OFF, len - o->ip_start - IP6_LEN);
	if (o->segment)
		put_be16(sum, fold(get_be16(sum) + len - o->sum_start));
	if (o->ip_sum) {
		put_be16(head + o->ip_sum_off, 0);
		put_be16(head + o->ip_sum_off,
			 ~sum_bytes(ip, o->ip_last + 1u - o->ip_start));
	}
}

uint32_t e1000_offload_segments(const struct e1000_offload *o, uint32_t len)
{
	if (!o->segment)
		return 1;
	return (len - o->head_len + o->mss - 1) / o->mss;
}

bool e1000_offload_vnet(const struct e1000_offload *o, const uint8_t *head,
			uint32_t len, uint32_t tag_len, struct port_vnet *vnet)
{
	memset(vnet, 0, sizeof(*vnet));
	if (!o->sum)
		return false;

	vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet->csum_start = htole16((uint16_t)(o->sum_start + tag_len));
	vnet->csum_offset = htole16((uint16_t)(o->sum_off - o->sum_start));
	if (e1000_offload_segments(o, len) == 1)
		return true;
	vnet->gso_type =
	    o->ip4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	if (head[o->sum_start + TCP_FLAGS_OFF] & TCP_FLAG_CWR)
		vnet->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	vnet->gso_size = htole16(o->mss);
	vnet->hdr_len = htole16((uint16_t)(o->head_len + tag_len));
	return true;
}
