// SPDX-License-Identifier: BSD-2-Clause
/* The registers: what each is, and what a write to it does. */

#include <string.h>

#include "devices/e1000/e1000_internal.h"

struct rule {
	uint32_t off;
	uint16_t nr;
	uint8_t read;
	uint8_t write;
	/* Of posted ones. */
	void (*act)(struct e1000 *dev, uint32_t off, uint32_t value);
};

static void link_changed(struct e1000 *dev)
{
	uint32_t status =
	    E1000_STATUS_FD | E1000_STATUS_SPEED_1000 | E1000_STATUS_ASDV_1000;

	if (e1000_phy_link(&dev->state->phy))
		status |= E1000_STATUS_LU;
	e1000_set_reg(dev, E1000_STATUS, status);
}

static void write_ctrl(struct e1000 *dev, uint32_t off, uint32_t value)
{
	if (value & E1000_CTRL_RST) {
		e1000_registers_reset(dev);
		return;
	}
	if (value & E1000_CTRL_PHY_RST) {
		e1000_phy_reset(&dev->state->phy);
		link_changed(dev);
		irqline_raise(dev->irq, E1000_ICR_LSC);
	}
	e1000_set_reg(dev, off, value & ~E1000_CTRL_PHY_RST);
}

static void write_eecd(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_eeprom_set_lines(&dev->state->eeprom, value);
	e1000_set_reg(dev, off, e1000_eeprom_lines(&dev->state->eeprom));
}

static void write_eerd(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_set_reg(dev, off, e1000_eeprom_read(&dev->state->eeprom, value));
}

static void write_mdic(struct e1000 *dev, uint32_t off, uint32_t value)
{
	bool link_event = false;

	e1000_set_reg(dev, off,
		      e1000_phy_access(&dev->state->phy, value, &link_event));
	if (link_event) {
		link_changed(dev);
		irqline_raise(dev->irq, E1000_ICR_LSC);
	}
	if (value & E1000_MDIC_INT_EN)
		irqline_raise(dev->irq, E1000_ICR_MDAC);
}

/* Ones clear causes. */
static void write_icr(struct e1000 *dev, uint32_t off, uint32_t value)
{
	(void)off;
	__atomic_fetch_and(dev->irq->cause, ~value, __ATOMIC_SEQ_CST);
}

/* Whatever changes a ring waits until nothing of the old one is in flight. */
static void change_tx(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_tx_stop(dev);
	e1000_set_reg(dev, off, value);
	e1000_tx_load(dev);
}

static void change_rx(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_rx_stop(dev);
	e1000_set_reg(dev, off, value);
	e1000_rx_load(dev);
}

static void write_tctl(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_tx(dev, off, value);
}

static void write_rctl(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_rx(dev, off, value);
}

static void write_tx_base(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_tx(dev, off,
		  off == E1000_TDBAL ? value & E1000_RING_BASE_MASK : value);
}

static void write_rx_base(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_rx(dev, off,
		  off == E1000_RDBAL ? value & E1000_RING_BASE_MASK : value);
}

static void write_tx_len(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_tx(dev, off, value & E1000_RING_LEN_MASK);
}

static void write_rx_len(struct e1000 *dev, uint32_t off, uint32_t value)
{
	change_rx(dev, off, value & E1000_RING_LEN_MASK);
}

static void write_tx_head(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_tx_stop(dev);
	dev->state->tx_head = value & E1000_RING_HEAD_MASK;
	e1000_set_reg(dev, off, dev->state->tx_head);
	e1000_tx_load(dev);
}

static void write_rx_head(struct e1000 *dev, uint32_t off, uint32_t value)
{
	e1000_rx_stop(dev);
	dev->state->rx_head = value & E1000_RING_HEAD_MASK;
	e1000_set_reg(dev, off, dev->state->rx_head);
	e1000_rx_load(dev);
}

#define PLAIN(off, nr)                                           \
	{                                                        \
		off, nr, PORT_READ_PLAIN, PORT_WRITE_PLAIN, NULL \
	}
