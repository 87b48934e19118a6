// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/user.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/range.h"

int user_ask(struct user *u, struct channel_ask *ask)
{
	int ret = channel_ask(&u->ch, ask);

	if (!ret)
		return ask->error;
	if (ret != -EMSGSIZE)
		vdev_fail(&u->dev, channel_why(&u->ch));
	return ret;
}

int user_refuse(struct user *u, int ret, const char *what)
{
	if (!vdev_gone(&u->dev))
		log_err(u->dev.name, "%s: %s", what, strerror(-ret));
	return ret;
}

/* ---- regions ---- */

static int read_message(struct user *u, unsigned int region, uint64_t off,
			uint8_t *buf, uint32_t len)
{
	const struct vfio_user_region_access access = {
		.offset = htole64(off),
		.region = htole32(region),
		.count = htole32(len),
	};
	struct {
		struct vfio_user_region_access access;
		uint8_t data[256];
	} reply;
	struct channel_ask ask = {
		.command = VFIO_USER_REGION_READ,
		.fixed = &access,
		.fixed_len = sizeof(access),
		.reply = &reply,
		.reply_min = sizeof(access) + len,
		.reply_cap = sizeof(access) + len,
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return ret;
	if (memcmp(&reply.access, &access, sizeof(access)) != 0) {
		vdev_fail(&u->dev, "it read another region than asked");
		return -EPROTO;
	}
	memcpy(buf, reply.data, len);
	return 0;
}

static int write_message(struct user *u, unsigned int region, uint64_t off,
			 const uint8_t *buf, uint32_t len)
{
	const struct vfio_user_region_access access = {
		.offset = htole64(off),
		.region = htole32(region),
		.count = htole32(len),
	};
	struct vfio_user_region_access reply;
	struct channel_ask ask = {
		.command = VFIO_USER_REGION_WRITE,
		.fixed = &access,
		.fixed_len = sizeof(access),
		.data = buf,
		.data_len = len,
		.reply = &reply,
		.reply_min = sizeof(reply),
		.reply_cap = sizeof(reply),
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return ret;
	if (memcmp(&reply, &access, sizeof(access)) != 0) {
		vdev_fail(&u->dev, "it wrote another region than asked");
		return -EPROTO;
	}
	return 0;
}

/* Before whatever the device must do after the writes posted so far. */
static int drain(struct user *u)
{
	int ret;

	if (!u->has_page)
		return 0;
	ret = regpage_drain(&u->page);
	if (ret)
		vdev_fail(&u->dev, regpage_why(ret));
	return ret;
}

static int read_word(struct user *u, unsigned int region, uint64_t off,
		     uint8_t *buf)
{
	uint32_t value;

	if (!regpage_reads(&u->page, region, off))
		return read_message(u, region, off, buf, sizeof(value));
	value = htole32(regpage_read(&u->page, off));
	memcpy(buf, &value, sizeof(value));
	return 0;
}

/* Any access becomes reads of the words that it touches, each read once. */
static int read_words(struct user *u, unsigned int region, uint64_t off,
		      uint8_t *buf, uint32_t len)
{
	uint64_t first = off & ~3ull;
	uint8_t words[16];
	uint64_t end = align_up(off + len, 4);

	if (end - first > sizeof(words) || end > u->dev.regions[region].size)
		return -EINVAL;
	for (uint64_t at = first; at < end; at += 4) {
		int ret = read_word(u, region, at, &words[at - first]);

		if (ret)
			return ret;
	}
	memcpy(buf, &words[off - first], len);
	return 0;
}

static int write_words(struct user *u, uint64_t off, const uint8_t *buf,
		       uint32_t len)
{
	int ret = 0;

	for (uint32_t i = 0; i < len && !ret; i += 4) {
		uint32_t value;

		memcpy(&value, buf + i, sizeof(value));
		ret = regpage_write(&u->page, off + i, le32toh(value));
	}
	if (ret)
		vdev_fail(&u->dev, regpage_why(ret));
	return ret;
}

static bool in_page(const struct user *u, unsigned int region, uint64_t off)
{
	return u->has_page && regpage_writes(&u->page, region, off);
}

static int check_access(const struct vdev *dev, unsigned int region,
			uint64_t off, uint32_t len)
{
	if (region >= VDEV_NR_REGIONS ||
	    !span_fits(off, len, dev->regions[region].size))
		return -EINVAL;
	return vdev_gone(dev) ? -ENODEV : 0;
}

static int read_region(struct user *u, unsigned int region, uint64_t off,
		       uint8_t *buf, uint32_t len)
{
	uint32_t step = MIN(u->max_data, 256u);
	int ret;

	ret = check_access(&u->dev, region, off, len);
	if (ret)
		return ret;
	ret = drain(u);
	if (ret)
		return ret;
	if (in_page(u, region, off))
		return read_words(u, region, off, buf, len);
	for (uint32_t i = 0; i < len && !ret; i += step)
		ret = read_message(u, region, off + i, buf + i,
				   MIN(step, len - i));
	return ret;
}

static int user_region_read(struct vdev *dev, unsigned int region, uint64_t off,
			    void *buf, uint32_t len)
{
	int ret = read_region(user_of(dev), region, off, buf, len);

	if (ret)
		memset(buf, 0xff, len);
	return vdev_gone(dev) ? -ENODEV : ret;
}

static int write_region(struct user *u, unsigned int region, uint64_t off,
			const uint8_t *buf, uint32_t len)
{
	uint32_t step = MIN(u->max_data, 256u);
	int ret;

	ret = check_access(&u->dev, region, off, len);
	if (ret)
		return ret;
	if (in_page(u, region, off)) {
		/* Part of a word has no meaning in a page of words. */
		if ((off | len) & 3 || !in_page(u, region, off + len - 4))
			return -EINVAL;
		return write_words(u, off, buf, len);
	}
	ret = drain(u);
	for (uint32_t i = 0; i < len && !ret; i += step)
		ret = write_message(u, region, off + i, buf + i,
				    MIN(step, len - i));
	return ret;
}

static int user_region_write(struct vdev *dev, unsigned int region,
			     uint64_t off, const void *buf, uint32_t len)
{
	int ret = write_region(user_of(dev), region, off, buf, len);

	return vdev_gone(dev) ? -ENODEV : ret;
}

/* ---- the rest of struct vdev_ops ---- */

static int user_reset(struct vdev *dev)
{
	struct user *u = user_of(dev);
	struct channel_ask ask = { .command = VFIO_USER_DEVICE_RESET };
	int ret;

	if (vdev_gone(dev))
		return -ENODEV;
	if (!u->can_reset)
		return -EOPNOTSUPP;
	ret = drain(u);
	if (!ret)
		ret = user_ask(u, &ask);
	return vdev_gone(dev) ? -ENODEV : ret;
}

static bool user_io_fd(struct vdev *dev, unsigned int i, unsigned int *region,
		       uint64_t *off, uint32_t *len, int *fd)
{
	struct user *u = user_of(dev);

	if (i >= u->nr_io_fds)
		return false;
	*region = u->io_fds[i].region;
	*off = u->io_fds[i].off;
	*len = u->io_fds[i].len;
	*fd = u->io_fds[i].fd;
	return true;
}

static bool user_lost(struct vdev *dev)
{
	struct pollfd p = { .fd = user_of(dev)->ch.sock, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

static void user_fail(struct vdev *dev)
{
	user_unlink(user_of(dev));
}

static void user_destroy(struct vdev *dev)
{
	struct user *u = user_of(dev);

	/* Its end is no news any more, whoever notices it first. */
	if (!__atomic_exchange_n(&dev->gone, true, __ATOMIC_SEQ_CST))
		user_unlink(u);
	user_link_free(u);
	while (u->nr_io_fds > 0)
		fd_close(&u->io_fds[--u->nr_io_fds].fd);
	fd_close(&dev->watch_fd);
	channel_fini(&u->ch);
	free(u);
}

static const struct vdev_ops user_ops = {
	.region_read = user_region_read,
	.region_write = user_region_write,
	.set_irqs = user_set_irqs,
	.intx_eoi = user_intx_eoi,
	.intx_asserted = user_intx_asserted,
	.reset = user_reset,
	.io_fd = user_io_fd,
	.lost = user_lost,
	.fail = user_fail,
	.destroy = user_destroy,
};

/* ---- creation ---- */

/* An epoll set is readable when the socket in it has hung up, and not for each
 * message that the socket brings. */
static int watch_hangup(struct user *u)
{
	struct epoll_event ev = { .events = EPOLLRDHUP };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	u->dev.watch_fd = fd;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, u->ch.sock, &ev) < 0)
		return -errno;
	return 0;
}

static int connect_device(struct user *u, const struct vdev_user_config *config)
{
	int ret;

	ret = watch_hangup(u);
	if (ret)
		return user_refuse(u, ret, "its socket");
	ret = user_handshake(u);
	if (ret)
		return ret;
	ret = user_link(u, config);
	if (ret)
		return ret;
	return user_learn_io_fds(u);
}

int user_create(const struct vdev_user_config *config, unsigned int timeout_ms,
		struct vdev **out)
{
	int sock = config->sock;
	struct user *u;
	int ret;

	/* The epochs in it are aligned to cache lines, and so is its size. */
	u = aligned_alloc(_Alignof(struct user), sizeof(*u));
	if (!u) {
		fd_close(&sock);
		return -ENOMEM;
	}
	memset(u, 0, sizeof(*u));
	u->dev.ops = &user_ops;
	u->dev.watch_fd = -1;
	snprintf(u->dev.name, sizeof(u->dev.name), "%s", config->name);
	ret = channel_init(&u->ch, sock, timeout_ms, NULL, NULL);
	if (ret)
		goto err_free;
	ret = connect_device(u, config);
	if (ret)
		goto err_destroy;
	*out = &u->dev;
	return 0;

err_destroy:
	user_destroy(&u->dev);
	return ret;
err_free:
	free(u);
	return ret;
}

int vdev_user_create(const struct vdev_user_config *config, struct vdev **out)
{
	return user_create(config, USER_TIMEOUT_MS, out);
}

bool vdev_dma_stats(struct vdev *dev, struct dma_stats *out)
{
	const struct dma_stats *stats;
	struct user *u;

	if (dev->ops != &user_ops)
		return false;
	u = user_of(dev);
	stats = u->ours ? &dma_port_master(u->port)->stats
			: &u->foreign.master.stats;
	*out = (struct dma_stats){
		.operations = counter_get(&stats->operations),
		.bytes_read = counter_get(&stats->bytes_read),
		.bytes_written = counter_get(&stats->bytes_written),
		.refused = counter_get(&stats->refused),
		.bad_entries = counter_get(&stats->bad_entries),
		.frames_sent = counter_get(&stats->frames_sent),
		.frames_received = counter_get(&stats->frames_received),
		.frames_dropped = counter_get(&stats->frames_dropped),
	};
	return true;
}

struct viommu_endpoint *vdev_endpoint(struct vdev *dev)
{
	return dev->ops == &user_ops ? user_of(dev)->ep : NULL;
}
