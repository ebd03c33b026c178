/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pausing a virtio device: its queues are not looked at, then the model brings what it has in
 * flight to an end. What the guest kicked meanwhile stays in the kick descriptors.
 */
#include "virtio/virtio-pci-internal.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

void virtio_pause(struct device *device)
{
	struct virtio_device *vdev = container_of(device, struct virtio_device, device);
	struct virtio_pci *t = vdev->transport;

	pthread_mutex_lock(&t->lock);
	if (vdev->active) {
		for (unsigned i = 0; i < vdev->info.n_queues; i++)
			virtqueue_pause(&t->queues[i]);
		if (vdev->ops->pause)
			vdev->ops->pause(vdev);
	}
	pthread_mutex_unlock(&t->lock);
}

void virtio_resume(struct device *device)
{
	struct virtio_device *vdev = container_of(device, struct virtio_device, device);
	struct virtio_pci *t = vdev->transport;

	pthread_mutex_lock(&t->lock);
	if (vdev->active) {
		if (vdev->ops->resume)
			vdev->ops->resume(vdev);
		for (unsigned i = 0; i < vdev->info.n_queues; i++)
			virtqueue_resume(&t->queues[i]);
	}
	pthread_mutex_unlock(&t->lock);
}
