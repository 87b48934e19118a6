// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any order of register accesses and received frames leaves the device working:
 * it comes to rest, and after a reset it sends and receives.
 */
#include "tests/e1000_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One step: what, where, value; 8 bytes. */
#define STEP 8

enum { POSTED, MESSAGE, READ, BAR1, FRAME, DOORBELL, WORKER, RESET, NR_STEPS };

/* The same device for every input, as after power on: to make one is slow. */
static struct fixture *fresh(void)
{
	static struct fixture *f;

	if (!f)
		f = fixture_create();
	direct_port_hold(f->port, false);
	f->desc->reset(f->dev);
	fixture_settle(f);
	memset(f->ram, 0, FIXTURE_RAM);
	f->nr_sent = 0;
	return f;
}

static void check(bool fine)
{
	if (!fine)
		abort();
}

/* Mostly registers that do something. */
static uint32_t pick_register(uint16_t n)
{
	static const uint16_t live[] = {
		E1000_CTRL, E1000_EECD,	 E1000_EERD,  E1000_MDIC,  E1000_VET,
		E1000_ICR,  E1000_ICS,	 E1000_IMS,   E1000_IMC,   E1000_RCTL,
		E1000_TCTL, E1000_RDBAL, E1000_RDBAH, E1000_RDLEN, E1000_RDH,
		E1000_RDT,  E1000_TDBAL, E1000_TDBAH, E1000_TDLEN, E1000_TDH,
		E1000_TDT,  E1000_MTA,	 E1000_RAL,   E1000_VFTA,
	};

	if (n & 0x8000)
		return (uint32_t)(n & 0x7fff) * 4;
	return live[n % ARRAY_SIZE(live)];
}

static void settle(struct fixture *f)
{
	int polls = 0;

	while (e1000_poll(f->dev))
		check(++polls < 2000);
}

static void access_bar1(struct fixture *f, uint32_t off, uint32_t value)
{
	uint8_t buf[4];

	put_le32(buf, off);
	check(!f->desc->write(f->dev, 1, E1000_IOADDR, buf, 4));
	put_le32(buf, value);
	check(!f->desc->write(f->dev, 1, E1000_IODATA, buf, 4));
	check(!f->desc->read(f->dev, 1, E1000_IODATA, buf, 4));
}

static void step(struct fixture *f, const uint8_t *p)
{
	uint32_t off = pick_register(get_le16(p + 2));
	uint32_t value = get_le32(p + 4);
	uint8_t buf[4];

	put_le32(buf, value);
	switch (p[0] % NR_STEPS) {
	case POSTED:
		(void)direct_port_write(f->port, off, value);
		break;
	case MESSAGE:
		check(!f->desc->write(f->dev, 0, off & 0x1fffc, buf, 4));
		break;
	case READ:
		check(!f->desc->read(f->dev, 0, off & 0x1fffc, buf, 4));
		break;
	case BAR1:
		access_bar1(f, off, value);
		break;
	case FRAME:
		(void)direct_port_receive(f->port, f->ram,
					  value % (PORT_SLOT_LEN + 1));
		break;
	case DOORBELL:
		port_regs(f->port)[E1000_TDT / 4] = value & 0xfff;
		port_regs(f->port)[E1000_RDT / 4] = value >> 16 & 0xfff;
		break;
	case WORKER:
		direct_port_hold(f->port, value & 1);
		direct_port_run(f->port, value >> 1 & 0xff);
		break;
	default:
		f->desc->reset(f->dev);
		break;
	}
	if (p[1] & 1)
		settle(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t frame[60] = { 0 };
	struct driver_received got;
	struct fixture *f = fresh();

	for (size_t i = 0; i < FIXTURE_IOVA; i += 64)
		memcpy(f->ram + i, data, MIN(len, (size_t)64));
	for (; len >= STEP; data += STEP, len -= STEP)
		step(f, data);

	direct_port_hold(f->port, false);
	settle(f);
	f->desc->reset(f->dev);
	settle(f);
	check(direct_port_free_slots(f->port) == PORT_SLOTS);
	f->nr_sent = 0;
	driver_start(&f->driver, 0, 0);
	memcpy(frame, fixture_mac, 6);
	(void)driver_send_frame(&f->driver, frame, sizeof(frame));
	check(f->nr_sent == 1);
	check(direct_port_receive(f->port, frame, sizeof(frame)));
	settle(f);
	check(driver_receive(&f->driver, &got));
	return 0;
}
