// SPDX-License-Identifier: BSD-2-Clause
/* The commands that a device answers, and the table of them. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/range.h"
#include "port/server_internal.h"

/* A reply that is one struct. */
static int answer(struct server_msg *msg, const void *wire, size_t len)
{
	memcpy(msg->reply, wire, len);
	msg->reply_len = len;
	return 0;
}

/* ---- what the device is ---- */

static int get_info(struct server *s, struct server_msg *msg)
{
	struct vfio_user_device_info info;

	(void)s;
	memcpy(&info, msg->body, sizeof(info));
	if (le32toh(info.argsz) < sizeof(info))
		return -EINVAL;
	info = (struct vfio_user_device_info){
		.argsz = htole32(sizeof(info)),
		.flags =
		    htole32(VFIO_USER_DEVICE_F_RESET | VFIO_USER_DEVICE_F_PCI),
		.nr_regions = htole32(VFIO_USER_NR_REGIONS),
		.nr_irqs = htole32(VFIO_USER_NR_IRQS),
	};
	return answer(msg, &info, sizeof(info));
}

/* NULL: no such region. The server itself keeps config space. */
static const struct server_region *region_of(const struct server *s,
					     uint32_t index)
{
	static const struct server_region config = {
		.size = CONFIG_LEN,
		.flags = VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE,
	};

	if (index == VFIO_USER_REGION_CONFIG)
		return &config;
	return index < VFIO_USER_NR_REGIONS ? &s->dev->regions[index] : NULL;
}

static int get_region_info(struct server *s, struct server_msg *msg)
{
	const struct server_region *region;
	struct vfio_user_region_info info;

	memcpy(&info, msg->body, sizeof(info));
	region = region_of(s, le32toh(info.index));
	if (le32toh(info.argsz) < sizeof(info) || !region)
		return -EINVAL;
	info = (struct vfio_user_region_info){
		.argsz = htole32(sizeof(info)),
		.flags = htole32(region->flags),
		.index = info.index,
		.size = htole64(region->size),
	};
	return answer(msg, &info, sizeof(info));
}

static int get_irq_info(struct server *s, struct server_msg *msg)
{
	struct vfio_user_irq_info info;
	uint32_t index;

	memcpy(&info, msg->body, sizeof(info));
	index = le32toh(info.index);
	if (le32toh(info.argsz) < sizeof(info) || index >= VFIO_USER_NR_IRQS)
		return -EINVAL;
	info = (struct vfio_user_irq_info){
		.argsz = htole32(sizeof(info)),
		.flags =
		    htole32(VFIO_USER_IRQ_F_EVENTFD | VFIO_USER_IRQ_F_MASKABLE),
		.index = htole32(index),
		.count = htole32(s->dev->irqs[index]),
	};
	return answer(msg, &info, sizeof(info));
}

static bool next_io_fd(const struct server *s, uint32_t region, uint32_t i,
		       uint64_t *off, int *fd)
{
	return s->dev->io_fd && s->dev->io_fd(s->ctx, region, i, off, fd);
}

static int get_io_fds(struct server *s, struct server_msg *msg)
{
	struct vfio_user_region_io_fds head;
	struct vfio_user_sub_region *sub = (void *)(msg->reply + sizeof(head));
	uint32_t argsz, nr = 0;
	uint64_t off;
	int fd;

	memcpy(&head, msg->body, sizeof(head));
	if (head.flags || head.count || !region_of(s, le32toh(head.index)))
		return -EINVAL;
	while (nr < s->client_fds &&
	       next_io_fd(s, le32toh(head.index), nr, &off, &fd)) {
		sub[nr] = (struct vfio_user_sub_region){
			.offset = htole64(off),
			.fd_index = htole32(nr),
			.type = htole32(VFIO_USER_IO_FD_IOEVENTFD),
		};
		msg->reply_fds[nr++] = fd;
	}

	argsz = (uint32_t)(sizeof(head) + nr * sizeof(*sub));
	/* vfio-user: too small an argsz is answered with the one to ask with. */
	if (argsz <= le32toh(head.argsz))
		msg->nr_reply_fds = nr;
	head.argsz = htole32(argsz);
	head.count = htole32(nr);
	memcpy(msg->reply, &head, sizeof(head));
	msg->reply_len = msg->nr_reply_fds ? argsz : sizeof(head);
	return 0;
}

/* ---- access to regions ---- */

/* Config space that a client may change; pci/ in our VMM keeps its own. */
static bool config_writable(uint64_t off)
{
	return off == 0x04 || off == 0x05 || /* command */
	       off == 0x0c ||		     /* cache line size */
	       off == 0x3c;		     /* interrupt line */
}

/* The next naturally aligned access of at most 8 bytes. */
static uint32_t piece(uint64_t off, uint32_t left)
{
	uint32_t len = 8;

	while (len > left || off % len)
		len /= 2;
	return len;
}

