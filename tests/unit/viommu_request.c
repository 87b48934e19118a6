// SPDX-License-Identifier: BSD-2-Clause
/* VIRTIO 1.3, "IOMMU device", "Device operations": what the device must do. */

#include "tests/test.h"
#include "tests/viommu_fixture.h"

#include <errno.h>
#include <string.h>

#define G   ((uint64_t)4096)
#define EP  0x0018u
#define EP2 0x0020u

#define OK     VIRTIO_IOMMU_S_OK
#define INVAL  VIRTIO_IOMMU_S_INVAL
#define RANGE  VIRTIO_IOMMU_S_RANGE
#define NOENT  VIRTIO_IOMMU_S_NOENT
#define NOMEM  VIRTIO_IOMMU_S_NOMEM
#define F_READ VIRTIO_IOMMU_MAP_F_READ
#define BYPASS VIRTIO_IOMMU_ATTACH_F_BYPASS

struct fixture {
	struct viommu *mmu;
	struct viommu_endpoint *ep, *ep2;
};

static int setup(void **state)
{
	static struct fixture f;
	struct viommu_config config;

	viommu_config_default(&config);
	config.max_domains = 2;
	config.max_mappings = 4;
	assert_int_equal(viommu_create(&config, &f.mmu), 0);
	assert_int_equal(viommu_endpoint_add(f.mmu, EP, NULL, NULL, &f.ep), 0);
	assert_int_equal(viommu_endpoint_add(f.mmu, EP2, NULL, NULL, &f.ep2),
			 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	viommu_endpoint_remove(f->ep);
	viommu_endpoint_remove(f->ep2);
	viommu_destroy(f->mmu);
	return 0;
}

static int attach(struct fixture *f, uint32_t domain, uint32_t ep,
		  uint32_t flags)
{
	struct virtio_iommu_req_attach req = fixture_attach(domain, ep, flags);

	return FIXTURE_SEND(f->mmu, req);
}

static int detach(struct fixture *f, uint32_t domain, uint32_t ep)
{
	struct virtio_iommu_req_detach req = fixture_detach(domain, ep);

	return FIXTURE_SEND(f->mmu, req);
}

static int map(struct fixture *f, uint32_t domain, uint64_t start,
	       uint64_t last, uint64_t gpa, uint32_t flags)
{
	struct virtio_iommu_req_map req =
	    fixture_map(domain, start, last, gpa, flags);

	return FIXTURE_SEND(f->mmu, req);
}

static int unmap(struct fixture *f, uint32_t domain, uint64_t start,
		 uint64_t last)
{
	struct virtio_iommu_req_unmap req = fixture_unmap(domain, start, last);

	return FIXTURE_SEND(f->mmu, req);
}

static int reach(const struct viommu_endpoint *ep, uint64_t iova,
		 unsigned int access)
{
	uint64_t gpa, run;

	return viommu_translate(ep, iova, 1, access, &gpa, &run);
}

/* ---- any request ---- */

static const struct {
	uint8_t type;
	size_t req_len, resp_len;
} types[] = {
	{ VIRTIO_IOMMU_T_ATTACH, 20, 4 },
	{ VIRTIO_IOMMU_T_DETACH, 20, 4 },
	{ VIRTIO_IOMMU_T_MAP, 36, 4 },
	{ VIRTIO_IOMMU_T_UNMAP, 28, 4 },
	{ VIRTIO_IOMMU_T_PROBE, 72, VIOMMU_PROBE_LEN + 4 },
};

static bool is_known(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return true;
	return false;
}

static void test_unknown_type_is_not_written(void **state)
{
	struct fixture *f = *state;

	for (unsigned int type = 0; type < 256; type++) {
		uint8_t req[VIOMMU_REQ_MAX] = { (uint8_t)type };
		uint8_t resp[8];

		if (is_known(type))
			continue;
		memset(resp, 0xa5, sizeof(resp));
		assert_int_equal(viommu_request(f->mmu, req, sizeof(req), resp,
						sizeof(resp)),
				 0);
		assert_int_equal(resp[0], 0xa5);
	}
}

static void test_every_length(void **state)
{
	struct fixture *f = *state;
	uint8_t req[VIOMMU_REQ_MAX + 1] = { 0 };
	uint8_t resp[VIOMMU_PROBE_LEN + 8];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t want = types[i].resp_len;

		for (size_t len = 0; len <= sizeof(req); len++) {
			req[0] = types[i].type;
			memset(resp, 0xa5, sizeof(resp));
			assert_int_equal(viommu_request(f->mmu, req, len, resp,
							sizeof(resp)),
					 len < 4 ? 0 : want);
			assert_int_equal(resp[want], 0xa5);
			if (len >= 4 && len != types[i].req_len)
				assert_int_equal(resp[want - 4], INVAL);
		}
	}
}

