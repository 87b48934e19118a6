// SPDX-License-Identifier: BSD-2-Clause
/* A VFIO device as a PCI function: what of its config space the guest gets. */

#include "vfio/vdev.h"

#include "base/bytes.h"
#include "pci/pci.h"
#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

/* A device that is an array of bytes a region. */
struct model {
	struct vdev dev;
	uint8_t config[256];
	uint8_t bar0[0x4000];
	int intx_fd; /* -1: none set */
	int msix_fds[8];
	unsigned int eois, fails;
	bool destroyed;
};

static struct model *model_of(struct vdev *dev)
{
	return container_of(dev, struct model, dev);
}

static uint8_t *bytes_of(struct model *m, unsigned int region)
{
	return region == VDEV_CONFIG ? m->config : m->bar0;
}

static int model_read(struct vdev *dev, unsigned int region, uint64_t off,
		      void *buf, uint32_t len)
{
	if (vdev_gone(dev))
		return -ENODEV;
	memcpy(buf, bytes_of(model_of(dev), region) + off, len);
	return 0;
}

static int model_write(struct vdev *dev, unsigned int region, uint64_t off,
		       const void *buf, uint32_t len)
{
	memcpy(bytes_of(model_of(dev), region) + off, buf, len);
	return 0;
}

static int model_set_irqs(struct vdev *dev, unsigned int index,
			  unsigned int start, unsigned int nr, const int *fds)
{
	struct model *m = model_of(dev);

	if (index == 0)
		m->intx_fd = fds[0];
	else
		memcpy(m->msix_fds + start, fds, nr * sizeof(*fds));
	return 0;
}

static void model_eoi(struct vdev *dev)
{
	model_of(dev)->eois++;
}

static bool model_asserted(struct vdev *dev)
{
	return model_of(dev)->eois == 0;
}

static bool model_io_fd(struct vdev *dev, unsigned int i, unsigned int *region,
			uint64_t *off, uint32_t *len, int *fd)
{
	(void)dev;
	*region = 0;
	*off = 0x100;
	*len = 4;
	*fd = 2;
	return i == 0;
}

static void model_fail(struct vdev *dev)
{
	model_of(dev)->fails++;
}

static void model_destroy(struct vdev *dev)
{
	model_of(dev)->destroyed = true;
}

static const struct vdev_ops model_ops = {
	.region_read = model_read,
	.region_write = model_write,
	.set_irqs = model_set_irqs,
	.intx_eoi = model_eoi,
	.intx_asserted = model_asserted,
	.io_fd = model_io_fd,
	.fail = model_fail,
	.destroy = model_destroy,
};

#define PM_CAP	   0x40
#define VENDOR_CAP 0x50
#define MSIX_CAP   0x70

static void model_init(struct model *m)
{
	static const uint8_t caps[] = {
		PCI_CAP_ID_PM, VENDOR_CAP, 2, 0, 0,
	};
	static const uint8_t vendor[] = {
		PCI_CAP_ID_VNDR, MSIX_CAP, 8, 0, 1, 2, 3, 4,
	};
	static const uint8_t msix[] = {
		PCI_CAP_ID_MSIX, 0, 7, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0,
	};

	memset(m, 0, sizeof(*m));
	m->intx_fd = -1;
	m->dev = (struct vdev){
		.ops = &model_ops,
		.name = "model",
		.watch_fd = -1,
	};
	m->dev.regions[0].size = sizeof(m->bar0);
	m->dev.regions[VDEV_CONFIG].size = sizeof(m->config);
	m->dev.irqs[0] = 1;
	m->dev.irqs[2] = 8;
	put_le32(m->config + PCI_VENDOR_ID, 0x12348086);
	put_le32(m->config + PCI_CLASS_REVISION, 0x02000003);
	m->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	m->config[PCI_INTERRUPT_PIN] = 1;
	m->config[PCI_BASE_ADDRESS_0] =
	    PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	m->config[PCI_CAPABILITY_LIST] = PM_CAP;
	memcpy(m->config + PM_CAP, caps, sizeof(caps));
	memcpy(m->config + VENDOR_CAP, vendor, sizeof(vendor));
	memcpy(m->config + MSIX_CAP, msix, sizeof(msix));
}

/* ---- a machine that does nothing ---- */

static int host_bar_map(void *ctx, struct pci_function *fn, unsigned int bar,
			uint64_t addr)
{
	(void)ctx;
	(void)fn;
	(void)bar;
	(void)addr;
	return 0;
}

