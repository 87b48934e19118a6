// SPDX-License-Identifier: BSD-2-Clause
/* virtio/: the virtio-pci transport, with a device that writes down what it is
 * told. One test for each duty of a device that a driver can see. */

#include "virtio/vpci.h"

#include <errno.h>
#include <poll.h>

#include <linux/virtio_ids.h>

#include "base/fd.h"
#include "dma/vq.h"
#include "tests/unit/virtio_driver.h"

#define FEATURES   (1ull << VIRTIO_F_VERSION_1 | 1ull << 3 | 1ull << 35)
#define QUEUE_SIZE 64
#define NR_QUEUES  2
#define CONFIG_LEN 12

struct device {
	uint8_t config[CONFIG_LEN];
	struct vpci *vpci;
	unsigned int starts, resets, destroyed;
	uint64_t features;
	struct vq_layout layouts[NR_QUEUES];
	bool enabled[NR_QUEUES];
	int start_error;
};

static void device_config_read(void *ctx, unsigned int off, void *buf,
			       unsigned int len)
{
	memcpy(buf, ((struct device *)ctx)->config + off, len);
}

static void device_config_write(void *ctx, unsigned int off, const void *buf,
				unsigned int len)
{
	memcpy(((struct device *)ctx)->config + off, buf, len);
}

static int device_start(void *ctx)
{
	struct device *dev = ctx;

	dev->starts++;
	dev->features = vpci_features(dev->vpci);
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		dev->enabled[i] =
		    vpci_queue_layout(dev->vpci, i, &dev->layouts[i]);
	return dev->start_error;
}

static void device_reset(void *ctx)
{
	((struct device *)ctx)->resets++;
}

static void device_destroy(void *ctx)
{
	((struct device *)ctx)->destroyed++;
}

static const struct vpci_ops device_ops = {
	.config_read = device_config_read,
	.config_write = device_config_write,
	.start = device_start,
	.reset = device_reset,
	.destroy = device_destroy,
};

struct fixture {
	struct virtio_driver driver;
	struct device device;
	int notify_fd;
};

static struct vpci_desc describe(struct fixture *fx)
{
	return (struct vpci_desc){
		.name = "toy",
		.device = VIRTIO_ID_IOMMU,
		.class_code = 0x080600,
		.features = FEATURES,
		.nr_queues = NR_QUEUES,
		.queue_size = QUEUE_SIZE,
		.config_len = CONFIG_LEN,
		.notify_fd = fx->notify_fd,
		.ops = &device_ops,
		.ctx = &fx->device,
	};
}

static int setup(void **state)
{
	static struct fixture fx;
	struct vpci_desc desc;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	if (driver_bus_create(&fx.driver) || fd_event_create(&fx.notify_fd))
		return -1;
	desc = describe(&fx);
	if (vpci_create(fx.driver.bus, PCI_DEVFN(4, 0), &desc, &fx.device.vpci))
		return -1;
	fx.driver.fn = vpci_function(fx.device.vpci);
	driver_walk(&fx.driver);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	pci_bus_destroy(fx->driver.bus);
	fd_close(&fx->notify_fd);
	return fx->device.destroyed == 1 ? 0 : -1;
}

static bool signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool yes = poll(&p, 1, 0) == 1;

	fd_event_drain(fd);
	return yes;
}