static void test_no_room_for_the_tail(void **state)
{
	struct fixture *f = *state;
	uint8_t req[VIOMMU_REQ_MAX] = { 0 }, resp[4];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		for (size_t room = 0; room < 4; room++) {
			req[0] = types[i].type;
			memset(resp, 0xa5, sizeof(resp));
			assert_int_equal(viommu_request(f->mmu, req,
							types[i].req_len, resp,
							room),
					 0);
			assert_int_equal(resp[0], 0xa5);
		}
	}
}

static void test_tail_is_zero_but_for_status(void **state)
{
	static const uint8_t want[4] = { NOENT };
	struct virtio_iommu_req_attach req = fixture_attach(1, 99, 0);
	struct fixture *f = *state;
	uint8_t resp[4];

	memset(resp, 0xa5, sizeof(resp));
	assert_int_equal(viommu_request(f->mmu, &req, 20, resp, 4), 4);
	assert_memory_equal(resp, want, 4);
}

static void test_reserved_of_head_is_ignored(void **state)
{
	struct virtio_iommu_req_attach req = fixture_attach(1, EP, 0);
	struct fixture *f = *state;

	memset(req.head.reserved, 0xff, sizeof(req.head.reserved));
	assert_int_equal(FIXTURE_SEND(f->mmu, req), OK);
}

static void test_failures_are_counted(void **state)
{
	struct fixture *f = *state;
	struct viommu_stats stats;
	uint8_t byte = 0;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 1, 99, 0), NOENT);
	assert_int_equal(viommu_request(f->mmu, &byte, 1, &byte, 1), 0);
	viommu_stats(f->mmu, &stats);
	assert_int_equal(stats.requests_failed, 2);
	assert_int_equal(stats.attaches, 1);
}

/* ---- ATTACH ---- */

static void test_attach_refuses_reserved(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 4; i++) {
		struct virtio_iommu_req_attach req = fixture_attach(1, EP, 0);

		req.reserved[i] = 1;
		assert_int_equal(FIXTURE_SEND(f->mmu, req), INVAL);
	}
	assert_false(viommu_ever_attached(f->mmu));
}

static void test_attach_refuses_unknown_flags(void **state)
{
	struct fixture *f = *state;

	for (unsigned int bit = 1; bit < 32; bit++)
		assert_int_equal(attach(f, 1, EP, 1u << bit), INVAL);
	assert_false(viommu_ever_attached(f->mmu));
}

static void test_attach_needs_an_endpoint(void **state)
{
	struct fixture *f = *state;
	struct viommu_stats stats;

	assert_int_equal(attach(f, 1, 99, 0), NOENT);
	viommu_stats(f->mmu, &stats);
	assert_int_equal(stats.domains, 0);
}

static void test_attach_respects_the_domain_range(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1024, EP, 0), RANGE);
	assert_int_equal(attach(f, UINT32_MAX, EP, 0), RANGE);
	assert_int_equal(attach(f, 1023, EP, 0), OK);
	assert_int_equal(attach(f, 0, EP, 0), OK);
}

static void test_attach_refuses_the_other_kind(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 1, EP2, BYPASS), INVAL);
	assert_int_equal(attach(f, 1, EP, BYPASS), INVAL);
	assert_int_equal(attach(f, 2, EP2, BYPASS), OK);
	assert_int_equal(attach(f, 2, EP, 0), INVAL);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), -ENOENT);
	assert_int_equal(reach(f->ep2, 0, VIOMMU_READ), 0);
}