static int read_region(struct server *s, uint32_t region, uint64_t off,
		       uint8_t *buf, uint32_t len)
{
	if (region == VFIO_USER_REGION_CONFIG) {
		memcpy(buf, s->config + off, len);
		return 0;
	}
	for (uint32_t at = 0, n; at < len; at += n) {
		int ret;

		n = piece(off + at, len - at);
		ret = s->dev->read(s->ctx, region, off + at, buf + at, n);
		if (ret)
			return ret;
	}
	return 0;
}

static int write_region(struct server *s, uint32_t region, uint64_t off,
			const uint8_t *buf, uint32_t len)
{
	if (region == VFIO_USER_REGION_CONFIG) {
		for (uint32_t i = 0; i < len; i++)
			if (config_writable(off + i))
				s->config[off + i] = buf[i];
		return 0;
	}
	for (uint32_t at = 0, n; at < len; at += n) {
		int ret;

		n = piece(off + at, len - at);
		ret = s->dev->write(s->ctx, region, off + at, buf + at, n);
		if (ret)
			return ret;
	}
	return 0;
}

/* Checks an access and takes it apart. */
static int parse_access(const struct server *s, const struct server_msg *msg,
			uint32_t flag, struct vfio_user_region_access *access)
{
	const struct server_region *region;

	memcpy(access, msg->body, sizeof(*access));
	access->offset = le64toh(access->offset);
	access->region = le32toh(access->region);
	access->count = le32toh(access->count);

	region = region_of(s, access->region);
	if (!region || access->count == 0 ||
	    access->count > VFIO_USER_DATA_MAX ||
	    !span_fits(access->offset, access->count, region->size))
		return -EINVAL;
	if (!(region->flags & flag))
		return -EACCES;
	/* The device has no port yet. */
	if (access->region != VFIO_USER_REGION_CONFIG &&
	    s->state != SERVER_STARTED)
		return -EPERM;
	return 0;
}

static int region_read(struct server *s, struct server_msg *msg)
{
	struct vfio_user_region_access access;
	int ret;

	ret = parse_access(s, msg, VFIO_USER_REGION_F_READ, &access);
	if (ret)
		return ret;
	memcpy(msg->reply, msg->body, sizeof(access));
	msg->reply_len = sizeof(access) + access.count;
	return read_region(s, access.region, access.offset,
			   msg->reply + sizeof(access), access.count);
}

static int region_write(struct server *s, struct server_msg *msg)
{
	struct vfio_user_region_access access;
	int ret;

	ret = parse_access(s, msg, VFIO_USER_REGION_F_WRITE, &access);
	if (ret)
		return ret;
	if (msg->len != sizeof(access) + access.count)
		return -EBADMSG;
	memcpy(msg->reply, msg->body, sizeof(access));
	msg->reply_len = sizeof(access);
	return write_region(s, access.region, access.offset,
			    msg->body + sizeof(access), access.count);
}

/* ---- memory, reset ---- */

/* The device reaches memory through its port: what a client offers is closed
 * unseen, and nothing remembered. */
static int dma_map(struct server *s, struct server_msg *msg)
{
	struct vfio_user_dma_map map;

	(void)s;
	memcpy(&map, msg->body, sizeof(map));
	return le32toh(map.argsz) < sizeof(map) ? -EINVAL : 0;
}

static int dma_unmap(struct server *s, struct server_msg *msg)
{
	struct vfio_user_dma_unmap unmap;

	(void)s;
	memcpy(&unmap, msg->body, sizeof(unmap));
	if (le32toh(unmap.argsz) < sizeof(unmap))
		return -EINVAL;
	return answer(msg, &unmap, sizeof(unmap));
}

static int reset(struct server *s, struct server_msg *msg)
{
	(void)msg;
	memcpy(s->config, s->dev->config, CONFIG_LEN);
	s->dev->reset(s->ctx);
	return 0;
}

/* ---- the port ---- */

static int port_info(struct server *s, struct server_msg *msg)
{
	const struct vfio_user_pv_port_info *host = s->dev->port;
	struct vfio_user_pv_port_info wire = {
		.version = htole32(PORT_VERSION),
		.flags = htole32(host->flags),
		.nr_rings = htole32(host->nr_rings),
		.staging_len = htole32(host->staging_len),
		.regs_region = htole32(host->regs_region),
		.regs_len = htole32(host->regs_len),
		.irq_cause_off = htole32(host->irq_cause_off),
		.irq_mask_off = htole32(host->irq_mask_off),
		.state_len = htole32(host->state_len),
		.nr_runs = htole32(host->nr_runs),
	};
	struct vfio_user_pv_regs *runs = (void *)(msg->reply + sizeof(wire));

	for (unsigned int i = 0; i < PORT_RINGS_MAX; i++) {
		wire.ring_entries[i] = htole32(host->ring_entries[i]);
		wire.ring_irq_cause[i] = htole32(host->ring_irq_cause[i]);
	}
	for (uint32_t i = 0; i < host->nr_runs; i++)
		runs[i] = (struct vfio_user_pv_regs){
			.offset = htole32(s->dev->runs[i].offset),
			.nr = htole32(s->dev->runs[i].nr),
			.read_class = s->dev->runs[i].read_class,
			.write_class = s->dev->runs[i].write_class,
		};
	(void)answer(msg, &wire, sizeof(wire));
	msg->reply_len += host->nr_runs * sizeof(*runs);
	return 0;
}

