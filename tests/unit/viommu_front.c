// SPDX-License-Identifier: BSD-2-Clause
/*
 * The virtio-iommu front, driven as Linux drives it: capabilities walked, features
 * negotiated, queues in guest RAM, a request and a busy wait. One test for each
 * thing that a driver may not do.
 */
#include "virtio/viommu_front.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#include "base/fd.h"
#include "tests/unit/ring.h"
#include "tests/unit/virtio_driver.h"
#include "tests/viommu_fixture.h"

#define RAM_SIZE  0x200000ull
#define REQ_RING  0x10000ull
#define EVT_RING  0x11000ull
#define REQ_GPA	  0x20000ull
#define RESP_GPA  0x21000ull
#define EVENT_GPA 0x22000ull
#define EP	  0x28u
#define DOMAIN	  3u
#define PAGE	  4096ull
#define NO_ANSWER (-1)

#define BYPASS_BIT (1ull << VIRTIO_IOMMU_F_BYPASS_CONFIG)
#define BYPASS_OFF offsetof(struct virtio_iommu_config, bypass)
#define NEXT	   VRING_DESC_F_NEXT
#define WRITE	   VRING_DESC_F_WRITE

struct fixture {
	struct virtio_driver driver;
	struct guest_ram *ram;
	struct viommu *mmu;
	struct viommu_endpoint *ep;
	struct viommu_front *front;
	struct ring requests, events;
};

/* Everything but the front. */
static int setup_bare(void **state)
{
	static struct fixture fx;
	struct viommu_config config;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	viommu_config_default(&config);
	if (guest_ram_create(RAM_SIZE, &fx.ram) ||
	    viommu_create(&config, &fx.mmu) ||
	    viommu_endpoint_add(fx.mmu, EP, NULL, NULL, &fx.ep))
		return -1;
	return driver_bus_create(&fx.driver);
}

static int setup(void **state)
{
	struct fixture *fx;

	if (setup_bare(state))
		return -1;
	fx = *state;
	if (viommu_front_create(fx->mmu, fx->ram, fx->driver.bus,
				PCI_DEVFN(1, 0), NULL, &fx->front))
		return -1;
	fx->driver.fn = viommu_front_function(fx->front);
	driver_walk(&fx->driver);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	pci_bus_destroy(fx->driver.bus);
	viommu_endpoint_remove(fx->ep);
	viommu_destroy(fx->mmu);
	guest_ram_destroy(fx->ram);
	return 0;
}

static void set_queue(struct fixture *fx, unsigned int queue, struct ring *ring,
		      uint64_t base)
{
	ring_init(ring, fx->ram, base);
	driver_queue(&fx->driver, queue, RING_SIZE, ring->layout.desc,
		     ring->layout.avail, ring->layout.used);
}

static void start_with(struct fixture *fx, uint64_t features)
{
	assert_true(driver_negotiate(&fx->driver, features));
	set_queue(fx, 0, &fx->requests, REQ_RING);
	set_queue(fx, 1, &fx->events, EVT_RING);
	/* As Linux does for a queue without a callback. */
	ring_set_flags(&fx->requests, VRING_AVAIL_F_NO_INTERRUPT);
	driver_set_status(&fx->driver, DRIVER_OK);
}

