// SPDX-License-Identifier: BSD-2-Clause
/* The device as a whole: what it is to PCI, and what drives its parts. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/e1000/e1000_internal.h"

#define POSTED_ROUNDS 4 /* of reading doorbells again, a poll */

#define ID(id) (id) & 0xff, (id) >> 8

/* PCI 3.0, "Configuration Space Organization": 82540EM, a network controller,
 * registers in BAR0, I/O in BAR1, INTA. */
static const uint8_t config[256] = {
	ID(0x8086),
	ID(0x100e),
	[0x06] = 0x20,
	0x02, /* status: 66 MHz, medium DEVSEL */
	[0x08] = 0x02,
	0x00,
	0x00,
	0x02,	       /* revision; Ethernet */
	[0x10] = 0x00, /* BAR0: memory, 32 bits */
	[0x14] = 0x01, /* BAR1: I/O */
	[0x2c] = ID(0x8086),
	ID(0x001e),
	[0x3d] = 1, /* INTA */
};

static void set_irq(void *ctx, unsigned int index, unsigned int vector, int fd)
{
	struct e1000 *dev = ctx;

	if (index != VFIO_USER_IRQ_INTX || vector != 0 || !dev->irq)
		return;
	irqline_connect(dev->irq, fd);
}

/* BAR1: the address of a register, and the register. */
static uint32_t read_io(struct e1000 *dev, uint64_t off)
{
	if (off == E1000_IOADDR)
		return dev->state->io_addr;
	if (off == E1000_IODATA)
		return e1000_register_read(dev, dev->state->io_addr & ~3u);
	return 0;
}

static void write_io(struct e1000 *dev, uint64_t off, uint32_t value)
{
	if (off == E1000_IOADDR)
		dev->state->io_addr = value;
	else if (off == E1000_IODATA)
		e1000_register_write(dev, dev->state->io_addr & ~3u, value);
}

/* Acts on the posted writes that are there. Return: how many. */
static unsigned int act_on_posted(struct e1000 *dev)
{
	struct port_posted posted;
	unsigned int nr = 0;

	while (nr < PORT_POSTED_NR && port_next_posted(dev->port, &posted)) {
		e1000_register_write(dev, posted.offset & ~3u, posted.value);
		port_ack_posted(dev->port);
		nr++;
	}
	return nr;
}

/* Registers are words of 32 bits; an access to them is no other. */
static int check_access(const struct e1000 *dev, unsigned int region,
			uint64_t off, uint32_t len)
{
	if (!dev->port || region > VFIO_USER_REGION_BAR0 + 1)
		return -EPERM;
	return len == 4 && off % 4 == 0 ? 0 : -EINVAL;
}

static int read_region(void *ctx, unsigned int region, uint64_t off, void *buf,
		       uint32_t len)
{
	struct e1000 *dev = ctx;
	int ret = check_access(dev, region, off, len);

	if (ret)
		return ret;
	(void)act_on_posted(dev);
	put_le32(buf, region == VFIO_USER_REGION_BAR0
			  ? e1000_register_read(dev, off)
			  : read_io(dev, off));
	return 0;
}

static int write_region(void *ctx, unsigned int region, uint64_t off,
			const void *buf, uint32_t len)
{
	struct e1000 *dev = ctx;
	int ret = check_access(dev, region, off, len);

	if (ret)
		return ret;
	(void)act_on_posted(dev);
	if (region == VFIO_USER_REGION_BAR0)
		e1000_register_write(dev, off, get_le32(buf));
	else
		write_io(dev, off, get_le32(buf));
	return 0;
}

/* Return: false if this is not what a device of this kind left. */
static bool state_is_valid(const struct e1000_state *state)
{
	return state->magic == E1000_STATE_MAGIC &&
	       state->version == E1000_STATE_VERSION &&
	       state->tx_head <= E1000_RING_HEAD_MASK &&
	       state->rx_head <= E1000_RING_HEAD_MASK && state->reserved == 0;
}

static void power_on(struct e1000 *dev)
{
	struct e1000_state *state = dev->state;

	memset(state, 0, sizeof(*state));
	state->magic = E1000_STATE_MAGIC;
	state->version = E1000_STATE_VERSION;
	e1000_eeprom_init(&state->eeprom, dev->mac);
	e1000_phy_reset(&state->phy);
	e1000_registers_reset(dev);
}

