/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The DMA port: the memory that a device process and its DMA worker in the VMM
 * share. docs/dma-port.md is the specification; this is its layout.
 *
 * One memfd, made and sealed by the VMM, holds in this order (each part starts
 * on a page; the header says where):
 *
 *   header     written by the VMM before the device sees it, then constant
 *   rings      one struct port_ring each, followed by its entries and errors
 *   frames     announcements of received frames (ports of network devices)
 *   posted     register writes on their way to the device
 *   staging    bytes on their way to or from guest memory
 *   registers  the register page: the start of one BAR, one word a register
 *   state      the device's guest-visible state, in the device's own layout
 *
 * All numbers are little-endian, and both sides run on the same x86-64 machine.
 * Counters are free-running: an index is (counter % number of entries), and
 * numbers of entries are powers of two.
 *
 * Everything the device may write is hostile input to the VMM, which keeps its
 * own copy of layout and counters, loads each entry once and checks the copy.
 */
#ifndef WIRE_PORT_H
#define WIRE_PORT_H

#include <linux/types.h>

#define PORT_MAGIC	  0x54524f50 /* "PORT" */
#define PORT_VERSION	  1
#define PORT_RINGS_MAX	  4
#define PORT_ENTRIES_MIN  16
#define PORT_ENTRIES_MAX  4096
#define PORT_STAGING_UNIT 16	   /* of port_entry.staging */
#define PORT_STAGING_MAX  0x100000 /* what 16 bits of units reach */
#define PORT_REGS_MAX	  0x20000
#define PORT_STATE_MAX	  0x10000
#define PORT_SLOTS	  256	 /* received frames a port holds at most */
#define PORT_SLOT_LEN	  0x4000 /* bytes of a frame at most */
#define PORT_FRAME_HEAD	  64	 /* bytes of it that the device is shown */
#define PORT_POSTED_NR	  512
#define PORT_NONE	  0xffffffffu

/*
 * Operations. All complete in ring order; none waits for an outside event.
 * "staging" is an offset in units of PORT_STAGING_UNIT unless said otherwise.
 */
enum port_op {
	/* Guest [iova, +len) to staging. */
	PORT_OP_READ = 1,
	/* Staging to guest [iova, +len). */
	PORT_OP_WRITE = 2,
	/*
	 * One byte, len times: at iova, iova + stride, … staging is the byte
	 * in bits 0 to 7 and the stride in bits 8 to 15 (1 at least).
	 */
	PORT_OP_FILL = 3,
	/* As READ, for a run of descriptors. */
	PORT_OP_FETCH = 4,
	/*
	 * A piece of a frame for the backend: a guest range, or with
	 * PORT_F_STAGING a staging range. The piece with PORT_F_EOP ends the
	 * frame and sends it. With PORT_F_VNET (first piece, staging, len
	 * PORT_VNET_LEN) it is the frame's struct port_vnet.
	 * A frame with a piece that fails is not sent; each of its entries
	 * after that piece completes with PORT_E_RUN.
	 */
	PORT_OP_SEND = 5,
	/*
	 * The next len bytes of the received frame in slot `staging` to guest
	 * [iova, +len); with PORT_F_SKIP they are passed over. Each RECV goes
	 * on where the last for that slot ended. Up to 64 bytes past the end
	 * of the frame read as zeros (padding, FCS). PORT_F_EOP gives the slot
	 * back.
	 */
	PORT_OP_RECV = 6,
	/* Gives slot `staging` back unread. */
	PORT_OP_DROP = 7,
};

#define PORT_F_EOP     0x01
#define PORT_F_STAGING 0x02
#define PORT_F_VNET    0x04
#define PORT_F_SKIP    0x08
/*
 * Raise the ring's interrupt cause once this has completed. The worker may put
 * that off until it has caught up with the ring's tail, by 256 entries at most.
 */
#define PORT_F_IRQ     0x10
#define PORT_F_ALL     0x1f

struct port_entry {
	__le64 iova;
	__le32 len;
	__le16 staging;
	__u8 op;
	__u8 flags;
};

/* How an operation failed; one that succeeds leaves no error entry. */
enum port_error_code {
	PORT_E_ENTRY = 1, /* unknown op or flag, staging or slot out of range */
	PORT_E_FAULT = 2, /* the IOMMU refused; the guest was told */
	PORT_E_RUN = 3,	  /* an earlier piece of the frame failed */
	PORT_E_NODEV = 4, /* no backend, or the port is being stopped */
};

