// SPDX-License-Identifier: BSD-2-Clause
/* Mappings and translation: against an array of pages, and at the edges. */

#include "tests/test.h"
#include "tests/viommu_fixture.h"

#include <errno.h>
#include <string.h>

#define G  ((uint64_t)4096)
#define M2 ((uint64_t)1 << 21)
#define G1 ((uint64_t)1 << 30)
#define RW (VIOMMU_READ | VIOMMU_WRITE)

#define DOMAIN 7u
#define EP     8u

static struct viommu *create(const struct viommu_config *config,
			     struct viommu_endpoint **ep)
{
	struct viommu *mmu;

	assert_int_equal(viommu_create(config, &mmu), 0);
	assert_int_equal(viommu_endpoint_add(mmu, EP, NULL, NULL, ep), 0);
	assert_int_equal(viommu_attach(mmu, DOMAIN, EP, false), 0);
	return mmu;
}

static struct viommu *create_default(struct viommu_endpoint **ep)
{
	struct viommu_config config;

	viommu_config_default(&config);
	return create(&config, ep);
}

static void destroy(struct viommu *mmu, struct viommu_endpoint *ep)
{
	struct viommu_stats stats;

	viommu_endpoint_remove(ep);
	viommu_stats(mmu, &stats);
	assert_int_equal(stats.live_mappings, 0);
	assert_int_equal(stats.live_bytes, 0);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.endpoints, 0);
	assert_int_equal(stats.maps, stats.unmaps);
	assert_int_equal(stats.attaches, stats.detaches);
	viommu_destroy(mmu);
}

static struct iova_range span(uint64_t start, uint64_t len)
{
	return (struct iova_range){ start, start + len - 1 };
}

/* ---- the oracle ---- */

#define NR 1536u

struct unit {
	unsigned int mapping; /* 0: none */
	uint64_t gpa;
	unsigned int prot;
};

struct oracle {
	const char *why;
	uint64_t granule;
	uint64_t unit;
};

static uint64_t unit_iova(const struct oracle *o, unsigned int i)
{
	/* Around a border of every level that the units can reach. */
	return ((uint64_t)1 << 42) + (i - (uint64_t)NR / 2) * o->unit;
}

static int expect(const struct unit *unit, unsigned int access)
{
	if (!unit->mapping)
		return -ENOENT;
	return access & ~unit->prot ? -EACCES : 0;
}

/* Bytes from the start of unit @i that may be used in one go, at most 3 units. */
static uint64_t longest_run(const struct oracle *o, const struct unit *model,
			    unsigned int i, unsigned int access)
{
	uint64_t run = o->unit;

	for (unsigned int n = 1; n < 3 && i + n < NR; n++) {
		if (expect(&model[i + n], access) ||
		    model[i + n].gpa != model[i].gpa + run)
			break;
		run += o->unit;
	}
	return run;
}

/* One unit lies in two nodes at most, so in two runs. */
static void check_runs(const struct oracle *o, const struct unit *model,
		       const struct viommu_endpoint *ep, unsigned int i,
		       unsigned int access)
{
	uint64_t most = longest_run(o, model, i, access);
	uint64_t gpa, run, off = 0;

	for (int n = 0; n < 2 && off < o->unit; n++) {
		assert_int_equal(viommu_translate(ep, unit_iova(o, i) + off,
						  3 * o->unit - off, access,
						  &gpa, &run),
				 0);
		assert_int_equal(gpa, model[i].gpa + off);
		off += run;
		assert_true(off <= most);
	}
	assert_true(off >= o->unit);
}

static void check_unit(const struct oracle *o, const struct unit *model,
		       const struct viommu_endpoint *ep, unsigned int i,
		       unsigned int access)
{
	uint64_t last = unit_iova(o, i) + o->unit - 1, gpa = 0, run = 0;
	int want = expect(&model[i], access);

	assert_int_equal(viommu_translate(ep, last, 1, access, &gpa, &run),
			 want);
	if (!want) {
		assert_int_equal(gpa, model[i].gpa + o->unit - 1);
		assert_int_equal(run, 1);
		check_runs(o, model, ep, i, access);
	}
	assert_int_equal(
	    viommu_translate(ep, unit_iova(o, i), 1, access, &gpa, &run), want);
}

