// SPDX-License-Identifier: BSD-2-Clause
/* backend/: framing, limits and counters of what needs no privilege. */

#include "backend/backend.h"
#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#define VNET	  BACKEND_VNET_LEN
#define FRAME_MAX 65535

struct pair {
	struct backend *be;
	int peer;
};

static struct pair make(int type, int (*create)(int fd, struct backend **out))
{
	struct pair p;
	int sv[2];

	assert_int_equal(
	    socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	assert_int_equal(create(sv[0], &p.be), 0);
	assert_int_equal(p.be->fd, sv[0]);
	p.peer = sv[1];
	return p;
}

static void finish(struct pair *p)
{
	p->be->ops->destroy(p->be);
	if (p->peer >= 0)
		(void)close(p->peer);
}

static int send_frame(struct backend *be, const void *frame, size_t len)
{
	uint8_t buf[VNET + FRAME_MAX + 1] = { 0 };

	memcpy(buf + VNET, frame, len);
	return be->ops->send(be, buf, VNET + len);
}

static void put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(write(fd, bytes, len), len);
}

static void test_passt_puts_the_length_in_front(void **state)
{
	struct pair p = make(SOCK_STREAM, backend_passt_create);
	uint8_t frame[300], got[400];

	(void)state;
	memset(frame, 0x5a, sizeof(frame));
	assert_int_equal(send_frame(p.be, frame, sizeof(frame)), 0);
	assert_int_equal(read(p.peer, got, sizeof(got)), 4 + sizeof(frame));
	assert_memory_equal(got, "\0\0\x01\x2c", 4);
	assert_memory_equal(got + 4, frame, sizeof(frame));
	assert_int_equal(p.be->stats.sent, 1);
	assert_int_equal(p.be->stats.sent_bytes, sizeof(frame));
	assert_false(p.be->want_write);
	finish(&p);
}

static void test_passt_refuses_what_it_cannot_do(void **state)
{
	static const struct {
		struct virtio_net_hdr_v1 vnet;
		size_t len;
		int want;
	} cases[] = {
		{ { .gso_type = VIRTIO_NET_HDR_GSO_UDP }, 60, -EOPNOTSUPP },
		{ { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 }, 9000, 0 },
		{ { .flags = 1, .csum_start = 50, .csum_offset = 8 }, 60, 0 },
		{ { .flags = 1, .csum_start = 50, .csum_offset = 9 },
		  60,
		  -EINVAL },
		{ { .hdr_len = 14 }, 60, 0 },
		{ { .flags = 0 }, FRAME_MAX, 0 },
		{ { .flags = 0 }, FRAME_MAX + 1, -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p = make(SOCK_STREAM, backend_passt_create);
		uint8_t buf[VNET + FRAME_MAX + 1] = { 0 };

		memcpy(buf, &cases[i].vnet, VNET);
		assert_int_equal(
		    p.be->ops->send(p.be, buf, VNET + cases[i].len),
		    cases[i].want);
		assert_int_equal(p.be->stats.send_dropped, cases[i].want != 0);
		finish(&p);
	}
}

/* Word by word, as RFC 1071 describes it. */
static uint32_t sum_words(const uint8_t *p, size_t len)
{
	uint32_t total = 0;

	for (size_t i = 0; i < len; i++)
		total += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* Whoever sums a completed segment and its pseudo-header gets all ones. */
static void test_passt_completes_checksums(void **state)
{
	const struct virtio_net_hdr_v1 vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34,
		.csum_offset = 16,
	};
	const uint16_t pseudo = 0x1234;

	(void)state;
	for (size_t len = 54; len < 90; len++) {
		struct pair p = make(SOCK_STREAM, backend_passt_create);
		uint8_t buf[VNET + 90], got[4 + 90];

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)(i * 37 + len);
		memcpy(buf, &vnet, VNET);
		buf[VNET + 34 + 16] = pseudo >> 8;
		buf[VNET + 34 + 17] = pseudo & 0xff;
		assert_int_equal(p.be->ops->send(p.be, buf, VNET + len), 0);
		assert_int_equal(read(p.peer, got, sizeof(got)), 4 + len);
		assert_int_equal(
		    sum_words(
			(uint8_t[]){
			    pseudo >> 8, pseudo & 0xff,
			    (uint8_t)(sum_words(got + 4 + 34, len - 34) >> 8),
			    (uint8_t)sum_words(got + 4 + 34, len - 34) },
			4),
		    0xffff);
		finish(&p);
	}
}

