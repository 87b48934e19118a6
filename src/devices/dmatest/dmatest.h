/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmatest: a PCI device for tests that does whatever DMA it is told.
 *
 * PCI 1af4:10f0 (from the range for experiments), class 0xff00, INTx and one MSI-X
 * vector. This header is its data sheet.
 *
 * BAR 0, DMATEST_REGS_LEN bytes, are the registers, of 32 bits each. Accesses are
 * aligned and 32 bits wide.
 *
 * BAR 2, DMATEST_STAGING_LEN bytes, is the staging area: bytes on their way to or
 * from guest memory. Behind it, at DMATEST_BELL, is a doorbell without a value.
 *
 * BAR 4 is the MSI-X table (at 0) and the pending bits (at 0x800).
 *
 * How to use it: write OP … COUNT, then GO. STATUS is BUSY by the next read, and
 * DONE once the operation is; then ERROR and MOVED tell how it went, DONE_COUNT has
 * grown, and the cause DMATEST_CAUSE_DONE is raised. GO while it is BUSY is ignored.
 *
 * Interrupts are as e1000's: a cause whose mask bit is set asserts the line. Reading
 * CAUSE clears it. With MSI-X connected the vector is signalled instead of INTx.
 */
#ifndef DEVICES_DMATEST_DMATEST_H
#define DEVICES_DMATEST_DMATEST_H

#define DMATEST_VENDOR 0x1af4
#define DMATEST_DEVICE 0x10f0

#define DMATEST_REGS_LEN    0x1000
#define DMATEST_STAGING_LEN 0x10000
#define DMATEST_BELL	    DMATEST_STAGING_LEN
#define DMATEST_BAR2_LEN    0x20000
#define DMATEST_BAR4_LEN    0x1000
#define DMATEST_PBA	    0x800

/* An operation is as many entries of the port's ring as COUNT says. */
enum dmatest_reg {
	DMATEST_ID = 0x00,    /* read only: DMATEST_MAGIC */
	DMATEST_OP = 0x04,    /* enum port_op, but any value is passed on */
	DMATEST_FLAGS = 0x08, /* PORT_F_*, passed on */
	DMATEST_IOVA_LO = 0x0c,
	DMATEST_IOVA_HI = 0x10,
	DMATEST_LEN = 0x14, /* bytes of one entry */
	/* Offset in staging, a multiple of 16; FILL: byte | stride << 8. */
	DMATEST_STAGING = 0x18,
	/* Entries, 0 as 1. The next one's IOVA is LEN further on; all share the
	 * staging offset. */
	DMATEST_COUNT = 0x1c,
	DMATEST_GO = 0x20, /* write only: starts the operation */

	DMATEST_STATUS = 0x24, /* read only: enum dmatest_status */
	/* Read only: enum port_error_code of the first failure; 0: none. */
	DMATEST_ERROR = 0x28,
	DMATEST_MOVED = 0x2c,	   /* read only: bytes, of all entries */
	DMATEST_FAILED = 0x30,	   /* read only: entries that failed */
	DMATEST_DONE_COUNT = 0x34, /* read only: operations ever completed */

	/* A doorbell with a value, and the value that the device has seen last,
	 * which it copies and raises DMATEST_CAUSE_TAIL. */
	DMATEST_TAIL = 0x38,
	DMATEST_TAIL_SEEN = 0x3c,
	/* Read only: rings of the doorbell in BAR 2. Each raises
	 * DMATEST_CAUSE_BELL. */
	DMATEST_BELL_COUNT = 0x40,

	DMATEST_CAUSE = 0x44,	  /* read: the causes, cleared by that */
	DMATEST_CAUSE_SET = 0x48, /* write: raises these */
	DMATEST_MASK_SET = 0x4c, /* write: lets these through. Read: the mask */
	DMATEST_MASK_CLEAR = 0x50, /* write: holds these back */
	DMATEST_SCRATCH = 0x54,	   /* no meaning: reads as written */
	DMATEST_REGS_END = 0x58,
};

#define DMATEST_MAGIC 0x54414d44 /* "DMAT" */

enum dmatest_status {
	DMATEST_IDLE = 0,
	DMATEST_BUSY = 1,
	DMATEST_DONE = 2,
};

#define DMATEST_CAUSE_DONE 0x1
#define DMATEST_CAUSE_TAIL 0x2
#define DMATEST_CAUSE_BELL 0x4
#define DMATEST_CAUSE_RING 0x8 /* of entries with PORT_F_IRQ */

#endif
