// SPDX-License-Identifier: BSD-2-Clause
/*
 * pviommu-evil-e1000: the real e1000, taken over. It works as it should, and when
 * the guest switches promiscuous mode on (`ifconfig eth0 promisc`), which gives a
 * demonstration its cue, it scans all of guest memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "devices/e1000/e1000.h"
#include "devices/e1000/options.h"
#include "devices/e1000/regs.h"
#include "jail/jail.h"
#include "tests/attack/scan.h"

#define FD_SOCKET 3
#define POLLS_MAX 64

struct evil {
	struct e1000 *dev;
	struct scan scan;
	bool promiscuous; /* when it was last looked at */
	/* As the device describes itself, but with what the scan needs. */
	struct server_device description;
	struct vfio_user_pv_port_info port_info;
};

static void describe(struct evil *evil)
{
	evil->description = *e1000_description(evil->dev);
	evil->port_info = *evil->description.port;
	scan_ask(&evil->scan, &evil->port_info);
	evil->description.port = &evil->port_info;
}

/* True once each time that promiscuous mode has been switched on. */
static bool has_cue(struct evil *evil)
{
	const uint32_t *regs = port_regs(e1000_port(evil->dev));
	bool before = evil->promiscuous;

	evil->promiscuous = shared_load(&regs[E1000_RCTL / 4]) & E1000_RCTL_UPE;
	return evil->promiscuous && !before;
}

static int serve(struct evil *evil, struct server *server)
{
	struct port *port = e1000_port(evil->dev);
	struct port_wait wait;
	unsigned int polls;
	int ret;

	for (;;) {
		for (polls = 0; polls < POLLS_MAX && e1000_poll(evil->dev);
		     polls++)
			;
		ret = server_serve(server);
		if (ret)
			return ret;
		if (has_cue(evil))
			scan_start(&evil->scan, port);
		if (evil->scan.active) {
			scan_step(&evil->scan);
			continue;
		}
		if (polls == POLLS_MAX)
			continue;
		e1000_wait(evil->dev, &wait);
		port_sleep(port, &wait, e1000_has_work, evil->dev,
			   server_sock(server), -1);
	}
}

int main(int argc, char *argv[])
{
	struct evil evil = { 0 };
	struct e1000_options options;
	struct server *server;
	int ret;

	if (e1000_options_parse(argc, argv, &options))
		return EXIT_FAILURE;
	ret = e1000_create(options.mac, &evil.dev);
	if (ret)
		goto err;
	describe(&evil);
	ret = server_create(FD_SOCKET, &evil.description, evil.dev, &server);
	if (ret)
		goto err_dev;
	ret = server_handshake(server);
	if (ret)
		goto err_server;
	ret = jail_enter(JAIL_DEVICE);
	if (ret)
		goto err_server;
	ret = serve(&evil, server);
	/* The filter lets no memory be freed any more. */
	if (ret == -ECONNRESET)
		_exit(EXIT_SUCCESS);
	log_err("evil-e1000", "cannot go on: %s", strerrordesc_np(-ret));
	_exit(EXIT_FAILURE);

err_server:
	server_destroy(server);
err_dev:
	e1000_destroy(evil.dev);
err:
	log_err("evil-e1000", "cannot start: %s", strerrordesc_np(-ret));
	return EXIT_FAILURE;
}
