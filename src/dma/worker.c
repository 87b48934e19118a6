// SPDX-License-Identifier: BSD-2-Clause
/* The thread of a port: serves, spins a while, sleeps. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/bytes.h"
#include "base/spin.h"
#include "dma/port_internal.h"

/* What a ring gets before the next has its turn. */
#define TURN_EPOCHS 16
#define TURN_BYTES  0x20000u

static bool stopping(struct dma_port *port)
{
	return __atomic_load_n(&port->stopping, __ATOMIC_ACQUIRE);
}

static bool serve_turn(struct dma_port *port, struct ring *ring)
{
	uint32_t bytes = 0;
	int nr = 0;

	while (nr < TURN_EPOCHS && bytes < TURN_BYTES && !stopping(port) &&
	       dma_ring_serve(port, ring)) {
		bytes += DMA_EPOCH_BYTES - port->group.budget;
		nr++;
	}
	return nr > 0;
}

static bool serve(struct dma_port *port)
{
	struct backend *be = port->backend;
	bool any = false;

	for (uint32_t i = 0; i < port->nr_rings; i++)
		any |= serve_turn(port, &port->rings[i]);
	any |= dma_rx_pull(port);
	if (be && be->want_write && be->ops->flush)
		be->ops->flush(be);
	return any;
}

bool dma_port_step(struct dma_port *port)
{
	return port->master.ep ? serve(port) : false;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool any_pending(const struct dma_port *port)
{
	for (uint32_t i = 0; i < port->nr_rings; i++)
		if (dma_ring_pending(&port->rings[i]))
			return true;
	return false;
}

/* What the backend has to be polled for: input only while it can be put
 * somewhere. */
static short backend_events(const struct dma_port *port)
{
	short events = 0;

	if (!port->backend)
		return 0;
	if (port->frames && port->rx.nr_free > 0 && !port->rx.ended)
		events |= POLLIN;
	if (port->backend->want_write)
		events |= POLLOUT;
	return events;
}

static void sleep_until_kicked(struct dma_port *port)
{
	const short events = backend_events(port);
	struct pollfd p[] = {
		{ .fd = port->stop_fd, .events = POLLIN },
		{ .fd = port->kick_worker, .events = POLLIN },
		{ .fd = events ? port->backend->fd : -1, .events = events },
	};

	/* A full fence: then the last look. Pairs with the device's, between
	 * its tail and its look at the flag. */
	__atomic_exchange_n(&port->control->worker_sleeps, 1, __ATOMIC_SEQ_CST);
	if (!any_pending(port) && ppoll(p, ARRAY_SIZE(p), NULL, NULL) > 0 &&
	    p[1].revents)
		fd_event_drain(port->kick_worker);
	shared_store(&port->control->worker_sleeps, 0);
}

static void *run_worker(void *arg)
{
	struct dma_port *port = arg;
	uint64_t idle_since = 0;

	(void)prctl(PR_SET_NAME, "dma");
	if (port->enter && port->enter()) {
		log_err("dma", "worker: no system call filter: it ends");
		return NULL;
	}
	while (!stopping(port)) {
		if (serve(port)) {
			idle_since = 0;
			continue;
		}
		if (idle_since == 0)
			idle_since = now_ns();
		if (now_ns() - idle_since < port->spin_ns) {
			(void)sched_yield();
			continue;
		}
		sleep_until_kicked(port);
		idle_since = 0;
	}
	return NULL;
}

/* Signals are for other threads; SIGBUS on guest memory is this one's own. */
static int create_thread(struct dma_port *port)
{
	sigset_t block, before;
	int ret;

	(void)sigfillset(&block);
	(void)sigdelset(&block, SIGBUS);
	ret = -pthread_sigmask(SIG_SETMASK, &block, &before);
	if (ret)
		return ret;
	ret = -pthread_create(&port->thread, NULL, run_worker, port);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int dma_port_start(struct dma_port *port, struct viommu_endpoint *ep, int irq,
		   int (*enter)(void))
{
	int ret;

	dma_port_attach(port, ep, irq);
	port->enter = enter;
	port->spin_ns = spin_time();
	__atomic_store_n(&port->stopping, 0, __ATOMIC_RELEASE);
	fd_event_drain(port->stop_fd);
	ret = create_thread(port);
	if (ret) {
		dma_port_attach(port, NULL, -1);
		return ret;
	}
	port->started = true;
	return 0;
}

void dma_port_stop(struct dma_port *port)
{
	if (port->started) {
		__atomic_store_n(&port->stopping, 1, __ATOMIC_RELEASE);
		fd_event_signal(port->stop_fd);
		(void)pthread_join(port->thread, NULL);
		port->started = false;
	}
	dma_port_attach(port, NULL, -1);
}
