/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of the 82540EM, as the "PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual" (the manual, below) names
 * and describes them. Only what this device gives a meaning to.
 */
#ifndef DEVICES_E1000_REGS_H
#define DEVICES_E1000_REGS_H

#include <linux/types.h>

#define E1000_BAR0_LEN 0x20000
#define E1000_BAR1_LEN 64 /* Linux asks for 8 at least; one BAR decodes 64 */
#define E1000_REGS_LEN 0x6000 /* what lies above reads as 0 */

/* Offsets in BAR0. */
enum e1000_reg {
	E1000_CTRL = 0x0000,
	E1000_STATUS = 0x0008,
	E1000_EECD = 0x0010,
	E1000_EERD = 0x0014,
	E1000_CTRL_EXT = 0x0018,
	E1000_MDIC = 0x0020,
	E1000_FCAL = 0x0028,
	E1000_FCT = 0x0030,
	E1000_VET = 0x0038,
	E1000_ICR = 0x00c0,
	E1000_ITR = 0x00c4,
	E1000_ICS = 0x00c8,
	E1000_IMS = 0x00d0,
	E1000_IMC = 0x00d8,
	E1000_RCTL = 0x0100,
	E1000_FCTTV = 0x0170,
	E1000_TXCW = 0x0178,
	E1000_TCTL = 0x0400,
	E1000_TIPG = 0x0410,
	E1000_AIT = 0x0458,
	E1000_LEDCTL = 0x0e00,
	E1000_PBA = 0x1000,
	E1000_FCRTL = 0x2160,
	E1000_FCRTH = 0x2168,
	E1000_RDFH = 0x2410,
	E1000_RDBAL = 0x2800,
	E1000_RDBAH = 0x2804,
	E1000_RDLEN = 0x2808,
	E1000_RDH = 0x2810,
	E1000_RDT = 0x2818,
	E1000_RDTR = 0x2820,
	E1000_RXDCTL = 0x2828,
	E1000_RADV = 0x282c,
	E1000_RSRPD = 0x2c00,
	E1000_TDFH = 0x3410,
	E1000_TDBAL = 0x3800,
	E1000_TDBAH = 0x3804,
	E1000_TDLEN = 0x3808,
	E1000_TDH = 0x3810,
	E1000_TDT = 0x3818,
	E1000_TIDV = 0x3820,
	E1000_TXDCTL = 0x3828,
	E1000_TADV = 0x382c,
	E1000_TSPMT = 0x3830,
	E1000_STATS = 0x4000, /* the first of the statistics */
	E1000_MPC = 0x4010,
	E1000_PRC64 = 0x405c, /* … PRC1522 at +20: by length */
	E1000_GPRC = 0x4074,
	E1000_BPRC = 0x4078,
	E1000_MPRC = 0x407c,
	E1000_GPTC = 0x4080,
	E1000_GORCL = 0x4088,
	E1000_GOTCL = 0x4090,
	E1000_RUC = 0x40a4,
	E1000_ROC = 0x40ac,
	E1000_TORL = 0x40c0,
	E1000_TOTL = 0x40c8,
	E1000_TPR = 0x40d0,
	E1000_TPT = 0x40d4,
	E1000_PTC64 = 0x40d8, /* … PTC1522 at +20: by length */
	E1000_TSCTC = 0x40f8,
	E1000_STATS_LAST = 0x4124,
	E1000_RXCSUM = 0x5000,
	E1000_MTA = 0x5200,
	E1000_RAL = 0x5400, /* RAL, RAH of 16 addresses */
	E1000_VFTA = 0x5600,
	E1000_WUC = 0x5800,
	E1000_SWSM = 0x5b50, /* a plain word here: later chips' semaphore */
};

#define E1000_NR_MTA  128
#define E1000_NR_RA   16
#define E1000_NR_VFTA 128
#define E1000_NR_WAKE 64 /* words of wake-up and management registers */

/* Offsets in BAR1: the address of a register, and its value. */
#define E1000_IOADDR 0
#define E1000_IODATA 4

#define E1000_CTRL_FD	    0x00000001
#define E1000_CTRL_SLU	    0x00000040
#define E1000_CTRL_SPD_1000 0x00000200
#define E1000_CTRL_RST	    0x04000000
#define E1000_CTRL_VME	    0x40000000
#define E1000_CTRL_PHY_RST  0x80000000

#define E1000_STATUS_FD		0x00000001
#define E1000_STATUS_LU		0x00000002
#define E1000_STATUS_SPEED_1000 0x00000080
#define E1000_STATUS_ASDV_1000	0x00000200