#define CONSTANT(off, nr)                                          \
	{                                                          \
		off, nr, PORT_READ_PLAIN, PORT_WRITE_IGNORED, NULL \
	}
#define COUNTERS(off, nr)                                          \
	{                                                          \
		off, nr, PORT_READ_CLEAR, PORT_WRITE_IGNORED, NULL \
	}
#define DOORBELL(off)                                              \
	{                                                          \
		off, 1, PORT_READ_PLAIN, PORT_WRITE_DOORBELL, NULL \
	}
#define MASKS(off, class)                            \
	{                                            \
		off, 1, PORT_READ_PLAIN, class, NULL \
	}
#define POSTED(off, nr, act)                                     \
	{                                                        \
		off, nr, PORT_READ_PLAIN, PORT_WRITE_POSTED, act \
	}

/* In ascending order; words that no row names are CONSTANT. */
static const struct rule rules[] = {
	CONSTANT(0, 0), /* row 0: those */
	POSTED(E1000_CTRL, 1, write_ctrl),
	CONSTANT(E1000_STATUS, 1),
	POSTED(E1000_EECD, 1, write_eecd),
	POSTED(E1000_EERD, 1, write_eerd),
	PLAIN(E1000_CTRL_EXT, 1),
	POSTED(E1000_MDIC, 1, write_mdic),
	PLAIN(E1000_FCAL, 2),
	PLAIN(E1000_FCT, 1),
	PLAIN(E1000_VET, 1),
	{ E1000_ICR, 1, PORT_READ_CLEAR, PORT_WRITE_POSTED, write_icr },
	PLAIN(E1000_ITR, 1),
	MASKS(E1000_ICS, PORT_WRITE_CAUSE_SET),
	MASKS(E1000_IMS, PORT_WRITE_MASK_SET),
	MASKS(E1000_IMC, PORT_WRITE_MASK_CLEAR),
	POSTED(E1000_RCTL, 1, write_rctl),
	PLAIN(E1000_FCTTV, 1),
	PLAIN(E1000_TXCW, 1),
	POSTED(E1000_TCTL, 1, write_tctl),
	PLAIN(E1000_TIPG, 1),
	PLAIN(E1000_AIT, 1),
	PLAIN(E1000_LEDCTL, 1),
	PLAIN(E1000_PBA, 1),
	PLAIN(E1000_FCRTL, 1),
	PLAIN(E1000_FCRTH, 1),
	PLAIN(E1000_RDFH, 9),
	POSTED(E1000_RDBAL, 2, write_rx_base),
	POSTED(E1000_RDLEN, 1, write_rx_len),
	POSTED(E1000_RDH, 1, write_rx_head),
	DOORBELL(E1000_RDT),
	PLAIN(E1000_RDTR, 1),
	PLAIN(E1000_RXDCTL, 1),
	PLAIN(E1000_RADV, 1),
	PLAIN(E1000_RSRPD, 1),
	PLAIN(E1000_TDFH, 9),
	POSTED(E1000_TDBAL, 2, write_tx_base),
	POSTED(E1000_TDLEN, 1, write_tx_len),
	POSTED(E1000_TDH, 1, write_tx_head),
	DOORBELL(E1000_TDT),
	PLAIN(E1000_TIDV, 1),
	PLAIN(E1000_TXDCTL, 1),
	PLAIN(E1000_TADV, 1),
	PLAIN(E1000_TSPMT, 1),
	COUNTERS(E1000_STATS, (E1000_STATS_LAST - E1000_STATS) / 4 + 1),
	PLAIN(E1000_RXCSUM, 1),
	PLAIN(E1000_MTA, E1000_NR_MTA),
	PLAIN(E1000_RAL, 2 * E1000_NR_RA),
	PLAIN(E1000_VFTA, E1000_NR_VFTA),
	PLAIN(E1000_WUC, E1000_NR_WAKE),
	PLAIN(E1000_SWSM, 1),
};

_Static_assert(2 * ARRAY_SIZE(rules) + 1 <= E1000_RUNS_MAX,
	       "a run and a gap for each row");

