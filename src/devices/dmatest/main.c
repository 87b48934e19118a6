// SPDX-License-Identifier: BSD-2-Clause
/*
 * The device's process: a socket, a port, and nothing else. It starts in an empty
 * root, without a capability, and gives up the system calls that made it a device
 * before the guest can say a word.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "devices/dmatest/device.h"
#include "jail/jail.h"

#define SOCK 3

int main(void)
{
	struct dmatest *dev;
	int ret;

	/* May still map and allocate. Has not seen a guest's byte yet. */
	ret = dmatest_create(SOCK, &dev);
	if (ret) {
		log_err("dmatest", "can not start: %s", strerror(-ret));
		return EXIT_FAILURE;
	}

	/* From here on: messages, eventfds, waiting, the end. */
	ret = jail_enter(JAIL_DEVICE);
	if (ret) {
		log_err("dmatest", "no system call filter: %s", strerror(-ret));
		return EXIT_FAILURE;
	}

	ret = dmatest_run(dev);
	/* What it has goes with the process; to free it would take calls that
	 * the filter does not let through. */
	_exit(ret == -ECONNRESET ? EXIT_SUCCESS : EXIT_FAILURE);
}
