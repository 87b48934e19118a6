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
#include <sys/socket.h>
#include <unistd.h>

#define DOMAIN	   1
#define IOVA	   0x100000
#define TIMEOUT_MS 150

/* ---- what works ---- */

static void test_reads_and_writes_regions(void **state)
{
	uint8_t in[600], out[600];
	struct fake_setup s;

	(void)state;
	fake_setup_init(&s);
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
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
	fake_setup_fini(&s);
}

static void test_connects_interrupts(void **state)
{
	struct fake_setup s;
	int fds[40];

	(void)state;
	fake_setup_init(&s);
	s.fake.json = "{\"capabilities\":{\"max_msg_fds\":8}}";
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
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
	fake_setup_fini(&s);
}

static void test_resets(void **state)
{
	struct fake_setup s;

	(void)state;
	fake_setup_init(&s);
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	assert_int_equal(s.dev->ops->reset(s.dev), 0);
	assert_int_equal(s.fake.nr_commands[VFIO_USER_DEVICE_RESET], 1);
	fake_setup_fini(&s);
}

/* ---- the end of a device ---- */

static enum fake_act other_region(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	reply->body[8] ^= 1;
	return FAKE_SEND;
}

/* A byte that poll(2) tells of, and that no reader finds. */
static enum fake_act out_of_band(struct fake *fake, struct fake_message *reply)
{
	(void)reply;
	(void)send(fake->sock, "", 1, MSG_OOB);
	return FAKE_SILENCE;
}

static void test_a_device_that_answers_badly_is_gone(void **state)
{
	static const struct {
		const char *why;
		enum fake_act (*spoil)(struct fake *, struct fake_message *);
		bool gone;
	} cases[] = {
		{ "short", fake_one_byte_short, true },
		{ "long", fake_one_byte_long, true },
		{ "fake_silence", fake_silence, true },
		{ "out of band", out_of_band, true },
		{ "hangs up", fake_hang_up, true },
		{ "other region", other_region, true },
		{ "floods", fake_dma_flood, true },
		{ "error", fake_an_error, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pollfd p = { .events = POLLIN };
		uint32_t value = 0;
		struct fake_setup s;

		print_message("# %s\n", cases[i].why);
		fake_setup_init(&s);
		s.fake.command = VFIO_USER_REGION_READ;
		s.fake.spoil = cases[i].spoil;
		assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
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
		fake_setup_fini(&s);
	}
}

static enum fake_act just_in_time(struct fake *fake, struct fake_message *reply)
{
	(void)fake;
	(void)reply;
	(void)usleep(TIMEOUT_MS * 1000 / 5);
	return FAKE_SEND;
}

/* Each message is answered in time, but a vCPU waits for all 40 of them. */
static void test_interrupts_are_connected_in_time(void **state)
{
	struct fake_setup s;
	int fds[40];

	(void)state;
	fake_setup_init(&s);
	s.fake.command = VFIO_USER_DEVICE_SET_IRQS;
	s.fake.spoil = just_in_time;
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(fd_event_create(&fds[i]), 0);
	assert_int_equal(
	    s.dev->ops->set_irqs(s.dev, VFIO_USER_IRQ_MSIX, 0, 40, fds),
	    -ENODEV);
	assert_true(vdev_gone(s.dev));
	for (size_t i = 0; i < 40; i++)
		fd_close(&fds[i]);
	fake_setup_fini(&s);
	assert_in_range(s.fake.nr_commands[VFIO_USER_DEVICE_SET_IRQS], 2, 10);
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
	struct fake_setup s;
	uint8_t byte;
	int before;

	(void)state;
	fake_setup_init(&s);
	s.fake.command = VFIO_USER_REGION_READ;
	s.fake.spoil = with_descriptors;
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	before = next_fd();
	for (int i = 0; i < 10; i++)
		assert_int_equal(s.dev->ops->region_read(s.dev, 0, 0, &byte, 1),
				 0);
	assert_int_equal(next_fd(), before);
	fake_setup_fini(&s);
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
	struct fake_setup s;
	uint64_t off;
	uint32_t len;
	int fd;

	(void)state;
	fake_setup_init(&s);
	s.fake.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS;
	s.fake.spoil = some_io_fds;
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	assert_true(s.dev->ops->io_fd(s.dev, 0, &region, &off, &len, &fd));
	assert_int_equal(region, 0);
	assert_int_equal(off, 0x10);
	assert_int_equal(len, 4);
	assert_true(s.dev->ops->io_fd(s.dev, 1, &region, &off, &len, &fd));
	assert_int_equal(off, 0x30);
	assert_int_equal(len, 0);
	assert_false(s.dev->ops->io_fd(s.dev, 2, &region, &off, &len, &fd));
	fake_setup_fini(&s);
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
	if (!fake_ask(fake, &msg))
		return FAKE_HANG_UP;
	/* What the client reads is what the access came to. */
	put_le32(reply->body + 16, le32toh(msg.header.error));
	if (le16toh(msg.header.id) != 77)
		return FAKE_HANG_UP;
	if (msg.header.error == 0)
		memcpy(reply->body + 20, msg.body + 16, 4);
	return FAKE_SEND;
}

static void grant_page(struct fake_setup *s)
{
	const struct iova_range page = { IOVA, IOVA + 4095 };

	assert_int_equal(viommu_attach(s->mmu, DOMAIN, FAKE_ENDPOINT, false),
			 0);
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
		struct fake_setup s;
		int ret;

		print_message("# %s\n", c->why);
		fake_setup_init(&s);
		s.fake.command = VFIO_USER_REGION_READ;
		s.fake.spoil = dma_access;
		s.fake.config[0] = (uint8_t)i;
		assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
		grant_page(&s);
		ret = s.dev->ops->region_read(s.dev, 0, 0, got, sizeof(got));
		assert_int_equal(ret, c->error < 0 ? -ENODEV : 0);
		if (c->error >= 0)
			assert_int_equal(get_le32(got), c->error);
		if (c->error == 0)
			assert_memory_equal(got + 4, "PAGE", 4);
		fake_setup_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_writes_regions),
		cmocka_unit_test(test_connects_interrupts),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_a_device_that_answers_badly_is_gone),
		cmocka_unit_test(test_interrupts_are_connected_in_time),
		cmocka_unit_test(test_closes_descriptors_that_it_did_not_want),
		cmocka_unit_test(test_takes_usable_io_fds),
		cmocka_unit_test(test_serves_dma_through_the_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
