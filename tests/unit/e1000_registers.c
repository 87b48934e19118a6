// SPDX-License-Identifier: BSD-2-Clause
/* devices/e1000: register classes, resets, BAR1, going on from a state. */

#include <errno.h>

#include "devices/e1000/state.h"
#include "tests/e1000_fixture.h"
#include "tests/test.h"

static struct driver *driver_of(struct fixture *f)
{
	return &f->driver;
}

static uint32_t rd(struct fixture *f, uint32_t off)
{
	return fixture_read(f, off);
}

static void wr(struct fixture *f, uint32_t off, uint32_t value)
{
	fixture_write(f, off, value);
}

static void io_write(struct fixture *f, uint32_t off, uint32_t value)
{
	uint8_t buf[4];

	put_le32(buf, off);
	assert_int_equal(f->desc->write(f->dev, 1, E1000_IOADDR, buf, 4), 0);
	put_le32(buf, value);
	assert_int_equal(f->desc->write(f->dev, 1, E1000_IODATA, buf, 4), 0);
	fixture_settle(f);
}

static void test_every_word_has_one_class(void **state)
{
	struct fixture *f = fixture_create();
	uint32_t end = 0;

	(void)state;
	for (uint32_t i = 0; i < f->desc->port->nr_runs; i++) {
		assert_int_equal(f->desc->runs[i].offset, end);
		end += 4 * f->desc->runs[i].nr;
	}
	assert_int_equal(end, f->desc->port->regs_len);
	fixture_destroy(f);
}

static void test_registers_after_power_on(void **state)
{
	struct fixture *f = fixture_create();

	(void)state;
	assert_int_equal(rd(f, E1000_RAL), 0x01005452);
	assert_int_equal(rd(f, E1000_RAL + 4), E1000_RAH_AV | 0x0302);
	assert_true(rd(f, E1000_STATUS) & E1000_STATUS_LU);
	assert_int_equal(rd(f, E1000_VET), 0x8100);
	assert_int_equal(rd(f, E1000_ICR), 0);
	assert_int_equal(rd(f, 0x1fffc), 0);
	fixture_destroy(f);
}

static void test_causes_and_mask(void **state)
{
	struct fixture *f = fixture_create();
	struct irqline *line = port_irqline(f->port);

	(void)state;
	wr(f, E1000_ICS, E1000_ICR_LSC | E1000_ICR_TXDW);
	assert_false(irqline_asserted(line));
	wr(f, E1000_IMS, E1000_ICR_LSC);
	assert_true(irqline_asserted(line));
	assert_int_equal(rd(f, E1000_IMS), E1000_ICR_LSC);
	wr(f, E1000_ICR, E1000_ICR_LSC); /* ones clear */
	assert_false(irqline_asserted(line));
	assert_int_equal(rd(f, E1000_ICR), E1000_ICR_TXDW);
	assert_int_equal(rd(f, E1000_ICR), 0);
	wr(f, E1000_IMC, E1000_ICR_LSC);
	assert_int_equal(rd(f, E1000_IMS), 0);
	fixture_destroy(f);
}

static void test_ring_registers_keep_what_they_can(void **state)
{
	static const struct {
		uint32_t off, want;
	} cases[] = {
		{ E1000_TDBAL, 0xfffffff0 }, { E1000_TDBAH, 0xffffffff },
		{ E1000_TDLEN, 0x000fff80 }, { E1000_TDH, 0x0000ffff },
		{ E1000_TDT, 0xffffffff },   { E1000_RDBAL, 0xfffffff0 },
		{ E1000_RDBAH, 0xffffffff }, { E1000_RDLEN, 0x000fff80 },
		{ E1000_RDH, 0x0000ffff },   { E1000_STATUS, 0x00000283 },
		{ E1000_MTA, 0xffffffff },   { 0x0ff0, 0 },
	};
	struct fixture *f = fixture_create();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		wr(f, cases[i].off, 0xffffffff);
		assert_int_equal(rd(f, cases[i].off), cases[i].want);
	}
	fixture_destroy(f);
}

