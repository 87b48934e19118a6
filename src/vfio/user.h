/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the vfio-user client, for vfio/ and its tests; everybody else uses
 * vdev.h. user.c is the device, handshake.c learns what it is, link.c gives it its
 * way to guest memory, irqs.c connects its interrupts.
 */
#ifndef VFIO_USER_H
#define VFIO_USER_H

#include "vfio/channel.h"
#include "vfio/foreign.h"
#include "vfio/portinfo.h"
#include "vfio/regpage.h"
#include "vfio/vdev.h"
#include "wire/vfio_user.h"

/* In this time a device answers a message or acts on what was posted, or it is
 * dropped: long for a device, short for a guest's watchdog. */
#define USER_TIMEOUT_MS 5000

#define USER_IO_FDS_MAX 16

struct user_io_fd {
	unsigned int region;
	uint64_t off;
	uint32_t len;
	int fd; /* owned */
};

/* Constant after creation, but for what has a lock of its own. */
struct user {
	struct vdev dev;
	struct channel ch;
	uint32_t max_fds;  /* of one message; negotiated */
	uint32_t max_data; /* bytes of one access; negotiated */
	bool ours;	   /* has a port */
	bool can_reset;
	uint32_t irq_flags[VDEV_NR_IRQS]; /* VFIO_USER_IRQ_F_* */

	struct viommu_endpoint *ep; /* owned; NULL: none yet */
	/* Of a device of ours. */
	struct portinfo info;
	struct dma_port *port; /* owned */
	struct regpage page;
	bool has_page;
	/* Of a foreign one. */
	struct foreign foreign;

	struct user_io_fd io_fds[USER_IO_FDS_MAX];
	unsigned int nr_io_fds;
};

/* vdev_user_create() with another time-out. */
MUST_CHECK int user_create(const struct vdev_user_config *config,
			   unsigned int timeout_ms, struct vdev **out);

/**
 * user_ask() - One conversation with the device
 *
 * A channel that breaks is the device's end (vdev_fail()).
 *
 * Return: 0, the device's error, or as channel_ask(); vdev_gone() tells which.
 */
MUST_CHECK int user_ask(struct user *u, struct channel_ask *ask);

/* Logs why a device can not be used, unless its end was logged. Return: @ret. */
int user_refuse(struct user *u, int ret, const char *what);

/* Version, regions and interrupts. Return: as vdev_user_create(); was logged. */
MUST_CHECK int user_handshake(struct user *u);
/* Its eventfds in place of register writes, after user_link(). */
MUST_CHECK int user_learn_io_fds(struct user *u);

/* Endpoint, and port or DMA_MAP; starts the thread that moves its bytes.
 * Return: as vdev_user_create(); was logged. */
MUST_CHECK int user_link(struct user *u, const struct vdev_user_config *config);
/* Stops that thread; nothing touches guest memory any more. Any thread. */
void user_unlink(struct user *u);
void user_link_free(struct user *u);

/* The set_irqs, intx_eoi and intx_asserted of struct vdev_ops. */
int user_set_irqs(struct vdev *dev, unsigned int index, unsigned int start,
		  unsigned int nr, const int *fds);
void user_intx_eoi(struct vdev *dev);
bool user_intx_asserted(struct vdev *dev);

static inline struct user *user_of(struct vdev *dev)
{
	return container_of(dev, struct user, dev);
}

#endif