static void start(struct fixture *fx)
{
	start_with(fx, driver_offered(&fx->driver));
	assert_int_equal(driver_status(&fx->driver), DRIVER_OK);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until @ring has @nr used buffers. */
static void wait_used(const struct ring *ring, uint16_t nr)
{
	uint64_t end = now_ms() + 5000;

	while (ring_used_idx(ring) != nr) {
		assert_true(now_ms() < end);
		(void)sched_yield();
	}
}

static void wait_needs_reset(struct fixture *fx)
{
	uint64_t end = now_ms() + 5000;

	while (!(driver_status(&fx->driver) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		assert_true(now_ms() < end);
		(void)sched_yield();
	}
}

static bool signalled_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool yes = poll(&p, 1, ms) == 1;

	fd_event_drain(fd);
	return yes;
}

/* Sends a request in one piece; the number of bytes of its answer. */
static uint32_t send_bytes(struct fixture *fx, const void *req, uint32_t len,
			   uint32_t room)
{
	const uint16_t nr = ring_used_idx(&fx->requests);

	assert_int_equal(guest_ram_write(fx->ram, REQ_GPA, req, len), 0);
	ring_desc(&fx->requests, 0, REQ_GPA, len, room ? NEXT : 0, 1);
	ring_desc(&fx->requests, 1, RESP_GPA, room, WRITE, 0);
	ring_publish(&fx->requests, 0);
	driver_notify(&fx->driver, 0);
	wait_used(&fx->requests, (uint16_t)(nr + 1));
	return ring_used(&fx->requests, nr).len;
}

static int status_at(struct fixture *fx, uint64_t gpa)
{
	uint8_t status;

	assert_int_equal(guest_ram_read(fx->ram, gpa, &status, 1), 0);
	return status;
}

/* The status of a request without properties. */
static int send_request(struct fixture *fx, const void *req, size_t len)
{
	if (send_bytes(fx, req, (uint32_t)len, FIXTURE_TAIL) != FIXTURE_TAIL)
		return NO_ANSWER;
	return status_at(fx, RESP_GPA);
}

#define SEND(fx, req) send_request(fx, &(req), sizeof(req) - FIXTURE_TAIL)

static int attach(struct fixture *fx)
{
	struct virtio_iommu_req_attach req = fixture_attach(DOMAIN, EP, 0);

	return SEND(fx, req);
}

static int translate(struct fixture *fx, uint64_t iova, uint64_t *gpa)
{
	uint64_t run;

	return viommu_translate(fx->ep, iova, 1, VIOMMU_READ, gpa, &run);
}

static void test_what_it_offers(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	const struct viommu_config *config = viommu_config(fx->mmu);

	/* INPUT_RANGE, DOMAIN_RANGE, MAP_UNMAP, PROBE, MMIO, BYPASS_CONFIG;
	 * neither BYPASS nor ACCESS_PLATFORM nor a ring feature. */
	assert_int_equal(driver_offered(d), 1ull << VIRTIO_F_VERSION_1 | 0x77);
	assert_int_equal(driver_config(d, PCI_DEVICE_ID, 2), 0x1057);
	assert_int_equal(driver_config(d, PCI_CLASS_DEVICE, 2), 0x0806);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 0, 8),
			 config->page_size_mask);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 8, 8),
			 config->input.start);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 8),
			 config->input.last);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 24, 4), 0);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 28, 4),
			 config->domain_last);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 32, 4),
			 VIOMMU_PROBE_LEN);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 36, 4), 0);
}

static void test_attach_map_unmap(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_map map = fixture_map(
	    DOMAIN, 0x10000, 0x10fff, 0x4000, VIRTIO_IOMMU_MAP_F_READ);
	struct virtio_iommu_req_unmap unmap =
	    fixture_unmap(DOMAIN, 0x10000, 0x10fff);
	struct viommu_front_stats stats;
	uint64_t gpa = 0;

	start(fx);
	assert_int_equal(SEND(fx, map), VIRTIO_IOMMU_S_NOENT);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	assert_int_equal(SEND(fx, map), VIRTIO_IOMMU_S_OK);
	assert_int_equal(translate(fx, 0x10123, &gpa), 0);
	assert_int_equal(gpa, 0x4123);
	assert_int_equal(SEND(fx, unmap), VIRTIO_IOMMU_S_OK);
	assert_int_equal(translate(fx, 0x10123, &gpa), -ENOENT);
	viommu_front_stats(fx->front, &stats);
	assert_int_equal(stats.bad_chains, 0);
	assert_true(stats.requests >= 3);
	assert_true(stats.kicks >= 1);
}

