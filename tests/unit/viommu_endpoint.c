// SPDX-License-Identifier: BSD-2-Clause
/* Endpoints: bypass, listeners, faults, counters; running out of memory. */

#include "tests/test.h"
#include "tests/viommu_fixture.h"

#include <errno.h>
#include <stdlib.h>

#define G  ((uint64_t)4096)
#define RW (VIOMMU_READ | VIOMMU_WRITE)

/*
 * The linker sends the module's allocations here (meson.build). The nth from now
 * fails; 0: none does.
 */
static unsigned int fail_nth;

/* And how often it has freed something. */
static unsigned int nr_freed;

void __real_free(void *p);
void __wrap_free(void *p);
void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

static bool fails_now(void)
{
	return fail_nth && --fail_nth == 0;
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails_now() ? NULL : __real_calloc(nr, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails_now() ? NULL : __real_aligned_alloc(align, size);
}

void __wrap_free(void *p)
{
	nr_freed++;
	__real_free(p);
}

static struct viommu *create(enum viommu_bypass bypass)
{
	struct viommu_config config;
	struct viommu *mmu;

	viommu_config_default(&config);
	config.bypass = bypass;
	config.max_faults = 4;
	assert_int_equal(viommu_create(&config, &mmu), 0);
	return mmu;
}

static struct viommu_endpoint *add(struct viommu *mmu, uint32_t id)
{
	struct viommu_endpoint *ep;

	assert_int_equal(viommu_endpoint_add(mmu, id, NULL, NULL, &ep), 0);
	return ep;
}

static struct iova_range page(uint64_t nr)
{
	return (struct iova_range){ nr * G, nr * G + G - 1 };
}

static int reach(const struct viommu_endpoint *ep, uint64_t iova)
{
	uint64_t gpa, run;

	return viommu_translate(ep, iova, 1, RW, &gpa, &run);
}

/* ---- configuration ---- */

static void test_config_is_checked(void **state)
{
	struct viommu_config config;
	struct viommu *mmu;

	(void)state;
#define REFUSED(change)                                                  \
	do {                                                             \
		viommu_config_default(&config);                          \
		config.change;                                           \
		assert_int_equal(viommu_create(&config, &mmu), -EINVAL); \
	} while (0)
	REFUSED(granule = 0);
	REFUSED(granule = 32);
	REFUSED(granule = 5000);
	REFUSED(granule = (uint64_t)1 << 31);
	REFUSED(page_size_mask = 0);
	REFUSED(page_size_mask = 0x2000);
	REFUSED(page_size_mask = 0x1800);
	REFUSED(input.start = UINT64_MAX);
	REFUSED(msi.start = UINT64_MAX);
	REFUSED(domain_last = 1u << 16);
	REFUSED(max_faults = 0);
	REFUSED(max_faults = 3);
#undef REFUSED
	viommu_config_default(&config);
	assert_int_equal(viommu_create(&config, &mmu), 0);
	assert_int_equal(viommu_config(mmu)->granule, G);
	viommu_destroy(mmu);
	viommu_destroy(NULL);
}

static void test_endpoint_ids_are_unique(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 5), *other;

	(void)state;
	assert_int_equal(viommu_endpoint_add(mmu, 5, NULL, NULL, &other),
			 -EEXIST);
	viommu_endpoint_remove(ep);
	viommu_endpoint_remove(add(mmu, 5));
	viommu_destroy(mmu);
}

/* ---- bypass ---- */

