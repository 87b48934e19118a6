// SPDX-License-Identifier: BSD-2-Clause
/* devices/e1000: EEPROM and PHY. */

#include "devices/e1000/eeprom.h"
#include "devices/e1000/phy.h"
#include "devices/e1000/regs.h"
#include "tests/test.h"

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc };

static void clock_bit(struct e1000_eeprom *ee, unsigned int bit)
{
	uint32_t lines = E1000_EECD_CS | (bit ? E1000_EECD_DI : 0);

	e1000_eeprom_set_lines(ee, lines);
	e1000_eeprom_set_lines(ee, lines | E1000_EECD_SK);
}

static void instruct(struct e1000_eeprom *ee, uint32_t bits, unsigned int nr)
{
	e1000_eeprom_set_lines(ee, 0);
	while (nr-- > 0)
		clock_bit(ee, bits >> nr & 1);
}

static uint16_t shift_in(struct e1000_eeprom *ee)
{
	uint32_t word = 0;

	for (int i = 0; i < 16; i++) {
		clock_bit(ee, 0);
		word = word << 1 | !!(e1000_eeprom_lines(ee) & E1000_EECD_DO);
	}
	return (uint16_t)word;
}

static uint16_t read_word(struct e1000_eeprom *ee, unsigned int addr)
{
	instruct(ee, 6u << 6 | addr, 9);
	return shift_in(ee);
}

static void test_words_sum_up(void **state)
{
	struct e1000_eeprom ee;
	uint16_t sum = 0;

	(void)state;
	e1000_eeprom_init(&ee, mac);
	for (unsigned int i = 0; i < E1000_EEPROM_WORDS; i++) {
		uint32_t eerd = e1000_eeprom_read(
		    &ee, i << E1000_EERD_ADDR_SHIFT | E1000_EERD_START);

		assert_true(eerd & E1000_EERD_DONE);
		assert_int_equal(eerd >> 16, read_word(&ee, i));
		sum = (uint16_t)(sum + (eerd >> 16));
	}
	assert_int_equal(sum, 0xbaba);
	assert_int_equal(read_word(&ee, 0), 0x5452);
	assert_int_equal(read_word(&ee, 1), 0xaa00);
	assert_int_equal(read_word(&ee, 2), 0xccbb);
	assert_int_equal(read_word(&ee, 0x0d), 0x100e);
}

static void test_reading_goes_on_to_the_next_word(void **state)
{
	struct e1000_eeprom ee;

	(void)state;
	e1000_eeprom_init(&ee, mac);
	instruct(&ee, 6u << 6 | 63, 9);
	assert_false(e1000_eeprom_lines(&ee) & E1000_EECD_DO); /* dummy bit */
	assert_int_equal(shift_in(&ee), ee.words[63]);
	assert_int_equal(shift_in(&ee), ee.words[0]);
}

static void test_eerd_knows_its_bounds(void **state)
{
	struct e1000_eeprom ee;

	(void)state;
	e1000_eeprom_init(&ee, mac);
	assert_int_equal(e1000_eeprom_read(&ee, 0x4001) >> 16, 0xffff);
	assert_int_equal(e1000_eeprom_read(&ee, 0xff01) >> 16, 0xffff);
	assert_false(e1000_eeprom_read(&ee, 0x0100) & E1000_EERD_DONE);
}

static void test_writing_must_be_enabled(void **state)
{
	struct e1000_eeprom ee;

	(void)state;
	e1000_eeprom_init(&ee, mac);
	instruct(&ee, (5u << 6 | 7) << 16 | 0x1234, 25);
	assert_int_equal(read_word(&ee, 7), 0xffff);

	instruct(&ee, 4u << 6 | 0x30, 9); /* EWEN */
	instruct(&ee, (5u << 6 | 7) << 16 | 0x1234, 25);
	e1000_eeprom_set_lines(&ee, 0);
	e1000_eeprom_set_lines(&ee, E1000_EECD_CS);
	assert_true(e1000_eeprom_lines(&ee) & E1000_EECD_DO); /* ready */
	assert_int_equal(read_word(&ee, 7), 0x1234);

	instruct(&ee, 4u << 6 | 0x00, 9); /* EWDS */
	instruct(&ee, (5u << 6 | 7) << 16 | 0x5678, 25);
	assert_int_equal(read_word(&ee, 7), 0x1234);
}

