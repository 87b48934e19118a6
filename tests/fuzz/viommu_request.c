// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes that a guest can send get an answer and leave the IOMMU consistent.
 *
 * Input: a run of [length][room for the answer][request]. The length is taken
 * modulo VIOMMU_REQ_MAX + 2; a request of 0 bytes is a reset of the device. The
 * three endpoints are 0, 1 and 2, the granule is 4096, the quotas are small.
 */
#include "tests/viommu_fixture.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NR_EP	     3u
#define MAX_MAPPINGS 24u
#define MAX_DOMAINS  3u

struct guest {
	struct viommu *mmu;
	struct viommu_endpoint *ep[NR_EP];
	unsigned int revoked; /* calls of a listener */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_unmap(void *ctx, struct iova_range iova)
{
	struct guest *guest = ctx;

	assert(iova_range_valid(&iova));
	guest->revoked++;
}

static const struct viommu_listener_ops ops = { .unmap = on_unmap };

static void start(struct guest *guest)
{
	struct viommu_config config;
	int ret;

	viommu_config_default(&config);
	config.max_mappings = MAX_MAPPINGS;
	config.max_domains = MAX_DOMAINS;
	config.domain_last = 15;
	config.bypass = VIOMMU_BYPASS_BOOT;
	ret = viommu_create(&config, &guest->mmu);
	assert(!ret);
	for (uint32_t i = 0; i < NR_EP; i++) {
		ret = viommu_endpoint_add(guest->mmu, i, &ops, guest,
					  &guest->ep[i]);
		assert(!ret);
	}
}

/* What an endpoint can reach is what its state says. */
static void check_endpoint(struct viommu *mmu, struct viommu_endpoint *ep,
			   uint64_t iova)
{
	struct viommu_endpoint_stats stats;
	uint64_t gpa = 0, run = 0;
	int ret;

	viommu_endpoint_stats(ep, &stats);
	ret = viommu_translate(ep, iova, 8192, VIOMMU_READ, &gpa, &run);
	assert(ret || (run >= 1 && run <= 8192));
	if (iova >= 0xfee00000 && iova <= 0xfeefffff)
		assert(ret);
	else if (stats.bypass)
		assert(iova > UINT64_MAX - 8191 ? ret : !ret && gpa == iova);
	else if (!stats.live_mappings)
		assert(ret);
	if (stats.domain == UINT32_MAX)
		assert(stats.bypass == (viommu_bypass_get(mmu) == 1));
}

static void check_invariants(const struct guest *guest, uint64_t iova)
{
	struct viommu_stats stats;

	viommu_stats(guest->mmu, &stats);
	assert(stats.maps - stats.unmaps == stats.live_mappings);
	assert(stats.live_mappings <= MAX_MAPPINGS);
	assert(stats.live_bytes >= stats.live_mappings * 4096);
	assert(stats.domains <= MAX_DOMAINS);
	assert(stats.attaches - stats.detaches >= stats.domains);
	assert(stats.attaches - stats.detaches <= NR_EP);
	for (unsigned int i = 0; i < NR_EP; i++)
		check_endpoint(guest->mmu, guest->ep[i], iova);
}

/* What was unmapped with success is gone, for who was attached. */
static void check_unmapped(const struct guest *guest, const uint8_t *req)
{
	uint32_t domain = get_le32(req + 4);
	uint64_t first = get_le64(req + 8), last = get_le64(req + 16);
	uint64_t gpa, run;

	for (unsigned int i = 0; i < NR_EP; i++) {
		struct viommu_endpoint_stats stats;

		viommu_endpoint_stats(guest->ep[i], &stats);
		if (stats.domain != domain)
			continue;
		assert(viommu_translate(guest->ep[i], first, 1, VIOMMU_READ,
					&gpa, &run));
		assert(viommu_translate(guest->ep[i], last, 1, VIOMMU_READ,
					&gpa, &run));
	}
}

static void send(const struct guest *guest, const uint8_t *data, size_t len,
		 size_t room)
{
	uint8_t *req = malloc(len), *resp = malloc(room + 1);
	uint64_t iova;
	size_t used;

	assert(req && resp);
	memcpy(req, data, len);
	used = viommu_request(guest->mmu, req, len, resp, room);
	assert(used <= room);
	assert(used == 0 || used >= FIXTURE_TAIL);
	if (used)
		assert(resp[used - 4] <= VIRTIO_IOMMU_S_NOMEM &&
		       resp[used - 4] != VIRTIO_IOMMU_S_DEVERR &&
		       !resp[used - 3] && !resp[used - 2] && !resp[used - 1]);
	if (used && !resp[used - 4] && req[0] == VIRTIO_IOMMU_T_UNMAP)
		check_unmapped(guest, req);
	iova = len >= 16 ? get_le64(req + 8) : 0;
	free(req);
	free(resp);
	check_invariants(guest, iova);
}

static void stop(struct guest *guest)
{
	struct viommu_stats stats;

	for (unsigned int i = 0; i < NR_EP; i++)
		viommu_endpoint_remove(guest->ep[i]);
	viommu_stats(guest->mmu, &stats);
	assert(!stats.domains && !stats.live_mappings && !stats.live_bytes);
	assert(stats.maps == stats.unmaps);
	viommu_destroy(guest->mmu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct guest guest = { 0 };

	start(&guest);
	while (len >= 2) {
		size_t n = data[0] % (VIOMMU_REQ_MAX + 2);
		size_t room = data[1] == 0xff ? VIOMMU_PROBE_LEN + 4 : data[1];

		data += 2;
		len -= 2;
		n = MIN(n, len);
		if (n)
			send(&guest, data, n, room);
		else
			viommu_reset(guest.mmu);
		data += n;
		len -= n;
	}
	stop(&guest);
	return 0;
}