static void test_without_bypass_nothing_is_reached(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 1);

	(void)state;
	assert_int_equal(viommu_bypass_get(mmu), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(viommu_detach(mmu, 1, 1), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

static void test_bypass_is_identity_but_for_msi(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_ALWAYS);
	struct viommu_endpoint *ep = add(mmu, 1);
	uint64_t gpa, run;

	(void)state;
	assert_int_equal(
	    viommu_translate(ep, 0x123456, 1 << 20, RW, &gpa, &run), 0);
	assert_int_equal(gpa, 0x123456);
	assert_int_equal(run, 1 << 20);
	assert_int_equal(viommu_translate(ep, 0xfedffff0, 99, RW, &gpa, &run),
			 0);
	assert_int_equal(run, 16);
	assert_int_equal(reach(ep, 0xfee00000), -ERANGE);
	assert_int_equal(reach(ep, 0xfeefffff), -ERANGE);
	assert_int_equal(reach(ep, 0xfef00000), 0);
	assert_int_equal(viommu_translate(ep, -1, 2, RW, &gpa, &run), -ERANGE);
	/* Nothing shuts it: it is what the user has asked for. */
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(viommu_detach(mmu, 1, 1), 0);
	assert_int_equal(reach(ep, 0), 0);
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	viommu_reset(mmu);
	assert_int_equal(reach(ep, 0), 0);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

static void test_boot_bypass_closes_at_detach(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_BOOT);
	struct viommu_endpoint *ep = add(mmu, 1), *other = add(mmu, 2);

	(void)state;
	assert_int_equal(viommu_bypass_get(mmu), 1);
	assert_int_equal(reach(ep, 0), 0);
	/* A reset before anything has attached leaves it, as VIRTIO has it. */
	viommu_reset(mmu);
	assert_int_equal(reach(ep, 0), 0);

	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(reach(other, 0), 0);
	assert_int_equal(viommu_bypass_get(mmu), 1);

	assert_int_equal(viommu_detach(mmu, 1, 1), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(reach(other, 0), -ENOENT);
	assert_int_equal(viommu_bypass_get(mmu), 0);
	viommu_endpoint_remove(ep);
	ep = add(mmu, 3);
	assert_int_equal(reach(ep, 0), -ENOENT);
	viommu_endpoint_remove(ep);
	viommu_endpoint_remove(other);
	viommu_destroy(mmu);
}

static void test_boot_bypass_closes_at_reset(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_BOOT);
	struct viommu_endpoint *ep = add(mmu, 1), *other = add(mmu, 2);

	(void)state;
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	viommu_reset(mmu);
	assert_true(viommu_ever_attached(mmu));
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(reach(other, 0), -ENOENT);
	assert_int_equal(viommu_bypass_get(mmu), 0);
	viommu_reset(mmu);
	assert_int_equal(reach(ep, 0), -ENOENT);
	viommu_endpoint_remove(ep);
	viommu_endpoint_remove(other);
	viommu_destroy(mmu);
}

static void test_guest_opens_and_shuts_bypass(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 1), *attached = add(mmu, 2);

	(void)state;
	assert_int_equal(viommu_attach(mmu, 1, 2, false), 0);
	assert_int_equal(viommu_bypass_set(mmu, 2), -EINVAL);
	assert_int_equal(viommu_bypass_set(mmu, 255), -EINVAL);
	assert_int_equal(viommu_bypass_get(mmu), 0);
	assert_int_equal(viommu_bypass_set(mmu, 1), 0);
	assert_int_equal(viommu_bypass_get(mmu), 1);
	assert_int_equal(reach(ep, 0), 0);
	assert_int_equal(reach(attached, 0), -ENOENT);
	/* What the guest asked for stays over DETACH. */
	assert_int_equal(viommu_detach(mmu, 1, 2), 0);
	assert_int_equal(reach(attached, 0), 0);
	assert_int_equal(viommu_bypass_set(mmu, 0), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(reach(attached, 0), -ENOENT);
	/* But not over a reset. */
	assert_int_equal(viommu_bypass_set(mmu, 1), 0);
	viommu_reset(mmu);
	assert_int_equal(reach(ep, 0), -ENOENT);
	assert_int_equal(viommu_bypass_get(mmu), 0);
	viommu_endpoint_remove(ep);
	viommu_endpoint_remove(attached);
	viommu_destroy(mmu);
}

static void test_boot_bypass_that_the_guest_wrote_is_its_own(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_BOOT);
	struct viommu_endpoint *ep = add(mmu, 1);

	(void)state;
	assert_int_equal(viommu_bypass_set(mmu, 1), 0);
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(viommu_detach(mmu, 1, 1), 0);
	assert_int_equal(reach(ep, 0), 0);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

/* A bypass domain does not depend on the field. */
static void test_bypass_domain(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 1);
	struct viommu_endpoint_stats stats;

	(void)state;
	assert_int_equal(viommu_attach(mmu, 1, 1, true), 0);
	assert_int_equal(reach(ep, 0), 0);
	assert_int_equal(viommu_bypass_set(mmu, 0), 0);
	assert_int_equal(reach(ep, 0), 0);
	viommu_endpoint_stats(ep, &stats);
	assert_true(stats.bypass);
	assert_int_equal(stats.domain, 1);
	assert_int_equal(viommu_detach(mmu, 1, 1), 0);
	assert_int_equal(reach(ep, 0), -ENOENT);
	viommu_endpoint_stats(ep, &stats);
	assert_false(stats.bypass);
	assert_int_equal(stats.domain, UINT32_MAX);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

static void test_reset_ends_all_domains(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *a = add(mmu, 1), *b = add(mmu, 2);
	struct viommu_stats stats;

	(void)state;
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(viommu_attach(mmu, 2, 2, true), 0);
	assert_int_equal(viommu_map(mmu, 1, page(0), 0, RW), 0);
	viommu_reset(mmu);
	assert_int_equal(reach(a, 0), -ENOENT);
	assert_int_equal(reach(b, 0), -ENOENT);
	viommu_stats(mmu, &stats);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.live_mappings, 0);
	assert_int_equal(viommu_map(mmu, 1, page(0), 0, RW), -ENOENT);
	viommu_endpoint_remove(a);
	viommu_endpoint_remove(b);
	viommu_destroy(mmu);
}