#define E1000_EECD_SK	0x0001
#define E1000_EECD_CS	0x0002
#define E1000_EECD_DI	0x0004
#define E1000_EECD_DO	0x0008
#define E1000_EECD_FWE	0x0030
#define E1000_EECD_REQ	0x0040
#define E1000_EECD_GNT	0x0080
#define E1000_EECD_PRES 0x0100

#define E1000_EERD_START      0x0001
#define E1000_EERD_DONE	      0x0010
#define E1000_EERD_ADDR_SHIFT 8
#define E1000_EERD_DATA_SHIFT 16

#define E1000_MDIC_REG_SHIFT 16
#define E1000_MDIC_PHY_SHIFT 21
#define E1000_MDIC_OP_WRITE  0x04000000
#define E1000_MDIC_OP_READ   0x08000000
#define E1000_MDIC_READY     0x10000000
#define E1000_MDIC_INT_EN    0x20000000
#define E1000_MDIC_ERROR     0x40000000

/* Causes: ICR, ICS, IMS, IMC. */
#define E1000_ICR_TXDW	 0x0001
#define E1000_ICR_TXQE	 0x0002
#define E1000_ICR_LSC	 0x0004
#define E1000_ICR_RXDMT0 0x0010
#define E1000_ICR_RXO	 0x0040
#define E1000_ICR_RXT0	 0x0080
#define E1000_ICR_MDAC	 0x0200

#define E1000_RCTL_EN	       0x00000002
#define E1000_RCTL_UPE	       0x00000008
#define E1000_RCTL_MPE	       0x00000010
#define E1000_RCTL_LPE	       0x00000020
#define E1000_RCTL_RDMTS_SHIFT 8
#define E1000_RCTL_MO_SHIFT    12
#define E1000_RCTL_BAM	       0x00008000
#define E1000_RCTL_BSIZE_SHIFT 16
#define E1000_RCTL_VFE	       0x00040000
#define E1000_RCTL_BSEX	       0x02000000
#define E1000_RCTL_SECRC       0x04000000

#define E1000_TCTL_EN  0x00000002
#define E1000_TCTL_PSP 0x00000008

#define E1000_RAH_AV 0x80000000

#define E1000_RING_BASE_MASK 0xfffffff0
#define E1000_RING_LEN_MASK  0x000fff80
#define E1000_RING_HEAD_MASK 0x0000ffff

#define E1000_DESC_LEN 16

/*
 * A transmit descriptor of any kind, as little-endian words of 32 bits. Kinds
 * share the place of command (bits 24 to 31 of `lower`) and status (bits 0 to 3
 * of `upper`). Of a context descriptor, address is IP and TCP/UDP fields.
 */
struct e1000_tx_desc {
	__le64 addr;
	__le32 lower;
	__le32 upper;
};

#define E1000_TXD_EOP  0x01000000
#define E1000_TXD_IC   0x04000000 /* legacy: insert checksum */
#define E1000_TXD_TSE  0x04000000 /* extended: segment */
#define E1000_TXD_RS   0x08000000
#define E1000_TXD_DEXT 0x20000000
#define E1000_TXD_VLE  0x40000000

#define E1000_TXD_LEN_LEGACY	0x0000ffff
#define E1000_TXD_LEN_EXTENDED	0x000fffff
#define E1000_TXD_DTYP		0x00f00000
#define E1000_TXD_DTYP_DATA	0x00100000
#define E1000_TXD_CSO_SHIFT	16 /* legacy, of `lower` */
#define E1000_TXD_CSS_SHIFT	8  /* legacy, of `upper` */
#define E1000_TXD_POPTS_IXSM	0x00000100
#define E1000_TXD_POPTS_TXSM	0x00000200
#define E1000_TXD_SPECIAL_SHIFT 16
#define E1000_TXD_STATUS_OFF	12 /* byte of the descriptor */
#define E1000_TXD_STAT_DD	0x01

#define E1000_TXC_PAYLEN 0x000fffff /* context, of `lower` */
#define E1000_TXC_TCP	 0x01000000
#define E1000_TXC_IP	 0x02000000

/* A receive descriptor: the address is read, the rest is written. */
#define E1000_RXD_WRITTEN_OFF	8
#define E1000_RXD_STATUS_SHIFT	32 /* bits of the 64 that are written */
#define E1000_RXD_SPECIAL_SHIFT 48
#define E1000_RXD_STAT_DD	0x01
#define E1000_RXD_STAT_EOP	0x02
#define E1000_RXD_STAT_IXSM	0x04 /* no checksum was looked at */
#define E1000_RXD_STAT_VP	0x08
#define E1000_RXD_STAT_PIF	0x80

#define E1000_FRAME_MIN 60 /* without its check sequence */
#define E1000_FCS_LEN	4

#endif
