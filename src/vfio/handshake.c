// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/user.h"

#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/range.h"
#include "pci/pci.h"

/* What a server that names no limit has: vfio-user, "Capabilities". */
#define DEFAULT_MAX_FDS	 1
#define DEFAULT_MAX_DATA 0x100000

/* No BAR is larger, so that sums of regions can not wrap. */
#define REGION_SIZE_MAX (1ull << 44)

static int refuse_field(struct user *u, const char *field)
{
	log_err(u->dev.name, "its answer makes no sense: %s", field);
	return -EPROTO;
}

/* ---- version ---- */

/* An integer of a JSON object; @value stays as it is if there is none. */
static int take_number(const json_t *caps, const char *key, uint32_t min,
		       uint32_t *value)
{
	const json_t *number = json_object_get(caps, key);
	json_int_t n;

	if (!number)
		return 0;
	n = json_integer_value(number);
	if (!json_is_integer(number) || n < min)
		return -EPROTO;
	*value = (uint32_t)MIN(n, (json_int_t)UINT32_MAX);
	return 0;
}

static int take_capabilities(struct user *u, const json_t *caps)
{
	uint32_t port = 0;

	if (take_number(caps, "max_msg_fds", 1, &u->max_fds))
		return refuse_field(u, "max_msg_fds");
	if (take_number(caps, "max_data_xfer_size", 8, &u->max_data))
		return refuse_field(u, "max_data_xfer_size");
	if (take_number(caps, "pviommu_port", 1, &port))
		return refuse_field(u, "pviommu_port");
	if (port != 0 && port != PORT_VERSION) {
		log_err(u->dev.name, "it has version %u of the port, not %u",
			port, PORT_VERSION);
		return -EOPNOTSUPP;
	}
	u->ours = port != 0;
	return 0;
}

static int parse_json(struct user *u, const char *text, size_t len)
{
	json_t *root;
	int ret;

	/* Zero-terminated, says the specification; not all do it. */
	root = json_loadb(text, strnlen(text, len), 0, NULL);
	if (!json_is_object(root))
		ret = refuse_field(u, "JSON of the version");
	else
		ret =
		    take_capabilities(u, json_object_get(root, "capabilities"));
	json_decref(root);
	return ret;
}

static int take_version(struct user *u, const uint8_t *body, size_t len)
{
	struct vfio_user_version version;
	int ret = 0;

	memcpy(&version, body, sizeof(version));
	if (le16toh(version.major) != VFIO_USER_MAJOR ||
	    le16toh(version.minor) > VFIO_USER_MINOR) {
		log_err(u->dev.name, "it speaks vfio-user %u.%u, not %u.%u",
			le16toh(version.major), le16toh(version.minor),
			VFIO_USER_MAJOR, VFIO_USER_MINOR);
		return -EOPNOTSUPP;
	}
	u->max_fds = DEFAULT_MAX_FDS;
	u->max_data = DEFAULT_MAX_DATA;
	if (len > sizeof(version))
		ret = parse_json(u, (const char *)body + sizeof(version),
				 len - sizeof(version));
	u->max_fds = MIN(u->max_fds, (uint32_t)VFIO_USER_FDS_MAX);
	u->max_data = MIN(u->max_data, (uint32_t)VFIO_USER_DATA_MAX);
	return ret;
}

static int negotiate(struct user *u)
{
	const struct vfio_user_version version = {
		.major = htole16(VFIO_USER_MAJOR),
		.minor = htole16(VFIO_USER_MINOR),
	};
	char json[128];
	uint8_t reply[4096];
	struct channel_ask ask = {
		.command = VFIO_USER_VERSION,
		.fixed = &version,
		.fixed_len = sizeof(version),
		.data = json,
		.reply = reply,
		.reply_min = sizeof(version),
		.reply_cap = sizeof(reply),
	};
	int ret;

	ask.data_len =
	    1 + (size_t)snprintf(json, sizeof(json),
				 "{\"capabilities\":{"
				 "\"max_msg_fds\":%d,"
				 "\"max_data_xfer_size\":%d}}",
				 VFIO_USER_FDS_MAX, VFIO_USER_DATA_MAX);
	ret = user_ask(u, &ask);
	if (ret)
		return user_refuse(u, ret, "version");
	return take_version(u, reply, ask.reply_len);
}

/* ---- what the device has ---- */

