// SPDX-License-Identifier: BSD-2-Clause
/*
 * The IOMMU core alone: translation, and a request to unmap and one to map again,
 * with 1 to 10^6 live mappings of a page. JSON lines, medians over rounds in which
 * all sizes take turns.
 *
 * Mappings lie as Linux's allocator lays them: side by side, from the top of what
 * a device can address downwards; an address that is freed is the next
 * to be used. A thread sleeps beside, so that the C library locks in earnest.
 */
#include "tests/viommu_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define G	 ((uint64_t)4096)
#define TOP	 ((uint64_t)1 << 48)
#define EP	 8u
#define NR_ROUND 7
#define NR_OPS	 1000000u
#define RW	 (VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE)

struct sample {
	uint64_t live;
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	uint64_t *order;  /* owned: pages as they lie */
	uint64_t *random; /* owned: pages at random */
	double replace[NR_ROUND], replace_random[NR_ROUND];
	double translate[NR_ROUND], translate_random[NR_ROUND];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "viommu_core: %s failed\n", what);
	exit(EXIT_FAILURE);
}

static double now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Page 0 is the highest. */
static uint64_t page_iova(uint64_t page)
{
	return TOP - (page + 1) * G;
}

static void map_page(struct viommu *mmu, uint64_t page)
{
	uint64_t iova = page_iova(page);
	struct virtio_iommu_req_map req =
	    fixture_map(1, iova, iova + G - 1, page * G, RW);

	must(!FIXTURE_SEND(mmu, req), "MAP");
}

static void unmap_page(struct viommu *mmu, uint64_t page)
{
	uint64_t iova = page_iova(page);
	struct virtio_iommu_req_unmap req =
	    fixture_unmap(1, iova, iova + G - 1);

	must(!FIXTURE_SEND(mmu, req), "UNMAP");
}

static void sample_create(struct sample *s)
{
	struct virtio_iommu_req_attach req = fixture_attach(1, EP, 0);
	struct viommu_config config;
	uint64_t seed = 42;

	viommu_config_default(&config);
	must(!viommu_create(&config, &s->mmu), "create");
	must(!viommu_endpoint_add(s->mmu, EP, NULL, NULL, &s->ep), "add");
	must(!FIXTURE_SEND(s->mmu, req), "ATTACH");
	for (uint64_t i = 0; i < s->live; i++)
		map_page(s->mmu, i);
	s->order = calloc(NR_OPS, sizeof(*s->order));
	s->random = calloc(NR_OPS, sizeof(*s->random));
	must(s->order && s->random, "calloc");
	for (unsigned int i = 0; i < NR_OPS; i++) {
		s->order[i] = i % s->live;
		s->random[i] = fixture_rand(&seed, s->live);
	}
}

static void sample_destroy(struct sample *s)
{
	viommu_endpoint_remove(s->ep);
	viommu_destroy(s->mmu);
	free(s->order);
	free(s->random);
}

static double time_replace(const struct sample *s, const uint64_t *pages)
{
	double start = now_ns();

	for (unsigned int i = 0; i < NR_OPS; i++) {
		unmap_page(s->mmu, pages[i]);
		map_page(s->mmu, pages[i]);
	}
	return (now_ns() - start) / NR_OPS;
}

static double time_translate(const struct sample *s, const uint64_t *pages)
{
	uint64_t gpa, run, sum = 0;
	double start = now_ns();

	for (unsigned int i = 0; i < NR_OPS; i++) {
		/* Each waits for the one before: a latency. */
		uint64_t iova = page_iova(pages[i]) + (gpa & 1);

		must(
		    !viommu_translate(s->ep, iova, 64, VIOMMU_READ, &gpa, &run),
		    "translate");
		sum += run;
	}
	start = (now_ns() - start) / NR_OPS;
	must(sum == 64 * (uint64_t)NR_OPS, "run");
	return start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, uint64_t live, double *values)
{
	qsort(values, NR_ROUND, sizeof(*values), compare);
	printf("{\"name\": \"viommu_core.%s.live_%llu\", \"value\": %.1f, "
	       "\"unit\": \"ns\"}\n",
	       what, (unsigned long long)live, values[NR_ROUND / 2]);
}

static void *sleep_on(void *lock)
{
	(void)pthread_mutex_lock(lock);
	(void)pthread_mutex_unlock(lock);
	return NULL;
}

int main(void)
{
	static struct sample samples[] = {
		{ .live = 1 },
		{ .live = 1000 },
		{ .live = 100000 },
		{ .live = 1000000 },
	};
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t sleeper;

	(void)pthread_mutex_lock(&lock);
	must(!pthread_create(&sleeper, NULL, sleep_on, &lock), "thread");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		sample_create(&samples[i]);
	for (unsigned int round = 0; round < NR_ROUND; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
			struct sample *s = &samples[i];

			s->replace[round] = time_replace(s, s->order);
			s->replace_random[round] = time_replace(s, s->random);
			s->translate[round] = time_translate(s, s->order);
			s->translate_random[round] =
			    time_translate(s, s->random);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct sample *s = &samples[i];

		report("map_unmap", s->live, s->replace);
		report("map_unmap_random", s->live, s->replace_random);
		report("translate", s->live, s->translate);
		report("translate_random", s->live, s->translate_random);
		sample_destroy(s);
	}
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_join(sleeper, NULL);
	return 0;
}