static void test_reset_by_io(void **state)
{
	struct fixture *f = fixture_create();
	uint8_t buf[4];

	(void)state;
	driver_start(driver_of(f), E1000_RCTL_BAM, E1000_TCTL_PSP);
	wr(f, E1000_IMS, 0xff);
	wr(f, E1000_MTA + 8, 0x55);
	io_write(f, E1000_MTA + 4, 0x1234);
	assert_int_equal(rd(f, E1000_MTA + 4), 0x1234);

	io_write(f, E1000_CTRL, E1000_CTRL_RST | 0x40);
	assert_int_equal(rd(f, E1000_CTRL) & E1000_CTRL_RST, 0);
	assert_int_equal(rd(f, E1000_IMS), 0);
	assert_int_equal(rd(f, E1000_RCTL), 0);
	assert_int_equal(rd(f, E1000_TDLEN), 0);
	assert_int_equal(rd(f, E1000_MTA + 8), 0);
	assert_int_equal(rd(f, E1000_RDT), 0);
	assert_int_equal(rd(f, E1000_RAL), 0x01005452);

	put_le32(buf, E1000_STATUS);
	assert_int_equal(f->desc->write(f->dev, 1, E1000_IOADDR, buf, 4), 0);
	assert_int_equal(f->desc->read(f->dev, 1, E1000_IODATA, buf, 4), 0);
	assert_true(get_le32(buf) & E1000_STATUS_LU);
	assert_int_equal(f->desc->read(f->dev, 1, E1000_IOADDR, buf, 4), 0);
	assert_int_equal(get_le32(buf), E1000_STATUS);
	fixture_destroy(f);
}

static void test_accesses_are_words(void **state)
{
	struct fixture *f = fixture_create();
	uint8_t buf[8] = { 0 };

	(void)state;
	assert_int_equal(f->desc->read(f->dev, 0, 0, buf, 8), -EINVAL);
	assert_int_equal(f->desc->read(f->dev, 0, 2, buf, 2), -EINVAL);
	assert_int_equal(f->desc->write(f->dev, 0, 1, buf, 4), -EINVAL);
	assert_int_equal(f->desc->write(f->dev, 2, 0, buf, 4), -EPERM);
	fixture_destroy(f);
}

static void test_posted_writes_come_before_the_doorbell(void **state)
{
	struct fixture *f = fixture_create();

	(void)state;
	driver_start(driver_of(f), 0, 0);
	assert_true(direct_port_write(f->port, E1000_TDBAL, FIXTURE_IOVA));
	assert_true(direct_port_write(f->port, E1000_LEDCTL, 7)); /* plain */
	assert_true(direct_port_write(f->port, 0xfffffff0, 7));
	port_regs(f->port)[E1000_TDT / 4] = 0;
	fixture_settle(f);
	assert_int_equal(rd(f, E1000_LEDCTL), 7);
	assert_int_equal(rd(f, E1000_TDBAL), FIXTURE_IOVA);
	fixture_destroy(f);
}

/* A doorbell from before a reset is not acted on after it. */
static void test_reset_forgets_the_doorbell(void **state)
{
	struct fixture *f = fixture_create();

	(void)state;
	driver_start(driver_of(f), 0, 0);
	for (int i = 0; i < 5; i++)
		(void)driver_put(driver_of(f), 0,
				 E1000_TXD_EOP | E1000_TXD_RS | 60, 0);
	port_regs(f->port)[E1000_TDT / 4] = 5;
	assert_true(direct_port_write(f->port, E1000_CTRL, E1000_CTRL_RST));
	assert_true(direct_port_write(f->port, E1000_TDBAL, FIXTURE_IOVA));
	assert_true(direct_port_write(f->port, E1000_TDLEN, 4096));
	assert_true(direct_port_write(f->port, E1000_TCTL, E1000_TCTL_EN));
	fixture_settle(f);
	assert_int_equal(f->nr_sent, 0);
	assert_int_equal(rd(f, E1000_TDH), 0);
	fixture_destroy(f);
}

static void test_counters_at_their_ends(void **state)
{
	static const uint8_t frame[60] = { 0 };
	struct fixture *f = fixture_create();

	(void)state;
	driver_start(driver_of(f), 0, 0);
	port_regs(f->port)[E1000_GPTC / 4] = UINT32_MAX;
	port_regs(f->port)[E1000_GOTCL / 4] = UINT32_MAX;
	(void)driver_send_frame(driver_of(f), frame, sizeof(frame));
	assert_int_equal(rd(f, E1000_GPTC), UINT32_MAX); /* sticks */
	assert_int_equal(rd(f, E1000_GOTCL), 63);
	assert_int_equal(rd(f, E1000_GOTCL + 4), 1);
	fixture_destroy(f);
}

static void test_link_change_is_a_cause(void **state)
{
	struct fixture *f = fixture_create();

	(void)state;
	assert_int_equal(driver_phy_read(driver_of(f), 2), 0x0141);
	(void)rd(f, E1000_ICR);
	wr(f, E1000_MDIC, E1000_MDIC_OP_WRITE | 1 << 21 | 0x0800);
	assert_int_equal(rd(f, E1000_ICR), E1000_ICR_LSC);
	assert_false(rd(f, E1000_STATUS) & E1000_STATUS_LU);
	wr(f, E1000_CTRL, E1000_CTRL_PHY_RST | E1000_CTRL_SLU);
	assert_true(rd(f, E1000_STATUS) & E1000_STATUS_LU);
	assert_int_equal(rd(f, E1000_CTRL), E1000_CTRL_SLU);
	assert_int_equal(rd(f, E1000_ICR), E1000_ICR_LSC);
	wr(f, E1000_MDIC, E1000_MDIC_OP_READ | E1000_MDIC_INT_EN | 1 << 21);
	assert_int_equal(rd(f, E1000_ICR), E1000_ICR_MDAC);
	fixture_destroy(f);
}

