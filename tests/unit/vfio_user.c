// SPDX-License-Identifier: BSD-2-Clause
/* The vfio-user client against a server that answers well, and badly. */

#include "vfio/user.h"

#include "base/bytes.h"
#include "tests/test.h"
#include "vfio_fake.h"
#include "viommu/domain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RAM_SIZE   (2u << 20)
#define ENDPOINT   8
#define DOMAIN	   1
#define IOVA	   0x100000
#define TIMEOUT_MS 150

struct setup {
	struct guest_ram *ram;
	struct viommu *mmu;
	struct fake fake;
	struct vdev *dev;
};

static void setup_init(struct setup *s)
{
	struct viommu_config config;

	memset(s, 0, sizeof(*s));
	viommu_config_default(&config);
	assert_int_equal(guest_ram_create(RAM_SIZE, &s->ram), 0);
	assert_int_equal(viommu_create(&config, &s->mmu), 0);
}

static int setup_connect(struct setup *s)
{
	const struct vdev_user_config config = {
		.name = "fake",
		.sock = fake_start(&s->fake),
		.viommu = s->mmu,
		.endpoint = ENDPOINT,
		.ram = s->ram,
	};

	return user_create(&config, TIMEOUT_MS, &s->dev);
}

static void setup_fini(struct setup *s)
{
	vdev_destroy(s->dev);
	fake_join(&s->fake);
	viommu_destroy(s->mmu);
	guest_ram_destroy(s->ram);
}

/* ---- what works ---- */

static void test_learns_what_the_device_has(void **state)
{
	struct setup s;

	(void)state;
	setup_init(&s);
	assert_int_equal(setup_connect(&s), 0);
	assert_int_equal(s.dev->regions[0].size, FAKE_BAR0_LEN);
	assert_int_equal(s.dev->regions[1].size, 0);
	assert_int_equal(s.dev->irqs[VFIO_USER_IRQ_INTX], 1);
	assert_int_equal(s.dev->irqs[VFIO_USER_IRQ_MSIX], 40);
	assert_false(vdev_check(s.dev));
	/* All that can be mapped is, and nothing to map it with. */
	assert_int_equal(le64toh(s.fake.map.size), 1ull << 48);
	assert_int_equal(le32toh(s.fake.map.flags), 3);
	setup_fini(&s);
}

static void test_reads_and_writes_regions(void **state)
{
	uint8_t in[600], out[600];
	struct setup s;

	(void)state;
	setup_init(&s);
	assert_int_equal(setup_connect(&s), 0);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	assert_int_equal(s.dev->ops->region_write(s.dev, 0, 0xc00, in, 600), 0);
	assert_int_equal(s.dev->ops->region_read(s.dev, 0, 0xc00, out, 600), 0);
	assert_memory_equal(in, out, 600);

	out[0] = 0;
	assert_int_equal(s.dev->ops->region_read(s.dev, 0, 0xfff, out, 2),
			 -EINVAL);
	assert_int_equal(out[0], 0xff);
	assert_int_equal(s.dev->ops->region_read(s.dev, 3, 0, out, 1), -EINVAL);
	assert_int_equal(s.dev->ops->region_write(s.dev, 9, 0, out, 1),
			 -EINVAL);
	assert_false(vdev_gone(s.dev));
	setup_fini(&s);
}

static void test_connects_interrupts(void **state)
{
	struct setup s;
	int fds[40];

	(void)state;
	setup_init(&s);
	s.fake.json = "{\"capabilities\":{\"max_msg_fds\":8}}";
	assert_int_equal(setup_connect(&s), 0);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(fd_event_create(&fds[i]), 0);

	/* 40 of them, 8 in a message. */
	assert_int_equal(
	    s.dev->ops->set_irqs(s.dev, VFIO_USER_IRQ_MSIX, 0, 40, fds), 0);
	assert_int_equal(s.fake.nr_commands[VFIO_USER_DEVICE_SET_IRQS], 5);
	assert_int_equal(s.fake.nr_irq_fds, 8);
	assert_int_equal(le32toh(s.fake.irqs.start), 32);

	for (size_t i = 0; i < 40; i++)
		fd_close(&fds[i]);
	assert_int_equal(
	    s.dev->ops->set_irqs(s.dev, VFIO_USER_IRQ_MSIX, 0, 40, fds), 0);
	assert_int_equal(s.fake.nr_commands[VFIO_USER_DEVICE_SET_IRQS], 6);
	assert_int_equal(le32toh(s.fake.irqs.flags), 0x21);
	assert_int_equal(s.fake.irqs.count, 0);

	assert_int_equal(
	    s.dev->ops->set_irqs(s.dev, VFIO_USER_IRQ_MSIX, 39, 2, fds),
	    -EINVAL);
	s.dev->ops->intx_eoi(s.dev);
	assert_int_equal(le32toh(s.fake.irqs.flags), 0x11);
	setup_fini(&s);
}