/* Short IPv4 packets lose what Ethernet has padded them with, others nothing. */
static void test_passt_gets_no_padding(void **state)
{
	static const struct {
		uint16_t type, total;
		size_t len, want;
	} cases[] = {
		{ 0x0800, 40, 60, 54 }, { 0x0800, 46, 60, 60 },
		{ 0x0800, 47, 60, 60 }, { 0x0800, 0xffff, 60, 60 },
		{ 0x0800, 19, 60, 60 }, { 0x0800, 20, 60, 34 },
		{ 0x0800, 40, 61, 61 }, { 0x0800, 20, 33, 33 },
		{ 0x86dd, 40, 60, 60 }, { 0x0806, 40, 60, 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p = make(SOCK_STREAM, backend_passt_create);
		uint8_t frame[64] = { 0 }, got[4 + 64];

		frame[12] = (uint8_t)(cases[i].type >> 8);
		frame[13] = (uint8_t)cases[i].type;
		frame[16] = (uint8_t)(cases[i].total >> 8);
		frame[17] = (uint8_t)cases[i].total;
		assert_int_equal(send_frame(p.be, frame, cases[i].len), 0);
		assert_int_equal(read(p.peer, got, sizeof(got)),
				 4 + cases[i].want);
		assert_int_equal(got[3], cases[i].want);
		finish(&p);
	}
}

/* Fills the socket until a frame goes in part; returns the frames accepted. */
static unsigned int fill_socket(struct backend *be, const uint8_t *frame,
				size_t len)
{
	unsigned int nr = 0;

	while (!be->want_write) {
		int ret = send_frame(be, frame, len);

		if (ret == -EAGAIN)
			break;
		assert_int_equal(ret, 0);
		assert_true(++nr < 1000);
	}
	return nr;
}

static void test_passt_keeps_its_framing_when_the_socket_is_full(void **state)
{
	struct pair p = make(SOCK_STREAM, backend_passt_create);
	const size_t message = 4 + FRAME_MAX;
	uint8_t *frame = malloc(FRAME_MAX), *got;
	size_t have = 0, cap;
	unsigned int nr;
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < FRAME_MAX; i++)
		frame[i] = (uint8_t)(i * 7);
	nr = fill_socket(p.be, frame, FRAME_MAX);
	assert_true(p.be->want_write);
	assert_int_equal(send_frame(p.be, frame, 60), -EAGAIN);
	assert_int_equal(p.be->stats.send_dropped, 1);

	cap = message * (nr + 1);
	got = malloc(cap);
	while ((n = read(p.peer, got + have, cap - have)) > 0) {
		have += (size_t)n;
		p.be->ops->flush(p.be);
	}
	assert_false(p.be->want_write);
	/* Every accepted frame, whole and in its place; not the dropped one. */
	assert_int_equal(have, message * nr);
	for (unsigned int i = 0; i < nr; i++) {
		assert_memory_equal(got + i * message, "\0\0\xff\xff", 4);
		assert_memory_equal(got + i * message + 4, frame, FRAME_MAX);
	}
	/* A send moves the rest on, too. */
	(void)fill_socket(p.be, frame, FRAME_MAX);
	while (read(p.peer, got, cap) > 0)
		;
	assert_int_equal(send_frame(p.be, frame, 60), 0);
	free(got);
	free(frame);
	finish(&p);
}

static void test_passt_forgets_the_rest_when_nobody_reads(void **state)
{
	struct pair p = make(SOCK_STREAM, backend_passt_create);
	uint8_t *frame = calloc(1, FRAME_MAX);

	(void)state;
	(void)fill_socket(p.be, frame, FRAME_MAX);
	assert_true(p.be->want_write);
	(void)close(p.peer);
	p.peer = -1;
	p.be->ops->flush(p.be);
	assert_false(p.be->want_write);
	assert_int_equal(send_frame(p.be, frame, 60), -EPIPE);
	free(frame);
	finish(&p);
}

static ssize_t receive(struct backend *be, uint8_t *buf, size_t cap)
{
	memset(buf, 0xee, cap);
	return be->ops->receive(be, buf, cap);
}

static void test_passt_takes_frames_apart(void **state)
{
	struct pair p = make(SOCK_STREAM, backend_passt_create);
	uint8_t buf[64];

	(void)state;
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EAGAIN);
	put(p.peer, "\0\0", 2);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EAGAIN);
	put(p.peer, "\0\3ab", 4);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EAGAIN);
	/* The end of one, another, an empty one, and one that is too long. */
	put(p.peer, "c\0\0\0\2de\0\0\0\0\0\0\0\65", 15);
	put(p.peer, "-----------------------------------------------------",
	    53);
	put(p.peer, "\0\0\0\1f", 5);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), VNET + 3);
	assert_memory_equal(buf, "\0\0\0\0\0\0\0\0\0\0\0\0abc", VNET + 3);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), VNET + 2);
	assert_memory_equal(buf + VNET, "de", 2);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EMSGSIZE);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EMSGSIZE);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), VNET + 1);
	assert_int_equal(buf[VNET], 'f');
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(p.be->stats.received, 3);
	assert_int_equal(p.be->stats.received_bytes, 6);
	finish(&p);
}

