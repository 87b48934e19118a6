// SPDX-License-Identifier: BSD-2-Clause
/* The device's end of the socket; the test is the client. */
#include <stdlib.h>

#include "base/bytes.h"
#include "tests/server_client.h"

static int setup(void **state)
{
	struct server_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	server_fixture_init(f);
	*state = f;
	return 0;
}

static int setup_known(void **state)
{
	(void)setup(state);
	get_known(*state);
	return 0;
}

static int setup_started(void **state)
{
	(void)setup(state);
	get_started(*state);
	return 0;
}

static int teardown(void **state)
{
	server_fixture_fini(*state);
	free(*state);
	return 0;
}

static bool signalled(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* ---- messages out of a stream ---- */

static void test_bytes_arrive_one_by_one(void **state)
{
	struct server_fixture *f = *state;
	const struct {
		struct vfio_user_header h;
		struct vfio_user_device_info info;
	} message = {
		.h = { .id = htole16(7),
		       .command = htole16(VFIO_USER_DEVICE_GET_INFO),
		       .size = htole32(sizeof(message)) },
		.info.argsz = htole32(sizeof(message.info)),
	};
	struct answer a;

	for (size_t i = 0; i < sizeof(message); i++) {
		assert_true(nothing_to_receive(f));
		assert_int_equal(fd_send_msg(f->client,
					     (const uint8_t *)&message + i, 1,
					     NULL, 0),
				 0);
		assert_int_equal(server_serve(f->server), 0);
	}
	receive_for(f, VFIO_USER_DEVICE_GET_INFO, 0, &a);
}

static void test_messages_arrive_together(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	for (int i = 0; i < 3; i++)
		server_fixture_send(f, VFIO_USER_DEVICE_RESET, NULL, 0, NULL,
				    0);
	assert_int_equal(server_serve(f->server), 0);
	assert_int_equal(f->dev.resets, 3);
	for (int i = 0; i < 3; i++)
		receive_for(f, VFIO_USER_DEVICE_RESET, 0, &a);
	assert_int_equal(server_serve(f->server), 0);
}

static void test_an_answer_may_be_unwanted(void **state)
{
	struct server_fixture *f = *state;
	const struct vfio_user_header h = {
		.command = htole16(VFIO_USER_DEVICE_RESET),
		.size = htole32(sizeof(h)),
		.flags = htole32(VFIO_USER_F_NO_REPLY),
	};

	assert_int_equal(fd_send_msg(f->client, &h, sizeof(h), NULL, 0), 0);
	assert_int_equal(server_serve(f->server), 0);
	assert_int_equal(f->dev.resets, 1);
	assert_true(nothing_to_receive(f));
}

/* What can not be a message ends the connection. */
static void test_broken_headers(void **state)
{
	static const struct vfio_user_header cases[] = {
		{ .command = VFIO_USER_DEVICE_RESET, .size = 0 },
		{ .command = VFIO_USER_DEVICE_RESET, .size = HEADER_LEN - 1 },
		{ .command = VFIO_USER_DEVICE_RESET,
		  .size = VFIO_USER_MSG_MAX + 1 },
		{ .command = VFIO_USER_DEVICE_RESET, .size = UINT32_MAX },
		{ .command = VFIO_USER_DEVICE_RESET,
		  .size = HEADER_LEN,
		  .flags = VFIO_USER_F_TYPE_REPLY },
		{ .command = VFIO_USER_DEVICE_RESET,
		  .size = HEADER_LEN,
		  .flags = VFIO_USER_F_TYPE_MASK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server_fixture f;

		server_fixture_init(&f);
		get_started(&f);
		assert_int_equal(
		    fd_send_msg(f.client, &cases[i], HEADER_LEN, NULL, 0), 0);
		assert_int_equal(server_serve(f.server), -EBADMSG);
		assert_int_equal(f.dev.resets, 0);
		server_fixture_fini(&f);
	}
}

static void test_the_client_goes(void **state)
{
	struct server_fixture *f = *state;

	assert_int_equal(fd_send_msg(f->client, "\0", 1, NULL, 0), 0);
	assert_int_equal(server_serve(f->server), 0);
	fd_close(&f->client);
	assert_int_equal(server_serve(f->server), -ECONNRESET);
	assert_int_equal(server_handshake(f->server), -ECONNRESET);
}

/* Pieces of one message may each bring descriptors, but not too many in all. */
static void test_too_many_descriptors(void **state)
{
	struct server_fixture *f = *state;
	const struct vfio_user_header h = {
		.command = htole16(VFIO_USER_DMA_MAP),
		.size = htole32(sizeof(h) + sizeof(struct vfio_user_dma_map)),
	};
	int fds[FD_PASS_MAX];

	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fds[i] = f->dev.bells[0];
	assert_int_equal(fd_send_msg(f->client, &h, 8, fds, FD_PASS_MAX), 0);
	assert_int_equal(server_serve(f->server), 0);
	assert_int_equal(
	    fd_send_msg(f->client, (const uint8_t *)&h + 8, 8, fds, 1), 0);
	assert_int_equal(server_serve(f->server), -EBADMSG);
}

/* ---- version ---- */

static void test_version(void **state)
{
	static const struct {
		const char *why;
		uint16_t major, minor;
		const char *json; /* NULL: none */
		size_t cut;	  /* bytes less */
		int want;
		uint16_t want_minor;
	} cases[] = {
		{ "ours", 0, 1, "{}", 0, 0, 1 },
		{ "older", 0, 0, "{}", 0, 0, 0 },
		{ "newer", 0, 9, "{}", 0, 0, 1 },
		{ "another major", 1, 1, "{}", 0, -EINVAL, 0 },
		{ "no JSON", 0, 1, NULL, 0, 0, 1 },
		{ "not terminated", 0, 1, "{}", 1, -EBADMSG, 0 },
		{ "empty", 0, 1, "", 0, -EINVAL, 0 },
		{ "not JSON", 0, 1, "{", 0, -EINVAL, 0 },
		{ "no object", 0, 1, "[]", 0, -EINVAL, 0 },
		{ "odd capabilities", 0, 1, "{\"capabilities\":3}", 0, 0, 1 },
		{ "takes no descriptors", 0, 1,
		  "{\"capabilities\":{\"max_msg_fds\":0}}", 0, -EINVAL, 0 },
		{ "text for a number", 0, 1,
		  "{\"capabilities\":{\"max_msg_fds\":\"8\"}}", 0, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server_fixture f;
		struct vfio_user_version v = { htole16(cases[i].major),
					       htole16(cases[i].minor) };
		uint8_t body[256];
		size_t len = sizeof(v);
		struct answer a;

		print_message("# %s\n", cases[i].why);
		memcpy(body, &v, sizeof(v));
		if (cases[i].json) {
			strcpy((char *)body + len, cases[i].json);
			len += strlen(cases[i].json) + 1 - cases[i].cut;
		}
		server_fixture_init(&f);
		ask(&f, VFIO_USER_VERSION, body, len, cases[i].want, &a);
		if (!cases[i].want) {
			assert_int_equal(get_le16(a.body), 0);
			assert_int_equal(get_le16(a.body + 2),
					 cases[i].want_minor);
			assert_int_equal(a.body[a.len - 1], 0);
			assert_string_equal(
			    (char *)a.body + 4,
			    "{\"capabilities\":{\"max_msg_fds\":16,"
			    "\"max_data_xfer_size\":65536,"
			    "\"pviommu_port\":1}}");
		}
		server_fixture_fini(&f);
	}
}

static void test_unknown_flags_are_refused(void **state)
{
	struct server_fixture *f = *state;
	const struct vfio_user_header h = {
		.id = htole16(7),
		.command = htole16(VFIO_USER_DEVICE_RESET),
		.size = htole32(sizeof(h)),
		.flags = htole32(0x40),
	};
	struct answer a;

	assert_int_equal(fd_send_msg(f->client, &h, sizeof(h), NULL, 0), 0);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_DEVICE_RESET, -EINVAL, &a);
}

/* ---- what it is ---- */

static void test_information(void **state)
{
	struct server_fixture *f = *state;
	struct vfio_user_device_info info = { .argsz = htole32(sizeof(info)) };
	struct answer a;

	ask(f, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info), 0, &a);
	memcpy(&info, a.body, sizeof(info));
	assert_int_equal(a.len, sizeof(info));
	assert_int_equal(le32toh(info.flags),
			 VFIO_USER_DEVICE_F_PCI | VFIO_USER_DEVICE_F_RESET);
	assert_int_equal(le32toh(info.nr_regions), VFIO_USER_NR_REGIONS);
	assert_int_equal(le32toh(info.nr_irqs), VFIO_USER_NR_IRQS);
}

static void test_region_information(void **state)
{
	static const struct {
		uint32_t index;
		uint64_t size;
		uint32_t flags;
	} cases[] = {
		{ 0, FAKE_BAR0, FAKE_RW },
		{ 1, 0x100, VFIO_USER_REGION_F_READ },
		{ 3, 0, 0 },
		{ VFIO_USER_REGION_CONFIG, 256, FAKE_RW },
		{ VFIO_USER_REGION_VGA, 0, 0 },
	};
	struct server_fixture *f = *state;
	struct answer a;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_user_region_info info = {
			.argsz = htole32(sizeof(info)),
			.index = htole32(cases[i].index),
		};

		ask(f, VFIO_USER_DEVICE_GET_REGION_INFO, &info, sizeof(info), 0,
		    &a);
		memcpy(&info, a.body, sizeof(info));
		assert_int_equal(a.len, sizeof(info));
		assert_int_equal(le32toh(info.index), cases[i].index);
		assert_true(le64toh(info.size) == cases[i].size);
		assert_int_equal(le32toh(info.flags), cases[i].flags);
	}
}

