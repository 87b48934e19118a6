// SPDX-License-Identifier: BSD-2-Clause
/* Every message that a device's end of the socket refuses, and with which errno. */
#include "tests/server_client.h"

#define NEW	0
#define KNOWN	1
#define STARTED 2

#define BODY(type, ...)                                                       \
	.body =                                                               \
	    (const uint8_t *)&(const struct vfio_user_##type){ __VA_ARGS__ }, \
	.len = sizeof(struct vfio_user_##type)

#define IRQS(f, i, s, c)                                                      \
	BODY(set_irqs, .argsz = 20, .flags = (f), .index = (i), .start = (s), \
	     .count = (c))

#define NONE	VFIO_USER_IRQ_DATA_NONE
#define BOOL	VFIO_USER_IRQ_DATA_BOOL
#define EVENTFD VFIO_USER_IRQ_DATA_EVENTFD
#define MASK	VFIO_USER_IRQ_ACTION_MASK
#define UNMASK	VFIO_USER_IRQ_ACTION_UNMASK
#define TRIGGER VFIO_USER_IRQ_ACTION_TRIGGER

static const struct refused {
	const char *why;
	int state;
	uint16_t command;
	int want;
	const uint8_t *body;
	size_t len;
	size_t nr_fds;
} refused[] = {
	{ "command 0", STARTED, 0, -EOPNOTSUPP, .len = 0 },
	{ "no such command", STARTED, 99, -EOPNOTSUPP, .len = 0 },
	{ "the server's own", STARTED, VFIO_USER_DMA_READ, -EOPNOTSUPP,
	  .len = 0 },
	{ "multi, not offered", STARTED, VFIO_USER_REGION_WRITE_MULTI,
	  -EOPNOTSUPP, .len = 0 },
	{ "information first", NEW, VFIO_USER_DEVICE_GET_INFO, -EPERM,
	  BODY(device_info, .argsz = 16) },
	{ "version again", KNOWN, VFIO_USER_VERSION, -EPERM,
	  BODY(version, .minor = 1) },
	{ "version later", STARTED, VFIO_USER_VERSION, -EPERM,
	  BODY(version, .minor = 1) },
	{ "version, short", NEW, VFIO_USER_VERSION, -EBADMSG, .len = 1 },
	{ "version, long", NEW, VFIO_USER_VERSION, -EBADMSG, .len = 4101 },
	{ "port again", STARTED, VFIO_USER_PV_PORT_SET, -EPERM,
	  BODY(pv_port_set, .version = 1, .size = FIXTURE_SIZE), 4 },
	{ "port, first", NEW, VFIO_USER_PV_PORT_SET, -EPERM,
	  BODY(pv_port_set, .version = 1, .size = FIXTURE_SIZE), 4 },
	{ "port, another version", KNOWN, VFIO_USER_PV_PORT_SET, -EINVAL,
	  BODY(pv_port_set, .version = 2, .size = FIXTURE_SIZE), 4 },
	{ "port, too few descriptors", KNOWN, VFIO_USER_PV_PORT_SET, -EBADMSG,
	  BODY(pv_port_set, .version = 1, .size = FIXTURE_SIZE), 3 },
	{ "port, too many", KNOWN, VFIO_USER_PV_PORT_SET, -EBADMSG,
	  BODY(pv_port_set, .version = 1, .size = FIXTURE_SIZE), 5 },
	{ "port, short", KNOWN, VFIO_USER_PV_PORT_SET, -EBADMSG, .len = 1,
	  .nr_fds = 4 },
	{ "port, not a memory", KNOWN, VFIO_USER_PV_PORT_SET, -ENODEV,
	  BODY(pv_port_set, .version = 1, .size = FIXTURE_SIZE), 4 },
	{ "port information, too late", STARTED, VFIO_USER_PV_PORT_INFO, -EPERM,
	  .len = 0 },
	{ "port information, long", KNOWN, VFIO_USER_PV_PORT_INFO, -EBADMSG,
	  .len = 1 },
	{ "interrupts, too early", KNOWN, VFIO_USER_DEVICE_SET_IRQS, -EPERM,
	  IRQS(NONE | TRIGGER, 0, 0, 0) },
	{ "reset, too early", KNOWN, VFIO_USER_DEVICE_RESET, -EPERM, .len = 0 },
	{ "reset, long", STARTED, VFIO_USER_DEVICE_RESET, -EBADMSG, .len = 1 },
	{ "reset with a descriptor", STARTED, VFIO_USER_DEVICE_RESET, -EBADMSG,
	  .nr_fds = 1 },

	{ "information, short", KNOWN, VFIO_USER_DEVICE_GET_INFO, -EBADMSG,
	  .len = 15 },
	{ "information, argsz", KNOWN, VFIO_USER_DEVICE_GET_INFO, -EINVAL,
	  BODY(device_info, .argsz = 15) },
	{ "region, argsz", KNOWN, VFIO_USER_DEVICE_GET_REGION_INFO, -EINVAL,
	  BODY(region_info, .argsz = 31) },
	{ "region, none", KNOWN, VFIO_USER_DEVICE_GET_REGION_INFO, -EINVAL,
	  BODY(region_info, .argsz = 32, .index = 9) },
	{ "region, short", KNOWN, VFIO_USER_DEVICE_GET_REGION_INFO, -EBADMSG,
	  .len = 31 },
	{ "interrupt, argsz", KNOWN, VFIO_USER_DEVICE_GET_IRQ_INFO, -EINVAL,
	  BODY(irq_info, .argsz = 15) },
	{ "interrupt, none", KNOWN, VFIO_USER_DEVICE_GET_IRQ_INFO, -EINVAL,
	  BODY(irq_info, .argsz = 16, .index = 5) },
	{ "eventfds, flags", KNOWN, VFIO_USER_DEVICE_GET_REGION_IO_FDS, -EINVAL,
	  BODY(region_io_fds, .argsz = 16, .flags = 1) },
	{ "eventfds, count", KNOWN, VFIO_USER_DEVICE_GET_REGION_IO_FDS, -EINVAL,
	  BODY(region_io_fds, .argsz = 16, .count = 1) },
	{ "eventfds, region", KNOWN, VFIO_USER_DEVICE_GET_REGION_IO_FDS,
	  -EINVAL, BODY(region_io_fds, .argsz = 16, .index = 9) },
	{ "map, argsz", KNOWN, VFIO_USER_DMA_MAP, -EINVAL,
	  BODY(dma_map, .argsz = 31) },
	{ "map, two descriptors", KNOWN, VFIO_USER_DMA_MAP, -EBADMSG,
	  BODY(dma_map, .argsz = 32), 2 },
	{ "unmap, argsz", KNOWN, VFIO_USER_DMA_UNMAP, -EINVAL,
	  BODY(dma_unmap, .argsz = 23) },

	{ "read, too early", KNOWN, VFIO_USER_REGION_READ, -EPERM,
	  BODY(region_access, .count = 4) },
	{ "read, no region", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .region = 9, .count = 4) },
	{ "read, region that is empty", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .region = 3, .count = 4) },
	{ "read, nothing", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .count = 0) },
	{ "read, past the end", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .offset = FAKE_BAR0 - 3, .count = 4) },
	{ "read, offset that wraps", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .offset = UINT64_MAX, .count = 4) },
	{ "read, more than a message holds", STARTED, VFIO_USER_REGION_READ,
	  -EINVAL,
	  BODY(region_access, .region = 2, .count = VFIO_USER_DATA_MAX + 1) },
	{ "read, write only", STARTED, VFIO_USER_REGION_READ, -EACCES,
	  BODY(region_access, .region = 4, .count = 4) },
	{ "read, device fails", STARTED, VFIO_USER_REGION_READ, -EIO,
	  BODY(region_access, .offset = FAKE_BAD, .count = 4) },
	{ "config, past the end", STARTED, VFIO_USER_REGION_READ, -EINVAL,
	  BODY(region_access, .region = 7, .offset = 253, .count = 4) },
	{ "write, no data", STARTED, VFIO_USER_REGION_WRITE, -EBADMSG,
	  BODY(region_access, .count = 4) },
	{ "write, past the end", STARTED, VFIO_USER_REGION_WRITE, -EINVAL,
	  BODY(region_access, .offset = FAKE_BAR0, .count = 1) },
	{ "write, read only", STARTED, VFIO_USER_REGION_WRITE, -EACCES,
	  BODY(region_access, .region = 1, .count = 4) },

	{ "irqs, argsz", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  BODY(set_irqs, .argsz = 19, .flags = NONE | TRIGGER, .count = 1) },
	{ "irqs, no data", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(TRIGGER, 0, 0, 1) },
	{ "irqs, two kinds", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | BOOL | TRIGGER, 0, 0, 1) },
	{ "irqs, no action", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE, 0, 0, 1) },
	{ "irqs, two actions", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | MASK | UNMASK, 0, 0, 1) },
	{ "irqs, unknown flag", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | MASK | 0x40, 0, 0, 1) },
	{ "irqs, no kind", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | MASK, 5, 0, 1) },
	{ "irqs, past the end", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | MASK, 2, 2, 2) },
	{ "irqs, start past the end", STARTED, VFIO_USER_DEVICE_SET_IRQS,
	  -EINVAL, IRQS(NONE | MASK, 0, UINT32_MAX, 2) },
	{ "irqs, none masked", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | MASK, 0, 0, 0) },
	{ "irqs, none from 1", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(NONE | TRIGGER, 0, 1, 0) },
	{ "irqs, bools that are not there", STARTED, VFIO_USER_DEVICE_SET_IRQS,
	  -EBADMSG, IRQS(BOOL | MASK, 2, 0, 3) },
	{ "irqs, eventfds to mask", STARTED, VFIO_USER_DEVICE_SET_IRQS, -EINVAL,
	  IRQS(EVENTFD | MASK, 2, 0, 1), 1 },
	{ "irqs, one eventfd for two", STARTED, VFIO_USER_DEVICE_SET_IRQS,
	  -EBADMSG, IRQS(EVENTFD | TRIGGER, 2, 0, 2), 1 },
	{ "irqs, eventfd without need", STARTED, VFIO_USER_DEVICE_SET_IRQS,
	  -EBADMSG, IRQS(NONE | MASK, 2, 0, 1), 1 },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct refused *r = &refused[i];
		struct server_fixture f;
		struct answer a;
		int fds[8];

		print_message("# %s\n", r->why);
		server_fixture_init(&f);
		if (r->state == KNOWN)
			get_known(&f);
		else if (r->state == STARTED)
			get_started(&f);
		for (size_t j = 0; j < r->nr_fds; j++)
			fds[j] = f.dev.bells[0];
		server_fixture_send(&f, r->command, r->body, r->len, fds,
				    r->nr_fds);
		assert_int_equal(server_serve(f.server), 0);
		receive_for(&f, r->command, r->want, &a);
		assert_int_equal(f.dev.resets, 0);
		assert_int_equal(f.dev.intx, -1);
		assert_int_equal(f.dev.msix[0], -1);
		server_fixture_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
