// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/regpage.h"

#include <errno.h>
#include <poll.h>

#include "base/bytes.h"
#include "vfio/deadline.h"

/* Looks before going to sleep: some microseconds, less than a wake-up costs. */
#define SPINS 2000

void regpage_init(struct regpage *rp, const struct portinfo *info,
		  struct dma_port *port, int sock, unsigned int timeout_ms)
{
	struct dma_port_fds fds;

	dma_port_fds(port, &fds);
	*rp = (struct regpage){
		.info = info,
		.port = port,
		.control = dma_port_control(port),
		.posted = dma_port_posted(port),
		.regs = dma_port_regs(port),
		.irqline = dma_port_irqline(port),
		.drained = fds.drained,
		.sock = sock,
		.timeout_ms = timeout_ms,
	};
	pthread_mutex_init(&rp->lock, NULL);
}

void regpage_fini(struct regpage *rp)
{
	pthread_mutex_destroy(&rp->lock);
}

const char *regpage_why(int ret)
{
	switch (ret) {
	case -ETIMEDOUT:
		return "it does not act on register writes";
	case -EPROTO:
		return "it acts on more register writes than there were";
	default:
		return "it has closed its socket";
	}
}

bool regpage_reads(const struct regpage *rp, unsigned int region, uint64_t off)
{
	return regpage_writes(rp, region, off) &&
	       rp->info->classes[off / 4].known;
}

bool regpage_writes(const struct regpage *rp, unsigned int region, uint64_t off)
{
	return region == rp->info->region && off < rp->info->shape.regs_len;
}

/* Posted writes that the device has not acted on, or -EPROTO. */
static int outstanding(struct regpage *rp)
{
	uint32_t head = shared_load_acquire(&rp->control->posted_head);
	uint32_t nr = shared_load_acquire(&rp->tail) - head;

	return nr <= PORT_POSTED_NR ? (int)nr : -EPROTO;
}

static int sleep_until(struct regpage *rp, int64_t deadline)
{
	struct pollfd p[] = {
		{ .fd = rp->drained, .events = POLLIN },
		{ .fd = rp->sock, .events = 0 },
	};
	int left = deadline_left(deadline);

	if (left == 0)
		return -ETIMEDOUT;
	(void)poll(p, ARRAY_SIZE(p), left);
	fd_event_drain(rp->drained);
	return p[1].revents ? -ECONNRESET : 0;
}

static int drain_locked(struct regpage *rp)
{
	int64_t deadline = deadline_in(rp->timeout_ms);
	int nr, ret = 0;

	for (unsigned int i = 0; i < SPINS; i++) {
		nr = outstanding(rp);
		if (nr <= 0)
			return nr;
		__builtin_ia32_pause();
	}
	do {
		/* Full fence: the device sees the flag, or we its progress. */
		__atomic_store_n(&rp->control->posted_waiter, 1,
				 __ATOMIC_SEQ_CST);
		shared_fence();
		nr = outstanding(rp);
		if (nr > 0)
			ret = sleep_until(rp, deadline);
	} while (nr > 0 && !ret);
	return nr < 0 ? nr : ret;
}

int regpage_drain(struct regpage *rp)
{
	int ret;

	/* The device's count is loaded first, so that equal means all of them;
	 * anything else may be counts of different times. */
	if (outstanding(rp) == 0)
		return 0;
	pthread_mutex_lock(&rp->lock);
	ret = drain_locked(rp);
	pthread_mutex_unlock(&rp->lock);
	return ret;
}

uint32_t regpage_read(struct regpage *rp, uint64_t off)
{
	uint32_t *word = &rp->regs[off / 4];

	if (rp->info->classes[off / 4].read == PORT_READ_CLEAR)
		return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
	return shared_load_acquire(word);
}

static int post_locked(struct regpage *rp, uint64_t off, uint32_t value)
{
	uint32_t tail = rp->tail;
	struct port_posted *entry = &rp->posted[tail % PORT_POSTED_NR];
	int nr = outstanding(rp);

	if (nr == PORT_POSTED_NR)
		nr = drain_locked(rp);
	if (nr < 0)
		return nr;
	shared_store(&entry->offset, htole32((uint32_t)off));
	shared_store(&entry->value, htole32(value));
	shared_store_release(&rp->control->posted_tail, tail + 1);
	shared_store_release(&rp->tail, tail + 1);
	return 0;
}

static int post(struct regpage *rp, uint64_t off, uint32_t value)
{
	int ret;

	pthread_mutex_lock(&rp->lock);
	ret = post_locked(rp, off, value);
	pthread_mutex_unlock(&rp->lock);
	if (!ret)
		dma_port_kick_device(rp->port);
	return ret;
}

int regpage_write(struct regpage *rp, uint64_t off, uint32_t value)
{
	const struct portinfo_class *class = &rp->info->classes[off / 4];
	uint32_t *word = &rp->regs[off / 4];

	/* A word without a class has write class 0, PORT_WRITE_POSTED. */
	switch (class->write) {
	case PORT_WRITE_PLAIN:
		shared_store_release(word, value);
		break;
	case PORT_WRITE_DOORBELL:
		shared_store_release(word, value);
		dma_port_kick_device(rp->port);
		break;
	case PORT_WRITE_CAUSE_SET:
		irqline_raise(rp->irqline, value);
		break;
	case PORT_WRITE_MASK_SET:
		irqline_unmask(rp->irqline, value);
		break;
	case PORT_WRITE_MASK_CLEAR:
		irqline_mask(rp->irqline, value);
		break;
	case PORT_WRITE_IGNORED:
		break;
	default:
		return post(rp, off, value);
	}
	return 0;
}