static void test_irq_information(void **state)
{
	static const uint32_t counts[VFIO_USER_NR_IRQS] = { 1, 0, 3, 0, 0 };
	struct server_fixture *f = *state;
	struct answer a;

	for (uint32_t i = 0; i < VFIO_USER_NR_IRQS; i++) {
		struct vfio_user_irq_info info = {
			.argsz = htole32(sizeof(info)),
			.index = htole32(i),
		};

		ask(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info), 0,
		    &a);
		memcpy(&info, a.body, sizeof(info));
		assert_int_equal(a.len, sizeof(info));
		assert_int_equal(le32toh(info.index), i);
		assert_int_equal(le32toh(info.count), counts[i]);
		assert_true(le32toh(info.flags) & VFIO_USER_IRQ_F_EVENTFD);
	}
}

static void test_port_information(void **state)
{
	struct server_fixture *f = *state;
	struct vfio_user_pv_port_info info;
	struct vfio_user_pv_regs run;
	struct answer a;

	ask(f, VFIO_USER_PV_PORT_INFO, NULL, 0, 0, &a);
	assert_int_equal(a.len, sizeof(info) + 2 * sizeof(run));
	memcpy(&info, a.body, sizeof(info));
	assert_int_equal(le32toh(info.version), PORT_VERSION);
	assert_int_equal(le32toh(info.flags), VFIO_USER_PV_PORT_F_NET);
	assert_int_equal(le32toh(info.nr_rings), 1);
	assert_int_equal(le32toh(info.ring_entries[0]), FIXTURE_ENTRIES);
	assert_int_equal(le32toh(info.ring_irq_cause[0]), 2);
	assert_int_equal(le32toh(info.staging_len), FIXTURE_STAGING);
	assert_int_equal(le32toh(info.regs_len), 0x1000);
	assert_int_equal(le32toh(info.irq_cause_off), FIXTURE_CAUSE);
	assert_int_equal(le32toh(info.irq_mask_off), FIXTURE_MASK);
	assert_int_equal(le32toh(info.state_len), 0x100);
	assert_int_equal(le32toh(info.nr_runs), 2);
	memcpy(&run, a.body + sizeof(info) + sizeof(run), sizeof(run));
	assert_int_equal(le32toh(run.offset), 0x40);
	assert_int_equal(le32toh(run.nr), 1);
	assert_int_equal(run.write_class, PORT_WRITE_DOORBELL);
}

