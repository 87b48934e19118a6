// SPDX-License-Identifier: BSD-2-Clause
#include "machine/vm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "base/fd.h"
#include "base/log.h"
#include "machine/layout.h"
#include "memory/guest_ram.h"

static const struct {
	int cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_IRQCHIP, "in-kernel interrupt controllers" },
	{ KVM_CAP_IRQFD, "irqfd" },
	{ KVM_CAP_IRQFD_RESAMPLE, "irqfd with resampling" },
	{ KVM_CAP_IOEVENTFD, "ioeventfd" },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, "ioeventfd of any length" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
	{ KVM_CAP_EXT_CPUID, "CPUID" },
};

static int check_kvm(int kvm_fd)
{
	int version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION) {
		log_err("kvm",
			"/dev/kvm: API version %d, not %d: not a KVM that this "
			"program knows",
			version, KVM_API_VERSION);
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].cap) > 0)
			continue;
		log_err("kvm",
			"this host's KVM has no %s: a newer kernel is "
			"needed",
			needed[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int create_vm(struct vm *vm)
{
	uint64_t identity_map = LAYOUT_IDENTITY_MAP;
	int ret;

	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0) {
		ret = -errno;
		log_err("kvm", "can not create a VM: %s", strerror(-ret));
		return ret;
	}
	/* Intel's real mode wants both; AMD ignores them. */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, LAYOUT_TSS) < 0 ||
	    ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0) {
		ret = -errno;
		log_err("kvm", "can not set up the VM: %s", strerror(-ret));
		fd_close(&vm->fd);
		return ret;
	}
	return 0;
}

int vm_init(struct vm *vm, int kvm_fd)
{
	int len, ret;

	*vm = (struct vm){ .kvm_fd = kvm_fd, .fd = -1 };
	ret = check_kvm(kvm_fd);
	if (ret)
		goto err_kvm_fd;
	len = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (len < (int)sizeof(struct kvm_run)) {
		ret = -EOPNOTSUPP;
		goto err_kvm_fd;
	}
	vm->run_len = (size_t)len;
	ret = create_vm(vm);
	if (ret)
		goto err_kvm_fd;
	ret = irqs_create(vm->fd, &vm->irqs);
	if (ret) {
		log_err("kvm", "can not route interrupts: %s", strerror(-ret));
		goto err_vm_fd;
	}
	return 0;

err_vm_fd:
	fd_close(&vm->fd);
err_kvm_fd:
	fd_close(&vm->kvm_fd);
	return ret;
}

void vm_fini(struct vm *vm)
{
	irqs_destroy(vm->irqs);
	vm->irqs = NULL;
	fd_close(&vm->fd);
	fd_close(&vm->kvm_fd);
}

int vm_map_ram(struct vm *vm, const struct guest_ram *ram)
{
	const struct guest_ram_bank *bank;

	for (unsigned int i = 0; (bank = guest_ram_bank(ram, i)); i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = bank->gpa,
			.memory_size = bank->len,
			.userspace_addr = (uintptr_t)bank->host,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0) {
			int ret = -errno;

			log_err("kvm", "can not give guest RAM at %#llx: %s",
				(unsigned long long)bank->gpa, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

static int set_doorbell(struct vm *vm, const struct vm_doorbell *bell,
			uint32_t flags)
{
	struct kvm_ioeventfd arg = {
		.addr = bell->addr,
		.len = bell->len,
		.fd = bell->fd,
		.flags = flags | (bell->pio ? KVM_IOEVENTFD_FLAG_PIO : 0),
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &arg) < 0 ? -errno : 0;
}

int vm_doorbell_add(struct vm *vm, const struct vm_doorbell *bell)
{
	return set_doorbell(vm, bell, 0);
}

void vm_doorbell_remove(struct vm *vm, const struct vm_doorbell *bell)
{
	(void)set_doorbell(vm, bell, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