static void test_grant_follows_request(void **state)
{
	struct e1000_eeprom ee;

	(void)state;
	e1000_eeprom_init(&ee, mac);
	assert_false(e1000_eeprom_lines(&ee) & E1000_EECD_GNT);
	e1000_eeprom_set_lines(&ee, E1000_EECD_REQ);
	assert_true(e1000_eeprom_lines(&ee) & E1000_EECD_GNT);
	assert_true(e1000_eeprom_lines(&ee) & E1000_EECD_PRES);
}

static uint32_t phy_read(struct e1000_phy *phy, unsigned int reg)
{
	bool event = false;
	uint32_t mdic = e1000_phy_access(
	    phy, E1000_MDIC_OP_READ | 1 << 21 | reg << 16, &event);

	assert_true(mdic & E1000_MDIC_READY);
	assert_false(event);
	return mdic & 0xffff;
}

static bool phy_write(struct e1000_phy *phy, unsigned int reg, uint16_t value)
{
	bool event = false;

	assert_true(e1000_phy_access(
			phy, E1000_MDIC_OP_WRITE | 1 << 21 | reg << 16 | value,
			&event) &
		    E1000_MDIC_READY);
	return event;
}

static void test_phy_is_the_one_linux_looks_for(void **state)
{
	struct e1000_phy phy;

	(void)state;
	e1000_phy_reset(&phy);
	assert_int_equal(phy_read(&phy, 2) << 16 | (phy_read(&phy, 3) & 0xfff0),
			 0x01410c20);
	assert_int_equal(phy_read(&phy, 1) & 0x24, 0x24); /* up, negotiated */
}

static void test_phy_has_one_address(void **state)
{
	struct e1000_phy phy;
	bool event = false;

	(void)state;
	e1000_phy_reset(&phy);
	assert_true(e1000_phy_access(
			&phy, E1000_MDIC_OP_WRITE | 2 << 21 | 0x8000, &event) &
		    E1000_MDIC_ERROR);
	assert_false(event);
}

static void test_link_follows_control(void **state)
{
	struct e1000_phy phy;

	(void)state;
	e1000_phy_reset(&phy);
	assert_true(phy_write(&phy, 0, 0x1140 | 0x0800)); /* powered down */
	assert_false(e1000_phy_link(&phy));
	assert_false(phy_read(&phy, 17) & 0x0400);
	assert_true(phy_write(&phy, 0, 0x1140));
	assert_true(e1000_phy_link(&phy));
	assert_true(phy_write(&phy, 0, 0x1340)); /* negotiate again */
	assert_int_equal(phy_read(&phy, 0), 0x1140);
	assert_false(phy_write(&phy, 0, 0x1140));
	assert_false(phy_write(&phy, 1, 0)); /* read-only */
	assert_true(e1000_phy_link(&phy));
	(void)phy_write(&phy, 4, 0x0c01);
	assert_int_equal(phy_read(&phy, 4), 0x0c01);
	assert_true(phy_write(&phy, 0, 0x8000)); /* reset */
	assert_int_equal(phy_read(&phy, 4), 0x0de1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_sum_up),
		cmocka_unit_test(test_reading_goes_on_to_the_next_word),
		cmocka_unit_test(test_eerd_knows_its_bounds),
		cmocka_unit_test(test_writing_must_be_enabled),
		cmocka_unit_test(test_grant_follows_request),
		cmocka_unit_test(test_phy_is_the_one_linux_looks_for),
		cmocka_unit_test(test_phy_has_one_address),
		cmocka_unit_test(test_link_follows_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