/* "PCI Device Discovery" */
static void test_identity(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_int_equal(driver_config(d, PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(driver_config(d, PCI_DEVICE_ID, 2), 0x1057);
	assert_true(driver_config(d, PCI_REVISION_ID, 1) >= 1);
	assert_true(driver_config(d, PCI_SUBSYSTEM_ID, 2) >= 0x40);
	assert_int_equal(driver_config(d, PCI_CLASS_REVISION, 4) >> 8,
			 0x080600);
}

/* "Virtio Structure PCI Capabilities" */
static void test_every_structure_is_there(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	static const uint32_t least[DRIVER_STRUCTURES] = {
		[VIRTIO_PCI_CAP_COMMON_CFG] = 56,
		[VIRTIO_PCI_CAP_NOTIFY_CFG] = NR_QUEUES * 4,
		[VIRTIO_PCI_CAP_ISR_CFG] = 1,
		[VIRTIO_PCI_CAP_DEVICE_CFG] = CONFIG_LEN,
	};

	for (unsigned int i = 1; i < VIRTIO_PCI_CAP_PCI_CFG; i++) {
		const struct pci_bar *bar =
		    pci_function_bar(d->fn, d->structures[i].bar);

		assert_true(d->structures[i].len >= least[i]);
		assert_true(d->structures[i].off + d->structures[i].len <=
			    bar->size);
		assert_int_equal(d->structures[i].off % 4, 0);
	}
	assert_int_not_equal(d->config_at, 0);
	/* "queue_notify_off * notify_off_multiplier": 2-byte aligned at least,
	 * a power of two. */
	assert_int_equal(d->notify_mul, 4);
}

/* "Common configuration structure layout" */
static void test_features_are_offered_in_halves(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(driver_offered(&fx->driver), FEATURES);
	common_set(&fx->driver, VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
	assert_int_equal(common_get(&fx->driver, VIRTIO_PCI_COMMON_DF, 4), 0);
	assert_int_equal(common_get(&fx->driver, VIRTIO_PCI_COMMON_DFSELECT, 4),
			 2);
	common_set(&fx->driver, VIRTIO_PCI_COMMON_GFSELECT, 2, 4);
	common_set(&fx->driver, VIRTIO_PCI_COMMON_GF, 0xffffffff, 4);
	assert_int_equal(common_get(&fx->driver, VIRTIO_PCI_COMMON_GF, 4), 0);
}

/* "Device Initialization", "Feature Bits" */
static void test_features_that_are_refused(void **state)
{
	static const struct {
		uint64_t features;
		bool want;
	} cases[] = {
		{ FEATURES, true },
		{ 1ull << VIRTIO_F_VERSION_1, true },
		{ 1ull << 3, false }, /* legacy */
		{ 0, false },
		{ FEATURES | 1ull << 4, false }, /* not offered */
		{ FEATURES | 1ull << 63, false },
		{ FEATURES | 1ull << VIRTIO_F_ACCESS_PLATFORM, false },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
		    driver_negotiate(&fx->driver, cases[i].features),
		    cases[i].want);
}

static void test_features_are_final_once_accepted(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_true(driver_negotiate(d, FEATURES));
	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	common_set(d, VIRTIO_PCI_COMMON_GF, 0, 4);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_GF, 4),
			 (uint32_t)FEATURES);
	driver_set_status(d, DRIVER_OK);
	assert_int_equal(fx->device.features, FEATURES);
}

static void test_driver_ok_needs_features_ok(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	driver_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				 VIRTIO_CONFIG_S_DRIVER |
				 VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(driver_status(d),
			 VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	assert_int_equal(fx->device.starts, 0);
}

/* "Device Status Field": bits come one by one and go all at once. */
static void test_status_only_grows_until_a_reset(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_true(driver_negotiate(d, FEATURES));
	driver_set_status(d, DRIVER_OK);
	driver_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	assert_int_equal(driver_status(d), DRIVER_OK);
	assert_int_equal(fx->device.starts, 1);
	/* The driver can not say what is the device's to say. */
	driver_set_status(d, DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(driver_status(d), DRIVER_OK);
	driver_set_status(d, DRIVER_OK | VIRTIO_CONFIG_S_FAILED);
	assert_int_equal(driver_status(d), DRIVER_OK | VIRTIO_CONFIG_S_FAILED);
}

static void test_queues_as_the_driver_set_them_up(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	const struct vq_layout *q = &fx->device.layouts[1];

	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_NUMQ, 2), NR_QUEUES);
	assert_true(driver_negotiate(d, FEATURES));
	driver_queue(d, 1, 16, 0x123456789000, 0x223456789000, 0x323456789000);
	driver_set_status(d, DRIVER_OK);
	assert_false(fx->device.enabled[0]);
	assert_true(fx->device.enabled[1]);
	assert_int_equal(q->size, 16);
	assert_int_equal(q->desc, 0x123456789000);
	assert_int_equal(q->avail, 0x223456789000);
	assert_int_equal(q->used, 0x323456789000);
	assert_false(q->indirect);
}

static void test_an_enabled_queue_does_not_move(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_true(driver_negotiate(d, FEATURES));
	driver_queue(d, 0, 16, 0x1000, 0x2000, 0x3000);
	driver_queue(d, 0, 32, 0x4000, 0x5000, 0x6000);
	common_set(d, VIRTIO_PCI_COMMON_Q_ENABLE, 0, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x1000);
	/* Nor does one come to life under a running device. */
	driver_set_status(d, DRIVER_OK);
	driver_queue(d, 1, 16, 0x1000, 0x2000, 0x3000);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void test_queue_sizes_that_are_refused(void **state)
{
	static const uint16_t bad[] = { 0, 3, 48, QUEUE_SIZE * 2, 0x8000 };
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2),
			 QUEUE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		common_set(d, VIRTIO_PCI_COMMON_Q_SIZE, bad[i], 2);
		assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2),
				 QUEUE_SIZE);
	}
}

