// SPDX-License-Identifier: BSD-2-Clause
/*
 * The e1000 beside QEMU's, driven by the same code: the real device in its jail,
 * the real IOMMU with a mapping for each page, into a sink, into and out of a tap.
 * And the price of isolation: the same device linked into this process.
 */
#include "bench/inprocess.h"
#include "bench/nic.h"
#include "bench/place.h"
#include "bench/qemu.h"
#include "bench/report.h"
#include "tests/component/harness.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAM_SIZE    (256ull << 20)
#define NIC_GPA	    0x1000000ull
#define QEMU_BAR    0xf0000000ull
#define QEMU_SLOT   4
#define OUR_TAP	    "pvbench0"
#define PEER_TAP    "pvbench1"
#define SINK_BURSTS 40
#define TAP_BURSTS  8
#define RX_BURSTS   8
#define RX_AHEAD    512	 /* frames, at least the slots of a port and a buffer */
#define LINK_MS	    1500 /* QEMU holds frames back after RCTL is written */

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- the two sides ---- */

static uint32_t our_read(void *ctx, uint64_t reg)
{
	return harness_read32(ctx, 0, reg);
}

static void our_write(void *ctx, uint64_t reg, uint32_t value)
{
	harness_write32(ctx, 0, reg, value);
}

static void ours_start(struct harness *h, struct nic *nic,
		       struct backend *backend)
{
	place_ours();
	harness_start(h, "pviommu-e1000", RAM_SIZE, backend, true);
	place_driver();
	for (uint64_t off = 0; off < NIC_RAM_BYTES; off += 4096)
		harness_map(h, NIC_GPA + off, NIC_GPA + off, 4096,
			    VIOMMU_READ | VIOMMU_WRITE);
	*nic = (struct nic){
		.ram = harness_ram(h, 0, RAM_SIZE),
		.base = NIC_GPA,
		.write32 = our_write,
		.read32 = our_read,
		.ctx = h,
	};
}

static uint32_t peer_read(void *ctx, uint64_t reg)
{
	return qemu_read32(ctx, QEMU_BAR + reg);
}

static void peer_write(void *ctx, uint64_t reg, uint32_t value)
{
	qemu_write32(ctx, QEMU_BAR + reg, value);
}

static void peer_start(struct qemu *q, struct nic *nic, const char *tap)
{
	static const char *const sink[] = { "-device",
					    "e1000,addr=04.0,romfile=", NULL };
	char netdev[96];
	const char *with_tap[] = { "-netdev", netdev, "-device",
				   "e1000,addr=04.0,romfile=,netdev=n", NULL };

	(void)snprintf(netdev, sizeof(netdev),
		       "tap,id=n,ifname=%s,script=no,downscript=no,vhost=off",
		       tap ? tap : "");
	place_peer();
	qemu_start(q, RAM_SIZE, tap ? with_tap : sink);
	place_driver();
	qemu_bar_set(q, QEMU_SLOT, 0, QEMU_BAR);
	*nic = (struct nic){
		.ram = q->ram,
		.base = NIC_GPA,
		.write32 = peer_write,
		.read32 = peer_read,
		.ctx = q,
	};
}

/* ---- transmit ---- */

/* Million frames a second. */
static double send_rate(struct nic *nic, unsigned int bursts)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < bursts; i++)
		ns += nic_send(nic, NIC_BURST);
	return (double)bursts * NIC_BURST * 1000 / (double)ns;
}

static void bench_send(const char *name, struct nic *ours, struct nic *theirs,
		       const char *peer, size_t len, unsigned int bursts)
{
	double a[REPORT_ROUNDS], b[REPORT_ROUNDS];

	nic_init(ours, len);
	nic_init(theirs, len);
	(void)send_rate(ours, 1);
	(void)send_rate(theirs, 1);
	for (size_t i = 0; i < REPORT_ROUNDS; i++) {
		a[i] = send_rate(ours, bursts);
		b[i] = send_rate(theirs, bursts);
		report_progress(name, a[i], b[i]);
	}
	report_row(name, "Mframes/s", REPORT_MORE_IS_BETTER, peer, a, b,
		   REPORT_ROUNDS);
}

/* What the jail and the door leave of the speed of direct pointers. */
static void bench_isolation_tax(struct nic *ours, struct nic *inside)
{
	static const char name[] = "e1000.tx.64.jailed_over_inprocess";
	double a[REPORT_ROUNDS], b[REPORT_ROUNDS];

	nic_init(ours, 64);
	nic_init(inside, 64);
	(void)send_rate(ours, 1);
	(void)send_rate(inside, 1);
	for (size_t i = 0; i < REPORT_ROUNDS; i++) {
		double jailed = send_rate(ours, SINK_BURSTS);
		double direct = send_rate(inside, SINK_BURSTS);

		report_progress(name, jailed, direct);
		a[i] = jailed / direct;
		b[i] = 1;
	}
	report_row(name, "ratio", REPORT_MORE_IS_BETTER,
		   "the same device in-process", a, b, REPORT_ROUNDS);
}

