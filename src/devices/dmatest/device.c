// SPDX-License-Identifier: BSD-2-Clause
#include "devices/dmatest/device.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/range.h"
#include "devices/dmatest/dmatest.h"
#include "port/server.h"

#define RING	 0
#define RING_LEN 256

/* The operation in progress. */
struct job {
	bool busy;
	enum port_op op;
	uint8_t flags;
	uint64_t iova; /* of the next entry */
	uint32_t len;
	uint32_t staging;
	uint32_t left;	/* entries to post */
	uint32_t taken; /* counter value: entries before it have been counted */
};

struct dmatest {
	struct server *server; /* owned */
	struct port *port;     /* borrowed from server */
	uint32_t *regs;	       /* borrowed from port */
	uint8_t *staging;      /* borrowed from port */
	int bell;	       /* owned eventfd */
	int intx, msix;	       /* borrowed from server; -1: none */
	uint32_t tail_seen;
	struct job job;
};

/* ---- what it is ---- */

/* PCI Local Bus Specification 3.0, "Configuration Space Organization" and, at
 * 0x40, "MSI-X Capability and Table Structure". */
static const uint8_t config[256] = {
	[0x00] = DMATEST_VENDOR & 0xff,
	[0x01] = DMATEST_VENDOR >> 8,
	[0x02] = DMATEST_DEVICE & 0xff,
	[0x03] = DMATEST_DEVICE >> 8,
	[0x06] = 0x10, /* status: has capabilities */
	[0x0b] = 0xff, /* class: does not fit any */
	[0x2c] = DMATEST_VENDOR & 0xff,
	[0x2d] = DMATEST_VENDOR >> 8,
	[0x2e] = DMATEST_DEVICE & 0xff,
	[0x2f] = DMATEST_DEVICE >> 8,
	[0x34] = 0x40, /* first capability */
	[0x3d] = 1,    /* INTA */
	[0x40] = 0x11, /* MSI-X, the last; one vector */
	[0x44] = 4,    /* table: BAR 4, at 0 */
	[0x48] = (DMATEST_PBA & 0xff) | 4,
	[0x49] = DMATEST_PBA >> 8,
};

#define WORDS(from, to, read, write)                          \
	{                                                     \
		.offset = (from), .nr = ((to) - (from)) / 4,  \
		.read_class = (read), .write_class = (write), \
	}

/* What the vCPU does by itself: everything but the start of an operation. */
static const struct vfio_user_pv_regs runs[] = {
	WORDS(DMATEST_ID, DMATEST_OP, PORT_READ_PLAIN, PORT_WRITE_IGNORED),
	WORDS(DMATEST_OP, DMATEST_GO, PORT_READ_PLAIN, PORT_WRITE_PLAIN),
	WORDS(DMATEST_GO, DMATEST_STATUS, PORT_READ_PLAIN, PORT_WRITE_POSTED),
	WORDS(DMATEST_STATUS, DMATEST_TAIL, PORT_READ_PLAIN,
	      PORT_WRITE_IGNORED),
	WORDS(DMATEST_TAIL, DMATEST_TAIL_SEEN, PORT_READ_PLAIN,
	      PORT_WRITE_DOORBELL),
	WORDS(DMATEST_TAIL_SEEN, DMATEST_CAUSE, PORT_READ_PLAIN,
	      PORT_WRITE_IGNORED),
	WORDS(DMATEST_CAUSE, DMATEST_CAUSE_SET, PORT_READ_CLEAR,
	      PORT_WRITE_IGNORED),
	WORDS(DMATEST_CAUSE_SET, DMATEST_MASK_SET, PORT_READ_PLAIN,
	      PORT_WRITE_CAUSE_SET),
	WORDS(DMATEST_MASK_SET, DMATEST_MASK_CLEAR, PORT_READ_PLAIN,
	      PORT_WRITE_MASK_SET),
	WORDS(DMATEST_MASK_CLEAR, DMATEST_SCRATCH, PORT_READ_PLAIN,
	      PORT_WRITE_MASK_CLEAR),
	WORDS(DMATEST_SCRATCH, DMATEST_REGS_END, PORT_READ_PLAIN,
	      PORT_WRITE_PLAIN),
	WORDS(DMATEST_REGS_END, DMATEST_REGS_LEN, PORT_READ_PLAIN,
	      PORT_WRITE_IGNORED),
};

static const struct vfio_user_pv_port_info port_info = {
	.nr_rings = 1,
	.ring_entries = { RING_LEN },
	.ring_irq_cause = { DMATEST_CAUSE_RING },
	.staging_len = DMATEST_STAGING_LEN,
	.regs_region = VFIO_USER_REGION_BAR0,
	.regs_len = DMATEST_REGS_LEN,
	.irq_cause_off = DMATEST_CAUSE,
	.irq_mask_off = DMATEST_MASK_SET,
	.nr_runs = ARRAY_SIZE(runs),
};

