// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/portinfo.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/range.h"
#include "wire/vfio_user.h"

#define RUN_LEN sizeof(struct vfio_user_pv_regs)

static int refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EINVAL;
}

static void copy_shape(const struct vfio_user_pv_port_info *wire,
		       struct dma_port_shape *shape)
{
	shape->nr_rings = le32toh(wire->nr_rings);
	for (unsigned int i = 0; i < PORT_RINGS_MAX; i++) {
		shape->ring_entries[i] = le32toh(wire->ring_entries[i]);
		shape->ring_irq_cause[i] = le32toh(wire->ring_irq_cause[i]);
	}
	shape->staging_len = le32toh(wire->staging_len);
	shape->regs_len = le32toh(wire->regs_len);
	shape->irq_cause_off = le32toh(wire->irq_cause_off);
	shape->irq_mask_off = le32toh(wire->irq_mask_off);
	shape->state_len = le32toh(wire->state_len);
	shape->net = le32toh(wire->flags) & VFIO_USER_PV_PORT_F_NET;
}

static bool word_in_page(uint32_t off, uint32_t regs_len)
{
	return off % 4 == 0 && span_fits(off, 4, regs_len);
}

static int check_page(const struct portinfo *info, const char **why)
{
	const struct dma_port_shape *s = &info->shape;

	if (info->region > VFIO_USER_REGION_BAR5)
		return refuse(why, "register page in a region that is no BAR");
	if (s->regs_len > PORT_REGS_MAX || s->regs_len % 4)
		return refuse(why, "length of the register page");
	if (s->irq_cause_off == PORT_NONE && s->irq_mask_off == PORT_NONE)
		return 0;
	if (!word_in_page(s->irq_cause_off, s->regs_len) ||
	    !word_in_page(s->irq_mask_off, s->regs_len))
		return refuse(why, "offset of interrupt cause or mask");
	return 0;
}

static bool needs_irqline(uint8_t write_class)
{
	return write_class == PORT_WRITE_CAUSE_SET ||
	       write_class == PORT_WRITE_MASK_SET ||
	       write_class == PORT_WRITE_MASK_CLEAR;
}

/* *@end: where the run before ended; runs ascend, so none overlap. */
static int take_run(struct portinfo *info, const struct vfio_user_pv_regs *run,
		    uint32_t *end, const char **why)
{
	uint32_t off = le32toh(run->offset), nr = le32toh(run->nr);
	bool irqline = info->shape.irq_cause_off != PORT_NONE;

	if (off % 4 || off < *end)
		return refuse(why, "run of registers out of order");
	if (nr == 0 || !span_fits(off, (uint64_t)nr * 4, info->shape.regs_len))
		return refuse(why, "run of registers outside the page");
	if (run->read_class > PORT_READ_CLEAR ||
	    run->write_class > PORT_WRITE_IGNORED || run->reserved)
		return refuse(why, "unknown class of registers");
	if (needs_irqline(run->write_class) && !irqline)
		return refuse(why, "interrupt register without interrupt");

	for (uint32_t i = 0; i < nr; i++)
		info->classes[off / 4 + i] = (struct portinfo_class){
			.known = true,
			.read = run->read_class,
			.write = run->write_class,
		};
	*end = off + nr * 4;
	return 0;
}

static int take_runs(struct portinfo *info, const uint8_t *runs, size_t nr,
		     const char **why)
{
	uint32_t end = 0;

	for (size_t i = 0; i < nr; i++) {
		struct vfio_user_pv_regs run;
		int ret;

		memcpy(&run, runs + i * RUN_LEN, RUN_LEN);
		ret = take_run(info, &run, &end, why);
		if (ret)
			return ret;
	}
	return 0;
}

int portinfo_parse(const uint8_t *body, size_t len, struct portinfo *out,
		   const char **why)
{
	struct vfio_user_pv_port_info wire;
	struct portinfo info;
	int ret;

	if (len < sizeof(wire))
		return refuse(why, "its length");
	memcpy(&wire, body, sizeof(wire));
	if (le32toh(wire.version) != PORT_VERSION)
		return refuse(why, "version");
	if (le32toh(wire.flags) & ~VFIO_USER_PV_PORT_F_NET)
		return refuse(why, "unknown flags");
	if (le32toh(wire.nr_runs) != (len - sizeof(wire)) / RUN_LEN ||
	    (len - sizeof(wire)) % RUN_LEN)
		return refuse(why, "number of runs of registers");
	copy_shape(&wire, &info.shape);
	info.region = le32toh(wire.regs_region);
	ret = check_page(&info, why);
	if (ret)
		return ret;

	info.classes =
	    calloc(info.shape.regs_len / 4 + 1, sizeof(*info.classes));
	if (!info.classes)
		return -ENOMEM;
	ret = take_runs(&info, body + sizeof(wire), le32toh(wire.nr_runs), why);
	if (ret)
		goto err_free;
	*out = info;
	return 0;

err_free:
	free(info.classes);
	return ret;
}

void portinfo_fini(struct portinfo *info)
{
	free(info->classes);
	info->classes = NULL;
}
