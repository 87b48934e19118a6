// SPDX-License-Identifier: BSD-2-Clause
/*
 * pviommu-e1000: the device as a process of its own.
 *
 * Inherits its socket from whoever starts it, and nothing else: no guest memory,
 * no backend. Reaches both through the port that comes over the socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "devices/e1000/e1000.h"
#include "devices/e1000/options.h"
#include "jail/jail.h"

#define FD_SOCKET 3
#define POLLS_MAX 64 /* until the socket gets its turn … */
#define TURNS_MAX 16 /* … and turns without a look at it, if it was not seen */

static int serve(struct e1000 *dev, struct server *server)
{
	unsigned int polls, turns = 0;
	struct port_wait wait;
	bool readable = true;
	int ret;

	for (;;) {
		for (polls = 0; polls < POLLS_MAX && e1000_poll(dev); polls++)
			;
		if (readable || ++turns == TURNS_MAX) {
			turns = 0;
			ret = server_serve(server);
			if (ret)
				return ret;
		}
		readable = false;
		if (polls == POLLS_MAX)
			continue;
		e1000_wait(dev, &wait);
		readable = port_sleep(e1000_port(dev), &wait, e1000_has_work,
				      dev, server_sock(server), -1);
	}
}

int main(int argc, char *argv[])
{
	struct e1000_options options;
	struct server *server;
	struct e1000 *dev;
	int ret;

	if (e1000_options_parse(argc, argv, &options))
		return EXIT_FAILURE;
	ret = e1000_create(options.mac, &dev);
	if (ret)
		goto err;
	ret = server_create(FD_SOCKET, e1000_description(dev), dev, &server);
	if (ret)
		goto err_dev;

	/* May still map and allocate. Has not read a guest's byte yet. */
	ret = server_handshake(server);
	if (ret)
		goto err_server;

	/* From here on: read, write, wait, exit. There is no way back. */
	ret = jail_enter(JAIL_DEVICE);
	if (ret)
		goto err_server;
	ret = serve(dev, server);
	/* The VMM has closed the socket: that is how a device ends. */
	if (ret == -ECONNRESET)
		_exit(EXIT_SUCCESS);
	log_err("e1000", "cannot go on: %s", strerrordesc_np(-ret));
	/* What it has goes with the process; to free it would take calls that
	 * the filter does not let through. */
	_exit(EXIT_FAILURE);

err_server:
	server_destroy(server);
err_dev:
	e1000_destroy(dev);
err:
	log_err("e1000", "cannot start: %s", strerrordesc_np(-ret));
	return EXIT_FAILURE;
}
