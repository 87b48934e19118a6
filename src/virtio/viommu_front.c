// SPDX-License-Identifier: BSD-2-Clause
/*
 * The virtio-iommu front.
 *
 * Requests are served by the vCPU that notifies: the driver waits for the answer
 * with its interrupts off, and to wake another thread costs more than to answer;
 * where all processors are busy, that thread would not even come to run before
 * the driver has used up its time slice. What is more than a bound is left to the
 * front's own thread, so that a vCPU can always be stopped. That thread, woken by
 * one eventfd, also passes faults on.
 *
 * Whoever serves holds @lock, a batch at a time. Whoever stops the queues clears
 * @live first, so that the others end after the request that they are serving, and
 * then takes @lock: from then on nobody touches queues or transport. The
 * transport's lock is outside of @lock.
 */
#include "virtio/viommu_front.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_iommu.h>

#include "base/fd.h"
#include "base/log.h"
#include "dma/vq.h"
#include "memory/guard.h"
#include "viommu/viommu.h"
#include "virtio/vpci.h"

#define NAME	   "viommu"
#define CLASS	   0x080600 /* system peripheral, IOMMU */
#define QUEUE_SIZE VQ_SIZE_MAX
#define BATCH	   64 /* requests, or events, until the others have their turn */
#define TURNS	   16 /* batches that a vCPU serves for one notification */
#define GROUP	   16 /* requests that are taken, and answered, at a time */
#define RESP_MAX   (VIOMMU_PROBE_LEN + sizeof(struct virtio_iommu_req_tail))
#define BIT(n)	   (1ull << (n))

/*
 * VIRTIO_F_ACCESS_PLATFORM is not here: it would put the IOMMU behind itself.
 * Nor are indirect descriptors: the driver's requests are two descriptors, and
 * making a table for them costs it more than it saves us.
 */
#define FEATURES                                                            \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_IOMMU_F_INPUT_RANGE) |        \
	 BIT(VIRTIO_IOMMU_F_DOMAIN_RANGE) | BIT(VIRTIO_IOMMU_F_MAP_UNMAP) | \
	 BIT(VIRTIO_IOMMU_F_PROBE) | BIT(VIRTIO_IOMMU_F_MMIO) |             \
	 BIT(VIRTIO_IOMMU_F_BYPASS_CONFIG))

enum front_queue { REQUESTS, EVENTS, NR_QUEUES };

/* A request on its way to its answer. */
struct request {
	struct vq_chain chain;
	size_t req_len, resp_len;
	uint8_t req[VIOMMU_REQ_MAX + 1], resp[RESP_MAX + 1];
};

struct group {
	volatile unsigned int nr; /* looked at after a SIGBUS */
	struct request requests[GROUP];
};

struct viommu_front {
	struct viommu *mmu;    /* borrowed */
	struct guest_ram *ram; /* borrowed */
	struct vpci *vpci;     /* owns this */
	int (*enter)(void);
	pthread_t thread;
	int wake_fd;	      /* owned */
	bool live;	      /* atomic: the driver has started the device */
	bool ending;	      /* atomic */
	pthread_mutex_t lock; /* guards the queues */
	struct vq queues[NR_QUEUES];
	bool enabled[NR_QUEUES];
	struct group group;		 /* of who has the lock */
	struct vq_chain chain;		 /* as well: of events */
	struct viommu_front_stats stats; /* written by who has the lock */
	struct log_limit limit;
};

static bool is_live(const struct viommu_front *front)
{
	return __atomic_load_n(&front->live, __ATOMIC_ACQUIRE);
}

static void set_live(struct viommu_front *front, bool live)
{
	__atomic_store_n(&front->live, live, __ATOMIC_RELEASE);
}

static void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* ---- serving ---- */

/* The driver has broken a rule of the queue. Locked. */
static void give_up(struct viommu_front *front, enum front_queue i,
		    const char *why)
{
	static const char *const names[] = { "request", "event" };

	count(&front->stats.bad_chains);
	log_guest(&front->limit, NAME, "%s queue: %s", names[i], why);
	set_live(front, false);
	vpci_needs_reset(front->vpci);
}

