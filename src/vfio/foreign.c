// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/foreign.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "jail/jail.h"
#include "vfio/vdev.h"
#include "wire/vfio_user.h"

#define ACCESS_LEN sizeof(struct vfio_user_dma_access)

/* An access checked for form: what follows the head is in @cmd. */
static int take_access(const struct foreign *f,
		       const struct channel_command *cmd,
		       struct vfio_user_dma_access *access)
{
	if (cmd->len < ACCESS_LEN)
		return -EBADMSG;
	memcpy(access, cmd->body, ACCESS_LEN);
	if (le64toh(access->count) > f->max_data)
		return -EINVAL;
	return 0;
}

static int serve_read(struct foreign *f, struct channel_command *cmd)
{
	struct vfio_user_dma_access access;
	size_t count;
	int ret;

	ret = take_access(f, cmd, &access);
	if (ret)
		return ret;
	if (cmd->len != ACCESS_LEN)
		return -EBADMSG;
	count = le64toh(access.count);
	if (count > cmd->reply_cap - ACCESS_LEN)
		return -EINVAL;
	ret = dma_read(&f->master, le64toh(access.address),
		       cmd->reply + ACCESS_LEN, count, NULL);
	if (ret)
		return ret;
	memcpy(cmd->reply, &access, ACCESS_LEN);
	cmd->reply_len = ACCESS_LEN + count;
	return 0;
}

static int serve_write(struct foreign *f, struct channel_command *cmd)
{
	struct vfio_user_dma_access access;
	size_t count;
	int ret;

	ret = take_access(f, cmd, &access);
	if (ret)
		return ret;
	count = le64toh(access.count);
	if (cmd->len != ACCESS_LEN + count)
		return -EBADMSG;
	ret = dma_write(&f->master, le64toh(access.address),
			cmd->body + ACCESS_LEN, count, NULL);
	if (ret)
		return ret;
	memcpy(cmd->reply, &access, ACCESS_LEN);
	cmd->reply_len = ACCESS_LEN;
	return 0;
}

int foreign_serve(void *ctx, struct channel_command *cmd)
{
	switch (cmd->command) {
	case VFIO_USER_DMA_READ:
		return serve_read(ctx, cmd);
	case VFIO_USER_DMA_WRITE:
		return serve_write(ctx, cmd);
	default:
		return -EBADMSG;
	}
}

static void *serve_loop(void *ctx)
{
	struct foreign *f = ctx;
	struct pollfd p = { .fd = f->ch->sock, .events = POLLIN };

	if (jail_enter(JAIL_VMM_WORKER)) {
		vdev_fail(f->dev, "the thread for its DMA can not be jailed");
		return NULL;
	}
	do {
		/* A channel that is broken is readable: it has been shut down. */
		(void)poll(&p, 1, -1);
	} while (!channel_serve_pending(f->ch));
	vdev_fail(f->dev, channel_why(f->ch));
	return NULL;
}

int foreign_start(struct foreign *f)
{
	int ret = -pthread_create(&f->thread, NULL, serve_loop, f);

	f->started = !ret;
	return ret;
}

void foreign_join(struct foreign *f)
{
	if (f->started)
		(void)pthread_join(f->thread, NULL);
	f->started = false;
}