static void test_passt_of_a_broken_stream(void **state)
{
	struct pair p = make(SOCK_STREAM, backend_passt_create);
	uint8_t buf[64];

	(void)state;
	put(p.peer, "\0\1\0\0", 4);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EBADMSG);
	finish(&p);

	p = make(SOCK_STREAM, backend_passt_create);
	(void)close(p.peer);
	p.peer = -1;
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -ECONNRESET);
	finish(&p);
}

static void test_datagram_is_a_frame_with_its_header(void **state)
{
	struct pair p = make(SOCK_DGRAM, backend_datagram_create);
	uint8_t buf[64], got[64];

	(void)state;
	assert_int_equal(send_frame(p.be, "hello", 5), 0);
	assert_int_equal(read(p.peer, got, sizeof(got)), VNET + 5);
	assert_memory_equal(got + VNET, "hello", 5);

	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EAGAIN);
	put(p.peer, got, VNET + 5);
	put(p.peer, got, VNET - 1);
	put(p.peer, got, sizeof(got));
	put(p.peer, got, sizeof(got) - 1);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), VNET + 5);
	assert_memory_equal(buf, got, VNET + 5);
	assert_int_equal(receive(p.be, buf, sizeof(buf)), -EMSGSIZE);
	assert_int_equal(receive(p.be, buf, sizeof(buf) - 1), -EMSGSIZE);
	assert_int_equal(receive(p.be, buf, sizeof(buf) - 1), sizeof(buf) - 1);
	assert_int_equal(p.be->stats.received, 2);
	finish(&p);
}

static void test_datagram_drops_when_nobody_reads(void **state)
{
	struct pair p = make(SOCK_DGRAM, backend_datagram_create);
	int ret = 0;

	(void)state;
	for (int i = 0; i < 10000 && !ret; i++)
		ret = send_frame(p.be, "hello", 5);
	assert_int_equal(ret, -EAGAIN);
	assert_int_equal(p.be->stats.send_dropped, 1);
	finish(&p);
}

static void test_sink_counts(void **state)
{
	struct backend *be;
	uint8_t buf[64];

	(void)state;
	assert_int_equal(backend_sink_create(&be), 0);
	assert_int_equal(send_frame(be, "hello", 5), 0);
	assert_int_equal(send_frame(be, "hello", 5), 0);
	assert_int_equal(be->stats.sent, 2);
	assert_int_equal(be->stats.sent_bytes, 10);
	assert_int_equal(receive(be, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(be->fd, -1);
	be->ops->destroy(be);
}

static void test_source_always_has_a_frame(void **state)
{
	struct backend *be;
	uint8_t buf[VNET + 60];

	(void)state;
	assert_int_equal(backend_source_create(13, &be), -EINVAL);
	assert_int_equal(backend_source_create(0x10001, &be), -EINVAL);
	assert_int_equal(backend_source_create(60, &be), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(receive(be, buf, sizeof(buf)), VNET + 60);
		assert_memory_equal(buf, "\0\0\0\0\0\0\0\0\0\0\0\0", VNET);
		assert_memory_equal(buf + VNET, "\xff\xff\xff\xff\xff\xff", 6);
		assert_int_equal(buf[VNET + 59], 59);
	}
	assert_int_equal(receive(be, buf, sizeof(buf) - 1), -EMSGSIZE);
	assert_int_equal(send_frame(be, "hello", 5), 0);
	assert_int_equal(be->stats.received_bytes, 120);
	be->ops->destroy(be);
}

static void test_tap_that_does_not_exist(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(backend_tap_open("pviommu-none", &fd), -ENODEV);
	assert_int_equal(backend_tap_open("a-name-of-no-interface", &fd),
			 -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passt_puts_the_length_in_front),
		cmocka_unit_test(test_passt_completes_checksums),
		cmocka_unit_test(test_passt_gets_no_padding),
		cmocka_unit_test(test_passt_refuses_what_it_cannot_do),
		cmocka_unit_test(
		    test_passt_keeps_its_framing_when_the_socket_is_full),
		cmocka_unit_test(test_passt_forgets_the_rest_when_nobody_reads),
		cmocka_unit_test(test_passt_takes_frames_apart),
		cmocka_unit_test(test_passt_of_a_broken_stream),
		cmocka_unit_test(test_datagram_is_a_frame_with_its_header),
		cmocka_unit_test(test_datagram_drops_when_nobody_reads),
		cmocka_unit_test(test_sink_counts),
		cmocka_unit_test(test_source_always_has_a_frame),
		cmocka_unit_test(test_tap_that_does_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