/* Nothing says where a driver cuts a request. */
static void test_a_request_in_pieces(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_attach req = fixture_attach(DOMAIN, EP, 0);
	struct ring *r = &fx->requests;
	uint64_t gpa;

	start(fx);
	assert_int_equal(guest_ram_write(fx->ram, REQ_GPA, &req, 20), 0);
	ring_desc(r, 0, REQ_GPA, 1, NEXT, 4);
	ring_desc(r, 4, REQ_GPA + 1, 6, NEXT, 2);
	ring_desc(r, 2, REQ_GPA + 7, 13, NEXT, 7);
	ring_desc(r, 7, RESP_GPA + 0x10, 3, NEXT | WRITE, 1);
	ring_desc(r, 1, RESP_GPA + 0x20, 100, WRITE, 0);
	ring_publish(r, 0);
	driver_notify(&fx->driver, 0);
	wait_used(r, 1);
	assert_int_equal(ring_used(r, 0).id, 0);
	assert_int_equal(ring_used(r, 0).len, FIXTURE_TAIL);
	assert_int_equal(status_at(fx, RESP_GPA + 0x10), VIRTIO_IOMMU_S_OK);
	assert_int_equal(translate(fx, 0, &gpa), -ENOENT);
	assert_true(viommu_ever_attached(fx->mmu));
}

static void test_requests_that_make_no_sense(void **state)
{
	static const struct {
		const char *why;
		uint8_t type;
		uint32_t len, room;
		uint32_t used;
		int status;
	} cases[] = {
		{ "unknown type", 0x77, 36, 4, 0, 0 },
		{ "shorter than a header", VIRTIO_IOMMU_T_MAP, 3, 4, 0, 0 },
		{ "no room for the tail", VIRTIO_IOMMU_T_MAP, 36, 3, 0, 0 },
		{ "nothing to write", VIRTIO_IOMMU_T_MAP, 36, 0, 0, 0 },
		{ "short", VIRTIO_IOMMU_T_MAP, 35, 4, 4, VIRTIO_IOMMU_S_INVAL },
		{ "long", VIRTIO_IOMMU_T_MAP, 37, 4, 4, VIRTIO_IOMMU_S_INVAL },
		{ "long enough for two", VIRTIO_IOMMU_T_PROBE, 144, 600, 516,
		  VIRTIO_IOMMU_S_INVAL },
	};
	struct fixture *fx = *state;
	uint8_t req[256] = { 0 };

	start(fx);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		req[0] = cases[i].type;
		assert_int_equal(
		    send_bytes(fx, req, cases[i].len, cases[i].room),
		    cases[i].used);
		if (cases[i].used)
			assert_int_equal(
			    status_at(fx, RESP_GPA + cases[i].used - 4),
			    cases[i].status);
	}
	/* A driver's nonsense is answered; only the queue's rules break it. */
	assert_int_equal(driver_status(&fx->driver), DRIVER_OK);
}

static void test_only_parts_to_write(void **state)
{
	struct fixture *fx = *state;

	start(fx);
	ring_desc(&fx->requests, 0, RESP_GPA, 16, WRITE, 0);
	ring_publish(&fx->requests, 0);
	driver_notify(&fx->driver, 0);
	wait_used(&fx->requests, 1);
	assert_int_equal(ring_used(&fx->requests, 0).len, 0);
}

static void test_probe(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_probe req = {
		.head.type = VIRTIO_IOMMU_T_PROBE,
		.endpoint = htole32(EP),
	};
	struct virtio_iommu_probe_resv_mem resv;

	start(fx);
	assert_int_equal(
	    send_bytes(fx, &req, sizeof(req), VIOMMU_PROBE_LEN + FIXTURE_TAIL),
	    VIOMMU_PROBE_LEN + FIXTURE_TAIL);
	assert_int_equal(status_at(fx, RESP_GPA + VIOMMU_PROBE_LEN),
			 VIRTIO_IOMMU_S_OK);
	assert_int_equal(guest_ram_read(fx->ram, RESP_GPA, &resv, sizeof(resv)),
			 0);
	assert_int_equal(resv.subtype, VIRTIO_IOMMU_RESV_MEM_T_MSI);
	assert_int_equal(le64toh(resv.start),
			 viommu_config(fx->mmu)->msi.start);
}