static void host_bar_unmap(void *ctx, struct pci_function *fn, unsigned int bar)
{
	(void)ctx;
	(void)fn;
	(void)bar;
}

static int host_msix_set(void *ctx, struct pci_function *fn,
			 unsigned int vector, uint64_t addr, uint32_t data,
			 bool masked)
{
	(void)ctx;
	(void)fn;
	(void)vector;
	(void)addr;
	(void)data;
	(void)masked;
	return 0;
}

static int host_intx_connect(void *ctx, struct pci_function *fn,
			     unsigned int gsi)
{
	(void)ctx;
	(void)fn;
	(void)gsi;
	return 0;
}

static const struct pci_host_ops host_ops = {
	.bar_map = host_bar_map,
	.bar_unmap = host_bar_unmap,
	.msix_set = host_msix_set,
	.intx_connect = host_intx_connect,
};

static struct pci_bus *make_bus(void)
{
	static const struct pci_windows windows = {
		.mem32_start = 0xc0000000,
		.mem32_last = 0xcfffffff,
		.mem64_start = 1ull << 40,
		.mem64_last = (1ull << 41) - 1,
		.io_start = 0x1000,
		.io_last = 0xffff,
		.gsi_first = 16,
		.nr_gsis = 4,
	};
	struct pci_bus *bus;

	assert_int_equal(pci_bus_create(&windows, &host_ops, NULL, &bus), 0);
	return bus;
}

static uint32_t config32(struct pci_bus *bus, struct pci_function *fn,
			 unsigned int off)
{
	uint32_t value;

	pci_ecam_read(bus, (uint64_t)pci_function_bdf(fn) << 12 | off, &value,
		      4);
	return value;
}

static void config_write16(struct pci_bus *bus, struct pci_function *fn,
			   unsigned int off, uint16_t value)
{
	pci_ecam_write(bus, (uint64_t)pci_function_bdf(fn) << 12 | off, &value,
		       2);
}

/* ---- tests ---- */

static void test_the_guest_gets_what_it_may_have(void **state)
{
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	struct pci_io_fd io;
	struct model m;

	(void)state;
	model_init(&m);
	assert_int_equal(vdev_plug(&m.dev, bus, PCI_DEVFN(3, 0), &fn), 0);
	assert_int_equal(config32(bus, fn, PCI_VENDOR_ID), 0x12348086);
	assert_int_equal(config32(bus, fn, PCI_CLASS_REVISION), 0x02000003);
	assert_int_equal(pci_function_bar(fn, 0)->type, PCI_BAR_MEM64);
	assert_true(pci_function_bar(fn, 0)->prefetchable);
	assert_int_equal(pci_function_bar(fn, 0)->size, 0x4000);

	/* The vendor's capability and MSI-X, and no power management. */
	assert_int_equal(config32(bus, fn, PCI_CAPABILITY_LIST) & 0xff,
			 VENDOR_CAP);
	assert_int_equal(config32(bus, fn, VENDOR_CAP),
			 8 << 16 | MSIX_CAP << 8 | PCI_CAP_ID_VNDR);
	assert_int_equal(config32(bus, fn, MSIX_CAP),
			 7 << 16 | PCI_CAP_ID_MSIX);
	assert_int_equal(config32(bus, fn, PM_CAP), 0);

	/* The device finds itself switched on, its INTx connected. */
	assert_int_equal(m.config[PCI_COMMAND], 7);
	assert_int_equal(m.intx_fd, pci_intx_fd(fn));
	assert_true(pci_io_fd(fn, 0, &io));
	assert_int_equal(io.off, 0x100);
	pci_bus_destroy(bus);
	assert_true(m.destroyed);
}

static void test_vendor_bytes_are_the_devices(void **state)
{
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	struct model m;

	(void)state;
	model_init(&m);
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), 0);
	m.config[VENDOR_CAP + 1] = 0;
	m.config[VENDOR_CAP + 4] = 99;
	assert_int_equal(config32(bus, fn, VENDOR_CAP) >> 8 & 0xff, MSIX_CAP);
	assert_int_equal(config32(bus, fn, VENDOR_CAP + 4), 0x04030263);
	config_write16(bus, fn, VENDOR_CAP + 6, 0x5566);
	assert_int_equal(m.config[VENDOR_CAP + 6], 0x66);

	/* Its links are not, nor is what it has not given out. */
	config_write16(bus, fn, VENDOR_CAP, 0x7788);
	config_write16(bus, fn, PM_CAP, 0x99);
	assert_int_equal(m.config[VENDOR_CAP], PCI_CAP_ID_VNDR);
	assert_int_equal(m.config[PM_CAP], PCI_CAP_ID_PM);
	pci_bus_destroy(bus);
}

