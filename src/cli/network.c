// SPDX-License-Identifier: BSD-2-Clause
#include "cli/network.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/process.h"

#define GUEST_IP    "10.0.2.15"
#define GATEWAY_IP  "10.0.2.2"
#define NETMASK	    "255.255.255.0"
#define MTU	    "1500" /* passt offers 65,520 otherwise */
#define PASST	    "passt"
#define PASST_FD    "3"
#define ANSWER_MS   10000
#define PASST_ROOM  (4 << 20) /* bytes on their way to passt */
#define ETHER_FRAME 42	      /* ARP over Ethernet, without padding */

static const struct {
	int error;
	const char *advice;
} tap_advice[] = {
	{ -ENODEV,
	  "there is no such tap: make it with: ip tuntap add NAME mode "
	  "tap vnet_hdr" },
	{ -EINVAL, "not a tap interface with vnet headers: make one with: ip "
		   "tuntap add NAME mode tap vnet_hdr" },
	{ -EPERM, "may not use it: run as root, or make it with: ip tuntap add "
		  "NAME mode tap vnet_hdr user USER" },
	{ -EBUSY, "in use: end the program that has it, or take another" },
	{ -ENOENT, "no /dev/net/tun: load the driver with: modprobe tun" },
};

int network_tap_open(const char *name, int *out)
{
	int ret = backend_tap_open(name, out);
	const char *advice = strerror(-ret);

	if (!ret)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(tap_advice); i++) {
		if (ret == tap_advice[i].error)
			advice = tap_advice[i].advice;
	}
	log_err("run", "--net tap=%s: %s", name, advice);
	return ret;
}

void network_mac(const struct run_device *dev, const char *vm,
		 unsigned int index, uint8_t mac[MAC_LEN])
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	if (dev->has_mac) {
		memcpy(mac, dev->mac, MAC_LEN);
		return;
	}
	for (const char *p = vm; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
	hash = (hash ^ index) * 0x100000001b3;
	for (unsigned int i = 0; i < MAC_LEN; i++)
		mac[i] = (uint8_t)(hash >> (8 * i));
	mac[0] = (uint8_t)((mac[0] & ~1u) | 2u);
}

const char *network_passt_hint(const char *message)
{
	static const struct {
		const char *part, *hint;
	} hints[] = {
		{ "External interface not usable",
		  "passt needs an interface with a default route; on a machine "
		  "without a network: ip link add dummy0 type dummy && ip "
		  "address add 192.0.2.1/24 dev dummy0 && ip link set dummy0 "
		  "up && ip route add default dev dummy0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		if (strstr(message, hints[i].part))
			return hints[i].hint;
	}
	return NULL;
}

struct arp_request {
	uint8_t length[4]; /* passt's framing: big-endian */
	uint8_t to[6], from[6];
	uint8_t head[10]; /* EtherType ARP; Ethernet, IPv4, request */
	uint8_t sender_mac[6], sender_ip[4];
	uint8_t target_mac[6], target_ip[4];
};

_Static_assert(sizeof(struct arp_request) == 4 + ETHER_FRAME, "no padding");

static int receive(int sock, void *buf, size_t len)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	uint8_t *at = buf;

	while (len > 0) {
		ssize_t n;

		if (poll(&pfd, 1, ANSWER_MS) == 0)
			return -ETIMEDOUT;
		n = recv(sock, at, len, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * passt has no other sign that it is ready: asks it for the gateway's address, as
 * a guest would. The guest's own address takes the place of this one later.
 */
static int await_answer(int sock)
{
	static const struct arp_request ask = {
		.length = { 0, 0, 0, ETHER_FRAME },
		.to = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		.from = { 2, 0, 0, 0, 0, 1 },
		.head = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 },
		.sender_mac = { 2, 0, 0, 0, 0, 1 },
		.sender_ip = { 10, 0, 2, 15 },
		.target_ip = { 10, 0, 2, 2 },
	};
	uint32_t length;
	uint8_t answer[2048];
	int ret;

	if (send(sock, &ask, sizeof(ask), MSG_NOSIGNAL) != (ssize_t)sizeof(ask))
		return errno == EPIPE ? -ECONNRESET : -errno;
	ret = receive(sock, &length, sizeof(length));
	if (ret)
		return ret;
	length = be32toh(length);
	if (length > sizeof(answer))
		return -EBADMSG;
	return receive(sock, answer, length);
}

static int spawn(const struct run_device *dev, int fd, int stderr_fd,
		 pid_t *pid)
{
	char specs[RUN_FORWARDS_MAX][sizeof(dev->forwards[0].address) + 16];
	const char *argv[24 + 2 * RUN_FORWARDS_MAX] = {
		"passt",       "--foreground", "--quiet", "--fd",      PASST_FD,
		"--ipv4-only", "--address",    GUEST_IP,  "--netmask", NETMASK,
		"--gateway",   GATEWAY_IP,     "--mtu",	  MTU,
	};
	size_t n = 14;

	for (unsigned int i = 0; i < dev->nr_forwards; i++) {
		const struct run_forward *fwd = &dev->forwards[i];

		(void)snprintf(specs[i], sizeof(specs[i]), "%s/%u:%u",
			       fwd->address, fwd->host, fwd->guest);
		argv[n++] = "--tcp-ports";
		argv[n++] = specs[i];
	}
	return process_spawn(PASST, argv, &fd, 1, stderr_fd, pid);
}

/* A frame that finds no room is lost, as on a wire: room for a whole window of a
 * guest's TCP. Not being allowed to have that much is no reason to fail. */
static void make_room(int sock)
{
	const int bytes = PASST_ROOM;

	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &bytes,
				 sizeof(bytes));
}

int network_passt_start(const struct run_device *dev, int stderr_fd, int *sock,
			pid_t *pid)
{
	int sv[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
		ret = -errno;
		log_err(dev->label, "socketpair: %s", strerror(-ret));
		return ret;
	}
	ret = spawn(dev, sv[1], stderr_fd, pid);
	fd_close(&sv[1]);
	if (ret) {
		log_err(dev->label,
			PASST ": %s: install passt, or use --net "
			      "tap=NAME",
			strerror(-ret));
		goto err_sock;
	}
	ret = await_answer(sv[0]);
	if (ret) {
		log_err(dev->label, "passt does not answer: %s",
			strerror(-ret));
		goto err_process;
	}
	make_room(sv[0]);
	*sock = sv[0];
	return 0;

err_process:
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
err_sock:
	fd_close(&sv[0]);
	return ret;
}
