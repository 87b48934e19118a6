// SPDX-License-Identifier: BSD-2-Clause
/* dma/: interrupts, wake-ups, the worker's thread, pages that are not there, and
 * access without a port. */

#include "memory/guard.h"
#include "tests/dma_fixture.h"
#include "tests/test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define RW   (VIOMMU_READ | VIOMMU_WRITE)
#define IOVA FIX_IOVA
#define PAGE FIX_PAGE

#define UNMAPPED (IOVA + 0x1000000)

static int setup(void **state)
{
	static const unsigned int prot[] = { RW };
	const struct dma_port_shape shape = fix_shape();
	struct fix *f = malloc(sizeof(*f));

	fix_create(f, &shape);
	fix_map_pages(f, prot, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fix_destroy(*state);
	free(*state);
	return 0;
}

static struct port_entry read_page(unsigned int flags)
{
	return fix_entry(PORT_OP_READ, IOVA, 64, 0, flags);
}

/* ---- interrupts ---- */

static int connect_irq(struct fix *f, uint32_t mask)
{
	int irq;

	assert_int_equal(fd_event_create(&irq), 0);
	*dma_port_irqline(f->port)->mask = mask;
	dma_port_attach(f->port, f->ep, irq);
	return irq;
}

static void test_irq_when_the_ring_is_done(void **state)
{
	struct fix *f = *state;
	uint32_t *cause = dma_port_regs(f->port) + FIX_CAUSE / 4;
	int irq = connect_irq(f, 1);

	fix_post(f, 0, read_page(PORT_F_IRQ));
	for (unsigned int i = 0; i < 200; i++)
		fix_post(f, 0, read_page(0));
	fix_publish(f, 0);
	assert_true(fix_settle(f));
	assert_int_equal(*cause, 1);
	assert_true(fix_signalled(irq));
	/* Only once; and not for entries that do not ask. */
	*cause = 0;
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_int_equal(*cause, 0);
	/* The other ring has the other cause, which is masked. */
	assert_int_equal(fix_run(f, 1, read_page(PORT_F_IRQ)), 0);
	assert_int_equal(*cause, 2);
	assert_false(fix_signalled(irq));
	/* An entry that fails completes, too. */
	assert_int_equal(fix_run(f, 0, fix_entry(0, 0, 0, 0, PORT_F_IRQ)),
			 PORT_E_ENTRY);
	assert_int_equal(*cause, 3);
	assert_true(fix_signalled(irq));
	fd_close(&irq);
}

/* The tail stays ahead: the interrupt comes all the same, 256 entries later. */
static void test_irq_is_not_put_off_for_ever(void **state)
{
	struct fix *f = *state;
	uint32_t *cause = dma_port_regs(f->port) + FIX_CAUSE / 4;
	const uint32_t done = fix_ring(f, 0)->done;
	uint32_t asked;

	for (unsigned int i = 0; i < 40; i++)
		fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x800, 0, 0));
	asked = f->tail[0];
	fix_post(f, 0, read_page(PORT_F_IRQ));
	for (unsigned int i = 0; i < FIX_ENTRIES - 41; i++)
		fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA, 0x800, 0, 0));
	fix_publish(f, 0);
	while (*cause == 0) {
		assert_true(dma_port_step(f->port));
		assert_true(fix_ring(f, 0)->done - asked <= 257 + 64);
	}
	/* Put off, since there was more to do, but not until the end. */
	assert_true(fix_ring(f, 0)->done > asked + 64);
	assert_int_not_equal(fix_ring(f, 0)->done, f->tail[0]);
	assert_int_equal(done, 0);
	assert_true(fix_settle(f));
}

/* ---- wake-ups ---- */

static void test_sleeper_is_woken_at_its_number(void **state)
{
	struct fix *f = *state;
	struct dma_port_fds fds;

	dma_port_fds(f->port, &fds);
	/* Awake: no signal. */
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_false(fix_signalled(fds.kick_device));
	/* Asleep until the third from now: the first two do not wake it. */
	fix_ring(f, 0)->wake_at = 4;
	f->control->device_sleeps = 1;
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_false(fix_signalled(fds.kick_device));
	assert_int_equal(f->control->device_sleeps, 1);
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_true(fix_signalled(fds.kick_device));
	assert_int_equal(f->control->device_sleeps, 0);
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_false(fix_signalled(fds.kick_device));
	/* A number past the tail stands for: not for this ring. */
	f->control->device_sleeps = 1;
	fix_ring(f, 0)->wake_at = f->tail[0] + 2;
	assert_int_equal(fix_run(f, 0, read_page(0)), 0);
	assert_false(fix_signalled(fds.kick_device));
	/* A frame wakes, and so does the owner. */
	f->be->nr = 1;
	f->be->next_len = 100;
	assert_true(dma_port_step(f->port));
	assert_true(fix_signalled(fds.kick_device));
	f->control->device_sleeps = 1;
	dma_port_kick_device(f->port);
	assert_true(fix_signalled(fds.kick_device));
	dma_port_kick_device(f->port);
	assert_false(fix_signalled(fds.kick_device));
}

