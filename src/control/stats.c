// SPDX-License-Identifier: BSD-2-Clause
/* A machine's statistics as JSON; docs/control.md says what each one means. */
#include "control/control.h"

#include <jansson.h>

#include "backend/backend.h"
#include "dma/access.h"
#include "machine/machine.h"
#include "vfio/vdev.h"
#include "viommu/viommu.h"
#include "virtio/viommu_front.h"

#define KVM_STATS_MAX 256

/* A 64-bit counter in a struct of them. */
struct counter {
	const char *name;
	size_t offset;
};

#define COUNTER(type, member)                   \
	{                                       \
#member, offsetof(type, member) \
	}

static const struct counter viommu_counters[] = {
	COUNTER(struct viommu_stats, maps),
	COUNTER(struct viommu_stats, unmaps),
	COUNTER(struct viommu_stats, attaches),
	COUNTER(struct viommu_stats, detaches),
	COUNTER(struct viommu_stats, requests_failed),
	COUNTER(struct viommu_stats, faults),
	COUNTER(struct viommu_stats, faults_dropped),
	COUNTER(struct viommu_stats, live_mappings),
	COUNTER(struct viommu_stats, live_bytes),
};

static const struct counter front_counters[] = {
	COUNTER(struct viommu_front_stats, requests),
	COUNTER(struct viommu_front_stats, kicks),
	COUNTER(struct viommu_front_stats, events),
	COUNTER(struct viommu_front_stats, bad_chains),
};

static const struct counter endpoint_counters[] = {
	COUNTER(struct viommu_endpoint_stats, faults),
	COUNTER(struct viommu_endpoint_stats, live_mappings),
	COUNTER(struct viommu_endpoint_stats, live_bytes),
	COUNTER(struct viommu_endpoint_stats, readable_bytes),
	COUNTER(struct viommu_endpoint_stats, writable_bytes),
};

static const struct counter dma_counters[] = {
	COUNTER(struct dma_stats, operations),
	COUNTER(struct dma_stats, bytes_read),
	COUNTER(struct dma_stats, bytes_written),
	COUNTER(struct dma_stats, refused),
	COUNTER(struct dma_stats, bad_entries),
	COUNTER(struct dma_stats, frames_sent),
	COUNTER(struct dma_stats, frames_received),
	COUNTER(struct dma_stats, frames_dropped),
};

static const struct counter backend_counters[] = {
	COUNTER(struct backend_stats, sent),
	COUNTER(struct backend_stats, sent_bytes),
	COUNTER(struct backend_stats, received),
	COUNTER(struct backend_stats, received_bytes),
	COUNTER(struct backend_stats, send_dropped),
};

/*
 * Putting a value into an object fails only where memory is short. All of these
 * note that in one place, and control_stats_json() then answers with nothing.
 */
struct builder {
	bool failed;
};

static void put(struct builder *b, json_t *object, const char *name,
		json_t *value)
{
	b->failed |= json_object_set_new(object, name, value) != 0;
}

/* Other threads write counters while they are read: each is one load. */
static json_t *count(const void *stats, const struct counter *counter)
{
	const uint64_t *at =
	    (const void *)((const char *)stats + counter->offset);

	return json_integer((json_int_t)__atomic_load_n(at, __ATOMIC_RELAXED));
}

static void put_counters(struct builder *b, json_t *object, const void *stats,
			 const struct counter *counters, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		put(b, object, counters[i].name, count(stats, &counters[i]));
}

static json_t *vm_object(struct builder *b, struct machine *m)
{
	static const char *const iommu[] = {
		[MACHINE_IOMMU_ON] = "on",
		[MACHINE_IOMMU_BOOT_BYPASS] = "boot-bypass",
		[MACHINE_IOMMU_OFF] = "off",
	};
	const struct machine_config *config = machine_configuration(m);
	json_t *object = json_object();

	put(b, object, "name", json_string(config->name));
	put(b, object, "cpus", json_integer(config->nr_cpus));
	put(b, object, "memory", json_integer((json_int_t)config->memory));
	put(b, object, "iommu", json_string(iommu[config->iommu]));
	return object;
}