/* ---- eventfds for registers ---- */

static void ask_io_fds(struct server_fixture *f, uint32_t region,
		       uint32_t argsz, struct answer *a)
{
	const struct vfio_user_region_io_fds head = {
		.argsz = htole32(argsz),
		.index = htole32(region),
	};

	ask(f, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &head, sizeof(head), 0, a);
}

static void close_answer(struct answer *a)
{
	while (a->nr_fds > 0)
		fd_close(&a->fds[--a->nr_fds]);
}

static void test_io_fds(void **state)
{
	struct server_fixture *f = *state;
	struct vfio_user_region_io_fds head;
	struct vfio_user_sub_region sub;
	struct answer a;

	ask_io_fds(f, 2, 4096, &a);
	memcpy(&head, a.body, sizeof(head));
	assert_int_equal(a.len, sizeof(head) + 3 * sizeof(sub));
	assert_int_equal(le32toh(head.argsz), a.len);
	assert_int_equal(le32toh(head.count), 3);
	assert_int_equal(a.nr_fds, 3);
	for (uint32_t i = 0; i < 3; i++) {
		memcpy(&sub, a.body + sizeof(head) + i * sizeof(sub),
		       sizeof(sub));
		assert_true(le64toh(sub.offset) == 8 * i);
		assert_true(le64toh(sub.size) == 0);
		assert_int_equal(le32toh(sub.fd_index), i);
		assert_int_equal(le32toh(sub.type), VFIO_USER_IO_FD_IOEVENTFD);
		fd_event_signal(a.fds[i]);
		assert_true(signalled(f->dev.bells[i]));
	}
	close_answer(&a);

	/* A region without any. */
	ask_io_fds(f, 0, 4096, &a);
	assert_int_equal(a.len, sizeof(head));
	assert_int_equal(a.nr_fds, 0);
	assert_int_equal(get_le32(a.body + 12), 0);
}