/* ---- pages ---- */

static void spoil(struct fix *f, unsigned int page)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);

	assert_ptr_equal(mmap(fix_page(f, page), PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0),
			 fix_page(f, page));
	(void)close(fd);
}

static void test_page_that_can_not_be_had(void **state)
{
	struct fix *f = *state;
	struct viommu_stats stats;

	/* cmocka took SIGBUS back after the setup. */
	assert_int_equal(guard_install(), 0);
	/* One that goes bad before its first use, one after it. */
	spoil(f, 1);
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_WRITE, IOVA + 2 * PAGE, 8, 0, 0)),
	    0);
	spoil(f, 2);
	for (unsigned int i = 1; i <= 2; i++) {
		const uint64_t iova = IOVA + i * PAGE;

		assert_int_equal(
		    fix_run(f, 0, fix_entry(PORT_OP_WRITE, iova, 8, 0, 0)),
		    PORT_E_FAULT);
		assert_int_equal(
		    fix_run(f, 0, fix_entry(PORT_OP_SEND, iova, 60, 0, 0)),
		    PORT_E_FAULT);
		assert_int_equal(
		    fix_run(f, 0, fix_entry(PORT_OP_SEND, 0, 0, 0, PORT_F_EOP)),
		    PORT_E_RUN);
	}
	viommu_stats(f->mmu, &stats);
	assert_int_equal(stats.faults, 4);
	/* The epoch was left: an unmap does not wait. */
	fix_unmap(f, IOVA, PAGE);
	/* Others of the same group complete as they should. */
	fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA + 3 * PAGE, 8, 0, 0));
	fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA + 2 * PAGE, 8, 0, 0));
	fix_post(f, 0, fix_entry(PORT_OP_READ, IOVA + 3 * PAGE, 8, 0, 0));
	fix_publish(f, 0);
	assert_true(fix_settle(f));
	assert_int_equal(fix_ring(f, 0)->done, f->tail[0]);
	assert_int_equal(fix_ring(f, 0)->errors, 7);
	assert_int_equal(fix_error(f, 0, 6).seq, f->tail[0] - 2);
}

/* ---- epochs ---- */

struct holder {
	struct epoch epoch;
	uint32_t inside, left;
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	epoch_enter(&h->epoch);
	shared_store_release(&h->inside, 1);
	(void)usleep(5000);
	shared_store_release(&h->left, 1);
	epoch_leave(&h->epoch);
	return NULL;
}

static void test_sync_waits_for_a_sleeper(void **state)
{
	struct holder h = { .inside = 0 };
	pthread_t thread;

	(void)state;
	epoch_sync(&h.epoch);
	assert_int_equal(h.epoch.waits, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold, &h), 0);
	while (!shared_load_acquire(&h.inside))
		(void)usleep(20);
	epoch_sync(&h.epoch);
	assert_int_equal(shared_load_acquire(&h.left), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(h.epoch.waits, 1);
	assert_int_equal(h.epoch.slow_waits, 1);
}

/* ---- without a port ---- */

static void test_read_and_write_by_themselves(void **state)
{
	struct fix *f = *state;
	struct dma_master *m = dma_port_master(f->port);
	uint8_t *buf = malloc(0x20000);
	uint8_t *got = malloc(0x20000);
	size_t moved;

	for (uint32_t i = 0; i < 0x20000; i++)
		buf[i] = (uint8_t)(i * 13 + i / 4096);
	assert_int_equal(dma_write(m, IOVA + 5, buf, 0x20000, &moved), 0);
	assert_int_equal(moved, 0x20000);
	assert_int_equal(dma_read(m, IOVA + 5, got, 0x20000, NULL), 0);
	assert_memory_equal(buf, got, 0x20000);
	assert_int_equal(m->stats.bytes_read, 0x20000);
	assert_int_equal(m->stats.bytes_written, 0x20000);

	fix_unmap(f, IOVA + 12 * PAGE, PAGE);
	fix_map(f, IOVA + 12 * PAGE, 0, PAGE, VIOMMU_READ);
	assert_int_equal(dma_write(m, IOVA, buf, 0x20000, &moved), -EACCES);
	assert_int_equal(moved, 0x8000);
	assert_int_equal(dma_read(m, UNMAPPED - 1, got, 1, &moved), -ENOENT);
	assert_int_equal(moved, 0);
	assert_int_equal(dma_read(m, 0xfee00000, got, 4, NULL), -ERANGE);
	assert_int_equal(dma_read(m, UINT64_MAX, got, 2, NULL), -ERANGE);
	fix_map(f, UNMAPPED, FIX_RAM, PAGE, RW);
	assert_int_equal(dma_read(m, UNMAPPED, got, 4, NULL), -EFAULT);
	assert_int_equal(dma_read(m, IOVA, got, 0, &moved), 0);
	assert_int_equal(m->stats.refused, 5);
	free(buf);
	free(got);
}