/* ---- listeners ---- */

struct listener {
	struct viommu_endpoint *ep;
	unsigned int calls;
	struct iova_range last;
	int reached; /* what a translation of page 0 says in the call */
	unsigned int nr_freed;
};

static void on_unmap(void *ctx, struct iova_range iova)
{
	struct listener *l = ctx;

	l->calls++;
	l->last = iova;
	l->nr_freed = nr_freed;
	l->reached = l->ep ? reach(l->ep, 0) : 0;
}

static const struct viommu_listener_ops listener_ops = { .unmap = on_unmap };

static void check_whole(const struct listener *l, unsigned int calls)
{
	assert_int_equal(l->calls, calls);
	assert_int_equal(l->last.start, 0);
	assert_int_equal(l->last.last, UINT64_MAX);
	assert_int_equal(l->reached, -ENOENT);
}

static void test_listener_follows_its_endpoint(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_BOOT);
	struct listener a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(viommu_endpoint_add(mmu, 1, &listener_ops, &a, &a.ep),
			 0);
	assert_int_equal(viommu_endpoint_add(mmu, 2, &listener_ops, &b, &b.ep),
			 0);
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	check_whole(&a, 1);
	assert_int_equal(b.calls, 0);

	assert_int_equal(viommu_map(mmu, 1, page(0), 0, RW), 0);
	assert_int_equal(viommu_unmap(mmu, 1, page(1)), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(viommu_unmap(mmu, 1, page(0)), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.last.start, 0);
	assert_int_equal(a.last.last, G - 1);
	assert_int_equal(a.reached, -ENOENT);
	assert_int_equal(b.calls, 0);

	/* A move; the shut of bypass by another's detach; a reset; the end. */
	assert_int_equal(viommu_map(mmu, 1, page(0), 0, RW), 0);
	assert_int_equal(viommu_attach(mmu, 2, 1, false), 0);
	check_whole(&a, 3);
	assert_int_equal(viommu_attach(mmu, 2, 1, false), 0);
	assert_int_equal(a.calls, 3);
	assert_int_equal(viommu_detach(mmu, 2, 1), 0);
	check_whole(&a, 4);
	check_whole(&b, 1);
	assert_int_equal(viommu_attach(mmu, 2, 2, false), 0);
	viommu_reset(mmu);
	check_whole(&a, 4);
	check_whole(&b, 3);
	viommu_endpoint_remove(a.ep);
	check_whole(&a, 5);
	viommu_endpoint_remove(b.ep);
	viommu_destroy(mmu);
}

static void test_every_listener_of_a_domain_is_called(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct listener l[3] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(
		    viommu_endpoint_add(mmu, i, &listener_ops, &l[i], &l[i].ep),
		    0);
		assert_int_equal(viommu_attach(mmu, 1, i, false), 0);
	}
	assert_int_equal(viommu_map(mmu, 1, page(0), 0, RW), 0);
	assert_int_equal(viommu_unmap(mmu, 1, page(0)), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(l[i].calls, 2);
	for (int i = 0; i < 3; i++)
		viommu_endpoint_remove(l[i].ep);
	viommu_destroy(mmu);
}

