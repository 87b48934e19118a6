// SPDX-License-Identifier: BSD-2-Clause
/*
 * Translation against mapping and unmapping, in threads (also under TSan).
 *
 * The guest's thread maps slots, of one page to 2 MiB, writes down before what
 * each is mapped to, and wipes that out once an unmap has returned. A worker that
 * gets an address inside an epoch must find it written down until the epoch ends:
 * unmap means gone.
 */

#include "tests/test.h"
#include "tests/viommu_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define G  ((uint64_t)4096)
#define M2 ((uint64_t)1 << 21)
#define RW (VIOMMU_READ | VIOMMU_WRITE)

#define NR_WORKERS 2
#define NR_SLOTS   64u
#define NR_STEPS   6000u

struct worker {
	struct stress *stress;
	struct viommu_endpoint *ep;
	pthread_t thread;
	uint64_t epoch; /* odd inside */
	uint64_t hits;
	bool wrong;
};

struct stress {
	struct viommu *mmu;
	struct worker workers[NR_WORKERS];
	uint64_t target[NR_SLOTS]; /* address + 1; 0: not mapped */
	uint64_t len[NR_SLOTS];	   /* the guest's own */
	unsigned int mask;	   /* the workers try slots in it */
	bool stop;
};

static uint64_t slot_iova(unsigned int slot)
{
	/* Groups of small neighbours in one node, and groups far apart. */
	return ((uint64_t)(slot / 8) << 30) + (slot % 8) * M2;
}

static void on_unmap(void *ctx, struct iova_range iova)
{
	struct worker *w = ctx;
	uint64_t seen;

	(void)iova;
	/* A locked instruction, so a full fence, as epoch_sync() has. */
	seen = __atomic_fetch_add(&w->epoch, 0, __ATOMIC_SEQ_CST);
	while ((seen & 1) &&
	       __atomic_load_n(&w->epoch, __ATOMIC_ACQUIRE) == seen)
		(void)sched_yield();
}

static const struct viommu_listener_ops ops = { .unmap = on_unmap };

static void try_slot(struct worker *w, unsigned int slot, uint64_t off)
{
	uint64_t *target = &w->stress->target[slot];
	uint64_t gpa, run;

	(void)__atomic_fetch_add(&w->epoch, 1, __ATOMIC_SEQ_CST);
	if (!viommu_translate(w->ep, slot_iova(slot) + off, G, RW, &gpa,
			      &run)) {
		__atomic_store_n(&w->hits, w->hits + 1, __ATOMIC_RELAXED);
		if (__atomic_load_n(target, __ATOMIC_ACQUIRE) != gpa - off + 1)
			w->wrong = true;
	}
	(void)__atomic_fetch_add(&w->epoch, 1, __ATOMIC_RELEASE);
}

static void *work(void *ctx)
{
	struct worker *w = ctx;
	uint64_t seed = 1 + (uint64_t)(w - w->stress->workers);

	while (!__atomic_load_n(&w->stress->stop, __ATOMIC_ACQUIRE)) {
		uint64_t off = fixture_rand(&seed, 2) * fixture_rand(&seed, M2);
		unsigned int slot = (unsigned int)fixture_rand(&seed, NR_SLOTS);
		unsigned int mask =
		    __atomic_load_n(&w->stress->mask, __ATOMIC_RELAXED);

		try_slot(w, slot & mask, off);
	}
	return NULL;
}

static void map_slot(struct stress *s, unsigned int slot, uint64_t *seed)
{
	static const uint64_t lens[] = { G, G, 3 * G, M2 - G, M2 };
	uint64_t len = lens[fixture_rand(seed, ARRAY_SIZE(lens))];
	uint64_t gpa = fixture_rand(seed, 1u << 20) * G;
	uint64_t iova = slot_iova(slot);

	__atomic_store_n(&s->target[slot], gpa + 1, __ATOMIC_RELEASE);
	assert_int_equal(viommu_map(s->mmu, 1,
				    (struct iova_range){ iova, iova + len - 1 },
				    gpa, RW),
			 0);
	s->len[slot] = len;
}

static void unmap_slot(struct stress *s, unsigned int slot)
{
	uint64_t iova = slot_iova(slot);

	assert_int_equal(
	    viommu_unmap(s->mmu, 1,
			 (struct iova_range){ iova, iova + s->len[slot] - 1 }),
	    0);
	__atomic_store_n(&s->target[slot], 0, __ATOMIC_RELEASE);
	s->len[slot] = 0;
}

