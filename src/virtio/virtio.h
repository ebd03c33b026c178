/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device as its transport sees it. The model in devices/ fills in struct virtio_ops; the
 * transport (virtio/virtio-pci.c) does config space, feature negotiation, queues, MSI-X, reset.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "graph/device-type.h"
#include "virtio/virtqueue.h"

struct virtio_device;

struct virtio_ops {
	/*
	 * The driver is ready (DRIVER_OK): @features are negotiated, queues are set. A vCPU thread,
	 * under the transport's lock; hand the queues to an I/O thread here (virtqueue_attach()).
	 * Negative errno: the device is marked DEVICE_NEEDS_RESET; undo what was done, deactivate
	 * is not called.
	 */
	int (*activate)(struct virtio_device *vdev);

	/*
	 * The driver resets the device, or it goes: give the queues back (virtqueue_detach()).
	 * Returns when no I/O of the device touches guest memory any more. A vCPU thread or the
	 * main thread, under the transport's lock; only after an activate that succeeded.
	 *
	 * An I/O thread never takes the transport's lock (nothing it may call does) and never waits
	 * for the main thread: so waiting for an I/O thread here cannot deadlock.
	 */
	void (*deactivate)(struct virtio_device *vdev);

	/*
	 * The guest is paused: end what is in flight, and do not touch guest memory until resume;
	 * the queues are not looked at meanwhile. Optional: for a model that has requests in flight
	 * or reads from the host by itself. Main thread, under the lock; only while active.
	 */
	void (*pause)(struct virtio_device *vdev);
	void (*resume)(struct virtio_device *vdev);

	/* Device-specific configuration; offset + size is inside config_size. Under the lock. */
	void (*config_read)(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size);
	void (*config_write)(struct virtio_device *vdev, unsigned offset, const void *buf,
			     unsigned size); /* optional */
};

/* What a model tells the transport; constant for the device's life. */
struct virtio_info {
	uint16_t device_id; /* virtio 1.2 §5: 1 net, 2 block, 3 console, 4 entropy … */
	uint64_t features;  /* device features; the transport adds VERSION_1, EVENT_IDX, INDIRECT */
	unsigned n_queues;
	uint16_t queue_size;  /* the maximum the driver may choose, a power of two */
	unsigned config_size; /* bytes of device-specific configuration */
	uint32_t pci_class;   /* 24 bits: class, subclass, interface */
};

/* Embedded in the model's structure, first member. */
struct virtio_device {
	struct device device;
	const struct virtio_ops *ops;
	struct virtio_info info;
	uint64_t features; /* negotiated; constant while active */
	bool active;       /* between activate and deactivate; under the transport's lock */
	struct virtio_pci *transport;
};

/**
 * virtio_init() - put a virtio device behind the PCI transport
 * @vdev: ops and info are set
 * @machine, @node: as given to prepare(); slot, GSIs and BARs come from the node
 *
 * Return: 0 or a negative errno. virtio_fini() undoes it.
 */
int virtio_init(struct virtio_device *vdev, struct machine *machine,
		const struct graph_node *node) must_use;
void virtio_fini(struct virtio_device *vdev);

/* The device_type callbacks that every virtio device shares. */
int virtio_commit(struct device *device, struct diag_list *diags);
int virtio_request_unplug(struct device *device);
void virtio_cancel_unplug(struct device *device);
void virtio_reset(struct device *device);
void virtio_pause(struct device *device);
void virtio_resume(struct device *device);
void virtio_needs(struct device_needs *needs, unsigned n_queues); /* MSI-X and BAR 0 */

/*
 * The configuration changed: bumps the generation and interrupts the driver. Any thread, after the
 * change; config_read may run at the same time.
 */
void virtio_config_changed(struct virtio_device *vdev);

/* Has the workers look at all queues soon: what they wait for may be there. Any thread. */
void virtio_schedule(struct virtio_device *vdev);

static inline bool virtio_has_feature(const struct virtio_device *vdev, unsigned bit)
{
	return vdev->features & (1ULL << bit);
}

/* A queue, or NULL when the driver has not enabled it. From activate on, until deactivate returns.
 */
struct virtqueue *virtio_queue(struct virtio_device *vdev, unsigned index);
