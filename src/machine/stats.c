// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each VM and each vCPU has a descriptor whose contents describe themselves: a
 * header, a description of each counter, the counters (Linux's
 * Documentation/virt/kvm/api.rst, "KVM_GET_STATS_FD").
 */
#include "machine/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "base/fd.h"

#define ITEMS_MAX    256
#define NAME_MAX_LEN 255

struct item {
	char name[sizeof(((struct machine_stat *)NULL)->name)];
	uint32_t index; /* of the counter in the data block */
};

/* What the descriptors of one kind, VM or vCPU, have in common. */
struct kind {
	uint64_t data_off;
	uint32_t data_words;
	uint32_t nr_items;
	struct item items[ITEMS_MAX];
};

struct stats {
	struct kind vm, vcpu;
	int vm_fd;			/* owned */
	int vcpu_fds[MACHINE_CPUS_MAX]; /* owned */
	unsigned int nr_vcpus;
	uint64_t *words; /* owned: room for a data block */
};

static int read_exact(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = pread(fd, buf, len, (off_t)off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EPROTO;
}

/* Takes over one description, if it is that of a single number. */
static void add_item(struct kind *kind, const struct kvm_stats_desc *desc,
		     const char *name)
{
	struct item *item = &kind->items[kind->nr_items];
	uint32_t last = desc->offset / sizeof(uint64_t);

	if (desc->size != 1 || desc->offset % sizeof(uint64_t) != 0 ||
	    last >= 65536)
		return;
	memcpy(item->name, name, strnlen(name, sizeof(item->name) - 1));
	item->index = last;
	kind->data_words = MAX(kind->data_words, last + 1);
	kind->nr_items++;
}

static int learn(struct kind *kind, int fd)
{
	struct kvm_stats_header head;
	int ret;

	ret = read_exact(fd, &head, sizeof(head), 0);
	if (ret)
		return ret;
	if (head.name_size == 0 || head.name_size > NAME_MAX_LEN)
		return -EPROTO;
	kind->data_off = head.data_offset;
	for (uint32_t i = 0; i < MIN(head.num_desc, (uint32_t)ITEMS_MAX); i++) {
		union {
			struct kvm_stats_desc desc;
			char bytes[sizeof(struct kvm_stats_desc) +
				   NAME_MAX_LEN + 1];
		} u = { .bytes = { 0 } };
		size_t len = sizeof(u.desc) + head.name_size;

		ret = read_exact(fd, &u, len,
				 head.desc_offset + (uint64_t)i * len);
		if (ret)
			return ret;
		add_item(kind, &u.desc, u.bytes + sizeof(u.desc));
	}
	return 0;
}

static int open_stats(int kvm_fd, int *out)
{
	int fd = ioctl(kvm_fd, KVM_GET_STATS_FD, NULL);

	if (fd < 0)
		return -errno;
	*out = fd;
	return 0;
}

static int open_all(struct stats *s, int vm_fd, const int *vcpu_fds,
		    unsigned int nr_vcpus)
{
	int ret = open_stats(vm_fd, &s->vm_fd);

	while (!ret && s->nr_vcpus < nr_vcpus) {
		ret = open_stats(vcpu_fds[s->nr_vcpus],
				 &s->vcpu_fds[s->nr_vcpus]);
		s->nr_vcpus += ret == 0;
	}
	return ret;
}

int stats_create(int vm_fd, const int *vcpu_fds, unsigned int nr_vcpus,
		 struct stats **out)
{
	struct stats *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->vm_fd = -1;
	ret = open_all(s, vm_fd, vcpu_fds, nr_vcpus);
	if (!ret)
		ret = learn(&s->vm, s->vm_fd);
	if (!ret)
		ret = learn(&s->vcpu, s->vcpu_fds[0]);
	if (ret)
		goto err;
	s->words = calloc(1 + MAX(s->vm.data_words, s->vcpu.data_words),
			  sizeof(*s->words));
	if (!s->words) {
		ret = -ENOMEM;
		goto err;
	}
	*out = s;
	return 0;

err:
	stats_destroy(s);
	return ret;
}

void stats_destroy(struct stats *s)
{
	if (!s)
		return;
	for (unsigned int i = 0; i < s->nr_vcpus; i++)
		fd_close(&s->vcpu_fds[i]);
	fd_close(&s->vm_fd);
	free(s->words);
	free(s);
}

/* Adds the counters of one descriptor to @out, as far as there is room. */
static void add_counters(struct stats *s, const struct kind *kind, int fd,
			 struct machine_stat *out, size_t cap)
{
	if (read_exact(fd, s->words, kind->data_words * sizeof(*s->words),
		       kind->data_off))
		return;
	for (uint32_t i = 0; i < kind->nr_items && i < cap; i++)
		out[i].value += s->words[kind->items[i].index];
}

static void name_counters(const struct kind *kind, struct machine_stat *out,
			  size_t cap)
{
	for (uint32_t i = 0; i < kind->nr_items && i < cap; i++) {
		memcpy(out[i].name, kind->items[i].name, sizeof(out[i].name));
		out[i].value = 0;
	}
}

size_t stats_read(struct stats *s, struct machine_stat *out, size_t cap)
{
	size_t nr_vm = MIN(s->vm.nr_items, cap);

	name_counters(&s->vm, out, nr_vm);
	name_counters(&s->vcpu, out + nr_vm, cap - nr_vm);
	add_counters(s, &s->vm, s->vm_fd, out, nr_vm);
	for (unsigned int i = 0; i < s->nr_vcpus; i++)
		add_counters(s, &s->vcpu, s->vcpu_fds[i], out + nr_vm,
			     cap - nr_vm);
	return s->vm.nr_items + s->vcpu.nr_items;
}