static void check_same(const struct oracle *o, const struct unit *model,
		       const struct viommu_endpoint *ep)
{
	for (unsigned int i = 0; i < NR; i++) {
		check_unit(o, model, ep, i, VIOMMU_READ);
		check_unit(o, model, ep, i, VIOMMU_WRITE);
	}
}

/* Returns the errno that a MAP must have; changes the model if that is 0. */
static int model_map(const struct oracle *o, struct unit *model,
		     unsigned int first, unsigned int nr, struct unit unit)
{
	for (unsigned int i = first; i < first + nr; i++)
		if (model[i].mapping)
			return -EINVAL;
	for (unsigned int i = first; i < first + nr; i++) {
		model[i] = unit;
		unit.gpa += o->unit;
	}
	return 0;
}

static int model_unmap(struct unit *model, unsigned int first, unsigned int nr)
{
	unsigned int end = first + nr;

	if (first > 0 && model[first].mapping &&
	    model[first - 1].mapping == model[first].mapping)
		return -ERANGE;
	if (end < NR && model[end].mapping &&
	    model[end - 1].mapping == model[end].mapping)
		return -ERANGE;
	memset(&model[first], 0, nr * sizeof(*model));
	return 0;
}

/* Short, middling and long, so that all levels come into play. */
static unsigned int pick_nr(uint64_t *seed, unsigned int room)
{
	static const unsigned int most[] = { 1, 3, 40, 600, NR };
	unsigned int limit = most[fixture_rand(seed, ARRAY_SIZE(most))];

	return 1 + (unsigned int)fixture_rand(seed, MIN(limit, room));
}

static void oracle_step(const struct oracle *o, struct viommu *mmu,
			struct unit *model, unsigned int step, uint64_t *seed)
{
	unsigned int first = (unsigned int)fixture_rand(seed, NR);
	unsigned int nr = pick_nr(seed, NR - first);
	struct iova_range range;
	struct unit unit = {
		.mapping = step + 1,
		.gpa = fixture_rand(seed, 1000) * o->granule,
		.prot = (unsigned int)fixture_rand(seed, 4),
	};

	/* Mostly what is there, as a guest would: else all are refused. */
	while (first > 0 && model[first].mapping &&
	       model[first - 1].mapping == model[first].mapping &&
	       fixture_rand(seed, 100))
		first--;
	range = span(unit_iova(o, first), nr * o->unit);

	if (fixture_rand(seed, 2))
		assert_int_equal(
		    viommu_map(mmu, DOMAIN, range, unit.gpa, unit.prot),
		    model_map(o, model, first, nr, unit));
	else
		assert_int_equal(viommu_unmap(mmu, DOMAIN, range),
				 model_unmap(model, first, nr));
}

static void check_counters(const struct oracle *o, const struct unit *model,
			   struct viommu *mmu, struct viommu_endpoint *ep)
{
	struct viommu_endpoint_stats ep_stats;
	struct viommu_stats stats;
	uint64_t bytes = 0, mappings = 0, readable = 0, writable = 0;

	for (unsigned int i = 0; i < NR; i++) {
		if (model[i].mapping) {
			bytes += o->unit;
			readable += model[i].prot & VIOMMU_READ ? o->unit : 0;
			writable += model[i].prot & VIOMMU_WRITE ? o->unit : 0;
		}
		mappings +=
		    model[i].mapping &&
		    (i == 0 || model[i - 1].mapping != model[i].mapping);
	}
	viommu_stats(mmu, &stats);
	assert_int_equal(stats.live_bytes, bytes);
	assert_int_equal(stats.live_mappings, mappings);
	viommu_endpoint_stats(ep, &ep_stats);
	assert_int_equal(ep_stats.readable_bytes, readable);
	assert_int_equal(ep_stats.writable_bytes, writable);
}

