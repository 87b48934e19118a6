// SPDX-License-Identifier: BSD-2-Clause
#include "machine/cpuid.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "machine/vm.h"

#define ENTRIES_MAX 256

/* Leaf 1. */
#define C_VMX	       (1u << 5)
#define C_TSC_DEADLINE (1u << 24)
#define C_HYPERVISOR   (1u << 31)
#define D_HTT	       (1u << 28)
/* Leaf 0x80000001. */
#define C_CMP_LEGACY   (1u << 1)
#define C_SVM	       (1u << 2)

struct topology {
	unsigned int index, nr_cpus;
	unsigned int bits; /* of an APIC id that count cores */
	bool tsc_deadline;
};

static void set_features(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	e->ebx = (e->ebx & 0x0000ffff) | t->nr_cpus << 16 | t->index << 24;
	e->ecx = (e->ecx & ~(C_VMX | C_TSC_DEADLINE)) | C_HYPERVISOR;
	if (t->tsc_deadline)
		e->ecx |= C_TSC_DEADLINE;
	e->edx &= ~D_HTT;
	if (t->nr_cpus > 1)
		e->edx |= D_HTT;
}

/* Who shares a cache: the last level all, others nobody. Leaves 4, 0x8000001d. */
static void set_cache(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	unsigned int level = e->eax >> 5 & 7;

	e->eax &= ~0x03ffc000u;
	if (level >= 3)
		e->eax |= (t->nr_cpus - 1) << 14;
	if (e->function == 4)
		e->eax = (e->eax & 0x03ffffff) | ((1u << t->bits) - 1) << 26;
}

static void set_extended(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	e->ecx &= ~(C_SVM | C_CMP_LEGACY);
	if (t->nr_cpus > 1)
		e->ecx |= C_CMP_LEGACY;
}

static void set_core_count(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	e->ecx = t->bits << 12 | (t->nr_cpus - 1);
}

static void set_amd_ids(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	e->eax = t->index;
	e->ebx = t->index;
	e->ecx = e->edx = 0;
}

static void set_nothing(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	(void)t;
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

static const struct {
	uint32_t function;
	void (*set)(struct kvm_cpuid_entry2 *e, const struct topology *t);
} changes[] = {
	{ 0x1, set_features },	      { 0x4, set_cache },
	{ 0xa, set_nothing }, /* no performance counters */
	{ 0x80000001, set_extended }, { 0x80000008, set_core_count },
	{ 0x8000000a, set_nothing }, /* SVM */
	{ 0x8000001d, set_cache },    { 0x8000001e, set_amd_ids },
};

static int supported(const struct vm *vm, struct kvm_cpuid2 **out)
{
	struct kvm_cpuid2 *cpuid;
	int ret;

	cpuid =
	    calloc(1, sizeof(*cpuid) + ENTRIES_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = ENTRIES_MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
		ret = -errno;
		free(cpuid);
		return ret;
	}
	*out = cpuid;
	return 0;
}

static void adjust(struct kvm_cpuid_entry2 *e, const struct topology *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].function == e->function)
			changes[i].set(e, t);
}

/*
 * Leaf 0xb: threads (one a core), cores, the end. What KVM says there is the
 * host's, or nothing: written anew.
 */
static void set_levels(struct kvm_cpuid2 *cpuid, const struct topology *t)
{
	const struct kvm_cpuid_entry2 levels[] = {
		{ .index = 0, .eax = 0, .ebx = 1, .ecx = 1u << 8 },
		{ .index = 1,
		  .eax = t->bits,
		  .ebx = t->nr_cpus,
		  .ecx = 2u << 8 | 1 },
		{ .index = 2, .ecx = 2 },
	};
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != 0xb &&
		    cpuid->entries[i].function != 0x1f)
			cpuid->entries[kept++] = cpuid->entries[i];
	cpuid->nent = kept;
	if (kept + ARRAY_SIZE(levels) > ENTRIES_MAX)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[cpuid->nent++];

		*e = levels[i];
		e->function = 0xb;
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		e->edx = t->index;
	}
}

int cpuid_set(const struct vm *vm, int vcpu_fd, unsigned int index,
	      unsigned int nr_cpus)
{
	struct topology t = {
		.index = index,
		.nr_cpus = nr_cpus,
		.tsc_deadline = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION,
				      KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct kvm_cpuid2 *cpuid = NULL;
	int ret;

	while (1u << t.bits < nr_cpus)
		t.bits++;
	ret = supported(vm, &cpuid);
	if (ret)
		return ret;
	assert(cpuid);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		adjust(&cpuid->entries[i], &t);
	set_levels(cpuid, &t);
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		ret = -errno;
	free(cpuid);
	return ret;
}

int cpuid_physical_bits(const struct vm *vm, unsigned int *bits)
{
	struct kvm_cpuid2 *cpuid = NULL;
	int ret;

	ret = supported(vm, &cpuid);
	if (ret)
		return ret;
	assert(cpuid);
	*bits = 36; /* what every 64-bit processor has */
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			*bits = cpuid->entries[i].eax & 0xff;
	free(cpuid);
	return 0;
}