static void test_attach_lets_endpoints_share(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 1, EP2, 0), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), OK);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), 0);
	assert_int_equal(reach(f->ep2, 0, VIOMMU_READ), 0);
}

static void test_attach_isolates_domains(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 2, EP2, 0), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), OK);
	assert_int_equal(reach(f->ep2, 0, VIOMMU_READ), -ENOENT);
}

/* As DETACH and ATTACH: the domain that it leaves ends with its mappings. */
static void test_attach_moves(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), OK);
	assert_int_equal(attach(f, 2, EP, 0), OK);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), -ENOENT);
	assert_int_equal(map(f, 1, G, 2 * G - 1, 0, F_READ), NOENT);
	assert_int_equal(detach(f, 1, EP), INVAL);
	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), -ENOENT);
}

static void test_attach_again_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), OK);
	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), 0);
}

static void test_attach_respects_the_quota(void **state)
{
	struct viommu_endpoint *ep3;
	struct fixture *f = *state;

	assert_int_equal(viommu_endpoint_add(f->mmu, 3, NULL, NULL, &ep3), 0);
	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 2, EP2, 0), OK);
	assert_int_equal(attach(f, 3, 3, 0), NOMEM);
	assert_int_equal(detach(f, 1, EP), OK);
	assert_int_equal(attach(f, 3, 3, 0), OK);
	viommu_endpoint_remove(ep3);
}

/* ---- DETACH ---- */

static void test_detach_ignores_reserved(void **state)
{
	struct virtio_iommu_req_detach req = fixture_detach(1, EP);
	struct fixture *f = *state;

	memset(req.reserved, 0xff, sizeof(req.reserved));
	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(FIXTURE_SEND(f->mmu, req), OK);
}

static void test_detach_refuses(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(detach(f, 1, 99), NOENT);
	assert_int_equal(detach(f, 2, EP), INVAL);
	assert_int_equal(detach(f, 1, EP2), INVAL);
	assert_int_equal(detach(f, 1, EP), OK);
	assert_int_equal(detach(f, 1, EP), INVAL);
}

static void test_detach_ends_access_and_domain(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 1, EP2, 0), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), OK);
	assert_int_equal(detach(f, 1, EP), OK);
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), -ENOENT);
	assert_int_equal(reach(f->ep2, 0, VIOMMU_READ), 0);
	assert_int_equal(detach(f, 1, EP2), OK);
	assert_int_equal(map(f, 1, 0, G - 1, 0, F_READ), NOENT);
	/* The id is free for a domain of the other kind. */
	assert_int_equal(attach(f, 1, EP, BYPASS), OK);
}

/* ---- MAP ---- */

static void test_map_refuses(void **state)
{
	static const struct {
		const char *why;
		uint32_t domain;
		uint64_t start, last, gpa;
		uint32_t flags;
		int want;
	} cases[] = {
		{ "unknown flag", 1, 0, G - 1, 0, F_READ | 8, INVAL },
		{ "unknown flag, last", 1, 0, G - 1, 0, 1u << 31, INVAL },
		{ "no such domain", 3, 0, G - 1, 0, F_READ, NOENT },
		{ "bypass domain", 2, 0, G - 1, 0, F_READ, INVAL },
		{ "start off granule", 1, 1, G - 1, 0, F_READ, RANGE },
		{ "end off granule", 1, 0, G, 0, F_READ, RANGE },
		{ "target off granule", 1, 0, G - 1, 1, F_READ, RANGE },
		{ "inverted", 1, G, G - 1, 0, F_READ, INVAL },
		{ "overlap", 1, 8 * G, 9 * G - 1, 0, F_READ, INVAL },
		{ "overlap in part", 1, 7 * G, 9 * G - 1, 0, F_READ, INVAL },
		{ "outside the input", 1, 1ull << 48, (1ull << 48) + G - 1, 0,
		  F_READ, RANGE },
		{ "in RESV_MEM", 1, 0xfee00000, 0xfee00fff, 0, F_READ, RANGE },
		{ "target wraps", 1, 0, 2 * G - 1, -G, F_READ, RANGE },
	};
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 2, EP2, BYPASS), OK);
	assert_int_equal(map(f, 1, 8 * G, 9 * G - 1, 0, F_READ), OK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		assert_int_equal(map(f, cases[i].domain, cases[i].start,
				     cases[i].last, cases[i].gpa,
				     cases[i].flags),
				 cases[i].want);
		assert_int_equal(reach(f->ep, 0, VIOMMU_READ), -ENOENT);
		assert_int_equal(reach(f->ep, 7 * G, VIOMMU_READ), -ENOENT);
	}
}