/*
 * The same random requests go to a domain and to an array that is too simple to
 * be wrong; after every one, every unit must translate alike.
 */
static void test_agrees_with_page_array(void **state)
{
	static const struct oracle oracles[] = {
		{ "pages", G, G },
		{ "2 MiB", G, M2 },
		{ "1 GiB", G, G1 },
		{ "odd units", G, 3 * G },
		{ "a granule below the page", 128, 128 },
	};
	static struct unit model[NR];
	struct viommu_config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(oracles); i++) {
		const struct oracle *o = &oracles[i];
		uint64_t seed = 0x1234 + i;
		struct viommu_endpoint *ep;
		struct viommu *mmu;

		print_message("# %s\n", o->why);
		viommu_config_default(&config);
		config.granule = o->granule;
		config.page_size_mask = o->granule;
		mmu = create(&config, &ep);
		memset(model, 0, sizeof(model));
		for (unsigned int step = 0; step < 600; step++) {
			oracle_step(o, mmu, model, step, &seed);
			check_same(o, model, ep);
			check_counters(o, model, mmu, ep);
		}
		destroy(mmu, ep);
	}
}

/* ---- MAP ---- */

static void test_map_checks_its_arguments(void **state)
{
	static const struct {
		const char *why;
		struct iova_range iova;
		uint64_t gpa;
		unsigned int prot;
		int want;
	} cases[] = {
		{ "one granule", { 0, G - 1 }, 0, RW, 0 },
		{ "no permission", { 0, G - 1 }, 0, 0, 0 },
		{ "all below the window", { 0, 0xfedfffff }, 0, RW, 0 },
		{ "all above it", { 0xfef00000, (1ull << 48) - 1 }, 0, RW, 0 },
		{ "highest target", { 0, G - 1 }, -G, RW, 0 },
		{ "inverted", { G, G - 1 }, 0, RW, -EINVAL },
		{ "unknown permission", { 0, G - 1 }, 0, 4, -EINVAL },
		{ "one byte short", { 0, G - 2 }, 0, RW, -ERANGE },
		{ "start off granule", { 1, G - 1 }, 0, RW, -ERANGE },
		{ "target off granule", { 0, G - 1 }, 1, RW, -ERANGE },
		{ "target wraps", { 0, 2 * G - 1 }, -G, RW, -ERANGE },
		{ "past the input",
		  { (1ull << 48) - G, (1ull << 48) + G - 1 },
		  0,
		  RW,
		  -ERANGE },
		{ "everything", { 0, UINT64_MAX }, 0, RW, -ERANGE },
		{ "in the window", { 0xfee01000, 0xfee01fff }, 0, RW, -ERANGE },
		{ "over the window", { 0, 0xffffffff }, 0, RW, -ERANGE },
		{ "window's first", { 0, 0xfee00fff }, 0, RW, -ERANGE },
		{ "window's last", { 0xfeeff000, 0xffffffff }, 0, RW, -ERANGE },
	};
	struct viommu_endpoint *ep;
	struct viommu *mmu;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		mmu = create_default(&ep);
		assert_int_equal(viommu_map(mmu, DOMAIN, cases[i].iova,
					    cases[i].gpa, cases[i].prot),
				 cases[i].want);
		destroy(mmu, ep);
	}
}

static void test_map_respects_input_start(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu_config config;
	struct viommu *mmu;

	(void)state;
	viommu_config_default(&config);
	config.input = (struct iova_range){ M2, UINT64_MAX };
	mmu = create(&config, &ep);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(M2 - G, 2 * G), 0, RW),
			 -ERANGE);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(M2, G), 0, RW), 0);
	/* The last page of 2^64. */
	assert_int_equal(viommu_map(mmu, DOMAIN, span(-G, G), 0, RW), 0);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(-G, G)), 0);
	destroy(mmu, ep);
}

