// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/user.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/range.h"
#include "vfio/deadline.h"

#define TRIGGER_FDS  (VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_ACTION_TRIGGER)
#define TRIGGER_NONE (VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_ACTION_TRIGGER)
#define UNMASK_NONE  (VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_ACTION_UNMASK)

static struct irqline *irqline_of(struct user *u)
{
	return u->port ? dma_port_irqline(u->port) : NULL;
}

static int send_irqs(struct user *u, uint32_t flags, unsigned int index,
		     unsigned int start, unsigned int count, const int *fds)
{
	const struct vfio_user_set_irqs set = {
		.argsz = htole32(sizeof(set)),
		.flags = htole32(flags),
		.index = htole32(index),
		.start = htole32(start),
		.count = htole32(count),
	};
	struct channel_ask ask = {
		.command = VFIO_USER_DEVICE_SET_IRQS,
		.fixed = &set,
		.fixed_len = sizeof(set),
		.fds = fds,
		.nr_fds = fds ? count : 0,
	};

	return user_ask(u, &ask);
}

/* Neighbours that are alike, eventfd or none, as many as one message takes. */
static unsigned int run_of(const struct user *u, const int *fds,
			   unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && n < u->max_fds && (fds[n] < 0) == (fds[0] < 0))
		n++;
	return n;
}

static int send_fds(struct user *u, unsigned int index, unsigned int start,
		    unsigned int nr, const int *fds)
{
	/* A vCPU waits for all of them, with the lock of the bus. */
	int64_t deadline = deadline_in(u->ch.timeout_ms);
	int ret = 0;

	for (unsigned int i = 0; i < nr && !ret;) {
		unsigned int n = run_of(u, fds + i, nr - i);

		if (i > 0 && deadline_left(deadline) == 0) {
			vdev_fail(&u->dev, "it is too slow with interrupts");
			return -ETIMEDOUT;
		}
		/* No descriptors with it: these have none from now on. */
		ret = send_irqs(u, TRIGGER_FDS, index, start + i, n,
				fds[i] < 0 ? NULL : fds + i);
		i += n;
	}
	return ret;
}

static bool disables(const struct user *u, unsigned int index,
		     unsigned int start, unsigned int nr, const int *fds)
{
	if (start != 0 || nr != u->dev.irqs[index])
		return false;
	for (unsigned int i = 0; i < nr; i++)
		if (fds[i] >= 0)
			return false;
	return true;
}

int user_set_irqs(struct vdev *dev, unsigned int index, unsigned int start,
		  unsigned int nr, const int *fds)
{
	struct user *u = user_of(dev);
	struct irqline *line = irqline_of(u);
	int ret;

	if (index >= VDEV_NR_IRQS || !span_fits(start, nr, dev->irqs[index]))
		return -EINVAL;
	if (vdev_gone(dev))
		return -ENODEV;
	if (disables(u, index, start, nr, fds))
		ret = send_irqs(u, TRIGGER_NONE, index, 0, 0, NULL);
	else
		ret = send_fds(u, index, start, nr, fds);
	/* The worker and the vCPUs raise it, too: INTx, or the first vector,
	 * whichever was connected last. */
	if (!ret && line && start == 0 && nr > 0)
		irqline_connect(line, fds[0]);
	return vdev_gone(dev) ? -ENODEV : ret;
}

bool user_intx_asserted(struct vdev *dev)
{
	struct irqline *line = irqline_of(user_of(dev));

	return line && !vdev_gone(dev) && irqline_asserted(line);
}

void user_intx_eoi(struct vdev *dev)
{
	struct user *u = user_of(dev);
	struct irqline *line = irqline_of(u);

	if (vdev_gone(dev))
		return;
	if (line) {
		if (irqline_asserted(line))
			irqline_signal(line);
		return;
	}
	/* An error is the server's way to say that it needs none. */
	if (u->irq_flags[VFIO_USER_IRQ_INTX] & VFIO_USER_IRQ_F_MASKABLE)
		(void)send_irqs(u, UNMASK_NONE, VFIO_USER_IRQ_INTX, 0, 1, NULL);
}