static void test_map_grants_its_flags(void **state)
{
	static const struct {
		uint32_t flags;
		int read, write;
	} cases[] = {
		{ 0, -EACCES, -EACCES },
		{ VIRTIO_IOMMU_MAP_F_READ, 0, -EACCES },
		{ VIRTIO_IOMMU_MAP_F_WRITE, -EACCES, 0 },
		{ VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE, 0, 0 },
		/* A memory type: it permits nothing and takes nothing away. */
		{ VIRTIO_IOMMU_MAP_F_MMIO, -EACCES, -EACCES },
		{ VIRTIO_IOMMU_MAP_F_MMIO | VIRTIO_IOMMU_MAP_F_WRITE, -EACCES,
		  0 },
	};
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(map(f, 1, 0, G - 1, 0, cases[i].flags), OK);
		assert_int_equal(reach(f->ep, 0, VIOMMU_READ), cases[i].read);
		assert_int_equal(reach(f->ep, 0, VIOMMU_WRITE), cases[i].write);
		assert_int_equal(unmap(f, 1, 0, G - 1), OK);
	}
}

static void test_map_translates_by_the_offset(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa, run;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(map(f, 1, 2 * G, 4 * G - 1, 0x1234567 * G, F_READ),
			 OK);
	assert_int_equal(
	    viommu_translate(f->ep, 3 * G + 5, 99999, VIOMMU_READ, &gpa, &run),
	    0);
	assert_int_equal(gpa, 0x1234568 * G + 5);
	assert_int_equal(run, G - 5);
}

static void test_map_respects_the_quota(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(map(f, 1, i * G, i * G + G - 1, 0, F_READ),
				 OK);
	assert_int_equal(map(f, 1, 9 * G, 10 * G - 1, 0, F_READ), NOMEM);
}

/* ---- UNMAP ---- */

static void test_unmap_refuses(void **state)
{
	struct virtio_iommu_req_unmap req = fixture_unmap(1, 0, 2 * G - 1);
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(attach(f, 2, EP2, BYPASS), OK);
	assert_int_equal(map(f, 1, 0, 2 * G - 1, 0, F_READ), OK);
	assert_int_equal(unmap(f, 3, 0, G - 1), NOENT);
	assert_int_equal(unmap(f, 2, 0, G - 1), INVAL);
	assert_int_equal(unmap(f, 1, 0, G - 1), RANGE);
	assert_int_equal(unmap(f, 1, G, 2 * G - 1), RANGE);
	assert_int_equal(unmap(f, 1, G, 0), INVAL);
	for (size_t i = 0; i < 4; i++) {
		memset(req.reserved, 0, 4);
		req.reserved[i] = 1;
		assert_int_equal(FIXTURE_SEND(f->mmu, req), INVAL);
	}
	assert_int_equal(reach(f->ep, 0, VIOMMU_READ), 0);
	assert_int_equal(reach(f->ep, G, VIOMMU_READ), 0);
}

static void test_unmap_of_nothing_is_fine(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, 1, EP, 0), OK);
	assert_int_equal(unmap(f, 1, 0, G - 1), OK);
	assert_int_equal(unmap(f, 1, 0, UINT64_MAX), OK);
	assert_int_equal(map(f, 1, G, 2 * G - 1, 0, F_READ), OK);
	assert_int_equal(unmap(f, 1, 0, 7 * G), OK);
	assert_int_equal(reach(f->ep, G, VIOMMU_READ), -ENOENT);
}