static void test_resets(void **state)
{
	struct setup s;

	(void)state;
	setup_init(&s);
	assert_int_equal(setup_connect(&s), 0);
	assert_int_equal(s.dev->ops->reset(s.dev), 0);
	assert_int_equal(s.fake.nr_commands[VFIO_USER_DEVICE_RESET], 1);
	setup_fini(&s);
}

/* ---- answers that make no sense ---- */

static enum fake_act wrong_id(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.id ^= 1;
	return FAKE_SEND;
}

static enum fake_act wrong_command(struct fake *fake,
				   struct fake_message *reply)
{
	(void)fake;
	reply->header.command ^= 1;
	return FAKE_SEND;
}

static enum fake_act tiny_size(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.size = htole32(15);
	return FAKE_SEND;
}

static enum fake_act huge_size(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.size = htole32(VFIO_USER_MSG_MAX + 1);
	return FAKE_SEND;
}

static enum fake_act unknown_flags(struct fake *fake,
				   struct fake_message *reply)
{
	(void)fake;
	reply->header.flags |= htole32(0x40);
	return FAKE_SEND;
}

static enum fake_act unknown_type(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.flags = htole32(2);
	return FAKE_SEND;
}

static enum fake_act a_command(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.flags = htole32(VFIO_USER_F_TYPE_COMMAND);
	return FAKE_SEND;
}

static enum fake_act one_byte_short(struct fake *fake,
				    struct fake_message *reply)
{
	(void)fake;
	reply->len--;
	return FAKE_SEND;
}

static enum fake_act one_byte_long(struct fake *fake,
				   struct fake_message *reply)
{
	(void)fake;
	reply->len++;
	return FAKE_SEND;
}

static enum fake_act an_error(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->header.flags |= htole32(VFIO_USER_F_ERROR);
	reply->header.error = htole32(EBUSY);
	reply->len = 0;
	return FAKE_SEND;
}

static enum fake_act silence(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	(void)reply;
	return FAKE_SILENCE;
}

static enum fake_act hang_up(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	(void)reply;
	return FAKE_HANG_UP;
}

static enum fake_act half_an_answer(struct fake *fake,
				    struct fake_message *reply)
{
	reply->header.size = htole32((uint32_t)(16 + reply->len));
	return fd_send_msg(fake->sock, &reply->header, 18, NULL, 0)
		   ? FAKE_HANG_UP
		   : FAKE_SILENCE;
}

/* Commands without end, none of them the answer: the wait has an end. */
static enum fake_act dma_flood(struct fake *fake, struct fake_message *reply)
{
	const struct vfio_user_dma_access access = { .count = htole64(1) };
	struct fake_message msg = {
		.header.command = htole16(VFIO_USER_DMA_READ),
		.header.flags = htole32(VFIO_USER_F_NO_REPLY),
		.len = sizeof(access),
	};

	(void)reply;
	memcpy(msg.body, &access, sizeof(access));
	while (fake_send(fake, &msg))
		;
	return FAKE_HANG_UP;
}

static enum fake_act next_major(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->body[0] = 1;
	return FAKE_SEND;
}

static enum fake_act no_pci(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->body[4] = VFIO_USER_DEVICE_F_RESET;
	return FAKE_SEND;
}

static enum fake_act wrong_index(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->body[8] ^= 1;
	return FAKE_SEND;
}

static enum fake_act huge_region(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	put_le64(reply->body + 16, 1ull << 45);
	return FAKE_SEND;
}

static enum fake_act many_irqs(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	put_le32(reply->body + 12, 2049);
	return FAKE_SEND;
}