/* ---- registers ---- */

static uint32_t get_reg(const struct dmatest *dev, enum dmatest_reg reg)
{
	return shared_load_acquire(&dev->regs[reg / 4]);
}

static void set_reg(struct dmatest *dev, enum dmatest_reg reg, uint32_t value)
{
	shared_store_release(&dev->regs[reg / 4], value);
}

static void raise_cause(struct dmatest *dev, uint32_t cause)
{
	irqline_raise(port_irqline(dev->port), cause);
}

/* ---- operations ---- */

/* The parameters are read once: the guest can change them at any time. */
static void start_job(struct dmatest *dev)
{
	struct job *job = &dev->job;

	if (job->busy)
		return;
	*job = (struct job){
		.busy = true,
		.op = get_reg(dev, DMATEST_OP),
		.flags = (uint8_t)get_reg(dev, DMATEST_FLAGS),
		.iova = get_reg(dev, DMATEST_IOVA_LO) |
			(uint64_t)get_reg(dev, DMATEST_IOVA_HI) << 32,
		.len = get_reg(dev, DMATEST_LEN),
		.staging = get_reg(dev, DMATEST_STAGING),
		.left = MAX(get_reg(dev, DMATEST_COUNT), 1u),
		.taken = port_done(dev->port, RING),
	};
	set_reg(dev, DMATEST_ERROR, 0);
	set_reg(dev, DMATEST_MOVED, 0);
	set_reg(dev, DMATEST_FAILED, 0);
	set_reg(dev, DMATEST_STATUS, DMATEST_BUSY);
}

/* What has completed since the last look: an entry moves all of its bytes unless
 * there is an error about it. */
static void count_done(struct dmatest *dev)
{
	struct job *job = &dev->job;
	uint32_t done = port_done(dev->port, RING);
	uint32_t moved =
	    get_reg(dev, DMATEST_MOVED) + (done - job->taken) * job->len;
	struct port_error error;

	while (port_take_error(dev->port, RING, &error)) {
		if (!get_reg(dev, DMATEST_ERROR))
			set_reg(dev, DMATEST_ERROR, le16toh(error.code));
		set_reg(dev, DMATEST_FAILED, get_reg(dev, DMATEST_FAILED) + 1);
		moved -= job->len - le32toh(error.moved);
	}
	set_reg(dev, DMATEST_MOVED, moved);
	job->taken = done;
}

static void post_entries(struct dmatest *dev)
{
	struct job *job = &dev->job;

	while (job->left > 0 &&
	       port_post(dev->port, RING, job->op, job->iova, job->len,
			 job->staging, job->flags) == 0) {
		job->iova += job->len;
		job->left--;
	}
	port_submit(dev->port, RING);
}

static void end_job(struct dmatest *dev)
{
	dev->job.busy = false;
	set_reg(dev, DMATEST_DONE_COUNT, get_reg(dev, DMATEST_DONE_COUNT) + 1);
	set_reg(dev, DMATEST_STATUS, DMATEST_DONE);
	raise_cause(dev, DMATEST_CAUSE_DONE);
}

static void go_on(struct dmatest *dev)
{
	if (!dev->job.busy)
		return;
	count_done(dev);
	post_entries(dev);
	if (dev->job.taken == port_posted_count(dev->port, RING))
		end_job(dev);
}

/* ---- doorbells ---- */

static bool tail_moved(void *ctx)
{
	struct dmatest *dev = ctx;

	return get_reg(dev, DMATEST_TAIL) != dev->tail_seen;
}

static void look_at_tail(struct dmatest *dev)
{
	if (!tail_moved(dev))
		return;
	dev->tail_seen = get_reg(dev, DMATEST_TAIL);
	set_reg(dev, DMATEST_TAIL_SEEN, dev->tail_seen);
	raise_cause(dev, DMATEST_CAUSE_TAIL);
}

static void count_bell(struct dmatest *dev, uint64_t rings)
{
	set_reg(dev, DMATEST_BELL_COUNT,
		get_reg(dev, DMATEST_BELL_COUNT) + (uint32_t)rings);
	raise_cause(dev, DMATEST_CAUSE_BELL);
}

static void look_at_bell(struct dmatest *dev)
{
	uint64_t rings;

	if (read(dev->bell, &rings, sizeof(rings)) == sizeof(rings))
		count_bell(dev, rings);
}

/* ---- what the server calls ---- */

static int read_bar(void *ctx, unsigned int region, uint64_t off, void *buf,
		    uint32_t len)
{
	const struct dmatest *dev = ctx;

	if (region != VFIO_USER_REGION_BAR0 + 2 ||
	    !span_fits(off, len, DMATEST_STAGING_LEN))
		return -EOPNOTSUPP;
	memcpy(buf, dev->staging + off, len);
	return 0;
}