static void test_io_fds_need_room(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	ask_io_fds(f, 2, 16 + 3 * 40 - 1, &a);
	assert_int_equal(a.len, 16);
	assert_int_equal(a.nr_fds, 0);
	assert_int_equal(get_le32(a.body), 16 + 3 * 40);
	assert_int_equal(get_le32(a.body + 12), 3);
}

/* vfio-user: a client that does not say how many descriptors it takes, takes 1. */
static void test_io_fds_are_as_many_as_the_client_takes(void **state)
{
	const struct vfio_user_version v = { 0, htole16(1) };
	struct server_fixture *f = *state;
	struct answer a;

	ask(f, VFIO_USER_VERSION, &v, sizeof(v), 0, &a);
	ask_io_fds(f, 2, 4096, &a);
	assert_int_equal(a.len, 16 + 40);
	assert_int_equal(a.nr_fds, 1);
	close_answer(&a);
}

/* ---- regions ---- */

static void read_region(struct server_fixture *f, uint32_t region, uint64_t off,
			uint32_t len, struct answer *a)
{
	const struct vfio_user_region_access access = {
		.offset = htole64(off),
		.region = htole32(region),
		.count = htole32(len),
	};

	ask(f, VFIO_USER_REGION_READ, &access, sizeof(access), 0, a);
	assert_int_equal(a->len, sizeof(access) + len);
	assert_memory_equal(a->body, &access, sizeof(access));
}

static void write_region(struct server_fixture *f, uint32_t region,
			 uint64_t off, const void *data, uint32_t len)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[64];
	} body = { .access = { .offset = htole64(off),
			       .region = htole32(region),
			       .count = htole32(len) } };
	struct answer a;

	memcpy(body.data, data, len);
	ask(f, VFIO_USER_REGION_WRITE, &body, sizeof(body.access) + len, 0, &a);
	assert_int_equal(a.len, sizeof(body.access));
	assert_memory_equal(a.body, &body.access, sizeof(body.access));
}

static void test_accesses_are_cut_to_size(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	read_region(f, 0, 4, 4, &a);
	assert_int_equal(get_le32(a.body + 16), 0x07060504);
	read_region(f, 0, 7, 12, &a);
	assert_int_equal(a.body[16 + 11], 18);
	write_region(f, 0, 2, "abcdef", 6);
	assert_string_equal(f->dev.log, "r0:4+4 r0:7+1 r0:8+8 r0:16+2 r0:18+1 "
					"w0:2+2 w0:4+4 ");
}

static void test_the_longest_access(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	read_region(f, 2, 0x20000 - VFIO_USER_DATA_MAX, VFIO_USER_DATA_MAX, &a);
	assert_int_equal(a.body[16 + VFIO_USER_DATA_MAX - 1], 0xff);
}

