/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmit offloads: from what a driver asks for in descriptors to the header
 * that the backend wants in front of a frame (struct port_vnet), and to headers
 * of the frame that are right for any receiver. Pure.
 *
 * Drivers leave the IP length of a frame to be segmented 0, and its checksum
 * and the length in TCP's pseudo-header out, since this chip puts them in for
 * each segment. The backend segments frames that are right as a whole.
 */
#ifndef DEVICES_E1000_OFFLOAD_H
#define DEVICES_E1000_OFFLOAD_H

#include "base/compiler.h"
#include "wire/port.h"

#include <stdbool.h>
#include <stdint.h>

#include "devices/e1000/regs.h"

#define E1000_HEAD_MAX 256 /* bytes of a frame's front that are looked at */
#define E1000_TAG_LEN  4
#define E1000_TAG_OFF  12 /* of a frame: where the tag goes */

struct e1000_offload {
	bool segment;  /* TSE */
	bool ip_sum;   /* IXSM */
	bool sum;      /* TXSM, or a legacy descriptor's IC */
	bool tcp, ip4; /* kinds of packet, if segment */
	uint8_t ip_start, ip_sum_off;
	uint16_t ip_last; /* of what ip_sum covers */
	uint8_t sum_start, sum_off;
	uint16_t mss;
	uint8_t head_len; /* of the headers in front of each segment */
};

/* As the first descriptor of a frame, and the last context, ask for it. */
void e1000_offload_parse(struct e1000_offload *o,
			 const struct e1000_tx_desc *first,
			 const struct e1000_tx_desc *context);

/**
 * e1000_offload_check() - Bound what was asked for by the frame's length
 *
 * Drops a checksum that would lie outside the frame, as the chip would have
 * written it nowhere.
 *
 * Return: 0, or -EINVAL: segmentation that makes no sense; do not send.
 */
MUST_CHECK int e1000_offload_check(struct e1000_offload *o, uint32_t len);

/* Bytes of the frame's front that e1000_offload_fix() needs; 0: none. Less than
 * E1000_HEAD_MAX, at most the frame's length. After a successful check. */
uint32_t e1000_offload_head(const struct e1000_offload *o);

/* Corrects @head, those bytes of a frame of @len bytes. */
void e1000_offload_fix(const struct e1000_offload *o, uint8_t *head,
		       uint32_t len);

/**
 * e1000_offload_vnet() - Fill in the header for the backend
 * @head:    as corrected; NULL if e1000_offload_head() is 0
 * @len:     of the frame, without tag
 * @tag_len: length of a tag that was put in front of everything named here
 *
 * Return: false if the backend needs none.
 */
bool e1000_offload_vnet(const struct e1000_offload *o, const uint8_t *head,
			uint32_t len, uint32_t tag_len, struct port_vnet *vnet);

/* Frames that the wire gets for one of @len bytes. */
uint32_t e1000_offload_segments(const struct e1000_offload *o, uint32_t len);

#endif
