/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user server in a thread, for tests of the client: a small PCI device that
 * answers well, but for one command that a test has it answer badly.
 */
#ifndef TESTS_UNIT_VFIO_FAKE_H
#define TESTS_UNIT_VFIO_FAKE_H

#include "base/fd.h"
#include "vfio/user.h"
#include "viommu/viommu.h"
#include "wire/vfio_user.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_BAR0_LEN 0x1000
#define FAKE_RAM_LEN  (4u << 20)
#define FAKE_ENDPOINT 8

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
	struct fake_message *waiting; /* a question for later; NULL: none */
};

/* It, a client for it, and what the client needs. Zero but for what the test sets
 * in @fake between init and connect. */
struct fake_setup {
	struct guest_ram *ram;
	struct viommu *mmu;
	struct fake fake;
	struct vdev *dev;
};

void fake_setup_init(struct fake_setup *s);
/* Starts the server. Return: as user_create(). */
int fake_setup_connect(struct fake_setup *s, unsigned int timeout_ms);
void fake_setup_fini(struct fake_setup *s);

/* Spoilers that more than one test uses. */
enum fake_act fake_one_byte_short(struct fake *fake,
				  struct fake_message *reply);
enum fake_act fake_one_byte_long(struct fake *fake, struct fake_message *reply);
enum fake_act fake_an_error(struct fake *fake, struct fake_message *reply);
enum fake_act fake_silence(struct fake *fake, struct fake_message *reply);
enum fake_act fake_hang_up(struct fake *fake, struct fake_message *reply);
enum fake_act fake_dma_flood(struct fake *fake, struct fake_message *reply);

/* For a spoiler: sends a message of the server's own. False: the client hung up. */
bool fake_send(struct fake *fake, struct fake_message *msg);

/* As fake_send(), and waits for the reply, which replaces @msg. What the client
 * asks meanwhile is answered later. */
bool fake_ask(struct fake *fake, struct fake_message *msg);

#endif
