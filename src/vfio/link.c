// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/user.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "jail/jail.h"

/* ---- a device of ours: its port ---- */

static int enter_worker(void)
{
	return jail_enter(JAIL_VMM_WORKER);
}

static int learn_port(struct user *u)
{
	const char *why = "out of memory";
	struct channel_ask ask = {
		.command = VFIO_USER_PV_PORT_INFO,
		.reply_cap = VFIO_USER_DATA_MAX,
	};
	int ret;

	ask.reply = malloc(ask.reply_cap);
	if (!ask.reply)
		return user_refuse(u, -ENOMEM, "its port");
	ret = user_ask(u, &ask);
	if (ret) {
		ret = user_refuse(u, ret, "its port");
		goto out;
	}
	ret = portinfo_parse(ask.reply, ask.reply_len, &u->info, &why);
	if (ret)
		log_err(u->dev.name, "its port can not be: %s", why);
out:
	free(ask.reply);
	return ret;
}

static int make_port(struct user *u, const struct vdev_user_config *config)
{
	const struct portinfo *info = &u->info;
	int ret;

	if (info->shape.regs_len > u->dev.regions[info->region].size) {
		log_err(u->dev.name, "its port can not be: register page "
				     "longer than its BAR");
		return -EINVAL;
	}
	ret = dma_port_create(&info->shape, config->ram, config->backend,
			      &u->port);
	if (ret)
		return user_refuse(u, ret, "its port");
	u->has_page = info->shape.regs_len > 0;
	if (u->has_page)
		regpage_init(&u->page, info, u->port, u->ch.sock,
			     u->ch.timeout_ms);
	return 0;
}

static int hand_over_port(struct user *u)
{
	struct vfio_user_pv_port_set set = {
		.version = htole32(PORT_VERSION),
	};
	struct dma_port_fds fds;
	int pass[VFIO_USER_PV_NR_FDS];
	struct channel_ask ask = {
		.command = VFIO_USER_PV_PORT_SET,
		.fixed = &set,
		.fixed_len = sizeof(set),
		.fds = pass,
		.nr_fds = ARRAY_SIZE(pass),
	};
	int ret;

	dma_port_fds(u->port, &fds);
	pass[VFIO_USER_PV_FD_MEMORY] = fds.memory;
	pass[VFIO_USER_PV_FD_KICK_DEVICE] = fds.kick_device;
	pass[VFIO_USER_PV_FD_KICK_WORKER] = fds.kick_worker;
	pass[VFIO_USER_PV_FD_DRAINED] = fds.drained;
	set.size = htole32(fds.size);
	ret = user_ask(u, &ask);
	return ret ? user_refuse(u, ret, "handing over its port") : 0;
}

static int link_port(struct user *u, const struct vdev_user_config *config)
{
	int ret;

	ret = learn_port(u);
	if (ret)
		return ret;
	ret = make_port(u, config);
	if (ret)
		return ret;
	ret = viommu_endpoint_add(config->viommu, config->endpoint,
				  &dma_master_listener,
				  dma_port_master(u->port), &u->ep);
	if (ret)
		return user_refuse(u, ret, "its IOMMU endpoint");
	ret = dma_port_start(u->port, u->ep, -1, enter_worker);
	if (ret)
		return user_refuse(u, ret, "its DMA worker");
	return hand_over_port(u);
}

/* ---- a foreign device: messages ---- */

static int map_everything(struct user *u, const struct iova_range *input)
{
	uint64_t len = input->last - input->start + 1;
	const struct vfio_user_dma_map map = {
		.argsz = htole32(sizeof(map)),
		.flags = htole32(VFIO_USER_DMA_F_READ | VFIO_USER_DMA_F_WRITE),
		.address = htole64(input->start),
		/* 2^64 can not be written down; the last page is a loss. */
		.size = htole64(len ? len : -4096ull),
	};
	struct channel_ask ask = {
		.command = VFIO_USER_DMA_MAP,
		.fixed = &map,
		.fixed_len = sizeof(map),
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret && !vdev_gone(&u->dev)) {
		log_err(u->dev.name, "refused: it insists on mapping guest "
				     "memory, which no device may");
		return -EOPNOTSUPP;
	}
	return ret;
}

static int link_foreign(struct user *u, const struct vdev_user_config *config)
{
	struct foreign *f = &u->foreign;
	int ret;

	f->dev = &u->dev;
	f->ch = &u->ch;
	f->max_data = u->max_data;
	f->master.ram = config->ram;
	ret = viommu_endpoint_add(config->viommu, config->endpoint,
				  &dma_master_listener, &f->master, &u->ep);
	if (ret)
		return user_refuse(u, ret, "its IOMMU endpoint");
	f->master.ep = u->ep;
	u->ch.serve_ctx = f;
	u->ch.serve = foreign_serve;
	ret = map_everything(u, &viommu_config(config->viommu)->input);
	if (ret)
		return ret;
	ret = foreign_start(f);
	return ret ? user_refuse(u, ret, "a thread for its DMA") : 0;
}

int user_link(struct user *u, const struct vdev_user_config *config)
{
	return u->ours ? link_port(u, config) : link_foreign(u, config);
}

void user_unlink(struct user *u)
{
	channel_break(&u->ch);
	if (u->port)
		dma_port_stop(u->port);
}

void user_link_free(struct user *u)
{
	foreign_join(&u->foreign);
	if (u->ep)
		viommu_endpoint_remove(u->ep);
	if (u->has_page)
		regpage_fini(&u->page);
	dma_port_destroy(u->port);
	portinfo_fini(&u->info);
}