static void test_eeprom_by_its_lines(void **state)
{
	struct fixture *f = fixture_create();
	uint16_t sum = 0;

	(void)state;
	for (unsigned int i = 0; i < E1000_EEPROM_WORDS; i++)
		sum = (uint16_t)(sum + driver_eeprom_word(driver_of(f), i));
	assert_int_equal(sum, E1000_EEPROM_SUM);
	wr(f, E1000_EERD, E1000_EERD_START);
	assert_int_equal(rd(f, E1000_EERD), 0x54520010);
	fixture_destroy(f);
}

static void test_a_second_device_goes_on(void **state)
{
	const struct driver_context context = {
		.sum_start = 34,
		.sum_off = 40,
	};
	static const uint8_t frame[60] = { 1, 2, 3 };
	struct fixture *f = fixture_create();
	struct e1000_state *shared = port_state(f->port);

	(void)state;
	driver_start(driver_of(f), E1000_RCTL_BAM, 0);
	(void)driver_put_context(driver_of(f), &context);
	(void)driver_send_frame(driver_of(f), frame, sizeof(frame));
	assert_int_equal(f->nr_sent, 1);
	assert_int_equal(shared->tx_head, 2);

	e1000_destroy(f->dev);
	assert_int_equal(e1000_create(fixture_mac, &f->dev), 0);
	f->desc = e1000_description(f->dev);
	assert_int_equal(f->desc->start(f->dev, f->port), 0);
	(void)driver_put(driver_of(f), 0,
			 E1000_TXD_DEXT | E1000_TXD_DTYP_DATA | E1000_TXD_EOP |
			     60,
			 E1000_TXD_POPTS_TXSM);
	driver_send(driver_of(f));
	assert_int_equal(f->nr_sent, 2);
	assert_int_equal(f->sent[1].vnet.csum_start, 34);
	assert_int_equal(shared->tx_head, 3);

	/* What makes no sense is not gone on from. */
	e1000_destroy(f->dev);
	shared->tx_head = 0x10000;
	assert_int_equal(e1000_create(fixture_mac, &f->dev), 0);
	f->desc = e1000_description(f->dev);
	assert_int_equal(f->desc->start(f->dev, f->port), 0);
	assert_int_equal(shared->tx_head, 0);
	assert_int_equal(rd(f, E1000_TCTL), 0);
	fixture_destroy(f);
}

static void test_reset_by_the_vmm(void **state)
{
	struct fixture *f = fixture_create();

	(void)state;
	driver_start(driver_of(f), 0, 0);
	f->desc->reset(f->dev);
	assert_int_equal(rd(f, E1000_TDLEN), 0);
	assert_int_equal(rd(f, E1000_RCTL), 0);
	fixture_destroy(f);
}

static void test_no_port_no_registers(void **state)
{
	const struct server_device *desc;
	struct e1000 *dev;
	uint8_t buf[4];

	(void)state;
	assert_int_equal(e1000_create(fixture_mac, &dev), 0);
	desc = e1000_description(dev);
	assert_int_equal(desc->read(dev, 0, 0, buf, 4), -EPERM);
	desc->reset(dev);
	desc->set_irq(dev, VFIO_USER_IRQ_INTX, 0, -1);
	assert_null(e1000_port(dev));
	e1000_destroy(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word_has_one_class),
		cmocka_unit_test(test_registers_after_power_on),
		cmocka_unit_test(test_causes_and_mask),
		cmocka_unit_test(test_ring_registers_keep_what_they_can),
		cmocka_unit_test(test_reset_by_io),
		cmocka_unit_test(test_accesses_are_words),
		cmocka_unit_test(test_posted_writes_come_before_the_doorbell),
		cmocka_unit_test(test_reset_forgets_the_doorbell),
		cmocka_unit_test(test_counters_at_their_ends),
		cmocka_unit_test(test_link_change_is_a_cause),
		cmocka_unit_test(test_eeprom_by_its_lines),
		cmocka_unit_test(test_a_second_device_goes_on),
		cmocka_unit_test(test_reset_by_the_vmm),
		cmocka_unit_test(test_no_port_no_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
