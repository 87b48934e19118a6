/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user server in a thread, for tests of the client: a small PCI device that
 * answers well, but for one command that a test has it answer badly.
 */
#ifndef TESTS_UNIT_VFIO_FAKE_H
#define TESTS_UNIT_VFIO_FAKE_H

#include "base/fd.h"
#include "wire/vfio_user.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_BAR0_LEN 0x1000

/* A message as the server sees it, or is about to send it. */
struct fake_message {
	struct vfio_user_header header;
	uint8_t body[VFIO_USER_DATA_MAX + 48];
	size_t len; /* of the body; the header's size is put in when sent */
	int fds[FD_PASS_MAX];
	size_t nr_fds;
};

enum fake_act {
	FAKE_SEND,
	FAKE_SILENCE, /* no answer, ever */
	FAKE_HANG_UP,
};

struct fake {
	/* What the test sets. */
	uint16_t command; /* its answer goes through … */
	enum fake_act (*spoil)(struct fake *fake, struct fake_message *reply);
	const char *json; /* of VERSION; NULL: no JSON */
	/* The port that it asks for; NULL: a foreign server. */
	const struct vfio_user_pv_port_info *port;

	/* What the test may look at, when the server has ended. */
	unsigned int nr_commands[32];
	struct vfio_user_dma_map map;	/* the last DMA_MAP */
	struct vfio_user_set_irqs irqs; /* the last SET_IRQS, with … */
	size_t nr_irq_fds;
	uint8_t bar0[FAKE_BAR0_LEN];
	uint8_t config[256];

	int sock;
	pthread_t thread;
};

/* Starts it. Return: the client's end of its socket; fails the test on error. */
int fake_start(struct fake *fake);
/* After the client has hung up. */
void fake_join(struct fake *fake);

/* For a spoiler: one message of the server's own. False: the client hung up. */
bool fake_send(struct fake *fake, struct fake_message *msg);
bool fake_receive(struct fake *fake, struct fake_message *msg);

#endif