static void test_one_kick_for_many(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_attach req = fixture_attach(DOMAIN, EP, 0);
	struct ring *r = &fx->requests;
	uint64_t end = now_ms() + 5000;

	start(fx);
	assert_int_equal(guest_ram_write(fx->ram, REQ_GPA, &req, 20), 0);
	for (uint16_t i = 0; i < RING_SIZE; i += 2) {
		ring_desc(r, i, REQ_GPA, 20, NEXT, (uint16_t)(i + 1));
		ring_desc(r, i + 1u, RESP_GPA + 8ull * i, 4, WRITE, 0);
		ring_publish(r, i);
	}
	driver_notify(&fx->driver, 0);
	wait_used(r, RING_SIZE / 2);
	for (uint16_t i = 0; i < RING_SIZE / 2; i++)
		assert_int_equal(ring_used(r, i).id, 2 * i);
	/* When it goes to sleep it wants to be woken again. */
	while (ring_used_flags(r) & VRING_USED_F_NO_NOTIFY) {
		assert_true(now_ms() < end);
		(void)sched_yield();
	}
}

static void post_event_buffer(struct fixture *fx, uint16_t i, uint32_t len)
{
	ring_desc(&fx->events, i, EVENT_GPA + i * 0x100ull, len, WRITE, 0);
	ring_publish(&fx->events, i);
	driver_notify(&fx->driver, 1);
}

static void check_event(struct fixture *fx, uint16_t i, uint64_t address)
{
	struct virtio_iommu_fault fault;

	assert_int_equal(ring_used(&fx->events, i).len, sizeof(fault));
	assert_int_equal(guest_ram_read(fx->ram, EVENT_GPA + i * 0x100ull,
					&fault, sizeof(fault)),
			 0);
	assert_int_equal(fault.reason, VIRTIO_IOMMU_FAULT_R_MAPPING);
	assert_int_equal(le32toh(fault.endpoint), EP);
	assert_int_equal(le64toh(fault.address), address);
	assert_int_equal(le32toh(fault.flags),
			 VIRTIO_IOMMU_FAULT_F_WRITE |
			     VIRTIO_IOMMU_FAULT_F_ADDRESS);
}

static void test_faults_become_events(void **state)
{
	struct fixture *fx = *state;
	struct viommu_front_stats stats;

	start(fx);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	post_event_buffer(fx, 0, 24);
	viommu_fault(fx->ep, 0x5000, VIOMMU_WRITE, -ENOENT);
	wait_used(&fx->events, 1);
	check_event(fx, 0, 0x5000);
	assert_true(signalled_within(pci_intx_fd(fx->driver.fn), 5000));

	/* Without a buffer they wait for one. */
	viommu_fault(fx->ep, 0x6000, VIOMMU_WRITE, -ENOENT);
	viommu_fault(fx->ep, 0x7000, VIOMMU_WRITE, -ENOENT);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	assert_int_equal(ring_used_idx(&fx->events), 1);
	post_event_buffer(fx, 1, 64);
	post_event_buffer(fx, 2, 24);
	wait_used(&fx->events, 3);
	check_event(fx, 1, 0x6000);
	check_event(fx, 2, 0x7000);
	viommu_front_stats(fx->front, &stats);
	assert_int_equal(stats.events, 3);
}

static void test_an_event_buffer_too_small(void **state)
{
	struct fixture *fx = *state;
	struct viommu_front_stats stats;

	start(fx);
	post_event_buffer(fx, 0, 23);
	viommu_fault(fx->ep, 0x5000, VIOMMU_WRITE, -ENOENT);
	wait_needs_reset(fx);
	assert_int_equal(ring_used_idx(&fx->events), 0);
	viommu_front_stats(fx->front, &stats);
	assert_int_equal(stats.bad_chains, 1);
}

