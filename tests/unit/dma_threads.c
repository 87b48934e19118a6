// SPDX-License-Identifier: BSD-2-Clause
/*
 * Unmap means gone: a worker serves a port while the guest unmaps the page that
 * the port uses. From when unmap returns no byte of the page comes or goes.
 */

#include "tests/dma_fixture.h"
#include "tests/test.h"

#include <sched.h>

#define RW     (VIOMMU_READ | VIOMMU_WRITE)
#define IOVA   FIX_IOVA
#define PAGE   ((uint32_t)FIX_PAGE)
#define TARGET (FIX_RAM / 2)
/* Rounds, until the unmap came in the middle of a batch so often. */
#define ROUNDS 3000u
#define MET    100u
#define BATCH  200u

/* What the port writes, what it may read, and what it must never see. */
#define OURS   0xaa
#define SHOWN  0x11
#define CANARY 0x55

/* Staging: a page to write from, then the pages that reads go to. */
#define NR_READ_PAGES 16u

static void start(struct fix *f)
{
	assert_int_equal(dma_port_start(f->port, f->ep, -1, fix_pin_worker), 0);
}

static void create(struct fix *f)
{
	const struct dma_port_shape shape = fix_shape();

	fix_create(f, &shape);
	memset(f->staging, OURS, PAGE);
	fix_pin(0);
	start(f);
}

static void post_batch(struct fix *f)
{
	struct dma_port_fds fds;

	for (uint32_t i = 0; i < BATCH; i++) {
		const uint32_t page = 1 + i % NR_READ_PAGES;

		fix_post(f, 0,
			 i % 2 ? fix_entry(PORT_OP_WRITE, IOVA, PAGE, 0, 0)
			       : fix_entry(PORT_OP_READ, IOVA, PAGE,
					   page * PAGE / PORT_STAGING_UNIT, 0));
	}
	fix_publish(f, 0);
	shared_fence();
	if (__atomic_exchange_n(&f->control->worker_sleeps, 0,
				__ATOMIC_SEQ_CST) == 1) {
		dma_port_fds(f->port, &fds);
		fd_event_signal(fds.kick_worker);
	}
}

/* A different moment each round, from before the first entry to the last. */
static void let_some_pass(struct fix *f, unsigned int round)
{
	const uint32_t until = f->tail[0] - BATCH + round % (BATCH - 20);
	const struct port_ring *ring = fix_ring(f, 0);

	/* Mostly without giving up the processor: the worker would use the time
	 * to finish. */
	for (unsigned int i = 1;
	     (int32_t)(shared_load_acquire(&ring->done) - until) < 0; i++)
		if (i % 4096 == 0)
			(void)sched_yield();
}

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

static void test_unmap_means_gone(void **state)
{
	struct fix f;
	uint32_t errors = 0, met = 0;

	(void)state;
	create(&f);
	for (unsigned int round = 0; round < ROUNDS && met < MET; round++) {
		const struct port_ring *ring = fix_ring(&f, 0);
		uint8_t *page = f.bytes + TARGET;
		uint32_t failed;

		memset(page, SHOWN, PAGE);
		fix_map(&f, IOVA, TARGET, PAGE, RW);
		post_batch(&f);
		let_some_pass(&f, round);
		fix_unmap(&f, IOVA, PAGE);
		memset(page, CANARY, PAGE);

		while (shared_load_acquire(&ring->done) != f.tail[0])
			(void)sched_yield();
		assert_true(all_are(page, PAGE, CANARY));
		assert_null(
		    memchr(f.staging, CANARY, (1 + NR_READ_PAGES) * PAGE));
		failed = shared_load(&ring->errors) - errors;
		errors += failed;
		met += failed > 0 && failed < BATCH;
	}
	print_message("# met in the middle %u times\n", met);
	fix_destroy(&f);
}

/* Detaching, and stopping the port, end it just as well. */
static void test_detach_and_stop_mean_gone(void **state)
{
	struct fix f;

	(void)state;
	create(&f);
	for (unsigned int round = 0; round < MET; round++) {
		uint8_t *page = f.bytes + TARGET;

		memset(page, SHOWN, PAGE);
		fix_map(&f, IOVA, TARGET, PAGE, RW);
		post_batch(&f);
		let_some_pass(&f, round);
		if (round % 2)
			dma_port_stop(f.port);
		else
			assert_int_equal(
			    viommu_detach(f.mmu, FIX_DOMAIN, FIX_ENDPOINT), 0);
		memset(page, CANARY, PAGE);
		(void)sched_yield();
		assert_true(all_are(page, PAGE, CANARY));

		if (round % 2) {
			fix_unmap(&f, IOVA, PAGE);
			start(&f);
		} else {
			assert_int_equal(viommu_attach(f.mmu, FIX_DOMAIN,
						       FIX_ENDPOINT, false),
					 0);
		}
		while (shared_load_acquire(&fix_ring(&f, 0)->done) != f.tail[0])
			(void)sched_yield();
		assert_true(all_are(page, PAGE, CANARY));
	}
	fix_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmap_means_gone),
		cmocka_unit_test(test_detach_and_stop_mean_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
