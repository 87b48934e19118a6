// SPDX-License-Identifier: BSD-2-Clause
#include "vfio/vdev.h"

#include "base/log.h"

bool vdev_check(struct vdev *dev)
{
	if (!vdev_gone(dev) && dev->ops->lost(dev))
		vdev_fail(dev, "it has closed its socket");
	return vdev_gone(dev);
}

void vdev_fail(struct vdev *dev, const char *why)
{
	if (__atomic_exchange_n(&dev->gone, true, __ATOMIC_SEQ_CST))
		return;
	log_err(dev->name, "the device is gone: %s", why);
	dev->ops->fail(dev);
}

void vdev_destroy(struct vdev *dev)
{
	if (dev)
		dev->ops->destroy(dev);
}