/* ---- PROBE ---- */

static size_t probe(struct fixture *f, uint32_t ep, uint8_t *resp, size_t room)
{
	uint8_t req[72];

	/* All of the reserved bytes must be ignored. */
	memset(req, 0xff, sizeof(req));
	req[0] = VIRTIO_IOMMU_T_PROBE;
	put_le32(req + 4, ep);
	return viommu_request(f->mmu, req, sizeof(req), resp, room);
}

static void test_probe_tells_the_msi_window(void **state)
{
	uint8_t resp[VIOMMU_PROBE_LEN + 4], zero[VIOMMU_PROBE_LEN] = { 0 };
	struct fixture *f = *state;

	memset(resp, 0xa5, sizeof(resp));
	assert_int_equal(probe(f, EP, resp, sizeof(resp)), sizeof(resp));
	assert_int_equal(get_le16(resp), VIRTIO_IOMMU_PROBE_T_RESV_MEM);
	assert_int_equal(get_le16(resp + 2), 20);
	assert_int_equal(resp[4], VIRTIO_IOMMU_RESV_MEM_T_MSI);
	assert_memory_equal(resp + 5, zero, 3);
	assert_int_equal(get_le64(resp + 8), 0xfee00000);
	assert_int_equal(get_le64(resp + 16), 0xfeefffff);
	/* One property; then T_NONE, to the end; then the tail. */
	assert_memory_equal(resp + 24, zero, VIOMMU_PROBE_LEN - 24);
	assert_int_equal(get_le32(resp + VIOMMU_PROBE_LEN), OK);
}

static void test_probe_needs_an_endpoint(void **state)
{
	uint8_t resp[VIOMMU_PROBE_LEN + 4], zero[VIOMMU_PROBE_LEN] = { 0 };
	struct fixture *f = *state;

	memset(resp, 0xa5, sizeof(resp));
	assert_int_equal(probe(f, 99, resp, sizeof(resp)), sizeof(resp));
	assert_memory_equal(resp, zero, VIOMMU_PROBE_LEN);
	assert_int_equal(get_le32(resp + VIOMMU_PROBE_LEN), NOENT);
}

static void test_probe_needs_room(void **state)
{
	uint8_t resp[VIOMMU_PROBE_LEN + 4], zero[VIOMMU_PROBE_LEN] = { 0 };
	struct fixture *f = *state;

	for (size_t room = 4; room < sizeof(resp); room++) {
		memset(resp, 0xa5, sizeof(resp));
		assert_int_equal(probe(f, EP, resp, room), room);
		assert_memory_equal(resp, zero, room - 4);
		assert_int_equal(get_le32(resp + room - 4), INVAL);
		assert_int_equal(resp[room], 0xa5);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_type_is_not_written),
		TEST(test_every_length),
		TEST(test_no_room_for_the_tail),
		TEST(test_tail_is_zero_but_for_status),
		TEST(test_reserved_of_head_is_ignored),
		TEST(test_failures_are_counted),
		TEST(test_attach_refuses_reserved),
		TEST(test_attach_refuses_unknown_flags),
		TEST(test_attach_needs_an_endpoint),
		TEST(test_attach_respects_the_domain_range),
		TEST(test_attach_refuses_the_other_kind),
		TEST(test_attach_lets_endpoints_share),
		TEST(test_attach_isolates_domains),
		TEST(test_attach_moves),
		TEST(test_attach_again_changes_nothing),
		TEST(test_attach_respects_the_quota),
		TEST(test_detach_ignores_reserved),
		TEST(test_detach_refuses),
		TEST(test_detach_ends_access_and_domain),
		TEST(test_map_refuses),
		TEST(test_map_grants_its_flags),
		TEST(test_map_translates_by_the_offset),
		TEST(test_map_respects_the_quota),
		TEST(test_unmap_refuses),
		TEST(test_unmap_of_nothing_is_fine),
		TEST(test_probe_tells_the_msi_window),
		TEST(test_probe_needs_an_endpoint),
		TEST(test_probe_needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