/* A worker may be walking the table until its listener has returned. */
static void test_tables_are_freed_after_the_listener(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct listener l = { 0 };
	unsigned int before;

	(void)state;
	assert_int_equal(viommu_endpoint_add(mmu, 1, &listener_ops, &l, &l.ep),
			 0);
	for (uint32_t domain = 1; domain <= 2; domain++) {
		assert_int_equal(viommu_attach(mmu, domain, 1, false), 0);
		/* More nodes than are kept for later. */
		for (uint64_t i = 1; i < 100; i++)
			assert_int_equal(
			    viommu_map(mmu, domain, page(i << 18), 0, RW), 0);
		before = nr_freed;
		if (domain == 1)
			assert_int_equal(
			    viommu_unmap(mmu, domain,
					 (struct iova_range){ 0, UINT64_MAX }),
			    0);
		else
			assert_int_equal(viommu_detach(mmu, domain, 1), 0);
		assert_int_equal(l.nr_freed, before);
		assert_true(nr_freed > before + 99);
	}
	viommu_endpoint_remove(l.ep);
	viommu_destroy(mmu);
}

/* ---- faults ---- */

static void count_call(void *ctx)
{
	++*(unsigned int *)ctx;
}

static void check_fault(struct viommu *mmu, uint8_t reason, uint32_t flags,
			uint32_t ep, uint64_t iova)
{
	struct virtio_iommu_fault fault;
	static const uint8_t zero[4];

	assert_true(viommu_take_fault(mmu, &fault));
	assert_int_equal(fault.reason, reason);
	assert_int_equal(le32toh(fault.flags),
			 flags | VIRTIO_IOMMU_FAULT_F_ADDRESS);
	assert_int_equal(le32toh(fault.endpoint), ep);
	assert_int_equal(le64toh(fault.address), iova);
	assert_memory_equal(fault.reserved, zero, 3);
	assert_memory_equal(fault.reserved2, zero, 4);
}

static void test_faults_say_what_happened(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 0x18);

	(void)state;
	viommu_fault(ep, 0x1234, VIOMMU_READ, -ENOENT);
	assert_int_equal(viommu_attach(mmu, 1, 0x18, false), 0);
	viommu_fault(ep, 0x5678, VIOMMU_WRITE, -EACCES);
	viommu_fault(ep, 0xfee00000, RW, -ERANGE);
	viommu_fault(ep, 0, VIOMMU_READ, -EFAULT);

	check_fault(mmu, VIRTIO_IOMMU_FAULT_R_DOMAIN, VIRTIO_IOMMU_FAULT_F_READ,
		    0x18, 0x1234);
	check_fault(mmu, VIRTIO_IOMMU_FAULT_R_MAPPING,
		    VIRTIO_IOMMU_FAULT_F_WRITE, 0x18, 0x5678);
	check_fault(mmu, VIRTIO_IOMMU_FAULT_R_MAPPING,
		    VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_WRITE,
		    0x18, 0xfee00000);
	check_fault(mmu, VIRTIO_IOMMU_FAULT_R_UNKNOWN,
		    VIRTIO_IOMMU_FAULT_F_READ, 0x18, 0);

	assert_int_equal(viommu_bypass_set(mmu, 1), 0);
	assert_int_equal(viommu_detach(mmu, 1, 0x18), 0);
	viommu_fault(ep, 0xfee00000, VIOMMU_WRITE, -ERANGE);
	check_fault(mmu, VIRTIO_IOMMU_FAULT_R_UNKNOWN,
		    VIRTIO_IOMMU_FAULT_F_WRITE, 0x18, 0xfee00000);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