/* The last bytes that there are: a piece that ends there has no next one. */
static void test_no_piece_begins_at_zero_again(void **state)
{
	struct fix *f = *state;
	struct dma_master *m = dma_port_master(f->port);
	struct viommu_config config;
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	uint8_t *buf = calloc(1, 0x10000);
	size_t moved = 1;

	viommu_config_default(&config);
	config.input.last = UINT64_MAX;
	assert_int_equal(viommu_create(&config, &mmu), 0);
	assert_int_equal(viommu_endpoint_add(mmu, 1, NULL, NULL, &ep), 0);
	assert_int_equal(viommu_attach(mmu, 1, 1, false), 0);
	assert_int_equal(
	    viommu_map(mmu, 1, (struct iova_range){ -0x8000ull, UINT64_MAX }, 0,
		       RW),
	    0);
	assert_int_equal(
	    viommu_map(mmu, 1, (struct iova_range){ 0, 0x7fff }, 0, RW), 0);
	m->ep = ep;
	assert_int_equal(dma_read(m, -0x8000ull, buf, 0x10000, &moved),
			 -ERANGE);
	assert_int_equal(moved, 0);
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_READ, -0x8000ull, 0x10000, 0, 0)),
	    PORT_E_FAULT);
	assert_int_equal(
	    fix_run(f, 0, fix_entry(PORT_OP_READ, -0x8000ull, 0x8000, 0, 0)),
	    0);
	m->ep = f->ep;
	viommu_endpoint_remove(ep);
	viommu_destroy(mmu);
	free(buf);
}

/* ---- the thread ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A busy machine may take its time; a test that fails here hung. */
static bool wait_for(const uint32_t *word, uint32_t value)
{
	for (int i = 0; i < 200000; i++) {
		if (shared_load_acquire(word) == value)
			return true;
		(void)(i < 100 ? sched_yield() : usleep(20));
	}
	return false;
}

/* Not only for a moment, as one does that finds a reason to wake at once. */
static bool sleeps_soundly(const uint32_t *worker_sleeps)
{
	if (!wait_for(worker_sleeps, 1))
		return false;
	for (int i = 0; i < 20; i++) {
		(void)usleep(50);
		if (shared_load(worker_sleeps) != 1)
			return false;
	}
	return true;
}

static void kick_worker(struct fix *f)
{
	uint32_t *flag = &f->control->worker_sleeps;
	struct dma_port_fds fds;

	dma_port_fds(f->port, &fds);
	shared_fence();
	if (__atomic_exchange_n(flag, 0, __ATOMIC_SEQ_CST) == 1)
		fd_event_signal(fds.kick_worker);
}

static void test_worker_serves_and_sleeps(void **state)
{
	struct fix *f = *state;
	struct port_ring *ring = fix_ring(f, 0);

	assert_int_equal(dma_port_start(f->port, f->ep, -1, NULL), 0);
	for (int i = 0; i < 20; i++) {
		if (i % 2 == 0)
			assert_true(wait_for(&f->control->worker_sleeps, 1));
		fix_post(f, 0, read_page(0));
		fix_publish(f, 0);
		kick_worker(f);
		assert_true(wait_for(&ring->done, f->tail[0]));
	}
	assert_true(sleeps_soundly(&f->control->worker_sleeps));
	dma_port_stop(f->port);

	/* Nothing moves after that; a new start goes on. */
	fix_post(f, 0, read_page(0));
	fix_publish(f, 0);
	assert_false(dma_port_step(f->port));
	assert_int_equal(ring->done, f->tail[0] - 1);
	assert_int_equal(dma_port_start(f->port, f->ep, -1, NULL), 0);
	assert_true(wait_for(&ring->done, f->tail[0]));
	assert_true(sleeps_soundly(&f->control->worker_sleeps));
	dma_port_stop(f->port);
	dma_port_stop(f->port);
}