static int copy_request(struct vq *vq, struct request *r)
{
	/* Longer by a byte than any request, so that too long stays too long. */
	r->req_len = MIN(r->chain.read_len, sizeof(r->req));
	r->resp_len = MIN(r->chain.write_len, sizeof(r->resp));
	return vq_chain_read(vq, &r->chain, r->req, r->req_len);
}

/* Copies the next requests. Under a guard. */
static void take_group(void *ctx)
{
	struct viommu_front *front = ctx;
	struct vq *vq = &front->queues[REQUESTS];
	struct group *g = &front->group;

	while (g->nr < GROUP) {
		struct request *r = &g->requests[g->nr];

		if (vq_pop(vq, &r->chain) || copy_request(vq, r))
			return;
		g->nr = g->nr + 1;
	}
}

/* Writes the answers. Under a guard. */
static void answer_group(void *ctx)
{
	struct viommu_front *front = ctx;
	struct vq *vq = &front->queues[REQUESTS];
	struct group *g = &front->group;

	for (unsigned int i = 0; i < g->nr; i++) {
		struct request *r = &g->requests[i];

		if (vq_chain_write(vq, &r->chain, r->resp, r->resp_len) ||
		    vq_push(vq, &r->chain, (uint32_t)r->resp_len))
			return;
	}
	vq_publish(vq);
}

static void end_by_sigbus(struct vq *vq)
{
	if (!vq->broken)
		vq->broken = "its memory is not there";
}

/*
 * A few requests at a time, so that one guard, one look at the index and one
 * update of it serve all. Return: how many; less than were taken if the driver
 * resets the device meanwhile.
 */
static unsigned int serve_group(struct viommu_front *front)
{
	struct vq *vq = &front->queues[REQUESTS];
	struct group *g = &front->group;
	unsigned int taken;

	g->nr = 0;
	if (guard_run(take_group, front))
		end_by_sigbus(vq);
	taken = g->nr;
	for (g->nr = 0; g->nr < taken && is_live(front); g->nr = g->nr + 1) {
		struct request *r = &g->requests[g->nr];

		r->resp_len = viommu_request(front->mmu, r->req, r->req_len,
					     r->resp, r->resp_len);
		count(&front->stats.requests);
	}
	if (g->nr > 0 && guard_run(answer_group, front))
		end_by_sigbus(vq);
	return g->nr;
}

/* Serves a batch at most. Locked. Return: there may be more. */
static bool serve_requests(struct viommu_front *front)
{
	struct vq *vq = &front->queues[REQUESTS];
	unsigned int nr = 0, some;

	if (!is_live(front) || !front->enabled[REQUESTS])
		return false;
	vq_set_notify(vq, false);
	do {
		some = serve_group(front);
		nr += some;
	} while (some == GROUP && nr < BATCH);
	vq_set_notify(vq, true);
	if (nr > 0 && vq_wants_interrupt(vq))
		vpci_interrupt(front->vpci, REQUESTS);
	if (vq->broken)
		give_up(front, REQUESTS, vq->broken);
	return is_live(front) && vq_is_pending(vq);
}

/* Return: as the vq_ functions; -EBADMSG also for a buffer too small. */
static int send_event(struct viommu_front *front,
		      const struct virtio_iommu_fault *fault)
{
	struct vq *vq = &front->queues[EVENTS];
	struct vq_chain *chain = &front->chain;
	int ret;

	ret = vq_pop(vq, chain);
	if (ret)
		return ret;
	if (chain->write_len < sizeof(*fault)) {
		vq->broken = "a buffer too small for an event";
		return -EBADMSG;
	}
	ret = vq_chain_write(vq, chain, fault, sizeof(*fault));
	if (ret)
		return ret;
	count(&front->stats.events);
	return vq_push(vq, chain, sizeof(*fault));
}

/* Faults wait in the viommu until the driver has posted buffers. Serves a batch at
 * most. Locked. Return: there may be more. */