static void test_map_and_unmap_need_a_domain(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);

	(void)state;
	assert_int_equal(viommu_map(mmu, 6, span(0, G), 0, RW), -ENOENT);
	assert_int_equal(viommu_unmap(mmu, 6, span(0, G)), -ENOENT);
	assert_int_equal(viommu_map(mmu, UINT32_MAX, span(0, G), 0, RW),
			 -ENOENT);
	assert_int_equal(viommu_attach(mmu, 6, EP, true), 0);
	assert_int_equal(viommu_map(mmu, 6, span(0, G), 0, RW), -EINVAL);
	assert_int_equal(viommu_unmap(mmu, 6, span(0, G)), -EINVAL);
	destroy(mmu, ep);
}

/* A mapping's cost does not depend on its length: large leaves are there. */
static void test_large_mappings_have_large_leaves(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);
	uint64_t gpa, run;

	(void)state;
	/* The target is aligned to the granule only. */
	assert_int_equal(viommu_map(mmu, DOMAIN,
				    span(G1 - G, G + 2 * G1 + M2 + G), 5 * G,
				    RW),
			 0);
	assert_int_equal(viommu_translate(ep, G1, 4 * G1, RW, &gpa, &run), 0);
	assert_int_equal(gpa, 6 * G);
	assert_int_equal(run, 2 * G1);
	assert_int_equal(viommu_translate(ep, 3 * G1 + 1, M2, RW, &gpa, &run),
			 0);
	assert_int_equal(gpa, 6 * G + 2 * G1 + 1);
	assert_int_equal(run, M2 - 1);
	destroy(mmu, ep);
}

/* ---- UNMAP: VIRTIO 1.3, "UNMAP request", its seven examples ---- */

static void test_unmap_examples(void **state)
{
	static const struct {
		struct iova_range map[2]; /* in pages; inverted: none */
		struct iova_range unmap;
		int want;
		bool left[2];
	} cases[] = {
		{ { { 1, 0 }, { 1, 0 } }, { 0, 4 }, 0, { false, false } },
		{ { { 0, 9 }, { 1, 0 } }, { 0, 9 }, 0, { false, false } },
		{ { { 0, 4 }, { 5, 9 } }, { 0, 9 }, 0, { false, false } },
		{ { { 0, 9 }, { 1, 0 } }, { 0, 4 }, -ERANGE, { true, false } },
		{ { { 0, 4 }, { 5, 9 } }, { 0, 4 }, 0, { false, true } },
		{ { { 0, 4 }, { 1, 0 } }, { 0, 9 }, 0, { false, false } },
		{ { { 0, 4 }, { 10, 14 } }, { 0, 14 }, 0, { false, false } },
		/* And: nothing goes if only one of two would be split. */
		{ { { 0, 4 }, { 5, 9 } }, { 0, 8 }, -ERANGE, { true, true } },
		{ { { 0, 4 }, { 5, 9 } }, { 1, 9 }, -ERANGE, { true, true } },
		{ { { 0, 9 }, { 1, 0 } }, { 3, 5 }, -ERANGE, { true, false } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct viommu_endpoint *ep;
		struct viommu *mmu = create_default(&ep);
		uint64_t gpa, run;

		print_message("# example %zu\n", i + 1);
		for (int m = 0; m < 2; m++) {
			struct iova_range r = cases[i].map[m];

			if (iova_range_valid(&r))
				assert_int_equal(
				    viommu_map(mmu, DOMAIN,
					       span(r.start * G,
						    (r.last - r.start + 1) * G),
					       0, RW),
				    0);
		}
		assert_int_equal(
		    viommu_unmap(
			mmu, DOMAIN,
			(struct iova_range){ cases[i].unmap.start * G,
					     cases[i].unmap.last * G + G - 1 }),
		    cases[i].want);
		for (int m = 0; m < 2; m++) {
			struct iova_range r = cases[i].map[m];

			if (!iova_range_valid(&r))
				continue;
			for (uint64_t p = r.start; p <= r.last; p++)
				assert_int_equal(
				    viommu_translate(ep, p * G, 1, RW, &gpa,
						     &run),
				    cases[i].left[m] ? 0 : -ENOENT);
		}
		destroy(mmu, ep);
	}
}

static void test_unmap_takes_any_valid_range(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);
	uint64_t gpa, run;

	(void)state;
	assert_int_equal(viommu_map(mmu, DOMAIN, span(0, G), 0, RW), 0);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(M2, M2), 0, RW), 0);

	/* Off the granule: fine beside mappings, a split inside them. */
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(G + 5, 7)), 0);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(5, 7)), -ERANGE);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(0, G - 1)), -ERANGE);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(1, G - 1)), -ERANGE);
	/* A part of a large leaf. */
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(M2, G)), -ERANGE);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(2 * M2 - G, G)),
			 -ERANGE);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, (struct iova_range){ 1, 0 }),
			 -EINVAL);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(1ull << 60, G)), 0);
	assert_int_equal(viommu_translate(ep, 0, 1, RW, &gpa, &run), 0);
	assert_int_equal(viommu_translate(ep, M2, 1, RW, &gpa, &run), 0);

	assert_int_equal(
	    viommu_unmap(mmu, DOMAIN, (struct iova_range){ 0, UINT64_MAX }), 0);
	assert_int_equal(viommu_translate(ep, 0, 1, RW, &gpa, &run), -ENOENT);
	assert_int_equal(viommu_translate(ep, M2, 1, RW, &gpa, &run), -ENOENT);
	destroy(mmu, ep);
}