static int write_bar(void *ctx, unsigned int region, uint64_t off,
		     const void *buf, uint32_t len)
{
	struct dmatest *dev = ctx;

	if (region != VFIO_USER_REGION_BAR0 + 2)
		return -EOPNOTSUPP;
	if (off == DMATEST_BELL)
		count_bell(dev, 1);
	else if (span_fits(off, len, DMATEST_STAGING_LEN))
		memcpy(dev->staging + off, buf, len);
	else
		return -EOPNOTSUPP;
	return 0;
}

static void power_on(struct dmatest *dev)
{
	memset(dev->regs, 0, DMATEST_REGS_LEN);
	memset(dev->staging, 0, DMATEST_STAGING_LEN);
	dev->job.busy = false;
	dev->tail_seen = 0;
	set_reg(dev, DMATEST_ID, DMATEST_MAGIC);
}

static int start(void *ctx, struct port *port)
{
	struct dmatest *dev = ctx;

	if (!port_regs(port) || !port_irqline(port) ||
	    port_staging_len(port) < DMATEST_STAGING_LEN)
		return -EBADMSG;
	dev->port = port;
	dev->regs = port_regs(port);
	dev->staging = port_staging(port);
	power_on(dev);
	return 0;
}

/* Nothing of what is in flight may write after the answer. */
static void reset(void *ctx)
{
	struct dmatest *dev = ctx;
	struct port_error error;

	port_drain(dev->port, RING);
	while (port_take_error(dev->port, RING, &error))
		;
	power_on(dev);
}

static void set_irq(void *ctx, unsigned int index, unsigned int vector, int fd)
{
	struct dmatest *dev = ctx;

	(void)vector;
	if (index == VFIO_USER_IRQ_MSIX)
		dev->msix = fd;
	else
		dev->intx = fd;
	irqline_connect(port_irqline(dev->port),
			dev->msix >= 0 ? dev->msix : dev->intx);
}

static bool io_fd(void *ctx, unsigned int region, unsigned int i, uint64_t *off,
		  int *fd)
{
	const struct dmatest *dev = ctx;

	if (region != VFIO_USER_REGION_BAR0 + 2 || i > 0)
		return false;
	*off = DMATEST_BELL;
	*fd = dev->bell;
	return true;
}

#define READ_WRITE (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)

static const struct server_device description = {
	.name = "dmatest",
	.config = config,
	.regions = {
		[VFIO_USER_REGION_BAR0] = { DMATEST_REGS_LEN, READ_WRITE },
		[VFIO_USER_REGION_BAR0 + 2] = { DMATEST_BAR2_LEN, READ_WRITE },
		[VFIO_USER_REGION_BAR0 + 4] = { DMATEST_BAR4_LEN, READ_WRITE },
	},
	.irqs = { [VFIO_USER_IRQ_INTX] = 1, [VFIO_USER_IRQ_MSIX] = 1 },
	.port = &port_info,
	.runs = runs,
	.read = read_bar,
	.write = write_bar,
	.start = start,
	.set_irq = set_irq,
	.reset = reset,
	.io_fd = io_fd,
};

/* ---- life ---- */

int dmatest_create(int sock, struct dmatest **out)
{
	struct dmatest *dev = calloc(1, sizeof(*dev));
	int ret = -ENOMEM;

	if (!dev)
		goto err_sock;
	dev->intx = dev->msix = -1;
	ret = fd_event_create(&dev->bell);
	if (ret)
		goto err_free;
	ret = server_create(sock, &description, dev, &dev->server);
	sock = -1;
	if (ret)
		goto err_bell;
	ret = server_handshake(dev->server);
	if (ret)
		goto err_server;
	*out = dev;
	return 0;

err_server:
	server_destroy(dev->server);
err_bell:
	fd_close(&dev->bell);
err_free:
	free(dev);
err_sock:
	fd_close(&sock);
	return ret;
}

int dmatest_run(struct dmatest *dev)
{
	struct port_wait wait = { .bell_fd = dev->bell };
	struct port_posted write;
	int ret;

	for (;;) {
		ret = server_serve(dev->server);
		if (ret)
			return ret;
		while (port_next_posted(dev->port, &write)) {
			if (write.offset == DMATEST_GO)
				start_job(dev);
			port_ack_posted(dev->port);
		}
		look_at_tail(dev);
		look_at_bell(dev);
		go_on(dev);

		wait.rings = dev->job.busy ? 1u << RING : 0;
		wait.wake_at[RING] = port_posted_count(dev->port, RING);
		port_sleep(dev->port, &wait, tail_moved, dev,
			   server_sock(dev->server), -1);
	}
}