static void test_faults_over_quota_are_dropped_and_counted(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = add(mmu, 1), *other = add(mmu, 2);
	struct viommu_endpoint_stats ep_stats;
	struct virtio_iommu_fault fault;
	struct viommu_stats stats;
	unsigned int calls = 0;

	(void)state;
	viommu_set_fault_notifier(mmu, count_call, &calls);
	for (uint64_t i = 0; i < 6; i++)
		viommu_fault(ep, i * G, VIOMMU_READ, -ENOENT);
	viommu_fault(other, 0, VIOMMU_READ, -ENOENT);
	assert_int_equal(calls, 4);
	viommu_stats(mmu, &stats);
	assert_int_equal(stats.faults, 7);
	assert_int_equal(stats.faults_dropped, 3);
	viommu_endpoint_stats(ep, &ep_stats);
	assert_int_equal(ep_stats.faults, 6);
	assert_int_equal(ep_stats.id, 1);

	/* The oldest are kept, and one that is taken makes room for one. */
	for (uint64_t i = 0; i < 2; i++)
		check_fault(mmu, VIRTIO_IOMMU_FAULT_R_DOMAIN,
			    VIRTIO_IOMMU_FAULT_F_READ, 1, i * G);
	viommu_fault(other, 9 * G, VIOMMU_READ, -ENOENT);
	assert_int_equal(calls, 5);
	for (int i = 0; i < 3; i++)
		assert_true(viommu_take_fault(mmu, &fault));
	assert_int_equal(le32toh(fault.endpoint), 2);
	assert_false(viommu_take_fault(mmu, &fault));

	viommu_fault(ep, 0, VIOMMU_READ, -ENOENT);
	viommu_reset(mmu);
	assert_false(viommu_take_fault(mmu, &fault));
	viommu_stats(mmu, &stats);
	assert_int_equal(stats.faults_dropped, 4);
	viommu_endpoint_remove(ep);
	viommu_endpoint_remove(other);
	viommu_destroy(mmu);
}

/* ---- running out of memory ---- */

static void test_create_survives_no_memory(void **state)
{
	struct viommu_config config;
	struct viommu *mmu;
	unsigned int nth = 0;
	int ret;

	(void)state;
	viommu_config_default(&config);
	do {
		fail_nth = ++nth;
		ret = viommu_create(&config, &mmu);
	} while (ret == -ENOMEM);
	fail_nth = 0;
	assert_int_equal(ret, 0);
	assert_int_equal(nth, 4);
	viommu_destroy(mmu);
}

/* After each failure, everything is as it was; at last the step succeeds. */
static void test_requests_survive_no_memory(void **state)
{
	struct viommu *mmu = create(VIOMMU_BYPASS_NEVER);
	struct viommu_endpoint *ep = NULL;
	struct viommu_stats stats;
	unsigned int nth = 0;
	int ret;

	(void)state;
	fail_nth = 1;
	assert_int_equal(viommu_endpoint_add(mmu, 1, NULL, NULL, &ep), -ENOMEM);
	ep = add(mmu, 1);
	do {
		fail_nth = ++nth;
		ret = viommu_attach(mmu, 1, 1, false);
		viommu_stats(mmu, &stats);
		assert_int_equal(stats.domains, ret ? 0 : 1);
	} while (ret == -ENOMEM);
	assert_int_equal(ret, 0);
	assert_int_equal(nth, 3);

	for (nth = 1;; nth++) {
		fail_nth = nth;
		ret = viommu_map(mmu, 1, page(0), 0, RW);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(reach(ep, 0), -ENOENT);
		viommu_stats(mmu, &stats);
		assert_int_equal(stats.live_mappings, 0);
	}
	fail_nth = 0;
	assert_true(nth > 1);
	assert_int_equal(reach(ep, 0), 0);
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_is_checked),
		cmocka_unit_test(test_endpoint_ids_are_unique),
		cmocka_unit_test(test_without_bypass_nothing_is_reached),
		cmocka_unit_test(test_bypass_is_identity_but_for_msi),
		cmocka_unit_test(test_boot_bypass_closes_at_detach),
		cmocka_unit_test(test_boot_bypass_closes_at_reset),
		cmocka_unit_test(test_guest_opens_and_shuts_bypass),
		cmocka_unit_test(
		    test_boot_bypass_that_the_guest_wrote_is_its_own),
		cmocka_unit_test(test_bypass_domain),
		cmocka_unit_test(test_reset_ends_all_domains),
		cmocka_unit_test(test_listener_follows_its_endpoint),
		cmocka_unit_test(test_every_listener_of_a_domain_is_called),
		cmocka_unit_test(test_tables_are_freed_after_the_listener),
		cmocka_unit_test(test_faults_say_what_happened),
		cmocka_unit_test(
		    test_faults_over_quota_are_dropped_and_counted),
		cmocka_unit_test(test_create_survives_no_memory),
		cmocka_unit_test(test_requests_survive_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
