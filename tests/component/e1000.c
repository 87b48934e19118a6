// SPDX-License-Identifier: BSD-2-Clause
/*
 * The e1000 as a process in its jail, behind the real IOMMU: a miniature driver
 * does what Linux's does. And the hostile one: what it gets is what was granted.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/range.h"
#include "dma/access.h"
#include "tests/attack/scan.h"
#include "tests/component/harness.h"
#include "tests/e1000_driver.h"
#include "tests/test.h"

#define RAM_SIZE 0x4000000ull
#define GPA	 0x100000ull
#define IOVA	 0xfff00000ull /* as Linux: from the top of 32 bits down */
#define MEM_LEN	 align_up(DRIVER_MEM, 4096)
#define IOVA_AT	 (IOVA - MEM_LEN)
#define WAIT_MS	 2000
#define VNET_LEN BACKEND_VNET_LEN

#define DONE (E1000_TXD_EOP | E1000_TXD_RS)
#define DATA (E1000_TXD_DEXT | E1000_TXD_DTYP_DATA)

/* What the EEPROM says without --mac. */
static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

struct nic {
	struct harness h;
	struct driver driver;
	int wire; /* the other end of the backend: vnet header and frame */
	uint8_t got[70000];
};

static uint32_t read_reg(void *ctx, uint32_t off)
{
	return harness_read32(ctx, 0, off);
}

static void write_reg(void *ctx, uint32_t off, uint32_t value)
{
	harness_write32(ctx, 0, off, value);
}

static void plug(struct nic *nic, const char *program, bool iommu)
{
	struct backend *backend;
	int sv[2], room = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv),
			 0);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &room,
				 sizeof(room));
	assert_int_equal(backend_datagram_create(sv[0], &backend), 0);
	nic->wire = sv[1];
	harness_start(&nic->h, program, RAM_SIZE, backend, iommu);
	if (iommu)
		harness_map(&nic->h, IOVA_AT, GPA, MEM_LEN,
			    VIOMMU_READ | VIOMMU_WRITE);
	nic->driver = (struct driver){
		.read = read_reg,
		.write = write_reg,
		.ctx = &nic->h,
		.mem = harness_ram(&nic->h, GPA, MEM_LEN),
		.iova = iommu ? IOVA_AT : GPA,
	};
}

static void unplug(struct nic *nic)
{
	harness_stop(&nic->h);
	fd_close(&nic->wire);
}

static int setup(void **state)
{
	struct nic *nic = calloc(1, sizeof(*nic));

	plug(nic, "pviommu-e1000", true);
	driver_start(&nic->driver, E1000_RCTL_BAM, E1000_TCTL_PSP);
	*state = nic;
	return 0;
}

static int teardown(void **state)
{
	unplug(*state);
	free(*state);
	return 0;
}

/* Length of the next frame on the wire, which is behind its vnet header. */
static uint32_t take_frame(struct nic *nic)
{
	struct pollfd p = { .fd = nic->wire, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = recv(nic->wire, nic->got, sizeof(nic->got), 0);
	assert_true(n > VNET_LEN);
	return (uint32_t)n - VNET_LEN;
}

static bool wire_is_silent(struct nic *nic)
{
	struct pollfd p = { .fd = nic->wire, .events = POLLIN };

	return poll(&p, 1, 50) == 0;
}

static void give_frame(struct nic *nic, const uint8_t *frame, uint32_t len)
{
	uint8_t buf[VNET_LEN + 16384] = { 0 };

	memcpy(buf + VNET_LEN, frame, len);
	assert_int_equal(send(nic->wire, buf, VNET_LEN + len, 0),
			 VNET_LEN + len);
}

static void make_frame(uint8_t *frame, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 13);
	memcpy(frame, mac, 6);
	memcpy(frame + 12, "\x08\x00", 2);
}

static void wait_received(struct nic *nic, struct driver_received *got)
{
	for (int i = 0; i < WAIT_MS; i++) {
		if (driver_receive(&nic->driver, got))
			return;
		(void)usleep(1000);
	}
	fail_msg("no frame came");
}

static void wait_sent(struct nic *nic, uint32_t i)
{
	for (int ms = 0; ms < WAIT_MS; ms++) {
		if (driver_is_sent(&nic->driver, i))
			return;
		(void)usleep(1000);
	}
	fail_msg("descriptor %u was not done", i);
}

/* ---- tests ---- */