/* "If the virtqueue is unavailable": size 0, and nothing to write. */
static void test_a_queue_that_does_not_exist(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	driver_queue(d, NR_QUEUES, 16, 0x1000, 0x2000, 0x3000);
	common_set(d, VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SELECT, 2),
			 NR_QUEUES);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_NOFF, 2), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
}

static void test_a_reset_forgets_everything(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_true(driver_negotiate(d, FEATURES));
	driver_queue(d, 0, 16, 0x1000, 0x2000, 0x3000);
	common_set(d, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	common_set(d, VIRTIO_PCI_COMMON_MSIX, 2, 2);
	driver_set_status(d, DRIVER_OK);
	vpci_interrupt(fx->device.vpci, 0);
	fx->device.resets = 0;
	driver_set_status(d, 0);
	assert_int_equal(fx->device.resets, 1);
	assert_int_equal(driver_status(d), 0);
	assert_int_equal(vpci_features(fx->device.vpci), 0);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_ISR_CFG, 0, 1), 0);
	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2),
			 QUEUE_SIZE);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_GF, 4), 0);
}

static void test_fields_have_one_width(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_NUMQ, 1), 0xff);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_MSIX, 4), 0xffffffff);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_DESCLO + 2, 2),
			 0xffff);
	common_set(d, VIRTIO_PCI_COMMON_STATUS, 0x0101, 2);
	assert_int_equal(driver_status(d), 0);
	common_set(d, VIRTIO_PCI_COMMON_NUMQ, 7, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_NUMQ, 2), NR_QUEUES);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_CFGGENERATION, 1), 0);
}

static void test_device_configuration_is_bounded(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, 4, 0x1122334455667788, 8);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 8, 4),
			 0x11223344);
	driver_set(d, VIRTIO_PCI_CAP_DEVICE_CFG, 8, 0, 8);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_DEVICE_CFG, 8, 8),
			 UINT64_MAX);
	assert_int_equal(fx->device.config[8], 0x44);
}

/* "Notification structure layout" */
static void test_notifications_wake_the_device(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	const uint32_t base = d->structures[VIRTIO_PCI_CAP_NOTIFY_CFG].off;
	struct pci_io_fd io;

	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		driver_notify(d, i);
		assert_true(signalled(fx->notify_fd));
		assert_true(pci_io_fd(d->fn, i, &io));
		assert_int_equal(io.bar,
				 d->structures[VIRTIO_PCI_CAP_NOTIFY_CFG].bar);
		assert_int_equal(io.off, base + i * d->notify_mul);
		assert_int_equal(io.fd, fx->notify_fd);
	}
	assert_false(pci_io_fd(d->fn, NR_QUEUES, &io));
	driver_set(d, VIRTIO_PCI_CAP_NOTIFY_CFG, NR_QUEUES * 4, 0, 2);
	driver_set(d, VIRTIO_PCI_CAP_NOTIFY_CFG, 1, 0, 2);
	assert_false(signalled(fx->notify_fd));
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_NOTIFY_CFG, 0, 2), 0);
}

