/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An Intel 82540EM behind a DMA port: all of the device but its process. It
 * links with any implementation of port/port.h.
 *
 * One thread. Memory is allocated by e1000_create() only. No call waits for
 * anything but the port's worker, and that only where a register write or a
 * reset says that what is in flight has to end first.
 */
#ifndef DEVICES_E1000_E1000_H
#define DEVICES_E1000_E1000_H

#include "base/compiler.h"
#include "port/port.h"
#include "port/server.h"

#include <stdbool.h>
#include <stdint.h>

#define E1000_RING_TX  0
#define E1000_RING_RX  1
#define E1000_NR_RINGS 2

struct e1000;

/* @mac: what the EEPROM holds. Return: 0 or -ENOMEM. */
MUST_CHECK int e1000_create(const uint8_t mac[6], struct e1000 **out);
/* The port outlives it. NULL is fine. */
void e1000_destroy(struct e1000 *dev);

/*
 * What server_create() wants; its ctx is the struct e1000. Valid as long as
 * the device. The device does nothing before start() has been called: then it
 * goes on from the state in the port, or if that is not one, from power on.
 */
const struct server_device *e1000_description(const struct e1000 *dev);

/* NULL before start(). */
struct port *e1000_port(const struct e1000 *dev);

/**
 * e1000_poll() - Do what there is to do, a bounded amount
 *
 * Return: false if there was nothing: time for port_sleep(), with what
 * e1000_wait() fills in and e1000_has_work() (whose ctx is the device) as its
 * `more`.
 */
bool e1000_poll(struct e1000 *dev);
void e1000_wait(struct e1000 *dev, struct port_wait *wait);
bool e1000_has_work(void *ctx);

#endif
