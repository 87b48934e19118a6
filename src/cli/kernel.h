/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel: one that was named, or the newest of the host that can
 * drive the IOMMU, with an initramfs made for it.
 */
#ifndef CLI_KERNEL_H
#define CLI_KERNEL_H

#include "base/compiler.h"

#include <limits.h>
#include <stdbool.h>

#define KERNEL_VERSION_MAX 128

/**
 * kernel_find() - The newest kernel of a folder
 * @boot:	 folder with config-VERSION and vmlinuz-VERSION ("/boot")
 * @need_viommu: only one that is configured with virtio_iommu
 *
 * Return: 0, or -ENOENT.
 */
MUST_CHECK int kernel_find(const char *boot, bool need_viommu,
			   char version[KERNEL_VERSION_MAX]);

/**
 * kernel_open() - Open a kernel and see that it is one
 *
 * Return: 0; -ENOEXEC if it is neither ELF nor bzImage; -errno of open(2) or
 * pread(2).
 */
MUST_CHECK int kernel_open(const char *path, int *out);

/**
 * kernel_make_initramfs() - Build an initramfs to a shell, with the drivers
 *
 * Runs pviommu-mkinitramfs and waits for it. The file has no name any more.
 *
 * Return: 0, or -errno, logged.
 */
MUST_CHECK int kernel_make_initramfs(const char *version, int *out);

#endif
