// SPDX-License-Identifier: BSD-2-Clause
/* How the vfio-user client meets a server: what it learns, and whom it refuses. */

#include "vfio/user.h"

#include "base/bytes.h"
#include "tests/test.h"
#include "vfio_fake.h"

#include <errno.h>

#define TIMEOUT_MS 150

static void test_learns_what_the_device_has(void **state)
{
	struct fake_setup s;

	(void)state;
	fake_setup_init(&s);
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	assert_int_equal(s.dev->regions[0].size, FAKE_BAR0_LEN);
	assert_int_equal(s.dev->regions[1].size, 0);
	assert_int_equal(s.dev->irqs[VFIO_USER_IRQ_INTX], 1);
	assert_int_equal(s.dev->irqs[VFIO_USER_IRQ_MSIX], 40);
	assert_false(vdev_check(s.dev));
	/* All that can be mapped is, and nothing to map it with. */
	assert_int_equal(le64toh(s.fake.map.size), 1ull << 48);
	assert_int_equal(le32toh(s.fake.map.flags), 3);
	fake_setup_fini(&s);
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

static enum fake_act half_an_answer(struct fake *fake,
				    struct fake_message *reply)
{
	reply->header.size = htole32((uint32_t)(16 + reply->len));
	return fd_send_msg(fake->sock, &reply->header, 18, NULL, 0)
		   ? FAKE_HANG_UP
		   : FAKE_SILENCE;
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
		{ "fake_silence", VFIO_USER_VERSION, fake_silence, -ETIMEDOUT },
		{ "hangs up", VFIO_USER_VERSION, fake_hang_up, -ECONNRESET },
		{ "half", VFIO_USER_VERSION, half_an_answer, -ETIMEDOUT },
		{ "error", VFIO_USER_VERSION, fake_an_error, -EBUSY },
		{ "major 1", VFIO_USER_VERSION, next_major, -EOPNOTSUPP },
		{ "short", VFIO_USER_DEVICE_GET_INFO, fake_one_byte_short,
		  -EPROTO },
		{ "long", VFIO_USER_DEVICE_GET_INFO, fake_one_byte_long,
		  -EPROTO },
		{ "no PCI", VFIO_USER_DEVICE_GET_INFO, no_pci, -EOPNOTSUPP },
		{ "other region", VFIO_USER_DEVICE_GET_REGION_INFO, wrong_index,
		  -EPROTO },
		{ "huge region", VFIO_USER_DEVICE_GET_REGION_INFO, huge_region,
		  -EPROTO },
		{ "other interrupt", VFIO_USER_DEVICE_GET_IRQ_INFO, wrong_index,
		  -EPROTO },
		{ "2049 interrupts", VFIO_USER_DEVICE_GET_IRQ_INFO, many_irqs,
		  -EPROTO },
		{ "wants memory", VFIO_USER_DMA_MAP, fake_an_error,
		  -EOPNOTSUPP },
		{ "floods", VFIO_USER_DMA_MAP, fake_dma_flood, -ETIMEDOUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_setup s;

		print_message("# %s\n", cases[i].why);
		fake_setup_init(&s);
		s.fake.command = cases[i].command;
		s.fake.spoil = cases[i].spoil;
		assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS),
				 cases[i].want);
		assert_null(s.dev);
		fake_setup_fini(&s);
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
		struct fake_setup s;

		print_message("# %s\n", cases[i].json);
		fake_setup_init(&s);
		s.fake.json = cases[i].json;
		assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS),
				 cases[i].want);
		fake_setup_fini(&s);
	}
}

static void test_an_absent_region_is_no_error(void **state)
{
	struct fake_setup s;

	(void)state;
	fake_setup_init(&s);
	s.fake.command = VFIO_USER_DEVICE_GET_REGION_INFO;
	s.fake.spoil = fake_an_error;
	assert_int_equal(fake_setup_connect(&s, TIMEOUT_MS), 0);
	assert_int_equal(s.dev->regions[0].size, 0);
	fake_setup_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_what_the_device_has),
		cmocka_unit_test(test_refuses_servers_that_answer_badly),
		cmocka_unit_test(test_checks_capabilities),
		cmocka_unit_test(test_an_absent_region_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
