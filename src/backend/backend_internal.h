/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends have in common: the counters; a descriptor that is all of one. */
#ifndef BACKEND_INTERNAL_H
#define BACKEND_INTERNAL_H

#include "backend/backend.h"
#include "base/counter.h"

/* Counts a frame of @len bytes, header included, and passes @ret on. */
static inline int backend_count_send(struct backend *be, size_t len, int ret)
{
	if (ret) {
		counter_add(&be->stats.send_dropped, 1);
		return ret;
	}
	counter_add(&be->stats.sent, 1);
	counter_add(&be->stats.sent_bytes, len - BACKEND_VNET_LEN);
	return 0;
}

/* As above, for a received frame or an error. */
static inline ssize_t backend_count_receive(struct backend *be, ssize_t len)
{
	if (len >= 0) {
		counter_add(&be->stats.received, 1);
		counter_add(&be->stats.received_bytes,
			    (uint64_t)len - BACKEND_VNET_LEN);
	}
	return len;
}

/* A backend that is a descriptor and nothing more; @fd is taken over, also in
 * case of error. Return: 0 or -ENOMEM. */
MUST_CHECK int backend_plain_create(const struct backend_ops *ops, int fd,
				    struct backend **out);
void backend_plain_destroy(struct backend *be);

#endif