/* "Used Buffer Notifications", "ISR status capability" */
static void test_interrupts_by_intx(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	int fd = pci_intx_fd(d->fn);

	vpci_interrupt(fx->device.vpci, 1);
	assert_true(signalled(fd));
	pci_intx_eoi(d->fn); /* still asserted */
	assert_true(signalled(fd));
	assert_true(driver_config(d, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_ISR_CFG, 0, 1), 1);
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_ISR_CFG, 0, 1), 0);
	assert_false(driver_config(d, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_intx_eoi(d->fn);
	assert_false(signalled(fd));

	/* Not while the command register forbids it, but afterwards. */
	driver_config_set(d, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	vpci_interrupt(fx->device.vpci, 0);
	assert_false(signalled(fd));
	driver_config_set(d, PCI_COMMAND, 0, 2);
	assert_true(signalled(fd));
}

static void test_interrupts_by_msix(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	driver_msix_on(d, NR_QUEUES + 1);
	assert_true(d->unmasked[2]);
	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	/* No vector: no interrupt. */
	vpci_interrupt(fx->device.vpci, 1);
	for (unsigned int i = 0; i <= NR_QUEUES; i++)
		assert_false(signalled(pci_msix_fd(d->fn, i)));
	common_set(d, VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_MSIX, 2), 2);
	vpci_interrupt(fx->device.vpci, 1);
	assert_true(signalled(pci_msix_fd(d->fn, 2)));
	/* Neither INTx nor the ISR status then. */
	assert_false(signalled(pci_intx_fd(d->fn)));
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_ISR_CFG, 0, 1), 0);
	/* "MSI-X Vector Configuration": what can not be mapped reads back. */
	common_set(d, VIRTIO_PCI_COMMON_Q_MSIX, NR_QUEUES + 1, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	common_set(d, VIRTIO_PCI_COMMON_MSIX, 0x800, 2);
	assert_int_equal(common_get(d, VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
}

/* "Device Status Field": DEVICE_NEEDS_RESET, told once, and only after DRIVER_OK */
static void test_needs_reset_is_told(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	assert_true(driver_negotiate(d, FEATURES));
	vpci_needs_reset(fx->device.vpci);
	assert_true(driver_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_false(signalled(pci_intx_fd(d->fn)));

	assert_true(driver_negotiate(d, FEATURES));
	assert_false(driver_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	driver_set_status(d, DRIVER_OK);
	vpci_needs_reset(fx->device.vpci);
	assert_int_equal(driver_status(d),
			 DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_true(signalled(pci_intx_fd(d->fn)));
	assert_int_equal(driver_get(d, VIRTIO_PCI_CAP_ISR_CFG, 0, 1),
			 VIRTIO_PCI_ISR_CONFIG);
	vpci_needs_reset(fx->device.vpci);
	assert_false(signalled(pci_intx_fd(d->fn)));

	driver_msix_on(d, NR_QUEUES + 1);
	assert_true(driver_negotiate(d, FEATURES));
	common_set(d, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	fx->device.start_error = -EFAULT;
	driver_set_status(d, DRIVER_OK);
	assert_true(driver_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_true(signalled(pci_msix_fd(d->fn, 0)));
}

static void window(struct virtio_driver *d, unsigned int bar, uint32_t off,
		   uint32_t len)
{
	driver_config_set(d, d->config_at + 4, bar, 1);
	driver_config_set(d, d->config_at + 8, off, 4);
	driver_config_set(d, d->config_at + 12, len, 4);
}

/* "PCI configuration access capability" */
static void test_the_configuration_window(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	const unsigned int data = d->config_at + 16;
	const unsigned int bar = d->structures[VIRTIO_PCI_CAP_COMMON_CFG].bar;

	window(d, bar, VIRTIO_PCI_COMMON_NUMQ, 2);
	assert_int_equal(driver_config(d, data, 2), NR_QUEUES);
	window(d, bar, VIRTIO_PCI_COMMON_STATUS, 1);
	driver_config_set(d, data, VIRTIO_CONFIG_S_ACKNOWLEDGE, 1);
	assert_int_equal(driver_status(d), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	window(d, bar, d->structures[VIRTIO_PCI_CAP_NOTIFY_CFG].off, 4);
	driver_config_set(d, data, 0, 4);
	assert_true(signalled(fx->notify_fd));
	/* Into the MSI-X table, too. */
	window(d, 2, 8, 4);
	driver_config_set(d, data, 0x1234, 4);
	assert_int_equal(driver_config(d, data, 4), 0x1234);
	/* The capability says what it says. */
	driver_config_set(d, d->config_at, 0xffffffff, 4);
	assert_int_equal(driver_config(d, d->config_at + 3, 1),
			 VIRTIO_PCI_CAP_PCI_CFG);
}

static void test_windows_that_make_no_access(void **state)
{
	static const struct {
		unsigned int bar;
		uint32_t off, len;
	} cases[] = {
		{ 0, VIRTIO_PCI_COMMON_STATUS, 0 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, 3 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, 8 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, UINT32_MAX },
		{ 0, VIRTIO_PCI_COMMON_STATUS + 1, 4 },
		{ 1, VIRTIO_PCI_COMMON_STATUS, 1 },
		{ 6, VIRTIO_PCI_COMMON_STATUS, 1 },
		{ 255, VIRTIO_PCI_COMMON_STATUS, 1 },
		{ 0, UINT32_MAX, 1 },
	};
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		window(d, cases[i].bar, cases[i].off, cases[i].len);
		driver_config_set(d, d->config_at + 16, 1, 1);
		(void)driver_config(d, d->config_at + 16, 4);
		assert_int_equal(driver_status(d), 0);
	}
}

static void test_a_window_off_its_alignment(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	const unsigned int type = VIRTIO_PCI_CAP_DEVICE_CFG;

	window(d, d->structures[type].bar, d->structures[type].off + 1, 4);
	driver_config_set(d, d->config_at + 16, 0xffffffff, 4);
	assert_int_equal(driver_get(d, type, 0, 8), 0);
	window(d, d->structures[type].bar, d->structures[type].off + 4, 4);
	driver_config_set(d, d->config_at + 16, 0xffffffff, 4);
	assert_int_equal(driver_get(d, type, 0, 8), 0xffffffff00000000);
}

static void test_other_bytes_of_the_bars(void **state)
{
	struct fixture *fx = *state;
	struct virtio_driver *d = &fx->driver;
	uint32_t value = 0;

	pci_bar_write(d->fn, 0, 0x800, &value, 4);
	pci_bar_read(d->fn, 0, 0x800, &value, 4);
	assert_int_equal(value, 0xffffffff);
	pci_bar_write(d->fn, 2, 0x400, &value, 4);
	pci_bar_read(d->fn, 2, 0x400, &value, 4);
	assert_int_equal(value, 0xffffffff);
	assert_int_equal(driver_config(d, 0x40 + 0x100, 4), 0);
	driver_config_set(d, 0x140, 1, 4);
}

static void test_descriptions_are_checked(void **state)
{
	struct fixture *fx = *state;
	struct vpci_desc desc = describe(fx);
	struct vpci *v;

	desc.nr_queues = 0;
	assert_int_equal(vpci_create(fx->driver.bus, -1, &desc, &v), -EINVAL);
	desc.nr_queues = VPCI_QUEUES_MAX + 1;
	assert_int_equal(vpci_create(fx->driver.bus, -1, &desc, &v), -EINVAL);
	desc = describe(fx);
	desc.config_len = VPCI_CONFIG_MAX + 1;
	assert_int_equal(vpci_create(fx->driver.bus, -1, &desc, &v), -EINVAL);
	desc = describe(fx);
	assert_int_equal(
	    vpci_create(fx->driver.bus, PCI_DEVFN(4, 0), &desc, &v), -EBUSY);
	assert_int_equal(fx->device.destroyed, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_every_structure_is_there),
		TEST(test_features_are_offered_in_halves),
		TEST(test_features_that_are_refused),
		TEST(test_features_are_final_once_accepted),
		TEST(test_driver_ok_needs_features_ok),
		TEST(test_status_only_grows_until_a_reset),
		TEST(test_queues_as_the_driver_set_them_up),
		TEST(test_an_enabled_queue_does_not_move),
		TEST(test_queue_sizes_that_are_refused),
		TEST(test_a_queue_that_does_not_exist),
		TEST(test_a_reset_forgets_everything),
		TEST(test_fields_have_one_width),
		TEST(test_device_configuration_is_bounded),
		TEST(test_notifications_wake_the_device),
		TEST(test_interrupts_by_intx),
		TEST(test_interrupts_by_msix),
		TEST(test_needs_reset_is_told),
		TEST(test_the_configuration_window),
		TEST(test_windows_that_make_no_access),
		TEST(test_a_window_off_its_alignment),
		TEST(test_other_bytes_of_the_bars),
		TEST(test_descriptions_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
