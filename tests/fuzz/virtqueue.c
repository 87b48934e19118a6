// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ring of a hostile driver: whatever lies in guest memory, the walk ends, a
 * chain is what it says it is, and nothing outside guest RAM is touched.
 *
 * Input: [size, as a power of two][flags: 1 indirect][descriptors, available, used:
 * 16 bits each, an offset from BASE], then the bytes at BASE. A queue may lie over
 * itself; what is pushed then changes what is popped.
 */
#include "dma/vq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "memory/guest_ram.h"

#define RAM_SIZE   0x200000ull
#define BASE	   0x100000ull
#define HEADER_LEN 8
#define POPS_MAX   1000
#define COPY_MAX   600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_chain(const struct vq *vq, const struct vq_chain *chain)
{
	uint64_t read_len = 0, write_len = 0;

	assert(chain->nr >= 1 && chain->nr <= vq->size);
	assert(chain->nr_read <= chain->nr);
	assert(chain->head < vq->size);
	for (unsigned int i = 0; i < chain->nr; i++) {
		if (i < chain->nr_read)
			read_len += chain->segments[i].len;
		else
			write_len += chain->segments[i].len;
	}
	assert(read_len == chain->read_len && write_len == chain->write_len);
}

/* Serves a buffer as a device does. Return: the queue still works. */
static bool serve(struct vq *vq)
{
	static const uint8_t answer[COPY_MAX];
	uint8_t request[COPY_MAX];
	struct vq_chain chain;
	size_t write_len;

	if (vq_pop(vq, &chain))
		return false;
	check_chain(vq, &chain);
	write_len = MIN(chain.write_len, sizeof(answer));
	if (vq_chain_read(vq, &chain, request,
			  MIN(chain.read_len, sizeof(request))))
		return false;
	if (vq_chain_write(vq, &chain, answer, write_len))
		return false;
	if (vq_push(vq, &chain, (uint32_t)write_len))
		return false;
	vq_publish(vq);
	return true;
}

static void run(struct guest_ram *ram, const struct vq_layout *layout)
{
	struct vq vq;

	if (vq_init(&vq, ram, layout))
		return;
	vq_set_notify(&vq, false);
	for (unsigned int i = 0; i < POPS_MAX && serve(&vq); i++)
		(void)vq_wants_interrupt(&vq);
	vq_set_notify(&vq, true);
	if (vq.broken)
		assert(!vq_is_pending(&vq));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct guest_ram *ram; /* made once: it is the slow part */
	struct vq_layout layout;

	if (len < HEADER_LEN || len - HEADER_LEN > RAM_SIZE - BASE)
		return 0;
	if (!ram && guest_ram_create(RAM_SIZE, &ram))
		abort();
	memset(guest_ram_span(ram, 0, RAM_SIZE), 0, RAM_SIZE);
	memcpy(guest_ram_span(ram, BASE, RAM_SIZE - BASE), data + HEADER_LEN,
	       len - HEADER_LEN);
	layout = (struct vq_layout){
		.size = (uint16_t)(1u << data[0] % 16),
		.indirect = data[1] & 1,
		.desc = BASE + get_le16(data + 2),
		.avail = BASE + get_le16(data + 4),
		.used = BASE + get_le16(data + 6),
	};
	run(ram, &layout);
	return 0;
}