static void test_config_space(void **state)
{
	struct server_fixture *f = *state;
	uint8_t ones[64];
	struct answer a;

	read_region(f, VFIO_USER_REGION_CONFIG, 0, 256, &a);
	assert_memory_equal(a.body + 16, fake_config, 256);
	memset(ones, 0xff, sizeof(ones));
	write_region(f, VFIO_USER_REGION_CONFIG, 0, ones, sizeof(ones));
	read_region(f, VFIO_USER_REGION_CONFIG, 0, 64, &a);
	for (size_t i = 0; i < sizeof(ones); i++) {
		bool writable = i == 4 || i == 5 || i == 0xc || i == 0x3c;

		assert_int_equal(a.body[16 + i],
				 writable ? 0xff : fake_config[i]);
	}
	ask(f, VFIO_USER_DEVICE_RESET, NULL, 0, 0, &a);
	read_region(f, VFIO_USER_REGION_CONFIG, 0, 256, &a);
	assert_memory_equal(a.body + 16, fake_config, 256);
	assert_string_equal(f->dev.log, "");
}

/* ---- interrupts ---- */

#define NONE	VFIO_USER_IRQ_DATA_NONE
#define BOOL	VFIO_USER_IRQ_DATA_BOOL
#define EVENTFD VFIO_USER_IRQ_DATA_EVENTFD
#define MASK	VFIO_USER_IRQ_ACTION_MASK
#define UNMASK	VFIO_USER_IRQ_ACTION_UNMASK
#define TRIGGER VFIO_USER_IRQ_ACTION_TRIGGER

static void set_irqs(struct server_fixture *f, uint32_t flags, uint32_t index,
		     uint32_t start, uint32_t count, const int *fds,
		     const char *bools)
{
	struct {
		struct vfio_user_set_irqs set;
		char bools[8];
	} body = { .set = { .argsz = htole32(sizeof(body.set)),
			    .flags = htole32(flags),
			    .index = htole32(index),
			    .start = htole32(start),
			    .count = htole32(count) } };
	size_t nr_bools = bools ? count : 0;
	struct answer a;

	if (bools)
		memcpy(body.bools, bools, nr_bools);
	server_fixture_send(f, VFIO_USER_DEVICE_SET_IRQS, &body,
			    sizeof(body.set) + nr_bools, fds, fds ? count : 0);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_DEVICE_SET_IRQS, 0, &a);
	assert_int_equal(a.len, 0);
}

static void test_interrupts_signal_their_eventfds(void **state)
{
	struct server_fixture *f = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(fd_event_create(&fds[i]), 0);
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 3, fds, NULL);
	for (int i = 0; i < 3; i++) {
		fd_event_signal(f->dev.msix[i]);
		assert_true(signalled(fds[i]));
	}
	/* Exchange of one. */
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_MSIX, 1, 1, &fds[2], NULL);
	fd_event_signal(f->dev.msix[1]);
	assert_true(signalled(fds[2]));
	/* Without descriptors: none from now on. */
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_MSIX, 1, 1, NULL, NULL);
	assert_int_equal(f->dev.msix[1], -1);
	assert_true(f->dev.msix[2] >= 0);
	/* All of the kind. */
	set_irqs(f, NONE | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 0, NULL, NULL);
	assert_int_equal(f->dev.msix[0], -1);
	assert_int_equal(f->dev.msix[2], -1);
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
}

static void test_interrupts_are_triggered_by_the_client(void **state)
{
	struct server_fixture *f = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(fd_event_create(&fds[i]), 0);
	/* Of those without an eventfd nothing comes. */
	set_irqs(f, NONE | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 3, NULL, NULL);
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 3, fds, NULL);
	set_irqs(f, BOOL | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 3, NULL, "\1\0\1");
	assert_true(signalled(fds[0]));
	assert_false(signalled(fds[1]));
	assert_true(signalled(fds[2]));
	set_irqs(f, NONE | MASK, VFIO_USER_IRQ_MSIX, 0, 1, NULL, NULL);
	set_irqs(f, NONE | TRIGGER, VFIO_USER_IRQ_MSIX, 0, 2, NULL, NULL);
	assert_false(signalled(fds[0]));
	assert_true(signalled(fds[1]));
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
}