static bool serve_events(struct viommu_front *front)
{
	struct vq *vq = &front->queues[EVENTS];
	struct virtio_iommu_fault fault;
	unsigned int nr = 0;

	if (!is_live(front) || !front->enabled[EVENTS])
		return false;
	while (nr < BATCH && is_live(front) && vq_is_pending(vq) &&
	       viommu_take_fault(front->mmu, &fault)) {
		if (send_event(front, &fault))
			break;
		nr++;
	}
	if (nr > 0)
		vq_publish(vq);
	if (nr > 0 && vq_wants_interrupt(vq))
		vpci_interrupt(front->vpci, EVENTS);
	if (vq->broken)
		give_up(front, EVENTS, vq->broken);
	return nr == BATCH;
}

/* Return: there may be more. */
static bool serve(struct viommu_front *front)
{
	bool more;

	pthread_mutex_lock(&front->lock);
	more = serve_requests(front);
	more |= serve_events(front);
	pthread_mutex_unlock(&front->lock);
	return more;
}

static void notify(void *ctx, unsigned int i)
{
	struct viommu_front *front = ctx;

	(void)i;
	pthread_mutex_lock(&front->lock);
	count(&front->stats.kicks);
	pthread_mutex_unlock(&front->lock);
	for (unsigned int turn = 0; turn < TURNS; turn++)
		if (!serve(front))
			return;
	fd_event_signal(front->wake_fd);
}

static void *run_front(void *ctx)
{
	struct viommu_front *front = ctx;
	struct pollfd p = { .fd = front->wake_fd, .events = POLLIN };

	if (front->enter && front->enter()) {
		log_err(NAME, "the thread can not be confined");
		return NULL;
	}
	while (!__atomic_load_n(&front->ending, __ATOMIC_ACQUIRE)) {
		if (poll(&p, 1, -1) < 0)
			continue;
		fd_event_drain(front->wake_fd);
		while (serve(front))
			;
	}
	return NULL;
}

/* ---- what the transport calls ---- */

static void config_read(void *ctx, unsigned int off, void *buf,
			unsigned int len)
{
	struct viommu_front *front = ctx;
	const struct viommu_config *config = viommu_config(front->mmu);
	struct virtio_iommu_config wire = {
		.page_size_mask = htole64(config->page_size_mask),
		.input_range.start = htole64(config->input.start),
		.input_range.end = htole64(config->input.last),
		.domain_range.end = htole32(config->domain_last),
		.probe_size = htole32(VIOMMU_PROBE_LEN),
		.bypass = viommu_bypass_get(front->mmu),
	};

	memcpy(buf, (const char *)&wire + off, len);
}

/* Only bypass can be written; a value other than 0 and 1 is ignored. */
static void config_write(void *ctx, unsigned int off, const void *buf,
			 unsigned int len)
{
	struct viommu_front *front = ctx;

	if (off != offsetof(struct virtio_iommu_config, bypass) || len != 1)
		return;
	if (!(vpci_features(front->vpci) & BIT(VIRTIO_IOMMU_F_BYPASS_CONFIG)))
		return;
	if (viommu_bypass_set(front->mmu, *(const uint8_t *)buf))
		log_guest(&front->limit, NAME, "bypass: neither 0 nor 1");
}

static int start_queue(struct viommu_front *front, enum front_queue i)
{
	struct vq_layout layout;

	front->enabled[i] = vpci_queue_layout(front->vpci, i, &layout);
	if (!front->enabled[i])
		return 0;
	return vq_init(&front->queues[i], front->ram, &layout);
}

static int start(void *ctx)
{
	struct viommu_front *front = ctx;
	int ret;

	pthread_mutex_lock(&front->lock);
	ret = start_queue(front, REQUESTS);
	if (!ret)
		ret = start_queue(front, EVENTS);
	if (!ret)
		set_live(front, true);
	pthread_mutex_unlock(&front->lock);
	if (ret)
		log_guest(&front->limit, NAME, "a queue can not be there: %s",
			  strerror(-ret));
	else
		fd_event_signal(front->wake_fd); /* faults may wait */
	return ret;
}