/*
 * The device looks at the flag once, after publishing: a worker that is about to
 * sleep must see what came before the flag did. Entries come about when the worker
 * has spun enough.
 */
static void test_no_wake_up_is_lost(void **state)
{
	struct fix *f = *state;

	fix_pin(0);
	assert_int_equal(dma_port_start(f->port, f->ep, -1, fix_pin_worker), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		const uint64_t start = now_ns();

		while (now_ns() - start < 30000 + i % 64 * 100)
			;
		fix_post(f, 0, read_page(0));
		fix_publish(f, 0);
		kick_worker(f);
		assert_true(wait_for(&fix_ring(f, 0)->done, f->tail[0]));
	}
	dma_port_stop(f->port);
}

/* A device that eats its own kicks can not keep the worker from stopping. */
static void test_stop_needs_no_kick(void **state)
{
	struct fix *f = *state;
	struct dma_port_fds fds;

	dma_port_fds(f->port, &fds);
	assert_int_equal(dma_port_start(f->port, f->ep, -1, NULL), 0);
	assert_true(wait_for(&f->control->worker_sleeps, 1));
	fd_event_drain(fds.kick_worker);
	dma_port_stop(f->port);
	assert_false(fix_signalled(fds.kick_worker));
}

/* Nor one that never stops posting. */
static void test_stop_of_a_busy_worker(void **state)
{
	struct fix *f = *state;
	struct port_ring *ring = fix_ring(f, 0);

	f->be->nr = UINT32_MAX;
	f->be->next_len = 100;
	for (uint32_t i = 0; i < FIX_ENTRIES; i++)
		fix_post(
		    f, 0,
		    fix_entry(PORT_OP_FILL, IOVA, 0x40000, 0x100, PORT_F_IRQ));
	fix_publish(f, 0);
	assert_int_equal(dma_port_start(f->port, f->ep, -1, NULL), 0);
	dma_port_stop(f->port);
	assert_true(shared_load(&ring->done) < f->tail[0]);
}

static int refuse(void)
{
	return -EPERM;
}

static void test_worker_without_its_filter_does_nothing(void **state)
{
	struct fix *f = *state;

	fix_post(f, 0, read_page(0));
	fix_publish(f, 0);
	assert_int_equal(dma_port_start(f->port, f->ep, -1, refuse), 0);
	(void)usleep(2000);
	dma_port_stop(f->port);
	assert_int_equal(fix_ring(f, 0)->done, 0);
}

static void test_worker_wakes_for_a_frame(void **state)
{
	struct fix *f = *state;
	const struct dma_port_shape shape = fix_shape();
	struct backend *be;
	struct dma_port *port;
	uint8_t datagram[72] = { 0 };
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sv),
			 0);
	assert_int_equal(backend_datagram_create(sv[0], &be), 0);
	assert_int_equal(dma_port_create(&shape, f->ram, be, &port), 0);
	assert_int_equal(dma_port_start(port, f->ep, -1, NULL), 0);
	assert_true(wait_for(&dma_port_control(port)->worker_sleeps, 1));
	assert_int_equal(write(sv[1], datagram, sizeof(datagram)),
			 sizeof(datagram));
	assert_true(wait_for(&dma_port_control(port)->frames_tail, 1));
	/* With no slot left the worker does not spin over what waits. */
	for (uint32_t i = 2; i <= PORT_SLOTS; i++) {
		assert_int_equal(write(sv[1], datagram, sizeof(datagram)),
				 sizeof(datagram));
		assert_true(wait_for(&dma_port_control(port)->frames_tail, i));
	}
	assert_int_equal(write(sv[1], datagram, sizeof(datagram)),
			 sizeof(datagram));
	assert_true(sleeps_soundly(&dma_port_control(port)->worker_sleeps));
	dma_port_stop(port);
	assert_int_equal(dma_port_control(port)->frames_tail, PORT_SLOTS);
	dma_port_destroy(port);
	be->ops->destroy(be);
	(void)close(sv[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_irq_when_the_ring_is_done),
		TEST(test_irq_is_not_put_off_for_ever),
		TEST(test_sleeper_is_woken_at_its_number),
		TEST(test_page_that_can_not_be_had),
		TEST(test_sync_waits_for_a_sleeper),
		TEST(test_read_and_write_by_themselves),
		TEST(test_no_piece_begins_at_zero_again),
		TEST(test_worker_serves_and_sleeps),
		TEST(test_no_wake_up_is_lost),
		TEST(test_stop_needs_no_kick),
		TEST(test_stop_of_a_busy_worker),
		TEST(test_worker_without_its_filter_does_nothing),
		TEST(test_worker_wakes_for_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
