/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport's side of a virtqueue: what the driver programs, and turning it into a queue that
 * works. Devices include virtio/virtqueue.h only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "virtio/virtqueue.h"

struct loop;
struct loop_source;
struct virtq_desc;

#define VIRTQ_NO_VECTOR 0xffff
#define VIRTQ_NO_BUDGET (~0u)

/* What a queue asks of its transport. On the queue's thread; must not wait. */
struct virtqueue_ops {
	void (*interrupt)(struct virtqueue *vq);
	/* The guest broke the ring: mark the device DEVICE_NEEDS_RESET. @why: a phrase for the log.
	 */
	void (*broken)(struct virtqueue *vq, const char *why);
};

struct virtqueue {
	/* Constant. */
	unsigned index;
	struct guest_memory *mem;
	const struct virtqueue_ops *ops;
	void *owner;

	/* What the driver programs; under the transport's lock, constant while the queue runs. */
	uint16_t size;
	bool enabled;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t vector;    /* any thread */
	bool has_ioeventfd; /* the transport's: the kernel signals kick_fd */

	/* The rings in host memory, from start to stop. */
	const struct virtq_desc *desc;
	const uint16_t *avail;
	uint16_t *used;
	bool event_idx, indirect;

	/* The queue's thread. */
	uint16_t last_avail, used_idx, notified_used_idx;
	bool kicks, broken;
	unsigned budget; /* how many requests virtqueue_pop() gives before it pauses for others */

	int kick_fd; /* -1 until the first start; then until fini */

	/* virtqueue-worker.c; the loop's thread. */
	struct loop *loop;
	struct loop_source *source;
	struct loop_source *timer; /* made at the first virtqueue_schedule_after() */
	bool (*worker_fn)(struct virtqueue *vq, void *opaque);
	void *worker_opaque;
};

void virtqueue_init(struct virtqueue *vq, unsigned index, uint16_t max_size,
		    struct guest_memory *mem, const struct virtqueue_ops *ops, void *owner);
void virtqueue_fini(struct virtqueue *vq); /* stopped and detached */

/* To the state after a device reset: not enabled, the size back to @max_size. Stopped. */
void virtqueue_reset(struct virtqueue *vq, uint16_t max_size);

/**
 * virtqueue_start() - map the rings the driver gave and get ready
 * @vq: enabled; size and addresses are the driver's, hostile
 * @features: the negotiated ones
 *
 * Return: 0, -EINVAL (alignment), -EFAULT (a ring is not in RAM), or an error of eventfd(2).
 */
int virtqueue_start(struct virtqueue *vq, uint64_t features) must_use;
void virtqueue_stop(struct virtqueue *vq);

/* Is @size one that a driver may choose? */
bool virtqueue_size_valid(uint16_t size, uint16_t max_size);