static void reset(void *ctx)
{
	struct viommu_front *front = ctx;

	set_live(front, false);
	pthread_mutex_lock(&front->lock);
	memset(front->enabled, 0, sizeof(front->enabled));
	/* Nobody is serving a request, and will not before start(). */
	viommu_reset(front->mmu);
	pthread_mutex_unlock(&front->lock);
}

static void front_free(struct viommu_front *front)
{
	pthread_mutex_destroy(&front->lock);
	fd_close(&front->wake_fd);
	free(front);
}

static void stop_thread(struct viommu_front *front)
{
	set_live(front, false);
	__atomic_store_n(&front->ending, true, __ATOMIC_RELEASE);
	fd_event_signal(front->wake_fd);
	(void)pthread_join(front->thread, NULL);
}

static void destroy(void *ctx)
{
	struct viommu_front *front = ctx;

	viommu_set_fault_notifier(front->mmu, NULL, NULL);
	stop_thread(front);
	front_free(front);
}

static const struct vpci_ops ops = {
	.config_read = config_read,
	.config_write = config_write,
	.start = start,
	.reset = reset,
	.notify = notify,
	.destroy = destroy,
};

/* ---- creation ---- */

static void on_fault(void *ctx)
{
	fd_event_signal(((struct viommu_front *)ctx)->wake_fd);
}

/* Signals are for the threads that wait for them. SIGBUS is memory/'s guard's. */
static int start_thread(struct viommu_front *front)
{
	sigset_t block, before;
	int ret;

	(void)sigfillset(&block);
	(void)sigdelset(&block, SIGBUS);
	ret = -pthread_sigmask(SIG_SETMASK, &block, &before);
	if (ret)
		return ret;
	ret = -pthread_create(&front->thread, NULL, run_front, front);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static struct viommu_front *front_new(struct viommu *mmu, struct guest_ram *ram,
				      int (*enter)(void))
{
	struct viommu_front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	front->mmu = mmu;
	front->ram = ram;
	front->enter = enter;
	front->wake_fd = -1;
	pthread_mutex_init(&front->lock, NULL);
	return front;
}

int viommu_front_create(struct viommu *mmu, struct guest_ram *ram,
			struct pci_bus *bus, int devfn, int (*enter)(void),
			struct viommu_front **out)
{
	struct viommu_front *front = front_new(mmu, ram, enter);
	struct vpci_desc desc = {
		.name = NAME,
		.device = VIRTIO_ID_IOMMU,
		.class_code = CLASS,
		.features = FEATURES,
		.nr_queues = NR_QUEUES,
		.queue_size = QUEUE_SIZE,
		.config_len = sizeof(struct virtio_iommu_config),
		.ops = &ops,
		.ctx = front,
	};
	int ret;

	if (!front)
		return -ENOMEM;
	ret = fd_event_create(&front->wake_fd);
	if (ret)
		goto err_free;
	/* Before the function: a bus does not take one off again. */
	ret = start_thread(front);
	if (ret)
		goto err_free;
	ret = vpci_create(bus, devfn, &desc, &front->vpci);
	if (ret)
		goto err_stop;
	viommu_set_fault_notifier(mmu, on_fault, front);
	*out = front;
	return 0;

err_stop:
	stop_thread(front);
err_free:
	front_free(front);
	return ret;
}

struct pci_function *viommu_front_function(struct viommu_front *front)
{
	return vpci_function(front->vpci);
}

void viommu_front_stats(const struct viommu_front *front,
			struct viommu_front_stats *out)
{
	const struct viommu_front_stats *s = &front->stats;

	out->requests = __atomic_load_n(&s->requests, __ATOMIC_RELAXED);
	out->kicks = __atomic_load_n(&s->kicks, __ATOMIC_RELAXED);
	out->events = __atomic_load_n(&s->events, __ATOMIC_RELAXED);
	out->bad_chains = __atomic_load_n(&s->bad_chains, __ATOMIC_RELAXED);
}