static void test_bars_reach_the_device_until_it_is_gone(void **state)
{
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	uint32_t value = 0x11223344;
	struct model m;

	(void)state;
	model_init(&m);
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), 0);
	pci_bar_write(fn, 0, 0x20, &value, 4);
	assert_int_equal(get_le32(m.bar0 + 0x20), 0x11223344);
	pci_bar_read(fn, 0, 0x21, &value, 1);
	assert_int_equal(value & 0xff, 0x33);
	vdev_fail(&m.dev, "of a test");
	vdev_fail(&m.dev, "of a test, again");
	assert_int_equal(m.fails, 1);
	pci_bar_read(fn, 0, 0x20, &value, 4);
	assert_int_equal(value, UINT32_MAX);
	assert_int_equal(config32(bus, fn, VENDOR_CAP + 4), UINT32_MAX);
	pci_bus_destroy(bus);
}

static void test_interrupts_are_of_one_kind(void **state)
{
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	struct model m;

	(void)state;
	model_init(&m);
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), 0);
	assert_int_equal(config32(bus, fn, PCI_COMMAND) >> 16 &
			     PCI_STATUS_INTERRUPT,
			 PCI_STATUS_INTERRUPT);
	pci_intx_eoi(fn);
	assert_int_equal(m.eois, 1);

	config_write16(bus, fn, MSIX_CAP + PCI_MSIX_FLAGS,
		       PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(m.intx_fd, -1);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(m.msix_fds[i], pci_msix_fd(fn, i));
	assert_int_equal(m.config[MSIX_CAP + 3], 0x80);
	config_write16(bus, fn, MSIX_CAP + PCI_MSIX_FLAGS, 0);
	assert_int_equal(m.intx_fd, pci_intx_fd(fn));
	assert_int_equal(m.msix_fds[7], -1);
	pci_bus_destroy(bus);
}

static void test_a_pba_elsewhere_moves_to_the_table(void **state)
{
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	struct model m;

	(void)state;
	model_init(&m);
	put_le32(m.config + MSIX_CAP + PCI_MSIX_PBA, 0x1005);
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), 0);
	assert_int_equal(config32(bus, fn, MSIX_CAP + PCI_MSIX_PBA), 0x1080);
	pci_bus_destroy(bus);
}

static void test_refuses_config_spaces_that_can_not_be(void **state)
{
	static const struct {
		const char *why;
		unsigned int off;
		uint32_t value;
	} cases[] = {
		{ "bridge", PCI_HEADER_TYPE, 1 },
		{ "BAR type 1", PCI_BASE_ADDRESS_0, 2 },
		{ "table outside", MSIX_CAP + PCI_MSIX_TABLE, 0x3f88 },
		{ "table in no BAR", MSIX_CAP + PCI_MSIX_TABLE, 6 },
		{ "table in an absent BAR", MSIX_CAP + PCI_MSIX_TABLE, 1 },
		{ "PBA outside", MSIX_CAP + PCI_MSIX_PBA, 0x4000 },
		{ "PBA in the table", MSIX_CAP + PCI_MSIX_PBA, 0x1040 },
		{ "list that comes back", VENDOR_CAP,
		  8 << 16 | VENDOR_CAP << 8 | PCI_CAP_ID_VNDR },
	};
	struct pci_function *fn;
	struct pci_bus *bus = make_bus();
	struct model m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].why);
		model_init(&m);
		put_le32(m.config + cases[i].off, cases[i].value);
		assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), -EINVAL);
		assert_false(m.destroyed);
	}
	model_init(&m);
	m.dev.regions[0].size = 0x3000;
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), -EINVAL);
	model_init(&m);
	m.dev.regions[1].size = 0x1000; /* where the upper half is */
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), -EINVAL);
	model_init(&m);
	m.dev.regions[VDEV_CONFIG].size = 255;
	assert_int_equal(vdev_plug(&m.dev, bus, -1, &fn), -EINVAL);
	pci_bus_destroy(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_guest_gets_what_it_may_have),
		cmocka_unit_test(test_vendor_bytes_are_the_devices),
		cmocka_unit_test(test_bars_reach_the_device_until_it_is_gone),
		cmocka_unit_test(test_interrupts_are_of_one_kind),
		cmocka_unit_test(test_a_pba_elsewhere_moves_to_the_table),
		cmocka_unit_test(test_refuses_config_spaces_that_can_not_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