/* All of a domain ends at once, under the workers' eyes. */
static void reset(struct stress *s)
{
	viommu_reset(s->mmu);
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		__atomic_store_n(&s->target[i], 0, __ATOMIC_RELEASE);
		s->len[i] = 0;
	}
	for (uint32_t i = 0; i < NR_WORKERS; i++)
		assert_int_equal(viommu_attach(s->mmu, 1, i, false), 0);
}

/*
 * Two slots far apart in turn, so that each takes the nodes that the other has
 * left: a node must not be at its new place while a worker is still in the old.
 */
static void alternate(struct stress *s, uint64_t *seed)
{
	__atomic_store_n(&s->mask, 8, __ATOMIC_RELAXED);
	reset(s);
	for (unsigned int step = 0; step < 2 * NR_STEPS; step++) {
		unsigned int slot = step % 2 * 8;

		map_slot(s, slot, seed);
		unmap_slot(s, slot);
	}
}

static void play_guest(struct stress *s)
{
	uint64_t seed = 99;

	__atomic_store_n(&s->mask, NR_SLOTS - 1, __ATOMIC_RELAXED);
	reset(s);
	for (unsigned int step = 0; step < NR_STEPS; step++) {
		unsigned int slot = (unsigned int)fixture_rand(&seed, NR_SLOTS);

		if (step % 500 == 499)
			reset(s);
		else if (s->len[slot])
			unmap_slot(s, slot);
		else
			map_slot(s, slot, &seed);
	}
	alternate(s, &seed);
}

static bool any_hit(struct stress *s)
{
	for (int i = 0; i < NR_WORKERS; i++)
		if (__atomic_load_n(&s->workers[i].hits, __ATOMIC_RELAXED))
			return true;
	return false;
}

static void test_unmap_means_gone(void **state)
{
	static struct stress s;
	struct viommu_config config;

	(void)state;
	viommu_config_default(&config);
	assert_int_equal(viommu_create(&config, &s.mmu), 0);
	s.mask = NR_SLOTS - 1;
	for (uint32_t i = 0; i < NR_WORKERS; i++) {
		struct worker *w = &s.workers[i];

		w->stress = &s;
		assert_int_equal(viommu_endpoint_add(s.mmu, i, &ops, w, &w->ep),
				 0);
		assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
	}
	/* On a busy machine the workers may not run in the first of them. */
	for (int i = 0; i < 100 && (i == 0 || !any_hit(&s)); i++)
		play_guest(&s);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < NR_WORKERS; i++) {
		assert_int_equal(pthread_join(s.workers[i].thread, NULL), 0);
		assert_false(s.workers[i].wrong);
		viommu_endpoint_remove(s.workers[i].ep);
	}
	assert_true(any_hit(&s));
	viommu_destroy(s.mmu);
}

/* ---- faults from many threads ---- */

#define NR_FAULTS 2000u

static void *raise_faults(void *ctx)
{
	struct worker *w = ctx;

	for (uint64_t i = 0; i < NR_FAULTS; i++)
		viommu_fault(w->ep, i, VIOMMU_READ, -ENOENT);
	return NULL;
}

static void test_no_fault_is_lost_uncounted(void **state)
{
	struct worker workers[NR_WORKERS] = { 0 };
	uint64_t next[NR_WORKERS] = { 0 }, taken = 0;
	struct virtio_iommu_fault fault;
	struct viommu_config config;
	struct viommu_stats stats;
	struct viommu *mmu;

	(void)state;
	viommu_config_default(&config);
	assert_int_equal(viommu_create(&config, &mmu), 0);
	for (uint32_t i = 0; i < NR_WORKERS; i++) {
		assert_int_equal(
		    viommu_endpoint_add(mmu, i, NULL, NULL, &workers[i].ep), 0);
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						raise_faults, &workers[i]),
				 0);
	}
	do {
		while (viommu_take_fault(mmu, &fault)) {
			uint32_t ep = le32toh(fault.endpoint);

			/* Those of one thread come in order. */
			assert_true(le64toh(fault.address) >= next[ep]);
			next[ep] = le64toh(fault.address) + 1;
			taken++;
		}
		viommu_stats(mmu, &stats);
	} while (taken + stats.faults_dropped < NR_WORKERS * NR_FAULTS);
	assert_int_equal(stats.faults, NR_WORKERS * NR_FAULTS);
	assert_int_equal(taken + stats.faults_dropped, NR_WORKERS * NR_FAULTS);
	for (int i = 0; i < NR_WORKERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		viommu_endpoint_remove(workers[i].ep);
	}
	viommu_destroy(mmu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmap_means_gone),
		cmocka_unit_test(test_no_fault_is_lost_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