static json_t *kvm_object(struct builder *b, struct machine *m)
{
	struct machine_stat stats[KVM_STATS_MAX];
	size_t nr = machine_kvm_stats(m, stats, ARRAY_SIZE(stats));
	json_t *object = json_object();

	for (size_t i = 0; i < MIN(nr, ARRAY_SIZE(stats)); i++)
		put(b, object, stats[i].name,
		    json_integer((json_int_t)stats[i].value));
	return object;
}

static json_t *viommu_object(struct builder *b, struct machine *m)
{
	struct viommu *mmu = machine_viommu(m);
	json_t *object = json_object();
	struct viommu_stats stats;

	viommu_stats(mmu, &stats);
	put(b, object, "ever_attached",
	    json_boolean(viommu_ever_attached(mmu)));
	put(b, object, "domains", json_integer(stats.domains));
	put(b, object, "endpoints", json_integer(stats.endpoints));
	put_counters(b, object, &stats, viommu_counters,
		     ARRAY_SIZE(viommu_counters));
	return object;
}

static json_t *front_object(struct builder *b, struct machine *m)
{
	const struct viommu_front *front = machine_front(m);
	struct viommu_front_stats stats;
	json_t *object;

	if (!front)
		return json_null();
	object = json_object();
	viommu_front_stats(front, &stats);
	put_counters(b, object, &stats, front_counters,
		     ARRAY_SIZE(front_counters));
	return object;
}

static json_t *endpoint_object(struct builder *b, struct vdev *vdev)
{
	struct viommu_endpoint *ep = vdev_endpoint(vdev);
	struct viommu_endpoint_stats stats;
	json_t *object;

	if (!ep)
		return json_null();
	object = json_object();
	viommu_endpoint_stats(ep, &stats);
	put(b, object, "id", json_integer(stats.id));
	put(b, object, "domain",
	    stats.domain == UINT32_MAX ? json_null()
				       : json_integer(stats.domain));
	put(b, object, "bypass", json_boolean(stats.bypass));
	put_counters(b, object, &stats, endpoint_counters,
		     ARRAY_SIZE(endpoint_counters));
	return object;
}

static json_t *dma_object(struct builder *b, struct vdev *vdev)
{
	struct dma_stats stats;
	json_t *object;

	if (!vdev_dma_stats(vdev, &stats))
		return json_null();
	object = json_object();
	put_counters(b, object, &stats, dma_counters, ARRAY_SIZE(dma_counters));
	return object;
}

static json_t *backend_object(struct builder *b, const struct backend *backend)
{
	json_t *object;

	if (!backend)
		return json_null();
	object = json_object();
	put_counters(b, object, &backend->stats, backend_counters,
		     ARRAY_SIZE(backend_counters));
	return object;
}

static json_t *devices_array(struct builder *b, struct machine *m)
{
	const struct machine_config *config = machine_configuration(m);
	json_t *array = json_array();

	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct vdev *vdev = machine_vdev(m, i);
		json_t *object = json_object();

		put(b, object, "name", json_string(vdev->name));
		put(b, object, "gone",
		    json_boolean(
			__atomic_load_n(&vdev->gone, __ATOMIC_RELAXED)));
		put(b, object, "endpoint", endpoint_object(b, vdev));
		put(b, object, "dma", dma_object(b, vdev));
		put(b, object, "backend",
		    backend_object(b, machine_backend(m, i)));
		b->failed |= json_array_append_new(array, object) != 0;
	}
	return array;
}

char *control_stats_json(struct machine *m)
{
	struct builder b = { .failed = false };
	json_t *object = json_object();
	char *text = NULL;

	put(&b, object, "vm", vm_object(&b, m));
	put(&b, object, "kvm", kvm_object(&b, m));
	put(&b, object, "viommu", viommu_object(&b, m));
	put(&b, object, "front", front_object(&b, m));
	put(&b, object, "devices", devices_array(&b, m));
	if (!b.failed)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}