static void test_probe_as_linux_does(void **state)
{
	struct nic *nic = *state;
	uint16_t sum = 0;

	harness_write32(&nic->h, 1, E1000_IOADDR, E1000_CTRL);
	harness_write32(&nic->h, 1, E1000_IODATA, E1000_CTRL_RST);
	assert_int_equal(read_reg(&nic->h, E1000_RCTL), 0);
	assert_false(read_reg(&nic->h, E1000_CTRL) & E1000_CTRL_RST);
	for (unsigned int i = 0; i < 64; i++)
		sum = (uint16_t)(sum + driver_eeprom_word(&nic->driver, i));
	assert_int_equal(sum, 0xbaba);
	assert_int_equal(driver_eeprom_word(&nic->driver, 0), get_le16(mac));
	assert_int_equal(driver_phy_read(&nic->driver, 2), 0x0141);
	assert_int_equal(driver_phy_read(&nic->driver, 3) & 0xfff0, 0x0c20);
	assert_true(read_reg(&nic->h, E1000_STATUS) & E1000_STATUS_LU);
	assert_int_equal(read_reg(&nic->h, E1000_RAL), get_le32(mac));
}

static void test_send(void **state)
{
	struct nic *nic = *state;
	uint8_t frame[1514];
	uint32_t i;

	make_frame(frame, sizeof(frame));
	write_reg(&nic->h, E1000_IMS, E1000_ICR_TXDW);
	i = driver_send_frame(&nic->driver, frame, sizeof(frame));
	assert_true(harness_wait_intx(&nic->h, WAIT_MS));
	assert_true(driver_is_sent(&nic->driver, i));
	assert_true(read_reg(&nic->h, E1000_ICR) & E1000_ICR_TXDW);
	assert_int_equal(read_reg(&nic->h, E1000_ICR) & E1000_ICR_TXDW, 0);
	assert_int_equal(take_frame(nic), sizeof(frame));
	assert_memory_equal(nic->got + VNET_LEN, frame, sizeof(frame));
	for (int t = 0; t < 100 && !read_reg(&nic->h, E1000_TDH); t++)
		(void)usleep(1000);
	assert_int_equal(read_reg(&nic->h, E1000_TDH), 1);
	assert_int_equal(read_reg(&nic->h, E1000_GPTC), 1);
	assert_int_equal(read_reg(&nic->h, E1000_GPTC), 0);
}

static void test_send_a_lot(void **state)
{
	struct nic *nic = *state;
	uint8_t frame[200];
	uint32_t i = 0;

	for (int round = 0; round < 30; round++) {
		for (int n = 0; n < 100; n++) {
			make_frame(frame, sizeof(frame));
			frame[20] = (uint8_t)n;
			i = nic->driver.tx_next;
			memcpy(driver_tx_buf(&nic->driver, i), frame,
			       sizeof(frame));
			driver_put(&nic->driver,
				   driver_tx_addr(&nic->driver, i),
				   DONE | sizeof(frame), 0);
			if (n % 7 == 0)
				driver_send(&nic->driver);
			/* The wire holds a few hundred frames. */
			if (n % 7 == 0 && wire_is_silent(nic))
				fail_msg("nothing sent");
			while (recv(nic->wire, nic->got, sizeof(nic->got),
				    MSG_DONTWAIT) > 0)
				;
		}
		driver_send(&nic->driver);
		wait_sent(nic, i);
	}
}

