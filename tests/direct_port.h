/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/port.h without a worker: each operation is carried out as it is posted, on
 * memory that this process has mapped. For a device's unit tests and fuzz targets,
 * and as the device without isolation that benchmarks compare with.
 *
 * An IOVA is an offset into `ram`; what lies outside is refused.
 */
#ifndef TESTS_DIRECT_PORT_H
#define TESTS_DIRECT_PORT_H

#include "port/port.h"
#include "wire/vfio_user.h"

#define DIRECT_FRAME_MAX 0x20000

/* A frame that was sent: @frame behind its vnet header. */
typedef void direct_sent(void *ctx, const struct port_vnet *vnet,
			 const uint8_t *frame, uint32_t len);

/* @info: what the device asks for; @ram: @ram_len bytes, borrowed. NULL if out of
 * memory. */
struct port *direct_port_create(const struct vfio_user_pv_port_info *info,
				uint8_t *ram, size_t ram_len);
void direct_port_destroy(struct port *port);

/* NULL: frames are thrown away. */
void direct_port_on_sent(struct port *port, direct_sent *sent, void *ctx);

/* Announces a frame; false if there is no free slot. */
bool direct_port_receive(struct port *port, const void *frame, uint32_t len);
uint32_t direct_port_free_slots(const struct port *port);

/* A posted register write; false if there is no room. */
bool direct_port_write(struct port *port, uint32_t off, uint32_t value);

/* As a worker that is busy: posted entries wait until _run(), @nr of each ring. */
void direct_port_hold(struct port *port, bool hold);
void direct_port_run(struct port *port, uint32_t nr);

#endif
