// SPDX-License-Identifier: BSD-2-Clause
#include "machine/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct bus {
	pthread_mutex_t lock; /* writers: one changes the regions at a time */
	uint32_t seq;	      /* odd while they change */
	uint32_t nr;
	struct bus_region regions[BUS_REGIONS_MAX]; /* ascending */
};

int bus_create(struct bus **out)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return -ENOMEM;
	pthread_mutex_init(&bus->lock, NULL);
	*out = bus;
	return 0;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

/*
 * Regions are stored and loaded word by word, since readers look while they change.
 * Each store is a release, so that whoever sees it sees the odd count from before;
 * each load is an acquire, so that the count is looked at again after it.
 */
static void store_region(struct bus_region *to, const struct bus_region *from)
{
	__atomic_store_n(&to->start, from->start, __ATOMIC_RELEASE);
	__atomic_store_n(&to->last, from->last, __ATOMIC_RELEASE);
	__atomic_store_n(&to->ops, from->ops, __ATOMIC_RELEASE);
	__atomic_store_n(&to->ctx, from->ctx, __ATOMIC_RELEASE);
}

static void load_region(struct bus_region *to, const struct bus_region *from)
{
	to->start = __atomic_load_n(&from->start, __ATOMIC_ACQUIRE);
	to->last = __atomic_load_n(&from->last, __ATOMIC_ACQUIRE);
	to->ops = __atomic_load_n(&from->ops, __ATOMIC_ACQUIRE);
	to->ctx = __atomic_load_n(&from->ctx, __ATOMIC_ACQUIRE);
}

static void change_begin(struct bus *bus)
{
	__atomic_store_n(&bus->seq, bus->seq + 1, __ATOMIC_RELAXED);
}

static void change_end(struct bus *bus)
{
	/* Pairs with the first load in find(). */
	__atomic_store_n(&bus->seq, bus->seq + 1, __ATOMIC_RELEASE);
}

static int insert_locked(struct bus *bus, const struct bus_region *region)
{
	uint32_t at = 0;

	if (bus->nr == BUS_REGIONS_MAX)
		return -ENOSPC;
	while (at < bus->nr && bus->regions[at].last < region->start)
		at++;
	if (at < bus->nr && bus->regions[at].start <= region->last)
		return -EEXIST;

	change_begin(bus);
	for (uint32_t i = bus->nr; i > at; i--)
		store_region(&bus->regions[i], &bus->regions[i - 1]);
	store_region(&bus->regions[at], region);
	__atomic_store_n(&bus->nr, bus->nr + 1, __ATOMIC_RELEASE);
	change_end(bus);
	return 0;
}

int bus_add(struct bus *bus, const struct bus_region *region)
{
	int ret;

	if (region->start > region->last)
		return -EINVAL;
	pthread_mutex_lock(&bus->lock);
	ret = insert_locked(bus, region);
	pthread_mutex_unlock(&bus->lock);
	return ret;
}

void bus_remove(struct bus *bus, uint64_t start)
{
	uint32_t at = 0;

	pthread_mutex_lock(&bus->lock);
	while (at < bus->nr && bus->regions[at].start != start)
		at++;
	if (at < bus->nr) {
		change_begin(bus);
		for (uint32_t i = at; i + 1 < bus->nr; i++)
			store_region(&bus->regions[i], &bus->regions[i + 1]);
		__atomic_store_n(&bus->nr, bus->nr - 1, __ATOMIC_RELEASE);
		change_end(bus);
	}
	pthread_mutex_unlock(&bus->lock);
}

/* The first region that ends at @addr or after it. */
static bool search(const struct bus *bus, uint64_t addr, struct bus_region *out)
{
	uint32_t low = 0;
	uint32_t nr = __atomic_load_n(&bus->nr, __ATOMIC_ACQUIRE);
	uint32_t high = nr;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		uint64_t last =
		    __atomic_load_n(&bus->regions[mid].last, __ATOMIC_RELAXED);

		if (last < addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == nr)
		return false;
	load_region(out, &bus->regions[low]);
	return true;
}

static bool find(const struct bus *bus, uint64_t addr, struct bus_region *out)
{
	uint32_t before, after;
	bool found;

	do {
		before = __atomic_load_n(&bus->seq, __ATOMIC_ACQUIRE);
		found = search(bus, addr, out);
		after = __atomic_load_n(&bus->seq, __ATOMIC_RELAXED);
	} while ((before & 1) || before != after);
	return found;
}

/* The longest piece of [@addr, @addr + @len) that one handler takes. */
static unsigned int piece(uint64_t room, unsigned int len)
{
	unsigned int n = 8;

	while (n > len || n - 1 > room)
		n /= 2;
	return n;
}

/* Finds who answers at @addr; *n: how many bytes from there on are its. */
static bool resolve(const struct bus *bus, uint64_t addr, unsigned int len,
		    struct bus_region *region, unsigned int *n)
{
	if (!find(bus, addr, region)) {
		*n = piece(UINT64_MAX - addr, len);
		return false;
	}
	if (region->start > addr) {
		*n = piece(region->start - addr - 1, len);
		return false;
	}
	*n = piece(region->last - addr, len);
	return true;
}

void bus_read(struct bus *bus, uint64_t addr, void *buf, unsigned int len)
{
	struct bus_region region;
	uint8_t *to = buf;
	unsigned int n;

	for (; len > 0; addr += n, to += n, len -= n) {
		memset(to, 0xff, len);
		if (resolve(bus, addr, len, &region, &n))
			region.ops->read(region.ctx, addr - region.start, to,
					 n);
	}
}

void bus_write(struct bus *bus, uint64_t addr, const void *buf,
	       unsigned int len)
{
	struct bus_region region;
	const uint8_t *from = buf;
	unsigned int n;

	for (; len > 0; addr += n, from += n, len -= n)
		if (resolve(bus, addr, len, &region, &n))
			region.ops->write(region.ctx, addr - region.start, from,
					  n);
}
