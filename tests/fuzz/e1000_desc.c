// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as descriptors: the device comes to rest, has passed over all of
 * them, and sends a frame behind them as it is.
 */
#include "tests/e1000_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Before the descriptors: how the device is set up; 8 bytes. */
#define HEAD 8

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

static void settle(struct fixture *f)
{
	int polls = 0;

	while (e1000_poll(f->dev))
		check(++polls < 2000);
}

/* Rings as a doorbell at a time would have it: @run descriptors each. */
static void send_all(struct fixture *f, const uint8_t *desc, size_t nr,
		     unsigned int run)
{
	struct driver *d = &f->driver;

	for (size_t i = 0; i < nr; i++, desc += E1000_DESC_LEN) {
		uint64_t addr = get_le64(desc);

		/* Most addresses are to be memory. */
		if (desc[15] & 1)
			addr %= FIXTURE_RAM;
		(void)driver_put(d, addr, get_le32(desc + 8),
				 get_le32(desc + 12));
		if (i % run == run - 1)
			driver_send(d);
	}
	driver_send(d);
}

static void receive_all(struct fixture *f, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 2 <= len && i < 64; i += 2) {
		(void)direct_port_receive(f->port, f->ram + i,
					  get_le16(bytes + i) %
					      (PORT_SLOT_LEN + 1));
		settle(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fixture *f;
	uint32_t tail;

	if (len < HEAD)
		return 0;
	f = fresh();
	fixture_write(f, E1000_CTRL, data[0] & 1 ? E1000_CTRL_VME : 0);
	driver_start(&f->driver, get_le32(data + 4) | E1000_RCTL_UPE,
		     data[1] & E1000_TCTL_PSP);
	send_all(f, data + HEAD, (len - HEAD) / E1000_DESC_LEN,
		 1 + data[2] % 200);
	/* Receive descriptors from the same bytes. */
	memcpy(f->ram + FIXTURE_IOVA + DRIVER_RING * E1000_DESC_LEN,
	       data + HEAD,
	       MIN(len - HEAD, (size_t)DRIVER_RING * E1000_DESC_LEN));
	fixture_write(f, E1000_RDH, 0); /* those it knew are forgotten */
	receive_all(f, data + HEAD, len - HEAD);

	/* An end, since the last frame may have none; then a good one. */
	tail = driver_put(&f->driver, 0, E1000_TXD_EOP | E1000_TXD_RS | 64, 0);
	driver_send(&f->driver);
	check(driver_is_sent(&f->driver, tail));
	f->nr_sent = 0;
	tail = driver_put(&f->driver, FIXTURE_IOVA + DRIVER_MEM,
			  E1000_TXD_EOP | E1000_TXD_RS | 100, 0);
	driver_send(&f->driver);
	check(driver_is_sent(&f->driver, tail));
	check(f->nr_sent == 1 && f->sent[0].len == 100);
	check(fixture_read(f, E1000_TDH) == f->driver.tx_next);
	return 0;
}
