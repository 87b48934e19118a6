/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA of a foreign vfio-user server, which knows no port: its DMA_READ and
 * DMA_WRITE messages, served through the IOMMU, each at the time of its access.
 *
 * They come at any moment: in the middle of a conversation the thread that holds
 * it serves them, else a thread of its own that waits on the socket. The channel's
 * lock makes the dma_master single-threaded.
 */
#ifndef VFIO_FOREIGN_H
#define VFIO_FOREIGN_H

#include "dma/access.h"
#include "vfio/channel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vdev;

struct foreign {
	struct dma_master master;
	struct vdev *dev;   /* borrowed */
	struct channel *ch; /* borrowed */
	uint32_t max_data;  /* bytes of one access, as negotiated */
	bool started;
	pthread_t thread;
};

/* A channel_serve; @ctx is the struct foreign, its master ready. */
int foreign_serve(void *ctx, struct channel_command *cmd);

/* Starts the thread. Return: 0, or -errno of pthread_create(3). */
MUST_CHECK int foreign_start(struct foreign *f);
/* After channel_break(). May be called when not started. */
void foreign_join(struct foreign *f);

#endif