/* The failure of the entry that had counter value `seq`. */
struct port_error {
	__le32 seq;
	__le16 code;
	__le16 reserved;
	__le32 moved; /* bytes moved before the failure */
	__le32 reserved2;
};

/*
 * The counters of a ring. The device publishes entries by `tail`; at most as
 * many as the ring has may be incomplete. The VMM completes by `done`, and
 * appends failures to the ring of errors (as long as the ring itself) before.
 *
 * Before it sleeps a device sets `wake_at` to the value of `done` that it wants
 * to be woken at, then port_control.device_sleeps; then, after a full fence, it
 * looks again.
 */
struct port_ring {
	__u32 tail;    /* device writes */
	__u32 wake_at; /* device writes */
	__u32 pad0[14];
	__u32 done;   /* VMM writes */
	__u32 errors; /* VMM writes: number of failures ever */
	__u32 pad1[14];
};

struct port_vnet { /* as struct virtio_net_hdr_v1, without num_buffers used */
	__u8 flags;
	__u8 gso_type;
	__le16 hdr_len;
	__le16 gso_size;
	__le16 csum_start;
	__le16 csum_offset;
	__le16 reserved;
};
#define PORT_VNET_LEN 12

/*
 * A received frame: its data is in slot `slot` of the VMM's own memory, only
 * the head is shown. The ring of announcements has PORT_SLOTS entries and cannot
 * overflow: an entry is written only while a slot is free.
 */
struct port_frame {
	__le32 len;
	__le16 slot;
	__le16 reserved;
	struct port_vnet vnet;
	__u8 head[PORT_FRAME_HEAD];
	__u8 reserved2[12];
};

/* A register write, in PCI order. */
struct port_posted {
	__le32 offset;
	__le32 value;
};

/*
 * Who sleeps, and the counters of the rings that have no port_ring. A flag is
 * set by its owner before it looks a last time and sleeps; whoever has work for
 * a sleeper takes the flag from 1 to 0 and, having taken it, signals its
 * eventfd. Between publishing and looking at the flag stands a full fence.
 */
struct port_control {
	__u32 worker_sleeps;
	__u32 pad0[15];
	__u32 device_sleeps;
	__u32 pad1[15];
	__u32 posted_tail; /* VMM writes */
	__u32 frames_tail; /* VMM writes */
	__u32 pad2[14];
	__u32 posted_head; /* device writes: posted writes it has acted on */
	__u32 pad3[15];
	__u32
	    posted_waiter; /* VMM sets; the device takes it, signals `drained` */
	__u32 pad4[15];
};

struct port_ring_layout {
	__le32 ring_off; /* struct port_ring */
	__le32 entries_off;
	__le32 errors_off;
	__le32 nr_entries;
	__le32 irq_cause; /* what PORT_F_IRQ raises; 0: nothing */
	__le32 reserved[3];
};

struct port_header {
	__le32 magic;
	__le32 version;
	__le32 size; /* of the memfd */
	__le32 nr_rings;
	__le32 control_off;
	__le32 frames_off; /* 0: this port receives nothing */
	__le32 posted_off;
	__le32 staging_off;
	__le32 staging_len;
	__le32 regs_off;
	__le32 regs_len;
	__le32 state_off;
	__le32 state_len;
	__le32 irq_cause_off; /* in the register page, or PORT_NONE */
	__le32 irq_mask_off;
	__le32 reserved;
	struct port_ring_layout rings[PORT_RINGS_MAX];
};

/*
 * Classes of registers: what the vCPU's thread does at an access, in the shared
 * register page, without the device. Given word by word at start.
 */
enum port_read_class {
	PORT_READ_PLAIN = 0, /* the word in the page, after posted writes */
	PORT_READ_CLEAR = 1, /* and clears it */
};

enum port_write_class {
	PORT_WRITE_POSTED = 0,	   /* to the posted ring */
	PORT_WRITE_PLAIN = 1,	   /* stored in the page */
	PORT_WRITE_DOORBELL = 2,   /* stored, and the device is woken */
	PORT_WRITE_CAUSE_SET = 3,  /* raises causes (e1000's ICS) */
	PORT_WRITE_MASK_SET = 4,   /* sets bits of the interrupt mask (IMS) */
	PORT_WRITE_MASK_CLEAR = 5, /* clears them (IMC) */
	PORT_WRITE_IGNORED = 6,
};

#endif
