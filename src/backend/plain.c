// SPDX-License-Identifier: BSD-2-Clause
#include "backend/backend_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"

int backend_plain_create(const struct backend_ops *ops, int fd,
			 struct backend **out)
{
	struct backend *be = calloc(1, sizeof(*be));

	if (!be) {
		fd_close(&fd);
		return -ENOMEM;
	}
	be->ops = ops;
	be->fd = fd;
	*out = be;
	return 0;
}

void backend_plain_destroy(struct backend *be)
{
	fd_close(&be->fd);
	free(be);
}
