// SPDX-License-Identifier: BSD-2-Clause
#include "memory/guest_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/range.h"
#include "memory/guard.h"

#define PAGE_SHIFT     12
#define SIZE_UNIT      0x200000ull
#define SIZE_MAX_BYTES (1ull << 46)
#define NR_BANKS       2

struct bank {
	struct guest_ram_bank pub;
	uint64_t *touched; /* owned; a bit for each page, only ever set */
};

struct guest_ram {
	unsigned int nr_banks;
	struct bank banks[NR_BANKS];
};

static void bank_fini(struct bank *bank)
{
	if (bank->pub.host)
		(void)munmap(bank->pub.host, bank->pub.len);
	fd_close(&bank->pub.fd);
	free(bank->touched);
}

static int map_bank(struct bank *bank)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	void *host;

	if (ftruncate(bank->pub.fd, (off_t)bank->pub.len) < 0)
		return -errno;
	if (fcntl(bank->pub.fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	host = mmap(NULL, bank->pub.len, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, bank->pub.fd, 0);
	if (host == MAP_FAILED)
		return -errno;
	bank->pub.host = host;
	return madvise(host, bank->pub.len, MADV_DONTDUMP) < 0 ? -errno : 0;
}

static int bank_init(struct bank *bank, uint64_t gpa, uint64_t len)
{
	int ret;

	*bank = (struct bank){ .pub = { .gpa = gpa, .len = len, .fd = -1 } };
	/* SIZE_UNIT is a multiple of 64 pages: whole words. */
	bank->touched =
	    calloc((len >> PAGE_SHIFT) / 64, sizeof(*bank->touched));
	if (!bank->touched)
		return -ENOMEM;
	bank->pub.fd =
	    memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bank->pub.fd < 0) {
		ret = -errno;
		goto err_fini;
	}
	ret = map_bank(bank);
	if (ret)
		goto err_fini;
	return 0;

err_fini:
	bank_fini(bank);
	return ret;
}

int guest_ram_create(uint64_t size, struct guest_ram **out)
{
	const uint64_t low = MIN(size, GUEST_RAM_HOLE_START);
	struct guest_ram *ram;
	int ret;

	if (size == 0 || size % SIZE_UNIT != 0 || size > SIZE_MAX_BYTES)
		return -EINVAL;
	ret = guard_install();
	if (ret)
		return ret;
	ram = calloc(1, sizeof(*ram));
	if (!ram)
		return -ENOMEM;

	ret = bank_init(&ram->banks[ram->nr_banks], 0, low);
	if (ret)
		goto err_destroy;
	ram->nr_banks++;
	if (size > low) {
		ret = bank_init(&ram->banks[ram->nr_banks], GUEST_RAM_HOLE_END,
				size - low);
		if (ret)
			goto err_destroy;
		ram->nr_banks++;
	}
	*out = ram;
	return 0;

err_destroy:
	guest_ram_destroy(ram);
	return ret;
}

void guest_ram_destroy(struct guest_ram *ram)
{
	if (!ram)
		return;
	while (ram->nr_banks > 0)
		bank_fini(&ram->banks[--ram->nr_banks]);
	free(ram);
}

const struct guest_ram_bank *guest_ram_bank(const struct guest_ram *ram,
					    unsigned int i)
{
	return i < ram->nr_banks ? &ram->banks[i].pub : NULL;
}

static const struct bank *find_bank(const struct guest_ram *ram, uint64_t gpa,
				    uint64_t len)
{
	for (unsigned int i = 0; i < ram->nr_banks; i++) {
		const struct bank *bank = &ram->banks[i];

		if (gpa >= bank->pub.gpa &&
		    span_fits(gpa - bank->pub.gpa, len, bank->pub.len))
			return bank;
	}
	return NULL;
}

static void *host_address(const struct bank *bank, uint64_t gpa)
{
	return (char *)bank->pub.host + (gpa - bank->pub.gpa);
}

bool guest_ram_contains(const struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
	return find_bank(ram, gpa, len) != NULL;
}

void *guest_ram_span(const struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
	const struct bank *bank = find_bank(ram, gpa, len);

	return bank ? host_address(bank, gpa) : NULL;
}

/* Pages of a bank: [first, end). */
struct pages {
	uint64_t first;
	uint64_t end;
};

static struct pages pages_of(const struct bank *bank, uint64_t gpa,
			     uint64_t len)
{
	const uint64_t off = gpa - bank->pub.gpa;

	return (struct pages){ off >> PAGE_SHIFT,
			       (off + len + (1 << PAGE_SHIFT) - 1) >>
				   PAGE_SHIFT };
}

void *guest_ram_resident(const struct guest_ram *ram, uint64_t gpa,
			 uint64_t len)
{
	const struct bank *bank = find_bank(ram, gpa, len);
	struct pages pages;

	if (!bank)
		return NULL;
	pages = pages_of(bank, gpa, len);
	for (uint64_t page = pages.first; page < pages.end; page++) {
		uint64_t word = __atomic_load_n(&bank->touched[page / 64],
						__ATOMIC_RELAXED);

		if (!(word >> (page % 64) & 1))
			return NULL;
	}
	return host_address(bank, gpa);
}

struct touch {
	char *host; /* of the first page */
	uint64_t nr;
};

/* A write fault without a write: nothing that the guest stores meanwhile is
 * lost. */
static void touch_pages(void *ctx)
{
	const struct touch *touch = ctx;

	for (uint64_t i = 0; i < touch->nr; i++)
		__atomic_fetch_or(&touch->host[i << PAGE_SHIFT], 0,
				  __ATOMIC_RELAXED);
}

int guest_ram_populate(struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
	const struct bank *bank = find_bank(ram, gpa, len);
	struct touch touch;
	struct pages pages;
	int ret;

	if (!bank)
		return -EFAULT;
	pages = pages_of(bank, gpa, len);
	touch.host = (char *)bank->pub.host + (pages.first << PAGE_SHIFT);
	touch.nr = pages.end - pages.first;
	ret = guard_run(touch_pages, &touch);
	if (ret)
		return ret;
	for (uint64_t page = pages.first; page < pages.end; page++)
		__atomic_fetch_or(&bank->touched[page / 64], 1ull << page % 64,
				  __ATOMIC_RELAXED);
	return 0;
}

struct copy {
	void *to;
	const void *from;
	size_t len;
};

static void copy_bytes(void *ctx)
{
	const struct copy *copy = ctx;

	memcpy(copy->to, copy->from, copy->len);
}

int guest_ram_read(const struct guest_ram *ram, uint64_t gpa, void *buf,
		   size_t len)
{
	struct copy copy = { buf, guest_ram_span(ram, gpa, len), len };

	return copy.from ? guard_run(copy_bytes, &copy) : -EFAULT;
}

int guest_ram_write(struct guest_ram *ram, uint64_t gpa, const void *buf,
		    size_t len)
{
	struct copy copy = { guest_ram_span(ram, gpa, len), buf, len };

	return copy.to ? guard_run(copy_bytes, &copy) : -EFAULT;
}