static int learn_info(struct user *u, uint32_t *nr_regions, uint32_t *nr_irqs)
{
	struct vfio_user_device_info info = {
		.argsz = htole32(sizeof(info)),
	};
	struct channel_ask ask = {
		.command = VFIO_USER_DEVICE_GET_INFO,
		.fixed = &info,
		.fixed_len = sizeof(info),
		.reply = &info,
		.reply_min = sizeof(info),
		.reply_cap = sizeof(info),
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return user_refuse(u, ret, "device information");
	if (!(le32toh(info.flags) & VFIO_USER_DEVICE_F_PCI)) {
		log_err(u->dev.name, "it is no PCI device");
		return -EOPNOTSUPP;
	}
	u->can_reset = le32toh(info.flags) & VFIO_USER_DEVICE_F_RESET;
	*nr_regions = MIN(le32toh(info.nr_regions), (uint32_t)VDEV_NR_REGIONS);
	*nr_irqs = MIN(le32toh(info.nr_irqs), (uint32_t)VDEV_NR_IRQS);
	return 0;
}

/* A region or kind of interrupt that the device answers with an error about is
 * one that it does not have; only its death is an error here. */
static int absent(struct user *u, int ret)
{
	return vdev_gone(&u->dev) ? ret : 0;
}

static int learn_region(struct user *u, uint32_t index)
{
	struct vfio_user_region_info info = {
		.argsz = htole32(sizeof(info)),
		.index = htole32(index),
	};
	struct channel_ask ask = {
		.command = VFIO_USER_DEVICE_GET_REGION_INFO,
		.fixed = &info,
		.fixed_len = sizeof(info),
		.reply = &info,
		.reply_min = sizeof(info),
		.reply_cap = sizeof(info),
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return absent(u, ret);
	if (le32toh(info.index) != index)
		return refuse_field(u, "index of a region");
	if (le64toh(info.size) > REGION_SIZE_MAX)
		return refuse_field(u, "size of a region");
	u->dev.regions[index] = (struct vdev_region){
		.size = le64toh(info.size),
		.flags = le32toh(info.flags),
	};
	return 0;
}

static int learn_irq(struct user *u, uint32_t index)
{
	struct vfio_user_irq_info info = {
		.argsz = htole32(sizeof(info)),
		.index = htole32(index),
	};
	struct channel_ask ask = {
		.command = VFIO_USER_DEVICE_GET_IRQ_INFO,
		.fixed = &info,
		.fixed_len = sizeof(info),
		.reply = &info,
		.reply_min = sizeof(info),
		.reply_cap = sizeof(info),
	};
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return absent(u, ret);
	if (le32toh(info.index) != index)
		return refuse_field(u, "index of an interrupt");
	if (le32toh(info.count) > PCI_MSIX_MAX)
		return refuse_field(u, "number of interrupts");
	u->dev.irqs[index] = le32toh(info.count);
	u->irq_flags[index] = le32toh(info.flags);
	return 0;
}

int user_handshake(struct user *u)
{
	uint32_t nr_regions = 0, nr_irqs = 0;
	int ret;

	ret = negotiate(u);
	if (ret)
		return ret;
	ret = learn_info(u, &nr_regions, &nr_irqs);
	if (ret)
		return ret;
	for (uint32_t i = 0; !ret && i < nr_regions; i++)
		ret = learn_region(u, i);
	for (uint32_t i = 0; !ret && i < nr_irqs; i++)
		ret = learn_irq(u, i);
	return ret;
}

/* ---- eventfds in place of register writes ---- */

struct io_fds_reply {
	struct vfio_user_region_io_fds head;
	struct vfio_user_sub_region sub[USER_IO_FDS_MAX];
};

/* Only what KVM can do: any value, a size that a vCPU writes. */
static bool usable(const struct user *u, unsigned int region,
		   const struct vfio_user_sub_region *sub)
{
	static const uint32_t sizes =
	    1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8;
	uint64_t size = le64toh(sub->size);

	return le32toh(sub->type) == VFIO_USER_IO_FD_IOEVENTFD &&
	       le32toh(sub->flags) == 0 && size <= 8 && sizes >> size & 1 &&
	       span_fits(le64toh(sub->offset), size ? size : 1,
			 u->dev.regions[region].size);
}

static void take_io_fds(struct user *u, unsigned int region,
			const struct io_fds_reply *reply, size_t nr, int *fds,
			size_t nr_fds)
{
	for (size_t i = 0; i < nr; i++) {
		const struct vfio_user_sub_region *sub = &reply->sub[i];
		uint32_t at = le32toh(sub->fd_index);

		if (u->nr_io_fds == USER_IO_FDS_MAX)
			break;
		if (at >= nr_fds || fds[at] < 0 || !usable(u, region, sub))
			continue;
		u->io_fds[u->nr_io_fds++] = (struct user_io_fd){
			.region = region,
			.off = le64toh(sub->offset),
			.len = (uint32_t)le64toh(sub->size),
			.fd = fds[at],
		};
		fds[at] = -1;
	}
	for (size_t i = 0; i < nr_fds; i++)
		fd_close(&fds[i]);
}

static int learn_region_io_fds(struct user *u, uint32_t region)
{
	struct io_fds_reply reply;
	const struct vfio_user_region_io_fds head = {
		.argsz = htole32(sizeof(reply)),
		.index = htole32(region),
	};
	int fds[FD_PASS_MAX];
	struct channel_ask ask = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.fixed = &head,
		.fixed_len = sizeof(head),
		.reply = &reply,
		.reply_min = sizeof(head),
		.reply_cap = sizeof(reply),
		.reply_fds = fds,
	};
	size_t nr;
	int ret;

	ret = user_ask(u, &ask);
	if (ret)
		return absent(u, ret);
	/* A server with more tells their number, and lists none or some. */
	nr = (ask.reply_len - sizeof(head)) / sizeof(reply.sub[0]);
	take_io_fds(u, region, &reply, MIN(nr, le32toh(reply.head.count)), fds,
		    ask.nr_reply_fds);
	return 0;
}

int user_learn_io_fds(struct user *u)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i <= VFIO_USER_REGION_BAR5; i++)
		if (u->dev.regions[i].size > 0)
			ret = learn_region_io_fds(u, i);
	return ret;
}