static int port_set(struct server *s, struct server_msg *msg)
{
	struct vfio_user_pv_port_set set;
	int ret;

	memcpy(&set, msg->body, sizeof(set));
	if (le32toh(set.version) != PORT_VERSION)
		return -EINVAL;
	ret = port_open(msg->fds[VFIO_USER_PV_FD_MEMORY], le32toh(set.size),
			msg->fds[VFIO_USER_PV_FD_KICK_DEVICE],
			msg->fds[VFIO_USER_PV_FD_KICK_WORKER],
			msg->fds[VFIO_USER_PV_FD_DRAINED], &s->port);
	for (unsigned int i = 0; i < VFIO_USER_PV_NR_FDS; i++)
		msg->fds[i] = -1;
	if (ret)
		return ret;
	ret = s->dev->start(s->ctx, s->port);
	if (ret) {
		port_close(s->port);
		s->port = NULL;
		s->start_error = ret;
		return ret;
	}
	s->state = SERVER_STARTED;
	return 0;
}

/* ---- the table ---- */

#define NEW	(1u << SERVER_NEW)
#define KNOWN	(1u << SERVER_KNOWN)
#define STARTED (1u << SERVER_STARTED)

#define LEN(name)   sizeof(struct vfio_user_##name)
#define EXACT(name) .min_len = LEN(name), .max_len = LEN(name)

static const struct server_rule rules[] = {
	{
	    .command = VFIO_USER_VERSION,
	    .states = NEW,
	    .min_len = LEN(version),
	    .max_len = LEN(version) + 4096,
	    .handle = server_version,
	},
	{
	    .command = VFIO_USER_DMA_MAP,
	    .states = KNOWN | STARTED,
	    EXACT(dma_map),
	    .max_fds = 1,
	    .handle = dma_map,
	},
	{
	    .command = VFIO_USER_DMA_UNMAP,
	    .states = KNOWN | STARTED,
	    EXACT(dma_unmap),
	    .handle = dma_unmap,
	},
	{
	    .command = VFIO_USER_DEVICE_GET_INFO,
	    .states = KNOWN | STARTED,
	    EXACT(device_info),
	    .handle = get_info,
	},
	{
	    .command = VFIO_USER_DEVICE_GET_REGION_INFO,
	    .states = KNOWN | STARTED,
	    EXACT(region_info),
	    .handle = get_region_info,
	},
	{
	    .command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
	    .states = KNOWN | STARTED,
	    EXACT(region_io_fds),
	    .handle = get_io_fds,
	},
	{
	    .command = VFIO_USER_DEVICE_GET_IRQ_INFO,
	    .states = KNOWN | STARTED,
	    EXACT(irq_info),
	    .handle = get_irq_info,
	},
	{
	    .command = VFIO_USER_DEVICE_SET_IRQS,
	    .states = STARTED,
	    .min_len = LEN(set_irqs),
	    .max_len = LEN(set_irqs) + 4096,
	    .max_fds = FD_PASS_MAX,
	    .handle = server_set_irqs,
	},
	{
	    .command = VFIO_USER_REGION_READ,
	    .states = KNOWN | STARTED,
	    EXACT(region_access),
	    .handle = region_read,
	},
	{
	    .command = VFIO_USER_REGION_WRITE,
	    .states = KNOWN | STARTED,
	    .min_len = LEN(region_access),
	    .max_len = LEN(region_access) + VFIO_USER_DATA_MAX,
	    .handle = region_write,
	},
	{
	    .command = VFIO_USER_DEVICE_RESET,
	    .states = STARTED,
	    .handle = reset,
	},
	{
	    .command = VFIO_USER_PV_PORT_INFO,
	    .states = KNOWN,
	    .handle = port_info,
	},
	{
	    .command = VFIO_USER_PV_PORT_SET,
	    .states = KNOWN,
	    EXACT(pv_port_set),
	    .min_fds = VFIO_USER_PV_NR_FDS,
	    .max_fds = VFIO_USER_PV_NR_FDS,
	    .handle = port_set,
	},
};

const struct server_rule *server_find_rule(uint16_t command)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].command == command)
			return &rules[i];
	return NULL;
}
