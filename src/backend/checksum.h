/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checksum that a vnet header leaves to whoever sends the frame, for backends
 * that have nobody behind them to do it. Pure.
 */
#ifndef BACKEND_CHECKSUM_H
#define BACKEND_CHECKSUM_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

/**
 * checksum_finish() - Put the sum at csum_start + csum_offset of a frame
 * @frame: @len bytes; a pseudo-header's sum, or 0, stands there
 *
 * Return: 0, or -EINVAL: the place is not in the frame.
 */
MUST_CHECK int checksum_finish(uint8_t *frame, size_t len,
			       const struct virtio_net_hdr_v1 *vnet);

#endif