static void test_an_interrupt_if_wanted(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	driver_msix_on(d, 3);
	start(fx);
	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	common_set(d, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	ring_set_flags(&fx->requests, 0);
	assert_false(signalled_within(pci_msix_fd(d->fn, 1), 0));
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	assert_true(signalled_within(pci_msix_fd(d->fn, 1), 5000));
}

static void test_bypass_is_written_only_if_negotiated(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	/* Neither before negotiation, nor without the feature. */
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 1, 1);
	assert_int_equal(viommu_bypass_get(fx->mmu), 0);
	start_with(fx, driver_offered(d) & ~BYPASS_BIT);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 1, 1);
	assert_int_equal(viommu_bypass_get(fx->mmu), 0);

	start(fx);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 1, 1);
	assert_int_equal(viommu_bypass_get(fx->mmu), 1);
	assert_int_equal(
	    driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 1), 1);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 2, 1);
	assert_int_equal(viommu_bypass_get(fx->mmu), 1);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, BYPASS_OFF, 0, 4);
	assert_int_equal(viommu_bypass_get(fx->mmu), 1);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, 0, 0, 8);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 0, 8),
			 viommu_config(fx->mmu)->page_size_mask);
}

/* A buffer is not touched before DRIVER_OK, however often it is announced. */
static void test_nothing_moves_before_driver_ok(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	struct viommu_front_stats stats = { 0 };
	uint64_t end = now_ms() + 5000;

	assert_true(driver_negotiate(d, driver_offered(d)));
	set_queue(fx, 0, &fx->requests, REQ_RING);
	ring_desc(&fx->requests, 0, REQ_GPA, 4, 0, 0);
	ring_publish(&fx->requests, 0);
	driver_notify(d, 0);
	while (stats.kicks == 0) {
		assert_true(now_ms() < end);
		viommu_front_stats(fx->front, &stats);
	}
	assert_int_equal(ring_used_idx(&fx->requests), 0);
	driver_set_status(d, DRIVER_OK);
	wait_used(&fx->requests, 1);
}

static void test_a_reset_detaches_and_stops(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_map map =
	    fixture_map(DOMAIN, 0, PAGE - 1, 0x4000, VIRTIO_IOMMU_MAP_F_READ);
	struct viommu_stats stats;
	uint64_t gpa;

	start(fx);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
	assert_int_equal(SEND(fx, map), VIRTIO_IOMMU_S_OK);
	assert_int_equal(translate(fx, 0, &gpa), 0);
	driver_set_status(&fx->driver, 0);
	assert_int_equal(translate(fx, 0, &gpa), -ENOENT);
	viommu_stats(fx->mmu, &stats);
	assert_int_equal(stats.domains, 0);
	/* And it can be started again. */
	start(fx);
	assert_int_equal(SEND(fx, map), VIRTIO_IOMMU_S_NOENT);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
}

/* A reset returns whether or not the thread is busy, and nothing is late. */
static void test_resets_under_load(void **state)
{
	struct fixture *fx = *state;
	struct virtio_iommu_req_attach req = fixture_attach(DOMAIN, EP, 0);
	struct ring *r = &fx->requests;
	struct viommu_stats stats;

	for (unsigned int i = 0; i < 200; i++) {
		start(fx);
		assert_int_equal(guest_ram_write(fx->ram, REQ_GPA, &req, 20),
				 0);
		ring_desc(r, 0, REQ_GPA, 20, NEXT, 1);
		ring_desc(r, 1, RESP_GPA, 4, WRITE, 0);
		for (unsigned int j = 0; j < RING_SIZE; j++)
			ring_publish(r, 0);
		driver_notify(&fx->driver, 0);
		if (i % 3)
			(void)sched_yield();
		driver_set_status(&fx->driver, 0);
		viommu_stats(fx->mmu, &stats);
		assert_int_equal(stats.domains, 0);
	}
}

static void break_by_head(struct ring *r)
{
	ring_publish(r, RING_SIZE);
}

static void break_by_address(struct ring *r)
{
	ring_desc(r, 0, RAM_SIZE, 20, NEXT, 1);
	ring_desc(r, 1, RESP_GPA, 4, WRITE, 0);
	ring_publish(r, 0);
}

static void break_by_answer_address(struct ring *r)
{
	ring_desc(r, 0, REQ_GPA, 20, NEXT, 1);
	ring_desc(r, 1, RAM_SIZE - 2, 4, WRITE, 0);
	ring_publish(r, 0);
}

static void break_by_indirect(struct ring *r)
{
	ring_desc(r, 0, REQ_GPA, 32, VRING_DESC_F_INDIRECT, 0);
	ring_publish(r, 0);
}

