// SPDX-License-Identifier: BSD-2-Clause
/* What a device asks for its port, and the register page from the vCPU's side;
 * the test plays the device in the shared memory. */

#include "vfio/portinfo.h"
#include "vfio/regpage.h"

#include "base/bytes.h"
#include "tests/test.h"
#include "wire/vfio_user.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- PV_PORT_INFO ---- */

#define REGS_LEN 0x100
#define CAUSE	 0xc0
#define MASK	 0xd0
#define NR_RUNS	 2

/* A good one; the cases change one number each. */
struct wire {
	struct vfio_user_pv_port_info info;
	struct vfio_user_pv_regs runs[NR_RUNS];
};

static struct wire good_wire(void)
{
	const struct wire wire = {
		.info = {
			.version = PORT_VERSION,
			.nr_rings = 1,
			.ring_entries = { 16 },
			.staging_len = 0x1000,
			.regs_len = REGS_LEN,
			.irq_cause_off = CAUSE,
			.irq_mask_off = MASK,
			.nr_runs = NR_RUNS,
		},
		.runs = {
			{ 0x10, 4, PORT_READ_PLAIN, PORT_WRITE_DOORBELL, 0 },
			{ 0xc8, 1, PORT_READ_CLEAR, PORT_WRITE_CAUSE_SET, 0 },
		},
	};

	return wire;
}

static void test_takes_a_port_over(void **state)
{
	const struct wire wire = good_wire();
	struct portinfo info;
	const char *why;

	(void)state;
	assert_int_equal(
	    portinfo_parse((const void *)&wire, sizeof(wire), &info, &why), 0);
	assert_int_equal(info.shape.regs_len, REGS_LEN);
	assert_int_equal(info.shape.ring_entries[0], 16);
	assert_false(info.classes[0x0c / 4].known);
	assert_true(info.classes[0x10 / 4].known);
	assert_int_equal(info.classes[0x1c / 4].write, PORT_WRITE_DOORBELL);
	assert_false(info.classes[0x20 / 4].known);
	assert_int_equal(info.classes[0xc8 / 4].read, PORT_READ_CLEAR);
	portinfo_fini(&info);
}

static void test_refuses_ports_that_can_not_be(void **state)
{
	static const struct {
		const char *why;
		size_t word;	/* offset in struct wire of the number … */
		uint32_t value; /* … that is this */
	} cases[] = {
#define INFO(field)   offsetof(struct wire, info.field)
#define RUN(i, field) offsetof(struct wire, runs[i].field)
		{ "version", INFO(version), 2 },
		{ "flags", INFO(flags), 2 },
		{ "fewer runs", INFO(nr_runs), 1 },
		{ "more runs", INFO(nr_runs), 3 },
		{ "runs that wrap", INFO(nr_runs), 0x15555557 },
		{ "region", INFO(regs_region), 6 },
		{ "page too long", INFO(regs_len), PORT_REGS_MAX + 4 },
		{ "page of bytes", INFO(regs_len), REGS_LEN + 2 },
		{ "cause outside", INFO(irq_cause_off), REGS_LEN },
		{ "cause unaligned", INFO(irq_cause_off), 2 },
		{ "mask outside", INFO(irq_mask_off), 0xfffffffc },
		{ "mask alone", INFO(irq_cause_off), PORT_NONE },
		{ "run unaligned", RUN(0, offset), 0x12 },
		{ "run empty", RUN(0, nr), 0 },
		{ "runs overlap", RUN(0, nr), 47 },
		{ "runs descend", RUN(1, offset), 0x0c },
		{ "run outside", RUN(1, nr), 15 },
		{ "run that wraps", RUN(1, nr), 0x40000001 },
		{ "read class", RUN(0, read_class), 2 },
		{ "write class", RUN(0, read_class), 7 << 8 },
		{ "reserved", RUN(0, read_class), 1 << 16 },
	};
	struct portinfo info;
	const char *why;
	struct wire wire;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		wire = good_wire();
		put_le32((uint8_t *)&wire + cases[i].word, cases[i].value);
		why = NULL;
		assert_int_equal(portinfo_parse((const void *)&wire,
						sizeof(wire), &info, &why),
				 -EINVAL);
		assert_non_null(why);
	}
	wire = good_wire();
	assert_int_equal(portinfo_parse((const void *)&wire,
					sizeof(wire.info) - 1, &info, &why),
			 -EINVAL);
	wire.info.irq_cause_off = wire.info.irq_mask_off = PORT_NONE;
	assert_int_equal(
	    portinfo_parse((const void *)&wire, sizeof(wire), &info, &why),
	    -EINVAL);
	assert_string_equal(why, "interrupt register without interrupt");
}

/* ---- the register page ---- */

struct page {
	struct portinfo info;
	struct guest_ram *ram;
	struct dma_port *port;
	struct regpage rp;
	int sv[2];
	struct dma_port_fds fds;
};