static void test_checksum_and_segmentation(void **state)
{
	const struct driver_context sum = { .sum_start = 34, .sum_off = 50 };
	const struct driver_context tso = {
		.ip_start = 14,
		.ip_sum_off = 24,
		.ip_last = 33,
		.sum_start = 34,
		.sum_off = 50,
		.head_len = 54,
		.mss = 1448,
		.command = E1000_TXC_TCP | E1000_TXC_IP | E1000_TXD_TSE,
	};
	const uint32_t popts = E1000_TXD_POPTS_TXSM | E1000_TXD_POPTS_IXSM;
	struct nic *nic = *state;
	struct driver *d = &nic->driver;
	struct virtio_net_hdr_v1 vnet;
	const uint8_t *frame = nic->got + VNET_LEN;

	driver_put_context(d, &sum);
	make_frame(driver_tx_buf(d, 1), 300);
	driver_put(d, driver_tx_addr(d, 1), DATA | DONE | 300,
		   E1000_TXD_POPTS_TXSM);
	driver_send(d);
	assert_int_equal(take_frame(nic), 300);
	memcpy(&vnet, nic->got, sizeof(vnet));
	assert_int_equal(vnet.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(le16toh(vnet.csum_start), 34);
	assert_int_equal(le16toh(vnet.csum_offset), 16);
	assert_memory_equal(frame, driver_tx_buf(d, 1), 300);

	driver_put_context(d, &tso);
	make_frame(driver_tx_buf(d, 3), 54);
	driver_put(d, driver_tx_addr(d, 3), DATA | E1000_TXD_TSE | 54, popts);
	for (uint32_t i = 4; i < 30; i++) {
		make_frame(driver_tx_buf(d, i), DRIVER_BUF);
		driver_put(d, driver_tx_addr(d, i),
			   DATA | E1000_TXD_TSE | (i == 29 ? DONE : 0) | 2000,
			   popts);
	}
	driver_send(d);
	assert_int_equal(take_frame(nic), 52054);
	memcpy(&vnet, nic->got, sizeof(vnet));
	assert_int_equal(vnet.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(le16toh(vnet.gso_size), 1448);
	assert_int_equal(frame[16] << 8 | frame[17], 52040);
	assert_memory_equal(frame + 54, driver_tx_buf(d, 4), 2000);
	assert_memory_equal(frame + 50054, driver_tx_buf(d, 29), 2000);
	wait_sent(nic, 29);
}

static void test_receive(void **state)
{
	struct nic *nic = *state;
	struct driver_received got;
	uint8_t frame[1514];

	make_frame(frame, sizeof(frame));
	write_reg(&nic->h, E1000_IMS, E1000_ICR_RXT0);
	for (int i = 0; i < 1000; i++) {
		frame[20] = (uint8_t)i;
		give_frame(nic, frame, sizeof(frame));
		assert_true(harness_wait_intx(&nic->h, WAIT_MS));
		wait_received(nic, &got);
		assert_true(read_reg(&nic->h, E1000_ICR) & E1000_ICR_RXT0);
		assert_int_equal(got.len, sizeof(frame) + E1000_FCS_LEN);
		assert_memory_equal(got.data, frame, sizeof(frame));
		if (i % 16 == 0)
			driver_refill(&nic->driver);
	}
	assert_int_equal(read_reg(&nic->h, E1000_GPRC), 1000);
}

static void test_filters(void **state)
{
	struct nic *nic = *state;
	struct driver_received got;
	uint8_t frame[100];

	make_frame(frame, sizeof(frame));
	frame[5] ^= 1;
	give_frame(nic, frame, sizeof(frame)); /* somebody else's */
	memcpy(frame, "\x01\x00\x5e\x00\x00\x01", 6);
	give_frame(nic, frame, sizeof(frame)); /* a group we are not in */
	memset(frame, 0xff, 6);
	give_frame(nic, frame, sizeof(frame));
	wait_received(nic, &got);
	assert_memory_equal(got.data, frame, sizeof(frame));

	write_reg(&nic->h, E1000_VFTA + 4, 1u << 3); /* VLAN 35 */
	write_reg(&nic->h, E1000_CTRL, E1000_CTRL_VME);
	write_reg(&nic->h, E1000_RCTL,
		  E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_VFE);
	(void)read_reg(&nic->h, E1000_STATUS);
	memcpy(frame + 12, "\x81\x00\x00\x24", 4);
	give_frame(nic, frame, sizeof(frame));
	frame[15] = 0x23;
	give_frame(nic, frame, sizeof(frame));
	wait_received(nic, &got);
	assert_int_equal(got.special, 0x23);
	assert_true(got.status & E1000_RXD_STAT_VP);
	assert_int_equal(got.len, sizeof(frame));
	assert_false(driver_receive(&nic->driver, &got));
}

static void test_what_is_not_granted_is_not_sent(void **state)
{
	struct nic *nic = *state;
	struct dma_stats stats;
	uint8_t frame[100];

	(void)driver_put(&nic->driver, 0x1000, DONE | 100, 0);
	make_frame(frame, sizeof(frame));
	(void)driver_send_frame(&nic->driver, frame, sizeof(frame));
	assert_int_equal(take_frame(nic), sizeof(frame));
	assert_memory_equal(nic->got + VNET_LEN, frame, sizeof(frame));
	wait_sent(nic, 0);
	assert_true(wire_is_silent(nic));
	assert_true(vdev_dma_stats(nic->h.dev, &stats));
	assert_int_equal(stats.refused, 1);
}

static void test_reset_in_the_middle(void **state)
{
	struct nic *nic = *state;
	struct driver_received got;
	uint8_t frame[100];

	make_frame(frame, sizeof(frame));
	for (int i = 0; i < 50; i++) {
		give_frame(nic, frame, sizeof(frame));
		(void)driver_send_frame(&nic->driver, frame, sizeof(frame));
		write_reg(&nic->h, E1000_CTRL, E1000_CTRL_RST);
		(void)read_reg(&nic->h, E1000_STATUS);
		/* What was granted until now is not touched any more. */
		harness_unmap(&nic->h, IOVA_AT, MEM_LEN);
		harness_map(&nic->h, IOVA_AT, GPA, MEM_LEN,
			    VIOMMU_READ | VIOMMU_WRITE);
		driver_start(&nic->driver, 0, 0);
		while (recv(nic->wire, nic->got, sizeof(nic->got),
			    MSG_DONTWAIT) > 0)
			;
	}
	assert_int_equal(nic->h.dev->ops->reset(nic->h.dev), 0);
	driver_start(&nic->driver, 0, 0);
	give_frame(nic, frame, sizeof(frame));
	wait_received(nic, &got);
	assert_memory_equal(got.data, frame, sizeof(frame));
}

/* Switches on what the hostile device takes for its cue; what it reports. */
static void scan(struct nic *nic, uint64_t *granted, uint64_t *canaries)
{
	struct pollfd p = { .fd = nic->h.stderr_fd, .events = POLLIN };
	unsigned long long tried = 0, got = 0, found = 0;
	char line[512] = "";
	const char *at;

	write_reg(&nic->h, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_UPE);
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_true(read(p.fd, line, sizeof(line) - 1) > 0);
	at = strstr(line, "evil-e1000: scan");
	assert_non_null(at);
	assert_int_equal(sscanf(at,
				"evil-e1000: scan tried=%llu granted=%llu "
				"canary=%llu",
				&tried, &got, &found),
			 3);
	assert_int_equal(tried, SCAN_END / SCAN_PAGE);
	*granted = got;
	*canaries = found;
}

static void test_hostile_device_gets_what_was_granted(void **state)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	struct dma_stats stats;
	struct driver_received got;
	uint64_t granted, canaries;
	uint8_t frame[100];

	(void)state;
	plug(nic, "pviommu-evil-e1000", true);
	driver_start(&nic->driver, 0, 0);
	memcpy(harness_ram(&nic->h, 0x3000000, 4096), SCAN_CANARY,
	       sizeof(SCAN_CANARY));
	scan(nic, &granted, &canaries);
	assert_int_equal(granted, MEM_LEN / SCAN_PAGE);
	assert_int_equal(canaries, 0);
	assert_true(vdev_dma_stats(nic->h.dev, &stats));
	assert_int_equal(stats.refused, (SCAN_END - MEM_LEN) / SCAN_PAGE);

	/* What it was granted it does see; and it is still a good device. */
	memcpy(driver_tx_buf(&nic->driver, 7), SCAN_CANARY,
	       sizeof(SCAN_CANARY));
	write_reg(&nic->h, E1000_RCTL, E1000_RCTL_EN);
	(void)usleep(20000); /* it looks for its cue from time to time */
	scan(nic, &granted, &canaries);
	assert_int_equal(canaries, 1);
	make_frame(frame, sizeof(frame));
	give_frame(nic, frame, sizeof(frame));
	wait_received(nic, &got);
	assert_memory_equal(got.data, frame, sizeof(frame));
	unplug(nic);
	free(nic);
}

static void test_hostile_device_without_an_iommu(void **state)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	uint64_t granted, canaries;

	(void)state;
	plug(nic, "pviommu-evil-e1000", false);
	memcpy(harness_ram(&nic->h, 0x3000000, 4096), SCAN_CANARY,
	       sizeof(SCAN_CANARY));
	scan(nic, &granted, &canaries);
	assert_int_equal(granted, RAM_SIZE / SCAN_PAGE);
	assert_int_equal(canaries, 1);
	unplug(nic);
	free(nic);
}

#define NIC_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NIC_TEST(test_probe_as_linux_does),
		NIC_TEST(test_send),
		NIC_TEST(test_send_a_lot),
		NIC_TEST(test_checksum_and_segmentation),
		NIC_TEST(test_receive),
		NIC_TEST(test_filters),
		NIC_TEST(test_what_is_not_granted_is_not_sent),
		NIC_TEST(test_reset_in_the_middle),
		cmocka_unit_test(test_hostile_device_gets_what_was_granted),
		cmocka_unit_test(test_hostile_device_without_an_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
