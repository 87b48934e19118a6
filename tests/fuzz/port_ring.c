// SPDX-License-Identifier: BSD-2-Clause
/*
 * A device may write anything at all into its port at any time: the worker stays
 * inside the device's grants, and inside its own memory (the sanitizers say).
 *
 * The oracle: RAM that is not granted for writing does not change, and bytes of
 * RAM that is not granted for reading show up neither in staging nor in a frame
 * that is sent. RAM that must not be read is full of SECRET, which is nowhere
 * else: inputs are cleared of it.
 */
#include "tests/dma_fixture.h"

#define SECRET 0xe7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of IOVA page i; the rest of RAM is granted to nobody. */
static const unsigned int prot[] = {
	VIOMMU_READ | VIOMMU_WRITE,
	VIOMMU_READ,
	VIOMMU_WRITE,
	0,
};

static unsigned int page_prot(uint64_t gpa)
{
	const uint64_t page = gpa / FIX_PAGE;

	if (page >= FIX_PAGES)
		return 0;
	return prot[(FIX_PAGES - 1 - page) % ARRAY_SIZE(prot)];
}

static void paint(struct fix *f)
{
	for (uint64_t gpa = 0; gpa < FIX_RAM; gpa += FIX_PAGE)
		memset(f->bytes + gpa,
		       page_prot(gpa) & VIOMMU_READ ? 0x11 : SECRET, FIX_PAGE);
}

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	return len == 0 ||
	       (bytes[0] == value && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static void check(struct fix *f)
{
	for (uint64_t gpa = 0; gpa < FIX_RAM; gpa += FIX_PAGE) {
		const unsigned int p = page_prot(gpa);

		if (!(p & VIOMMU_WRITE))
			FIX_CHECK(all_are(f->bytes + gpa, FIX_PAGE,
					  p & VIOMMU_READ ? 0x11 : SECRET));
	}
	FIX_CHECK(!memchr(f->staging, SECRET, FIX_STAGING));
	for (unsigned int i = 0; i < MIN(f->be->nr_sent, 8u); i++)
		FIX_CHECK(!memchr(f->be->sent[i], SECRET, f->be->sent_len[i]));
}

/* The input, read from its start; zeros follow it. */
struct input {
	const uint8_t *at;
	size_t len;
};

static uint64_t take(struct input *in, size_t nr)
{
	uint64_t value = 0;

	for (; nr > 0 && in->len > 0; nr--, in->len--) {
		const uint8_t byte = *in->at++;

		value = value << 8 | (byte == SECRET ? 0 : byte);
	}
	return value;
}

/* Half of the addresses are near the grants, the others anywhere. */
static uint64_t take_iova(struct input *in)
{
	const uint64_t kind = take(in, 1);

	return kind % 2 ? take(in, 8)
			: FIX_IOVA + kind / 2 * FIX_PAGE + take(in, 2);
}

static void write_entry(struct fix *f, struct input *in)
{
	struct port_entry e = { .op = (uint8_t)(take(in, 1) % 9) };

	e.flags = (uint8_t)take(in, 1);
	if (e.flags & 0x80) /* mostly known ones */
		e.flags &= PORT_F_ALL;
	e.iova = take_iova(in);
	e.len = (uint32_t)(take(in, 1) % 4 ? take(in, 2) : take(in, 4));
	e.staging = (uint16_t)take(in, 2);
	/* A FILL may put any byte into RAM but the secret one. */
	if ((uint8_t)e.staging == SECRET)
		e.staging = 0;
	/* A FILL of 2^32 bytes is legal, and takes its time. */
	if (e.op == PORT_OP_FILL)
		e.len %= 0x2000;
	fix_post(f, (uint32_t)take(in, 1) % FIX_RINGS, e);
}

static void write_anywhere(struct fix *f, struct input *in)
{
	const uint64_t at = take(in, 3) % (f->size - 8);
	const uint64_t value = take(in, 8);

	memcpy(f->memory + at, &value, sizeof(value));
}

static void offer_frames(struct fix *f, struct input *in)
{
	f->be->nr = (uint32_t)take(in, 1) % 8;
	f->be->next_len =
	    BACKEND_VNET_LEN +
	    (ssize_t)(take(in, 2) % (sizeof(f->be->next) - BACKEND_VNET_LEN));
	f->be->send_ret = take(in, 1) % 4 ? 0 : -EMSGSIZE;
}

static void jump(struct fix *f, struct input *in)
{
	const uint32_t r = (uint32_t)take(in, 1) % FIX_RINGS;

	shared_store(&fix_ring(f, r)->tail, (uint32_t)take(in, 4));
	(void)dma_port_step(f->port);
}

static void step(struct fix *f, struct input *in)
{
	(void)in;
	for (uint32_t r = 0; r < FIX_RINGS; r++)
		fix_publish(f, r);
	for (int i = 0; i < 8 && dma_port_step(f->port); i++)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const acts[])(struct fix * f, struct input * in) = {
		write_entry, write_entry,  write_entry, write_entry,
		step,	     offer_frames, jump,	write_anywhere,
	};
	const struct dma_port_shape shape = fix_shape();
	struct input in = { data, len };
	struct fix f;

	fix_create(&f, &shape);
	fix_map_pages(&f, prot, ARRAY_SIZE(prot));
	paint(&f);
	while (in.len > 0)
		acts[take(&in, 1) % ARRAY_SIZE(acts)](&f, &in);
	step(&f, &in);
	check(&f);
	fix_destroy(&f);
	return 0;
}