static const struct vfio_user_pv_regs page_runs[] = {
	{ 0x00, 1, PORT_READ_PLAIN, PORT_WRITE_POSTED, 0 },
	{ 0x04, 1, PORT_READ_PLAIN, PORT_WRITE_PLAIN, 0 },
	{ 0x08, 1, PORT_READ_PLAIN, PORT_WRITE_DOORBELL, 0 },
	{ 0x0c, 1, PORT_READ_PLAIN, PORT_WRITE_IGNORED, 0 },
	{ CAUSE, 1, PORT_READ_CLEAR, PORT_WRITE_IGNORED, 0 },
	{ CAUSE + 4, 1, PORT_READ_PLAIN, PORT_WRITE_CAUSE_SET, 0 },
	{ MASK, 1, PORT_READ_PLAIN, PORT_WRITE_MASK_SET, 0 },
	{ MASK + 4, 1, PORT_READ_PLAIN, PORT_WRITE_MASK_CLEAR, 0 },
};

static void page_init(struct page *p)
{
	uint8_t body[sizeof(struct vfio_user_pv_port_info) + sizeof(page_runs)];
	struct vfio_user_pv_port_info info = good_wire().info;
	const char *why;

	info.nr_runs = ARRAY_SIZE(page_runs);
	memcpy(body, &info, sizeof(info));
	memcpy(body + sizeof(info), page_runs, sizeof(page_runs));
	assert_int_equal(portinfo_parse(body, sizeof(body), &p->info, &why), 0);
	assert_int_equal(guest_ram_create(2u << 20, &p->ram), 0);
	assert_int_equal(
	    dma_port_create(&p->info.shape, p->ram, NULL, &p->port), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p->sv), 0);
	dma_port_fds(p->port, &p->fds);
	regpage_init(&p->rp, &p->info, p->port, p->sv[0], 100);
}

static void page_fini(struct page *p)
{
	regpage_fini(&p->rp);
	fd_close(&p->sv[0]);
	fd_close(&p->sv[1]);
	dma_port_destroy(p->port);
	guest_ram_destroy(p->ram);
	portinfo_fini(&p->info);
}

static bool is_signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 0) == 0)
		return false;
	fd_event_drain(fd);
	return true;
}

static void test_each_class_of_writes(void **state)
{
	struct page p;
	uint32_t *regs;

	(void)state;
	page_init(&p);
	regs = dma_port_regs(p.port);
	regs[3] = 33;
	p.rp.control->device_sleeps = 1;
	assert_int_equal(regpage_write(&p.rp, 0x04, 4), 0);
	assert_int_equal(regs[1], 4);
	assert_int_equal(regpage_write(&p.rp, 0x0c, 5), 0);
	assert_int_equal(regs[3], 33);
	assert_false(is_signalled(p.fds.kick_device));

	assert_int_equal(regpage_write(&p.rp, 0x08, 6), 0);
	assert_int_equal(regs[2], 6);
	assert_true(is_signalled(p.fds.kick_device));
	assert_int_equal(p.rp.control->posted_tail, 0);

	/* A word with the class, and one without any, to the posted ring. */
	p.rp.control->device_sleeps = 1;
	assert_int_equal(regpage_write(&p.rp, 0x00, 7), 0);
	assert_int_equal(regpage_write(&p.rp, 0x20, 8), 0);
	assert_true(is_signalled(p.fds.kick_device));
	assert_int_equal(p.rp.control->posted_tail, 2);
	assert_int_equal(p.rp.posted[0].offset, 0);
	assert_int_equal(p.rp.posted[0].value, 7);
	assert_int_equal(p.rp.posted[1].offset, 0x20);
	assert_int_equal(p.rp.posted[1].value, 8);
	assert_int_equal(regs[0], 0);
	page_fini(&p);
}

static void test_interrupt_registers(void **state)
{
	struct page p;
	int fd;

	(void)state;
	page_init(&p);
	assert_int_equal(fd_event_create(&fd), 0);
	irqline_connect(p.rp.irqline, fd);
	assert_int_equal(regpage_write(&p.rp, CAUSE + 4, 3), 0);
	assert_false(is_signalled(fd));
	assert_int_equal(regpage_write(&p.rp, MASK, 5), 0);
	assert_true(is_signalled(fd));
	assert_int_equal(regpage_read(&p.rp, MASK), 5);
	assert_int_equal(regpage_write(&p.rp, MASK + 4, 4), 0);
	assert_int_equal(regpage_read(&p.rp, MASK), 1);
	assert_int_equal(regpage_read(&p.rp, CAUSE), 3);
	assert_int_equal(regpage_read(&p.rp, CAUSE), 0);
	assert_false(irqline_asserted(p.rp.irqline));
	assert_int_equal(regpage_write(&p.rp, CAUSE + 4, 1), 0);
	assert_true(is_signalled(fd));
	fd_close(&fd);
	page_fini(&p);
}

static void test_knows_what_it_covers(void **state)
{
	struct page p;

	(void)state;
	page_init(&p);
	assert_true(regpage_reads(&p.rp, 0, 0x0c));
	assert_false(regpage_reads(&p.rp, 0, 0x10));
	assert_true(regpage_writes(&p.rp, 0, 0x10));
	assert_false(regpage_writes(&p.rp, 0, REGS_LEN));
	assert_false(regpage_writes(&p.rp, 1, 0));
	page_fini(&p);
}