static void test_interrupts_are_masked(void **state)
{
	struct server_fixture *f = *state;
	int fd;

	assert_int_equal(fd_event_create(&fd), 0);
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_INTX, 0, 1, &fd, NULL);
	assert_true(f->dev.intx >= 0);
	set_irqs(f, BOOL | MASK, VFIO_USER_IRQ_INTX, 0, 1, NULL, "\1");
	assert_int_equal(f->dev.intx, -1);
	set_irqs(f, BOOL | UNMASK, VFIO_USER_IRQ_INTX, 0, 1, NULL, "\0");
	assert_int_equal(f->dev.intx, -1);
	set_irqs(f, NONE | UNMASK, VFIO_USER_IRQ_INTX, 0, 1, NULL, NULL);
	assert_true(f->dev.intx >= 0);
	/* A new eventfd is not masked. */
	set_irqs(f, NONE | MASK, VFIO_USER_IRQ_INTX, 0, 1, NULL, NULL);
	set_irqs(f, EVENTFD | TRIGGER, VFIO_USER_IRQ_INTX, 0, 1, &fd, NULL);
	assert_true(f->dev.intx >= 0);
	fd_close(&fd);
}

/* ---- memory ---- */

static void test_memory_is_closed_unseen(void **state)
{
	const struct vfio_user_dma_map map = { .argsz = htole32(sizeof(map)) };
	const struct vfio_user_dma_unmap unmap = {
		.argsz = htole32(sizeof(unmap)),
		.address = htole64(0x1000),
	};
	struct server_fixture *f = *state;
	struct answer a;
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	server_fixture_send(f, VFIO_USER_DMA_MAP, &map, sizeof(map), &ends[1],
			    1);
	fd_close(&ends[1]);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_DMA_MAP, 0, &a);
	/* The end of the pipe: nobody has the other end. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	fd_close(&ends[0]);

	ask(f, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), 0, &a);
	assert_int_equal(a.len, sizeof(unmap));
	assert_memory_equal(a.body, &unmap, sizeof(unmap));
}

/* ---- the handshake ---- */

static void test_handshake_ends_with_the_port(void **state)
{
	struct server_fixture *f = *state;

	server_fixture_send_version(f);
	server_fixture_send_port(f);
	assert_int_equal(server_handshake(f->server), 0);
	assert_non_null(f->dev.port);
	assert_int_equal(port_room(f->dev.port, 0), FIXTURE_ENTRIES);
}

static void test_handshake_tells_why_the_device_does_not_start(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	f->dev.start_ret = -ENOTTY;
	server_fixture_send_version(f);
	server_fixture_send_port(f);
	assert_int_equal(server_handshake(f->server), -ENOTTY);
	receive_for(f, VFIO_USER_VERSION, 0, &a);
	receive_for(f, VFIO_USER_PV_PORT_SET, -ENOTTY, &a);
}

static void test_a_bad_port_may_be_followed_by_a_good_one(void **state)
{
	struct server_fixture *f = *state;
	struct answer a;

	f->port.header->magic = 0;
	server_fixture_send_port(f);
	assert_int_equal(server_serve(f->server), 0);
	receive_for(f, VFIO_USER_PV_PORT_SET, -EBADMSG, &a);
	f->port.header->magic = htole32(PORT_MAGIC);
	server_fixture_send_port(f);
	assert_int_equal(server_handshake(f->server), 0);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_arrive_one_by_one, setup_known),
		TEST(test_messages_arrive_together, setup_started),
		TEST(test_an_answer_may_be_unwanted, setup_started),
		cmocka_unit_test(test_broken_headers),
		TEST(test_the_client_goes, setup_known),
		TEST(test_too_many_descriptors, setup_known),
		cmocka_unit_test(test_version),
		TEST(test_unknown_flags_are_refused, setup_started),
		TEST(test_information, setup_known),
		TEST(test_region_information, setup_known),
		TEST(test_irq_information, setup_known),
		TEST(test_port_information, setup_known),
		TEST(test_io_fds, setup_known),
		TEST(test_io_fds_need_room, setup_known),
		TEST(test_io_fds_are_as_many_as_the_client_takes, setup),
		TEST(test_accesses_are_cut_to_size, setup_started),
		TEST(test_the_longest_access, setup_started),
		TEST(test_config_space, setup_started),
		TEST(test_interrupts_signal_their_eventfds, setup_started),
		TEST(test_interrupts_are_triggered_by_the_client,
		     setup_started),
		TEST(test_interrupts_are_masked, setup_started),
		TEST(test_memory_is_closed_unseen, setup_known),
		TEST(test_handshake_ends_with_the_port, setup),
		TEST(test_handshake_tells_why_the_device_does_not_start, setup),
		TEST(test_a_bad_port_may_be_followed_by_a_good_one,
		     setup_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
