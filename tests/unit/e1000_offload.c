// SPDX-License-Identifier: BSD-2-Clause
/* devices/e1000: what descriptors ask for, headers, and receive filters. */

#include "devices/e1000/offload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "base/bytes.h"
#include "devices/e1000/filter.h"
#include "tests/test.h"

/* Of a frame as Linux gives it for segmentation: Ethernet, IPv4, TCP. */
#define ETH  14
#define IP4  20
#define TCP  20
#define HEAD (ETH + IP4 + TCP)

static struct e1000_offload tso(void)
{
	return (struct e1000_offload){
		.segment = true,
		.ip_sum = true,
		.sum = true,
		.tcp = true,
		.ip4 = true,
		.ip_start = ETH,
		.ip_sum_off = ETH + 10,
		.ip_last = ETH + IP4 - 1,
		.sum_start = ETH + IP4,
		.sum_off = ETH + IP4 + 16,
		.mss = 1000,
		.head_len = HEAD,
	};
}

/* RFC 1071, as slowly as it is written there. */
static uint16_t sum_of(const uint8_t *p, uint32_t len, uint32_t seed)
{
	uint64_t sum = seed;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void test_headers_are_made_whole(void **state)
{
	struct e1000_offload o = tso();
	const uint32_t len = HEAD + 2500;
	uint8_t head[E1000_HEAD_MAX] = { 0 };
	uint8_t *ip = head + ETH, *tcp = ip + IP4;
	uint16_t pseudo;

	(void)state;
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
	/* The driver's pseudo-checksum: addresses and protocol, no length. */
	pseudo = sum_of(ip + 12, 8, 6);
	tcp[16] = (uint8_t)(pseudo >> 8);
	tcp[17] = (uint8_t)pseudo;

	assert_int_equal(e1000_offload_check(&o, len), 0);
	assert_int_equal(e1000_offload_head(&o), HEAD);
	e1000_offload_fix(&o, head, len);
	assert_int_equal(be16(ip + 2), len - ETH);
	assert_int_equal(sum_of(ip, IP4, 0), 0xffff);
	assert_int_equal(be16(tcp + 16),
			 sum_of(ip + 12, 8, 6 + len - ETH - IP4));
	assert_int_equal(e1000_offload_segments(&o, len), 3);
}

static void test_ip6_has_another_length(void **state)
{
	struct e1000_offload o = tso();
	uint8_t head[E1000_HEAD_MAX] = { 0 };

	(void)state;
	o.ip4 = false;
	o.ip_sum = false;
	o.sum_start = ETH + 40;
	o.sum_off = ETH + 40 + 16;
	o.head_len = ETH + 40 + TCP;
	assert_int_equal(e1000_offload_check(&o, 5000), 0);
	e1000_offload_fix(&o, head, 5000);
	assert_int_equal(be16(head + ETH + 4), 5000 - ETH - 40);
}

static void test_segmentation_that_makes_no_sense(void **state)
{
	static const struct {
		size_t field;  /* of struct e1000_offload: a byte of it … */
		uint8_t value; /* … becomes this */
		uint32_t len;
		int want;
	} cases[] = {
		{ offsetof(struct e1000_offload, tcp), 1, 3000, 0 },
		{ offsetof(struct e1000_offload, tcp), 1, HEAD + 1, 0 },
		{ offsetof(struct e1000_offload, tcp), 1, HEAD, -EINVAL },
		{ offsetof(struct e1000_offload, tcp), 1, 65535 + ETH, 0 },
		{ offsetof(struct e1000_offload, tcp), 1, 65536 + ETH,
		  -EINVAL },
		{ offsetof(struct e1000_offload, tcp), 0, 3000, -EINVAL },
		{ offsetof(struct e1000_offload, ip_start), 15, 3000, -EINVAL },
		{ offsetof(struct e1000_offload, sum_start), 35, 3000,
		  -EINVAL },
		{ offsetof(struct e1000_offload, sum_off), 33, 3000, -EINVAL },
		{ offsetof(struct e1000_offload, sum_off), 53, 3000, -EINVAL },
		{ offsetof(struct e1000_offload, head_len), 53, 3000, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct e1000_offload o = tso();

		((uint8_t *)&o)[cases[i].field] = cases[i].value;
		assert_int_equal(e1000_offload_check(&o, cases[i].len),
				 cases[i].want);
	}
}

static void test_no_segments_of_nothing(void **state)
{
	struct e1000_offload o = tso();

	(void)state;
	o.mss = 0;
	assert_int_equal(e1000_offload_check(&o, 3000), -EINVAL);
}

static void test_sums_stay_inside_the_frame(void **state)
{
	static const struct {
		uint8_t start, off;
		uint32_t len;
		bool want;
	} cases[] = {
		{ 34, 40, 60, true },	  { 34, 40, 42, true },
		{ 34, 40, 41, false },	  { 34, 33, 60, false },
		{ 34, 34, 60, true },	  { 0, 0, 60, true },
		{ 255, 255, 256, false }, { 255, 255, 257, true },
	};
	struct port_vnet vnet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct e1000_offload o = { .sum = true };

		o.sum_start = cases[i].start;
		o.sum_off = cases[i].off;
		assert_int_equal(e1000_offload_check(&o, cases[i].len), 0);
		assert_int_equal(
		    e1000_offload_vnet(&o, NULL, cases[i].len, 4, &vnet),
		    cases[i].want);
		if (!cases[i].want)
			continue;
		assert_int_equal(vnet.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(vnet.csum_start, cases[i].start + 4);
		assert_int_equal(vnet.csum_offset,
				 cases[i].off - cases[i].start);
		assert_int_equal(vnet.gso_type, 0);
	}
}

static void test_ip_sum_alone(void **state)
{
	struct e1000_offload o = {
		.ip_sum = true,
		.ip_start = ETH,
		.ip_sum_off = ETH + 10,
		.ip_last = ETH + IP4 - 1,
	};
	uint8_t head[E1000_HEAD_MAX] = { [ETH] = 0x45, [ETH + 10] = 0xff };

	(void)state;
	assert_int_equal(e1000_offload_check(&o, 60), 0);
	assert_int_equal(e1000_offload_head(&o), ETH + IP4);
	e1000_offload_fix(&o, head, 60);
	assert_int_equal(sum_of(head + ETH, IP4, 0), 0xffff);

	o.ip_last = 60; /* behind the frame's end */
	assert_int_equal(e1000_offload_check(&o, 60), 0);
	assert_int_equal(e1000_offload_head(&o), 0);
}

static void test_vnet_header_of_segments(void **state)
{
	struct e1000_offload o = tso();
	uint8_t head[E1000_HEAD_MAX] = { 0 };
	struct port_vnet vnet;

	(void)state;
	assert_true(e1000_offload_vnet(&o, head, HEAD + 1001, 0, &vnet));
	assert_int_equal(vnet.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(vnet.gso_size, 1000);
	assert_int_equal(vnet.hdr_len, HEAD);
	assert_int_equal(vnet.csum_start, ETH + IP4);
	assert_int_equal(vnet.csum_offset, 16);

	head[ETH + IP4 + 13] = 0x80; /* congestion window reduced */
	assert_true(e1000_offload_vnet(&o, head, HEAD + 1001, 4, &vnet));
	assert_int_equal(vnet.gso_type,
			 VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	assert_int_equal(vnet.hdr_len, HEAD + 4);
	assert_int_equal(vnet.csum_start, ETH + IP4 + 4);

	/* What fits one segment is not segmented. */
	assert_true(e1000_offload_vnet(&o, head, HEAD + 1000, 0, &vnet));
	assert_int_equal(vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

static void test_descriptors_are_read(void **state)
{
	const struct e1000_tx_desc legacy = {
		.lower = E1000_TXD_IC | 40u << E1000_TXD_CSO_SHIFT | 100,
		.upper = 34u << E1000_TXD_CSS_SHIFT,
	};
	const struct e1000_tx_desc data = {
		.lower = E1000_TXD_DEXT | E1000_TXD_DTYP_DATA | E1000_TXD_TSE,
		.upper = E1000_TXD_POPTS_IXSM | E1000_TXD_POPTS_TXSM,
	};
	const struct e1000_tx_desc context = {
		.addr = 0x000032340021180e,
		.lower = E1000_TXC_TCP | E1000_TXC_IP,
		.upper = 1448u << 16 | 66u << 8,
	};
	struct e1000_offload o;

	(void)state;
	e1000_offload_parse(&o, &legacy, &context);
	assert_true(o.sum && !o.segment && !o.ip_sum);
	assert_int_equal(o.sum_start, 34);
	assert_int_equal(o.sum_off, 40);

	e1000_offload_parse(&o, &data, &context);
	assert_true(o.sum && o.segment && o.ip_sum && o.tcp && o.ip4);
	assert_int_equal(o.ip_start, 14);
	assert_int_equal(o.ip_sum_off, 24);
	assert_int_equal(o.ip_last, 0x21);
	assert_int_equal(o.sum_start, 0x34);
	assert_int_equal(o.sum_off, 0x32);
	assert_int_equal(o.mss, 1448);
	assert_int_equal(o.head_len, 66);
}

/* ---- filters ---- */

static uint32_t *page(void)
{
	uint32_t *regs = calloc(1, E1000_REGS_LEN);

	assert_non_null(regs);
	regs[E1000_VET / 4] = 0x8100;
	regs[E1000_RAL / 4 + 30] = 0x12005452; /* the sixteenth address */
	regs[E1000_RAL / 4 + 31] = E1000_RAH_AV | 0x5634;
	regs[E1000_RAL / 4 + 2] = 0x44332211; /* not valid */
	regs[E1000_RAL / 4 + 3] = 0x6655;
	return regs;
}

static void test_addresses(void **state)
{
	static const struct {
		const char *head;
		uint32_t rctl;
		enum e1000_match want;
	} cases[] = {
		{ "\x52\x54\x00\x12\x34\x56", 0, E1000_MATCH_EXACT },
		{ "\x52\x54\x00\x12\x34\x57", 0, E1000_MATCH_NONE },
		{ "\x11\x22\x33\x44\x55\x66", 0, E1000_MATCH_NONE },
		{ "\x52\x54\x00\x12\x34\x57", E1000_RCTL_UPE,
		  E1000_MATCH_HASH },
		{ "\x52\x54\x00\x12\x34\x57", E1000_RCTL_MPE,
		  E1000_MATCH_NONE },
		{ "\xff\xff\xff\xff\xff\xff", 0, E1000_MATCH_NONE },
		{ "\xff\xff\xff\xff\xff\xff", E1000_RCTL_BAM,
		  E1000_MATCH_EXACT },
		{ "\x01\x00\x5e\x00\x00\x01", E1000_RCTL_BAM,
		  E1000_MATCH_NONE },
		{ "\x01\x00\x5e\x00\x00\x01", E1000_RCTL_UPE,
		  E1000_MATCH_NONE },
		{ "\x01\x00\x5e\x00\x00\x01", E1000_RCTL_MPE,
		  E1000_MATCH_HASH },
	};
	uint32_t *regs = page();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t head[E1000_FILTER_HEAD] = { 0 };

		memcpy(head, cases[i].head, 6);
		assert_int_equal(e1000_filter(regs, cases[i].rctl, head),
				 cases[i].want);
	}
	free(regs);
}

/* Against the way that Linux's e1000_hash_mc_addr() finds the bit. */
static void test_multicast_hash(void **state)
{
	static const unsigned int from[] = { 36, 35, 34, 32 };
	uint32_t *regs = page();

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		uint32_t mo = i % 4, hash;
		uint8_t head[E1000_FILTER_HEAD] = { 1, 0, 0x5e };
		uint64_t addr;

		head[4] = (uint8_t)(i * 37);
		head[5] = (uint8_t)(i * 151 >> 3);
		addr = get_le64(head) & 0xffffffffffff;
		hash = (uint32_t)(addr >> from[mo]) & 0xfff;

		memset(&regs[E1000_MTA / 4], 0, 4 * E1000_NR_MTA);
		assert_int_equal(
		    e1000_filter(regs, mo << E1000_RCTL_MO_SHIFT, head),
		    E1000_MATCH_NONE);
		regs[E1000_MTA / 4 + hash / 32] = 1u << hash % 32;
		assert_int_equal(
		    e1000_filter(regs, mo << E1000_RCTL_MO_SHIFT, head),
		    E1000_MATCH_HASH);
	}
	free(regs);
}

static void test_vlans(void **state)
{
	uint8_t head[E1000_FILTER_HEAD] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	uint32_t *regs = page();

	(void)state;
	assert_false(e1000_filter_tagged(regs, head));
	head[12] = 0x81;
	head[14] = 0xe0; /* priority 7, VLAN 0x123 */
	head[14] |= 0x01;
	head[15] = 0x23;
	assert_true(e1000_filter_tagged(regs, head));
	assert_int_equal(e1000_filter(regs, 0, head), E1000_MATCH_EXACT);
	assert_int_equal(
	    e1000_filter(regs, E1000_RCTL_VFE | E1000_RCTL_UPE, head),
	    E1000_MATCH_NONE);
	regs[E1000_VFTA / 4 + 0x123 / 32] = 1u << 0x123 % 32;
	assert_int_equal(e1000_filter(regs, E1000_RCTL_VFE, head),
			 E1000_MATCH_EXACT);
	head[15] = 0x24;
	assert_int_equal(e1000_filter(regs, E1000_RCTL_VFE, head),
			 E1000_MATCH_NONE);
	head[12] = 0x08; /* not tagged: not the VLAN filter's business */
	assert_int_equal(e1000_filter(regs, E1000_RCTL_VFE, head),
			 E1000_MATCH_EXACT);
	free(regs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_are_made_whole),
		cmocka_unit_test(test_ip6_has_another_length),
		cmocka_unit_test(test_segmentation_that_makes_no_sense),
		cmocka_unit_test(test_no_segments_of_nothing),
		cmocka_unit_test(test_sums_stay_inside_the_frame),
		cmocka_unit_test(test_ip_sum_alone),
		cmocka_unit_test(test_vnet_header_of_segments),
		cmocka_unit_test(test_descriptors_are_read),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_multicast_hash),
		cmocka_unit_test(test_vlans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