/* ---- receive: of frames that wait in the tap ---- */

/* Sends @nr frames of @len bytes to whoever reads the tap. */
static void feed(const char *tap, size_t len, unsigned int nr)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(tap),
		.sll_halen = 6,
	};
	uint8_t frame[1514] = { 0x02, 0, 0, 0, 0, 1,	0x02,
				0,    0, 0, 0, 2, 0x88, 0xb5 };
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	must(sock >= 0, "AF_PACKET");
	while (nr > 0) {
		ssize_t n = sendto(sock, frame, len, 0, (struct sockaddr *)&to,
				   sizeof(to));

		must(n >= 0 || errno == ENOBUFS || errno == EAGAIN, "sendto");
		nr -= n >= 0;
	}
	(void)close(sock);
}

/*
 * The frames wait before the driver gives buffers, so that whoever sends them
 * takes no processor from who receives them. The first are not counted: ours has
 * them in the VMM's memory by then.
 */
static double receive_rate(struct nic *nic, const char *tap, size_t len)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < RX_BURSTS; i++) {
		feed(tap, len, NIC_BURST);
		ns += nic_receive(nic, NIC_BURST, RX_AHEAD);
	}
	return (double)RX_BURSTS * (NIC_BURST - RX_AHEAD) * 1000 / (double)ns;
}

static void bench_receive(const char *name, struct nic *ours,
			  struct nic *theirs, size_t len)
{
	double a[REPORT_ROUNDS], b[REPORT_ROUNDS];

	nic_init(ours, len);
	nic_init(theirs, len);
	(void)usleep(LINK_MS * 1000);
	for (size_t i = 0; i < REPORT_ROUNDS; i++) {
		a[i] = receive_rate(ours, OUR_TAP, len);
		b[i] = receive_rate(theirs, PEER_TAP, len);
		report_progress(name, a[i], b[i]);
	}
	report_row(name, "Mframes/s", REPORT_MORE_IS_BETTER, "QEMU e1000", a, b,
		   REPORT_ROUNDS);
}

/* ---- what is run ---- */

static void make_tap(const char *name)
{
	char command[200];

	(void)snprintf(command, sizeof(command),
		       "ip tuntap add %s mode tap vnet_hdr && "
		       "ip link set %s txqueuelen %d up",
		       name, name, 2 * NIC_RING);
	must(system(command) == 0, command);
}

static void run_sink(void)
{
	struct nic ours, theirs, inside;
	struct inprocess direct;
	struct backend *sink;
	struct harness h;
	struct qemu q;

	must(backend_sink_create(&sink) == 0, "sink");
	ours_start(&h, &ours, sink);
	peer_start(&q, &theirs, NULL);
	bench_send("e1000.tx.64.sink", &ours, &theirs, "QEMU e1000", 64,
		   SINK_BURSTS);
	bench_send("e1000.tx.1500.sink", &ours, &theirs, "QEMU e1000", 1500,
		   SINK_BURSTS);
	qemu_stop(&q);

	inprocess_start(&direct, RAM_SIZE);
	inside = (struct nic){
		.ram = direct.ram,
		.base = NIC_GPA,
		.write32 = inprocess_write32,
		.read32 = inprocess_read32,
		.ctx = &direct,
	};
	bench_isolation_tax(&ours, &inside);
	inprocess_stop(&direct);
	harness_stop(&h);
}

static void run_tap(void)
{
	struct nic ours, theirs;
	struct backend *tap;
	struct harness h;
	struct qemu q;
	int fd = -1;

	make_tap(OUR_TAP);
	make_tap(PEER_TAP);
	must(backend_tap_open(OUR_TAP, &fd) == 0, OUR_TAP);
	must(backend_tap_create(fd, &tap) == 0, OUR_TAP);
	ours_start(&h, &ours, tap);
	peer_start(&q, &theirs, PEER_TAP);
	bench_send("e1000.tx.64.tap", &ours, &theirs, "QEMU e1000", 64,
		   TAP_BURSTS);
	bench_send("e1000.tx.1500.tap", &ours, &theirs, "QEMU e1000", 1500,
		   TAP_BURSTS);
	bench_receive("e1000.rx.64.tap", &ours, &theirs, 64);
	bench_receive("e1000.rx.1500.tap", &ours, &theirs, 1500);
	qemu_stop(&q);
	harness_stop(&h);
}

int main(void)
{
	/* Taps in a network of their own: nothing of it is seen outside. */
	must(unshare(CLONE_NEWNET) == 0, "unshare (bench needs root)");
	run_sink();
	run_tap();
	return 0;
}
