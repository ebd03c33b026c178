/* SPDX-License-Identifier: Apache-2.0 */
/* PCI and modern virtio for bare-metal guests: find a device, map its registers, run a queue by
 * polling. */
#pragma once

#include <linux/virtio_ring.h>

#include "bare.h"

struct pci_device {
	unsigned slot;
	uint64_t config; /* address of its 4 KiB of configuration space */
	uint16_t vendor, device;
};

/* The next device on bus 0 after *@device (start with slot 0, the host bridge, zeroed); false at
 * the end. */
bool pci_next(struct pci_device *device);

/* The address of a memory BAR, mapped; 0 when there is none. */
uint64_t pci_bar(const struct pci_device *device, unsigned bar);

struct virtio_device {
	struct pci_device pci;
	uint64_t common, notify, isr, specific; /* addresses */
	uint32_t notify_multiplier;
	uint64_t features; /* as negotiated */
};

enum { VIRTQUEUE_SIZE_MAX = 256 };

struct virtqueue {
	struct virtio_device *device;
	uint16_t index, size, next_free, seen;
	uint16_t in_flight; /* descriptors */
	uint64_t doorbell;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

struct segment {
	const void *address;
	uint32_t length;
	bool writable; /* by the device */
};

/* Finds the @nth virtio device of a type (the virtio id: 1 net, 2 block …), and its structures. */
bool virtio_find(struct virtio_device *device, unsigned type, unsigned nth);

/* Reset, features (VERSION_1 and those of @features that are offered), FEATURES_OK; fails the guest
 * otherwise. */
void virtio_start(struct virtio_device *device, uint64_t features);
void virtio_queue(struct virtio_device *device, struct virtqueue *queue, uint16_t index);
void virtio_driver_ok(struct virtio_device *device);

/* Puts a chain into the ring without a kick; false when there is no room for it. The id comes back
 * from virtqueue_poll(). */
bool virtqueue_add(struct virtqueue *queue, const struct segment *segments, unsigned n);
void virtqueue_kick(struct virtqueue *queue);

/* True when a chain was used; its head and the length that the device wrote. */
bool virtqueue_poll(struct virtqueue *queue, uint32_t *head, uint32_t *length);