static int start(void *ctx, struct port *port)
{
	struct e1000 *dev = ctx;

	if (port_staging_len(port) < E1000_STAGING_LEN)
		return -EBADMSG;
	dev->port = port;
	dev->regs = port_regs(port);
	dev->state = port_state(port);
	dev->staging = port_staging(port);
	dev->irq = port_irqline(port);
	if (state_is_valid(dev->state)) {
		e1000_tx_load(dev);
		e1000_rx_load(dev);
	} else {
		power_on(dev);
	}
	return 0;
}

static void reset(void *ctx)
{
	struct e1000 *dev = ctx;

	if (!dev->port)
		return;
	(void)act_on_posted(dev);
	power_on(dev);
}

static void describe(struct e1000 *dev)
{
	dev->port_info = (struct vfio_user_pv_port_info){
		.version = PORT_VERSION,
		.flags = VFIO_USER_PV_PORT_F_NET,
		.nr_rings = E1000_NR_RINGS,
		.ring_entries = { E1000_TX_ENTRIES, E1000_RX_ENTRIES },
		.ring_irq_cause = { E1000_ICR_TXDW, E1000_ICR_RXT0 },
		.staging_len = E1000_STAGING_LEN,
		.regs_region = VFIO_USER_REGION_BAR0,
		.regs_len = E1000_REGS_LEN,
		.irq_cause_off = E1000_ICR,
		.irq_mask_off = E1000_IMS,
		.state_len = sizeof(struct e1000_state),
	};
	e1000_registers_init(dev);
	dev->description = (struct server_device){
		.name = "e1000",
		.config = config,
		.regions = {
			{ E1000_BAR0_LEN, VFIO_USER_REGION_F_READ |
					      VFIO_USER_REGION_F_WRITE },
			{ E1000_BAR1_LEN, VFIO_USER_REGION_F_READ |
					      VFIO_USER_REGION_F_WRITE },
		},
		.irqs = { [VFIO_USER_IRQ_INTX] = 1 },
		.port = &dev->port_info,
		.runs = dev->runs,
		.read = read_region,
		.write = write_region,
		.start = start,
		.set_irq = set_irq,
		.reset = reset,
	};
}

int e1000_create(const uint8_t mac[6], struct e1000 **out)
{
	struct e1000 *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return -ENOMEM;
	memcpy(dev->mac, mac, sizeof(dev->mac));
	describe(dev);
	*out = dev;
	return 0;
}

void e1000_destroy(struct e1000 *dev)
{
	free(dev);
}

const struct server_device *e1000_description(const struct e1000 *dev)
{
	return &dev->description;
}

struct port *e1000_port(const struct e1000 *dev)
{
	return dev->port;
}

/*
 * A doorbell overtakes posted writes, since it is a word in memory. So doorbells
 * are looked at first, and again if there were posted writes after that: what
 * the guest wrote before a doorbell that is acted on has been acted on.
 */
bool e1000_poll(struct e1000 *dev)
{
	uint32_t tx_tail, rx_tail;
	bool any;

	for (unsigned int i = 0; i < POSTED_ROUNDS; i++) {
		tx_tail = shared_load_acquire(&dev->regs[E1000_TDT / 4]);
		rx_tail = shared_load_acquire(&dev->regs[E1000_RDT / 4]);
		if (act_on_posted(dev) > 0)
			continue;
		any = e1000_tx_poll(dev, tx_tail);
		return e1000_rx_poll(dev, rx_tail) || any;
	}
	return true;
}

void e1000_wait(struct e1000 *dev, struct port_wait *wait)
{
	*wait = (struct port_wait){ 0 };
	e1000_tx_wait(dev, wait);
	e1000_rx_wait(dev, wait);
}

bool e1000_has_work(void *ctx)
{
	struct e1000 *dev = ctx;

	return e1000_tx_wants(dev, e1000_reg(dev, E1000_TDT)) ||
	       e1000_rx_wants(dev, e1000_reg(dev, E1000_RDT));
}