static void test_a_broken_queue_needs_a_reset(void **state)
{
	static void (*const cases[])(
	    struct ring * r) = { break_by_head, break_by_address,
				 break_by_answer_address, break_by_indirect };
	struct fixture *fx = *state;
	struct viommu_front_stats stats;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct virtio_iommu_req_attach req =
		    fixture_attach(DOMAIN, EP, 0);

		start(fx);
		fd_event_drain(pci_intx_fd(fx->driver.fn));
		assert_int_equal(guest_ram_write(fx->ram, REQ_GPA, &req, 20),
				 0);
		cases[i](&fx->requests);
		driver_notify(&fx->driver, 0);
		wait_needs_reset(fx);
		assert_true(signalled_within(pci_intx_fd(fx->driver.fn), 5000));
		assert_int_equal(
		    driver_get(&fx->driver, VIRTIO_PCI_CAP_ISR_CFG, 0, 1),
		    VIRTIO_PCI_ISR_CONFIG);
		assert_int_equal(ring_used_idx(&fx->requests), 0);
		viommu_front_stats(fx->front, &stats);
		assert_int_equal(stats.bad_chains, i + 1);
	}
	start(fx);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
}

static void test_queues_outside_ram(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	for (unsigned int queue = 0; queue < 2; queue++) {
		assert_true(driver_negotiate(d, driver_offered(d)));
		driver_queue(d, queue, 8, RAM_SIZE, REQ_RING, REQ_RING);
		driver_set_status(d, DRIVER_OK);
		assert_int_equal(driver_status(d),
				 DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
		driver_notify(d, queue);
	}
	start(fx);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
}

static void test_only_the_request_queue(void **state)
{
	struct fixture *fx = *state;

	assert_true(driver_negotiate(&fx->driver, driver_offered(&fx->driver)));
	set_queue(fx, 0, &fx->requests, REQ_RING);
	driver_set_status(&fx->driver, DRIVER_OK);
	viommu_fault(fx->ep, 0x5000, VIOMMU_WRITE, -ENOENT);
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
}

static int refuse(void)
{
	return -EPERM;
}

static void test_a_thread_that_can_not_be_confined(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(viommu_front_create(fx->mmu, fx->ram, fx->driver.bus,
					     -1, refuse, &fx->front),
			 0);
	fx->driver.fn = viommu_front_function(fx->front);
	driver_walk(&fx->driver);
	start(fx);
	/* It is gone, and requests do not need it. */
	assert_int_equal(attach(fx), VIRTIO_IOMMU_S_OK);
}

static void test_a_slot_that_is_taken(void **state)
{
	struct fixture *fx = *state;
	struct viommu_front *front;

	assert_int_equal(viommu_front_create(fx->mmu, fx->ram, fx->driver.bus,
					     PCI_DEVFN(1, 0), NULL, &front),
			 -EBUSY);
	/* The one that is there was not touched. */
	start(fx);
	post_event_buffer(fx, 0, 24);
	viommu_fault(fx->ep, 0x5000, VIOMMU_WRITE, -ENOENT);
	wait_used(&fx->events, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_it_offers),
		TEST(test_attach_map_unmap),
		TEST(test_a_request_in_pieces),
		TEST(test_requests_that_make_no_sense),
		TEST(test_only_parts_to_write),
		TEST(test_probe),
		TEST(test_one_kick_for_many),
		TEST(test_faults_become_events),
		TEST(test_an_event_buffer_too_small),
		TEST(test_an_interrupt_if_wanted),
		TEST(test_bypass_is_written_only_if_negotiated),
		TEST(test_nothing_moves_before_driver_ok),
		TEST(test_a_reset_detaches_and_stops),
		TEST(test_resets_under_load),
		TEST(test_a_broken_queue_needs_a_reset),
		TEST(test_queues_outside_ram),
		TEST(test_only_the_request_queue),
		cmocka_unit_test_setup_teardown(
		    test_a_thread_that_can_not_be_confined, setup_bare,
		    teardown),
		TEST(test_a_slot_that_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