/* An emptied node that is kept must not be in the way of a larger leaf. */
static void test_large_mapping_replaces_small_ones(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(viommu_map(mmu, DOMAIN, span(G1, G), 0, RW),
				 0);
		assert_int_equal(viommu_map(mmu, DOMAIN, span(G1, M2), 0, RW),
				 -EINVAL);
		assert_int_equal(viommu_unmap(mmu, DOMAIN, span(G1, G)), 0);
		assert_int_equal(viommu_map(mmu, DOMAIN, span(G1, M2), 0, RW),
				 0);
		assert_int_equal(viommu_map(mmu, DOMAIN, span(G1, G), 0, RW),
				 -EINVAL);
		assert_int_equal(viommu_unmap(mmu, DOMAIN, span(G1, M2)), 0);
		assert_int_equal(viommu_map(mmu, DOMAIN, span(0, G1), 0, RW),
				 0);
		assert_int_equal(viommu_unmap(mmu, DOMAIN, span(0, G1)), 0);
	}
	destroy(mmu, ep);
}

/* ---- translation ---- */

static void test_permissions_are_enforced(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);
	uint64_t gpa, run;

	(void)state;
	for (unsigned int prot = 0; prot <= RW; prot++) {
		assert_int_equal(
		    viommu_map(mmu, DOMAIN, span(prot * G, G), prot * G, prot),
		    0);
		for (unsigned int access = 1; access <= RW; access++)
			assert_int_equal(viommu_translate(ep, prot * G, 1,
							  access, &gpa, &run),
					 access & ~prot ? -EACCES : 0);
	}
	/* A run ends where the permission does. */
	assert_int_equal(
	    viommu_translate(ep, 2 * G, 2 * G, VIOMMU_WRITE, &gpa, &run), 0);
	assert_int_equal(run, 2 * G);
	assert_int_equal(
	    viommu_translate(ep, G, 3 * G, VIOMMU_READ, &gpa, &run), 0);
	assert_int_equal(run, G);
	destroy(mmu, ep);
}