static void test_refuses_servers_that_answer_badly(void **state)
{
	static const struct {
		const char *why;
		uint16_t command;
		enum fake_act (*spoil)(struct fake *, struct fake_message *);
		int want;
	} cases[] = {
		{ "wrong id", VFIO_USER_VERSION, wrong_id, -EPROTO },
		{ "wrong command", VFIO_USER_VERSION, wrong_command, -EPROTO },
		{ "size 15", VFIO_USER_VERSION, tiny_size, -EPROTO },
		{ "size too large", VFIO_USER_VERSION, huge_size, -EPROTO },
		{ "unknown flags", VFIO_USER_VERSION, unknown_flags, -EPROTO },
		{ "unknown type", VFIO_USER_VERSION, unknown_type, -EPROTO },
		{ "a command", VFIO_USER_VERSION, a_command, -EPROTO },
		{ "silence", VFIO_USER_VERSION, silence, -ETIMEDOUT },
		{ "hangs up", VFIO_USER_VERSION, hang_up, -ECONNRESET },
		{ "half", VFIO_USER_VERSION, half_an_answer, -ETIMEDOUT },
		{ "error", VFIO_USER_VERSION, an_error, -EBUSY },
		{ "major 1", VFIO_USER_VERSION, next_major, -EOPNOTSUPP },
		{ "short", VFIO_USER_DEVICE_GET_INFO, one_byte_short, -EPROTO },
		{ "long", VFIO_USER_DEVICE_GET_INFO, one_byte_long, -EPROTO },
		{ "no PCI", VFIO_USER_DEVICE_GET_INFO, no_pci, -EOPNOTSUPP },
		{ "other region", VFIO_USER_DEVICE_GET_REGION_INFO, wrong_index,
		  -EPROTO },
		{ "huge region", VFIO_USER_DEVICE_GET_REGION_INFO, huge_region,
		  -EPROTO },
		{ "other interrupt", VFIO_USER_DEVICE_GET_IRQ_INFO, wrong_index,
		  -EPROTO },
		{ "2049 interrupts", VFIO_USER_DEVICE_GET_IRQ_INFO, many_irqs,
		  -EPROTO },
		{ "wants memory", VFIO_USER_DMA_MAP, an_error, -EOPNOTSUPP },
		{ "floods", VFIO_USER_DMA_MAP, dma_flood, -ETIMEDOUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct setup s;

		print_message("# %s\n", cases[i].why);
		setup_init(&s);
		s.fake.command = cases[i].command;
		s.fake.spoil = cases[i].spoil;
		assert_int_equal(setup_connect(&s), cases[i].want);
		assert_null(s.dev);
		setup_fini(&s);
	}
}

static void test_checks_capabilities(void **state)
{
	static const struct {
		const char *json;
		int want;
	} cases[] = {
		{ "{}", 0 },
		{ "{\"capabilities\":{\"max_msg_fds\":1}}", 0 },
		{ "{\"capabilities\":{\"max_msg_fds\":0}}", -EPROTO },
		{ "{\"capabilities\":{\"max_msg_fds\":\"1\"}}", -EPROTO },
		{ "{\"capabilities\":{\"max_data_xfer_size\":7}}", -EPROTO },
		{ "{\"capabilities\":{\"pviommu_port\":true}}", -EPROTO },
		{ "{\"capabilities\":{\"pviommu_port\":2}}", -EOPNOTSUPP },
		{ "{\"capabilities\":", -EPROTO },
		{ "[]", -EPROTO },
		{ "", -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct setup s;

		print_message("# %s\n", cases[i].json);
		setup_init(&s);
		s.fake.json = cases[i].json;
		assert_int_equal(setup_connect(&s), cases[i].want);
		setup_fini(&s);
	}
}

static void test_an_absent_region_is_no_error(void **state)
{
	struct setup s;

	(void)state;
	setup_init(&s);
	s.fake.command = VFIO_USER_DEVICE_GET_REGION_INFO;
	s.fake.spoil = an_error;
	assert_int_equal(setup_connect(&s), 0);
	assert_int_equal(s.dev->regions[0].size, 0);
	setup_fini(&s);
}

/* ---- the end of a device ---- */

static enum fake_act other_region(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->body[8] ^= 1;
	return FAKE_SEND;
}

static void test_a_device_that_answers_badly_is_gone(void **state)
{
	static const struct {
		const char *why;
		enum fake_act (*spoil)(struct fake *, struct fake_message *);
		bool gone;
	} cases[] = {
		{ "short", one_byte_short, true },
		{ "long", one_byte_long, true },
		{ "silence", silence, true },
		{ "hangs up", hang_up, true },
		{ "other region", other_region, true },
		{ "floods", dma_flood, true },
		{ "error", an_error, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pollfd p = { .events = POLLIN };
		uint32_t value = 0;
		struct setup s;

		print_message("# %s\n", cases[i].why);
		setup_init(&s);
		s.fake.command = VFIO_USER_REGION_READ;
		s.fake.spoil = cases[i].spoil;
		assert_int_equal(setup_connect(&s), 0);
		assert_int_equal(
		    s.dev->ops->region_read(s.dev, 0, 0, &value, 4),
		    cases[i].gone ? -ENODEV : -EBUSY);
		assert_int_equal(value, UINT32_MAX);
		assert_int_equal(vdev_check(s.dev), cases[i].gone);
		p.fd = s.dev->watch_fd;
		/* Another thread may be the one that is dropping it. */
		assert_int_equal(poll(&p, 1, cases[i].gone ? 1000 : 0),
				 cases[i].gone);

		/* Nobody waits for it a second time. */
		if (cases[i].gone) {
			assert_int_equal(
			    s.dev->ops->region_write(s.dev, 0, 0, &value, 4),
			    -ENODEV);
			assert_int_equal(s.dev->ops->reset(s.dev), -ENODEV);
		}
		setup_fini(&s);
	}
}

static enum fake_act with_descriptors(struct fake *fake,
				      struct fake_message *reply)
{
	(void)fake;
	for (size_t i = 0; i < 3; i++)
		reply->fds[reply->nr_fds++] = STDERR_FILENO;
	return FAKE_SEND;
}

/* The number that the next descriptor would get. */
static int next_fd(void)
{
	int fd = eventfd(0, 0), next = fd;

	fd_close(&fd);
	return next;
}

static void test_closes_descriptors_that_it_did_not_want(void **state)
{
	struct setup s;
	uint8_t byte;
	int before;

	(void)state;
	setup_init(&s);
	s.fake.command = VFIO_USER_REGION_READ;
	s.fake.spoil = with_descriptors;
	assert_int_equal(setup_connect(&s), 0);
	before = next_fd();
	for (int i = 0; i < 10; i++)
		assert_int_equal(s.dev->ops->region_read(s.dev, 0, 0, &byte, 1),
				 0);
	assert_int_equal(next_fd(), before);
	setup_fini(&s);
}

/* ---- eventfds of the device ---- */

static enum fake_act some_io_fds(struct fake *fake, struct fake_message *reply)
{
	static const struct {
		uint64_t off, size;
		uint32_t fd, type, flags;
	} subs[] = {
		{ 0x10, 4, 1, 0, 0 },	       /* good */
		{ FAKE_BAR0_LEN, 4, 0, 0, 0 }, /* outside */
		{ 0x20, 3, 0, 0, 0 },	       /* a size that none has */
		{ 0x20, 1ull << 32 | 4, 0, 0, 0 },
		{ 0x20, 4, 7, 0, 0 }, /* descriptor not sent */
		{ 0x20, 4, 0, 1, 0 }, /* of another type */
		{ 0x20, 4, 0, 0, 1 }, /* for one value only */
		{ 0x30, 0, 0, 0, 0 }, /* good, of any size */
		{ 0x40, 4, 1, 0, 0 }, /* descriptor used up */
	};

	(void)fake;
	put_le32(reply->body + 12, ARRAY_SIZE(subs));
	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		const struct vfio_user_sub_region sub = {
			.offset = htole64(subs[i].off),
			.size = htole64(subs[i].size),
			.fd_index = htole32(subs[i].fd),
			.type = htole32(subs[i].type),
			.flags = htole32(subs[i].flags),
		};

		memcpy(reply->body + reply->len, &sub, sizeof(sub));
		reply->len += sizeof(sub);
	}
	reply->fds[0] = reply->fds[1] = STDERR_FILENO;
	reply->nr_fds = 2;
	return FAKE_SEND;
}

static void test_takes_usable_io_fds(void **state)
{
	unsigned int region;
	struct setup s;
	uint64_t off;
	uint32_t len;
	int fd;

	(void)state;
	setup_init(&s);
	s.fake.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS;
	s.fake.spoil = some_io_fds;
	assert_int_equal(setup_connect(&s), 0);
	assert_true(s.dev->ops->io_fd(s.dev, 0, &region, &off, &len, &fd));
	assert_int_equal(region, 0);
	assert_int_equal(off, 0x10);
	assert_int_equal(len, 4);
	assert_true(s.dev->ops->io_fd(s.dev, 1, &region, &off, &len, &fd));
	assert_int_equal(off, 0x30);
	assert_int_equal(len, 0);
	assert_false(s.dev->ops->io_fd(s.dev, 2, &region, &off, &len, &fd));
	setup_fini(&s);
}

/* ---- DMA of a foreign server ---- */

struct dma_case {
	const char *why;
	uint16_t command;
	uint64_t address;
	uint64_t count;
	size_t len; /* of the body */
	int error;  /* of the reply; -1: the device is dropped */
};

/* One access in the middle of the client's region read. */
static const struct dma_case dma_cases[] = {
	{ "read", VFIO_USER_DMA_READ, IOVA, 4, 16, 0 },
	{ "read outside", VFIO_USER_DMA_READ, IOVA + 4096, 4, 16, ENOENT },
	{ "read across the end", VFIO_USER_DMA_READ, IOVA + 4094, 4, 16,
	  ENOENT },
	{ "read that wraps", VFIO_USER_DMA_READ, -2ull, 4, 16, ERANGE },
	{ "write to what is for reading", VFIO_USER_DMA_WRITE, IOVA, 4, 20,
	  EACCES },
	{ "read more than agreed", VFIO_USER_DMA_READ, IOVA, 0x10001, 16,
	  EINVAL },
	{ "read with data", VFIO_USER_DMA_READ, IOVA, 4, 20, -1 },
	{ "head cut off", VFIO_USER_DMA_READ, IOVA, 4, 15, -1 },
	{ "write less than said", VFIO_USER_DMA_WRITE, IOVA, 4, 19, -1 },
	{ "unknown command", 99, IOVA, 4, 16, -1 },
};

static const struct dma_case *current(struct fake *fake)
{
	return &dma_cases[fake->config[0]];
}

static enum fake_act dma_access(struct fake *fake, struct fake_message *reply)
{
	const struct dma_case *c = current(fake);
	const struct vfio_user_dma_access access = {
		.address = htole64(c->address),
		.count = htole64(c->count),
	};
	struct fake_message msg = {
		.header.id = htole16(77),
		.header.command = htole16(c->command),
		.len = c->len,
	};

	memcpy(msg.body, &access, sizeof(access));
	if (!fake_send(fake, &msg) || !fake_receive(fake, &msg))
		return FAKE_HANG_UP;
	/* What the client reads is what the access came to. */
	put_le32(reply->body + 16, le32toh(msg.header.error));
	if (le16toh(msg.header.id) != 77)
		return FAKE_HANG_UP;
	if (msg.header.error == 0)
		memcpy(reply->body + 20, msg.body + 16, 4);
	return FAKE_SEND;
}

static void grant_page(struct setup *s)
{
	const struct iova_range page = { IOVA, IOVA + 4095 };

	assert_int_equal(viommu_attach(s->mmu, DOMAIN, ENDPOINT, false), 0);
	assert_int_equal(viommu_map(s->mmu, DOMAIN, page, 0x3000, VIOMMU_READ),
			 0);
	assert_int_equal(guest_ram_write(s->ram, 0x3000, "PAGE", 4), 0);
}

static void test_serves_dma_through_the_iommu(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dma_cases); i++) {
		const struct dma_case *c = &dma_cases[i];
		uint8_t got[8] = "";
		struct setup s;
		int ret;

		print_message("# %s\n", c->why);
		setup_init(&s);
		s.fake.command = VFIO_USER_REGION_READ;
		s.fake.spoil = dma_access;
		s.fake.config[0] = (uint8_t)i;
		assert_int_equal(setup_connect(&s), 0);
		grant_page(&s);
		ret = s.dev->ops->region_read(s.dev, 0, 0, got, sizeof(got));
		assert_int_equal(ret, c->error < 0 ? -ENODEV : 0);
		if (c->error >= 0)
			assert_int_equal(get_le32(got), c->error);
		if (c->error == 0)
			assert_memory_equal(got + 4, "PAGE", 4);
		setup_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_what_the_device_has),
		cmocka_unit_test(test_reads_and_writes_regions),
		cmocka_unit_test(test_connects_interrupts),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_refuses_servers_that_answer_badly),
		cmocka_unit_test(test_checks_capabilities),
		cmocka_unit_test(test_an_absent_region_is_no_error),
		cmocka_unit_test(test_a_device_that_answers_badly_is_gone),
		cmocka_unit_test(test_closes_descriptors_that_it_did_not_want),
		cmocka_unit_test(test_takes_usable_io_fds),
		cmocka_unit_test(test_serves_dma_through_the_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