static void add_run(struct e1000 *dev, uint32_t off, uint32_t end,
		    const struct rule *rule)
{
	if (off == end)
		return;
	dev->runs[dev->port_info.nr_runs++] = (struct vfio_user_pv_regs){
		.offset = off,
		.nr = (end - off) / 4,
		.read_class = rule->read,
		.write_class = rule->write,
	};
	memset(&dev->rule_of[off / 4], (int)(rule - rules), (end - off) / 4);
}

void e1000_registers_init(struct e1000 *dev)
{
	uint32_t end = 0;

	dev->port_info.nr_runs = 0;
	for (size_t i = 1; i < ARRAY_SIZE(rules); i++) {
		add_run(dev, end, rules[i].off, &rules[0]);
		end = rules[i].off + 4u * rules[i].nr;
		add_run(dev, rules[i].off, end, &rules[i]);
	}
	add_run(dev, end, E1000_REGS_LEN, &rules[0]);
}

/* The address that the EEPROM holds is the first that the filter knows. */
static void load_address(struct e1000 *dev)
{
	const uint16_t *words = dev->state->eeprom.words;

	e1000_set_reg(dev, E1000_RAL, words[0] | (uint32_t)words[1] << 16);
	e1000_set_reg(dev, E1000_RAL + 4, words[2] | E1000_RAH_AV);
}

void e1000_registers_reset(struct e1000 *dev)
{
	e1000_tx_stop(dev);
	e1000_rx_stop(dev);

	for (uint32_t off = 0; off < E1000_REGS_LEN; off += 4) {
		if (off != E1000_ICR && off != E1000_IMS)
			e1000_set_reg(dev, off, 0);
	}
	irqline_mask(dev->irq, ~0u);
	irqline_take(dev->irq);
	dev->state->io_addr = 0;
	dev->state->tx_head = 0;
	dev->state->rx_head = 0;
	memset(&dev->state->tx_context, 0, sizeof(dev->state->tx_context));

	e1000_set_reg(dev, E1000_CTRL,
		      E1000_CTRL_FD | E1000_CTRL_SLU | E1000_CTRL_SPD_1000);
	e1000_set_reg(dev, E1000_EECD, e1000_eeprom_lines(&dev->state->eeprom));
	e1000_set_reg(dev, E1000_MDIC, E1000_MDIC_READY);
	e1000_set_reg(dev, E1000_VET, 0x8100);
	e1000_set_reg(dev, E1000_LEDCTL, 0x07068302);
	e1000_set_reg(dev, E1000_PBA, 0x00100030);
	load_address(dev);
	link_changed(dev);
	e1000_tx_load(dev);
	e1000_rx_load(dev);
}

uint32_t e1000_register_read(struct e1000 *dev, uint64_t off)
{
	const struct rule *rule;

	if (off >= E1000_REGS_LEN)
		return 0;
	rule = &rules[dev->rule_of[off / 4]];
	if (rule->read == PORT_READ_CLEAR)
		return __atomic_exchange_n(&dev->regs[off / 4], 0,
					   __ATOMIC_SEQ_CST);
	return e1000_reg(dev, (uint32_t)off);
}

void e1000_register_write(struct e1000 *dev, uint64_t off, uint32_t value)
{
	const struct rule *rule;

	if (off >= E1000_REGS_LEN)
		return;
	rule = &rules[dev->rule_of[off / 4]];
	switch (rule->write) {
	case PORT_WRITE_POSTED:
		rule->act(dev, (uint32_t)off, value);
		break;
	case PORT_WRITE_PLAIN:
	case PORT_WRITE_DOORBELL:
		e1000_set_reg(dev, (uint32_t)off, value);
		break;
	case PORT_WRITE_CAUSE_SET:
		irqline_raise(dev->irq, value);
		break;
	case PORT_WRITE_MASK_SET:
		irqline_unmask(dev->irq, value);
		break;
	case PORT_WRITE_MASK_CLEAR:
		irqline_mask(dev->irq, value);
		break;
	default:
		break;
	}
}