static void test_translate_refuses(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu = create_default(&ep);
	uint64_t gpa, run;

	(void)state;
	assert_int_equal(viommu_map(mmu, DOMAIN, span(0xfedff000, G), 0, RW),
			 0);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(0, G), 0, RW), 0);
	assert_int_equal(viommu_translate(ep, -1, 2, RW, &gpa, &run), -ERANGE);
	assert_int_equal(viommu_translate(ep, -1, 1, RW, &gpa, &run), -ENOENT);
	assert_int_equal(viommu_translate(ep, 1ull << 48, 1, RW, &gpa, &run),
			 -ENOENT);
	assert_int_equal(
	    viommu_translate(ep, 0xfee00000, 4, VIOMMU_WRITE, &gpa, &run),
	    -ERANGE);
	assert_int_equal(
	    viommu_translate(ep, 0xfeefffff, 1, VIOMMU_WRITE, &gpa, &run),
	    -ERANGE);
	assert_int_equal(
	    viommu_translate(ep, 0xfedfffff, 2, VIOMMU_WRITE, &gpa, &run), 0);
	assert_int_equal(run, 1);
	assert_int_equal(viommu_detach(mmu, DOMAIN, EP), 0);
	assert_int_equal(viommu_translate(ep, 0xfedff000, 1, RW, &gpa, &run),
			 -ENOENT);
	destroy(mmu, ep);
}

/* ---- quotas ---- */

static void test_quota_of_mappings(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu_config config;
	struct viommu *mmu;

	(void)state;
	viommu_config_default(&config);
	config.max_mappings = 3;
	mmu = create(&config, &ep);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(viommu_map(mmu, DOMAIN, span(i * G, G), 0, RW),
				 0);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(9 * G, G), 0, RW),
			 -ENOMEM);
	assert_int_equal(viommu_unmap(mmu, DOMAIN, span(0, G)), 0);
	assert_int_equal(viommu_map(mmu, DOMAIN, span(9 * G, G), 0, RW), 0);
	destroy(mmu, ep);
}

/* Maps single pages 1 GiB apart until no node is left for more. */
static uint64_t map_sparsely(struct viommu *mmu)
{
	uint64_t nr = 0;
	int ret;

	do {
		ret = viommu_map(mmu, DOMAIN, span(++nr * 4 * G1, G), 0, RW);
	} while (!ret);
	assert_int_equal(ret, -ENOMEM);
	return nr;
}

static void test_quota_of_nodes_is_given_back(void **state)
{
	struct viommu_endpoint *ep;
	struct viommu *mmu;
	struct viommu_config config;
	uint64_t nr;

	(void)state;
	viommu_config_default(&config);
	config.max_mappings = 4096;
	config.max_domains = 1;
	mmu = create(&config, &ep);
	nr = map_sparsely(mmu);
	assert_true(nr < config.max_mappings);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    viommu_unmap(mmu, DOMAIN,
				 (struct iova_range){ 0, UINT64_MAX }),
		    0);
		/* But for one path that is kept: see table_internal.h. */
		assert_in_range(map_sparsely(mmu), nr - 3, nr);
	}
	/* So does a domain that ends. */
	assert_int_equal(viommu_detach(mmu, DOMAIN, EP), 0);
	assert_int_equal(viommu_attach(mmu, DOMAIN, EP, false), 0);
	assert_int_equal(map_sparsely(mmu), nr);
	destroy(mmu, ep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_page_array),
		cmocka_unit_test(test_map_checks_its_arguments),
		cmocka_unit_test(test_map_respects_input_start),
		cmocka_unit_test(test_map_and_unmap_need_a_domain),
		cmocka_unit_test(test_large_mappings_have_large_leaves),
		cmocka_unit_test(test_unmap_examples),
		cmocka_unit_test(test_unmap_takes_any_valid_range),
		cmocka_unit_test(test_large_mapping_replaces_small_ones),
		cmocka_unit_test(test_permissions_are_enforced),
		cmocka_unit_test(test_translate_refuses),
		cmocka_unit_test(test_quota_of_mappings),
		cmocka_unit_test(test_quota_of_nodes_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