/* ---- the posted ring and a device that drains it, or does not ---- */

/* The device: acts on what is posted, each time that it is kicked. */
static void *drain_as_device(void *ctx)
{
	struct page *p = ctx;
	struct port_control *c = p->rp.control;
	uint32_t head = 0;

	while (head < 2000) {
		__atomic_store_n(&c->device_sleeps, 1, __ATOMIC_SEQ_CST);
		while (head != shared_load_acquire(&c->posted_tail)) {
			struct port_posted e =
			    p->rp.posted[head % PORT_POSTED_NR];

			shared_store(&dma_port_regs(p->port)[0], e.value);
			shared_store_release(&c->posted_head, ++head);
			shared_fence();
			if (__atomic_exchange_n(&c->posted_waiter, 0,
						__ATOMIC_SEQ_CST))
				fd_event_signal(p->fds.drained);
		}
		if (head < 2000) {
			struct pollfd kick = { .fd = p->fds.kick_device,
					       .events = POLLIN };

			(void)poll(&kick, 1, 10);
			fd_event_drain(kick.fd);
		}
	}
	return NULL;
}

static void test_a_read_sees_every_write_before_it(void **state)
{
	pthread_t device;
	struct page p;

	(void)state;
	page_init(&p);
	p.rp.timeout_ms = 5000;
	assert_int_equal(pthread_create(&device, NULL, drain_as_device, &p), 0);
	for (uint32_t i = 1; i <= 2000; i++) {
		assert_int_equal(regpage_write(&p.rp, 0, i), 0);
		if (i % 7)
			continue;
		assert_int_equal(regpage_drain(&p.rp), 0);
		assert_int_equal(regpage_read(&p.rp, 0), i);
	}
	assert_int_equal(regpage_drain(&p.rp), 0);
	assert_int_equal(pthread_join(device, NULL), 0);
	page_fini(&p);
}

static void test_a_full_ring_is_waited_for_and_not_for_ever(void **state)
{
	struct page p;

	(void)state;
	page_init(&p);
	for (uint32_t i = 0; i < PORT_POSTED_NR; i++)
		assert_int_equal(regpage_write(&p.rp, 0, i), 0);
	assert_int_equal(regpage_write(&p.rp, 0, 0), -ETIMEDOUT);
	assert_int_equal(regpage_drain(&p.rp), -ETIMEDOUT);
	assert_int_equal(p.rp.control->posted_tail, PORT_POSTED_NR);
	page_fini(&p);
}

static void test_a_count_that_can_not_be_is_noticed(void **state)
{
	struct page p;

	(void)state;
	page_init(&p);
	p.rp.control->posted_head = 1;
	assert_int_equal(regpage_drain(&p.rp), -EPROTO);
	assert_int_equal(regpage_write(&p.rp, 0, 0), -EPROTO);
	p.rp.control->posted_head = -513u;
	assert_int_equal(regpage_drain(&p.rp), -EPROTO);

	/* The VMM's own counter is not to be had in shared memory. */
	p.rp.control->posted_head = 0;
	p.rp.control->posted_tail = 77;
	assert_int_equal(regpage_drain(&p.rp), 0);
	page_fini(&p);
}

static void *drain_it(void *ctx)
{
	struct page *p = ctx;

	return (void *)(intptr_t)regpage_drain(&p->rp);
}

/* While another vCPU posts, and the device acts, a look at both counts may see one
 * of before and one of after. */
static void test_counts_of_different_times_are_no_offence(void **state)
{
	pthread_t vcpu;
	struct page p;
	void *ret;

	(void)state;
	page_init(&p);
	pthread_mutex_lock(&p.rp.lock);
	p.rp.control->posted_head = -600u;
	assert_int_equal(pthread_create(&vcpu, NULL, drain_it, &p), 0);
	assert_int_equal(usleep(20000), 0);
	shared_store(&p.rp.control->posted_head, 0);
	pthread_mutex_unlock(&p.rp.lock);
	assert_int_equal(pthread_join(vcpu, &ret), 0);
	assert_null(ret);
	page_fini(&p);
}

static void test_a_death_ends_the_wait(void **state)
{
	struct page p;

	(void)state;
	page_init(&p);
	p.rp.timeout_ms = 60000;
	assert_int_equal(regpage_write(&p.rp, 0, 0), 0);
	fd_close(&p.sv[1]);
	assert_int_equal(regpage_drain(&p.rp), -ECONNRESET);
	page_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_a_port_over),
		cmocka_unit_test(test_refuses_ports_that_can_not_be),
		cmocka_unit_test(test_each_class_of_writes),
		cmocka_unit_test(test_interrupt_registers),
		cmocka_unit_test(test_knows_what_it_covers),
		cmocka_unit_test(test_a_read_sees_every_write_before_it),
		cmocka_unit_test(
		    test_a_full_ring_is_waited_for_and_not_for_ever),
		cmocka_unit_test(test_a_count_that_can_not_be_is_noticed),
		cmocka_unit_test(test_counts_of_different_times_are_no_offence),
		cmocka_unit_test(test_a_death_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
