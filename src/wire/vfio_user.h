/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vfio-user, version 0.1, as QEMU's docs/interop/vfio-user.rst specifies it:
 * message formats, and the values of <linux/vfio.h> that go over the wire (only
 * src/vfio/ may include that header, a device may not).
 *
 * The PV_* messages are this project's extension: offered by the server as the
 * capability "pviommu_port" (a number, PORT_VERSION) in the JSON of VERSION.
 */
#ifndef WIRE_VFIO_USER_H
#define WIRE_VFIO_USER_H

#include "wire/port.h"

#include <linux/types.h>

#define VFIO_USER_MAJOR	   0
#define VFIO_USER_MINOR	   1
#define VFIO_USER_DATA_MAX 0x10000 /* data of one message, at most */
#define VFIO_USER_MSG_MAX  (VFIO_USER_DATA_MAX + 64)
#define VFIO_USER_FDS_MAX  16

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DMA_READ = 11,  /* server to client */
	VFIO_USER_DMA_WRITE = 12, /* server to client */
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_REGION_WRITE_MULTI = 15,
	VFIO_USER_PV_PORT_INFO = 0x5001,
	VFIO_USER_PV_PORT_SET = 0x5002,
};

#define VFIO_USER_F_TYPE_COMMAND 0x0
#define VFIO_USER_F_TYPE_REPLY	 0x1
#define VFIO_USER_F_TYPE_MASK	 0xf
#define VFIO_USER_F_NO_REPLY	 0x10
#define VFIO_USER_F_ERROR	 0x20

struct vfio_user_header {
	__le16 id;
	__le16 command;
	__le32 size; /* of the message, this header included */
	__le32 flags;
	__le32 error; /* errno of a failed command */
};

struct vfio_user_version {
	__le16 major;
	__le16 minor;
	/* followed by JSON, zero-terminated */
};

struct vfio_user_dma_map {
	__le32 argsz;
	__le32 flags;
	__le64 offset;
	__le64 address;
	__le64 size;
};
#define VFIO_USER_DMA_F_READ  0x1
#define VFIO_USER_DMA_F_WRITE 0x2

struct vfio_user_dma_unmap {
	__le32 argsz;
	__le32 flags;
	__le64 address;
	__le64 size;
};

struct vfio_user_device_info {
	__le32 argsz;
	__le32 flags;
	__le32 nr_regions;
	__le32 nr_irqs;
};
#define VFIO_USER_DEVICE_F_RESET 0x1
#define VFIO_USER_DEVICE_F_PCI	 0x2

struct vfio_user_region_info {
	__le32 argsz;
	__le32 flags;
	__le32 index;
	__le32 cap_offset;
	__le64 size;
	__le64 offset;
};
#define VFIO_USER_REGION_F_READ	 0x1
#define VFIO_USER_REGION_F_WRITE 0x2
#define VFIO_USER_REGION_F_MMAP	 0x4

enum vfio_user_region {
	VFIO_USER_REGION_BAR0 = 0,
	VFIO_USER_REGION_BAR5 = 5,
	VFIO_USER_REGION_ROM = 6,
	VFIO_USER_REGION_CONFIG = 7,
	VFIO_USER_REGION_VGA = 8,
	VFIO_USER_NR_REGIONS = 9,
};

struct vfio_user_region_io_fds {
	__le32 argsz;
	__le32 flags;
	__le32 index;
	__le32 count;
	/* followed by count of: */
};

struct vfio_user_sub_region {
	__le64 offset;
	__le64 size; /* 0: an access of any size */
	__le32 fd_index;
	__le32 type;
	__le32 flags;
	__le32 padding;
	__le64 datamatch;
};
#define VFIO_USER_IO_FD_IOEVENTFD 0

struct vfio_user_irq_info {
	__le32 argsz;
	__le32 flags;
	__le32 index;
	__le32 count;
};
#define VFIO_USER_IRQ_F_EVENTFD	 0x1
#define VFIO_USER_IRQ_F_MASKABLE 0x2
#define VFIO_USER_IRQ_F_AUTOMASK 0x4
#define VFIO_USER_IRQ_F_NORESIZE 0x8

enum vfio_user_irq {
	VFIO_USER_IRQ_INTX = 0,
	VFIO_USER_IRQ_MSI = 1,
	VFIO_USER_IRQ_MSIX = 2,
	VFIO_USER_IRQ_ERR = 3,
	VFIO_USER_IRQ_REQ = 4,
	VFIO_USER_NR_IRQS = 5,
};

struct vfio_user_set_irqs {
	__le32 argsz;
	__le32 flags;
	__le32 index;
	__le32 start;
	__le32 count;
};
#define VFIO_USER_IRQ_DATA_NONE	     0x01
#define VFIO_USER_IRQ_DATA_BOOL	     0x02
#define VFIO_USER_IRQ_DATA_EVENTFD   0x04
#define VFIO_USER_IRQ_ACTION_MASK    0x08
#define VFIO_USER_IRQ_ACTION_UNMASK  0x10
#define VFIO_USER_IRQ_ACTION_TRIGGER 0x20

struct vfio_user_region_access {
	__le64 offset;
	__le32 region;
	__le32 count;
	/* followed by the data: of the command to write, of the reply to read */
};

struct vfio_user_dma_access {
	__le64 address;
	__le64 count;
	/* followed by the data: of the command to write, of the reply to read */
};

/*
 * PV_PORT_INFO: what port the device wants. Command: empty. Reply: this,
 * followed by nr_runs of struct vfio_user_pv_regs, in ascending order.
 */
struct vfio_user_pv_port_info {
	__le32 version; /* PORT_VERSION */
	__le32 flags;
	__le32 nr_rings;
	__le32 ring_entries[PORT_RINGS_MAX];
	__le32 ring_irq_cause[PORT_RINGS_MAX];
	__le32 staging_len;
	__le32 regs_region;   /* BAR whose first regs_len bytes are the page */
	__le32 regs_len;      /* 0: no register page */
	__le32 irq_cause_off; /* interrupt cause and mask words, or PORT_NONE */
	__le32 irq_mask_off;
	__le32 state_len;
	__le32 nr_runs;
};
#define VFIO_USER_PV_PORT_F_NET 0x1 /* sends and receives frames */

/* nr words of one class, from byte offset `offset` of the register page. */
struct vfio_user_pv_regs {
	__le32 offset;
	__le32 nr;
	__u8 read_class;
	__u8 write_class;
	__le16 reserved;
};

/*
 * PV_PORT_SET: here is the port. Sent once, after PORT_INFO and before any
 * access to a region but config. Command: this, with four descriptors in the
 * order of enum vfio_user_pv_fd. Reply: empty.
 */
struct vfio_user_pv_port_set {
	__le32 version;
	__le32 size; /* of the memfd */
};

enum vfio_user_pv_fd {
	VFIO_USER_PV_FD_MEMORY,
	VFIO_USER_PV_FD_KICK_DEVICE, /* eventfd: the device waits for it */
	VFIO_USER_PV_FD_KICK_WORKER, /* eventfd: the device signals it */
	VFIO_USER_PV_FD_DRAINED, /* eventfd: see port_control.posted_waiter */
	VFIO_USER_PV_NR_FDS,
};

#endif
