/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split virtqueue, device side (virtio 1.2 §2.7), with indirect descriptors and event index.
 * The rings live in guest memory: every index, address and length read from them is hostile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"

struct guest_memory;
struct virtqueue;

#define VIRTQ_MAX_SIZE 1024
#define VIRTQ_MAX_IOV  (VIRTQ_MAX_SIZE + 2)

/*
 * One request: first what the device reads, then what it writes, as host pieces. The iovecs belong
 * to the chain; a device may shorten and shift them. Either part, or both, may be empty.
 */
struct virtq_chain {
	uint16_t head;
	unsigned n_in, n_out;     /* pieces the device writes (in), reads (out) */
	uint64_t in_len, out_len; /* bytes in each */
	struct iovec *in, *out;
	unsigned max_iov; /* room in @iov */
	struct iovec *iov;
};

/**
 * virtqueue_pop() - take the next request that the guest made available
 * @vq: the queue
 * @chain: @iov and @max_iov set by the caller, the rest is filled
 *
 * Thread: the one that owns the queue.
 *
 * Return: 1 with a request, 0 when there is none, -EPROTO when the guest broke the ring: the device
 * has been marked DEVICE_NEEDS_RESET and the queue gives nothing more until it is reset.
 */
int virtqueue_pop(struct virtqueue *vq, struct virtq_chain *chain) must_use;

/*
 * Copies between a buffer and the part the device reads (out), or writes (in), from @offset on.
 * Return: the bytes copied, less than @len when the part ends before.
 */
size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len);
size_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *buf,
			 size_t len);

/* Puts the last popped request back, as if it had not been taken (no room for it now). */
void virtqueue_unpop(struct virtqueue *vq, const struct virtq_chain *chain);

/* Gives a request back with @len bytes written, in any order. */
void virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t len);

/*
 * The same in two halves, for requests that the guest must see together (the buffers of one frame,
 * virtio 1.2 §5.1.6.4): stage each, then publish them all.
 */
void virtqueue_stage(struct virtqueue *vq, uint16_t head, uint32_t len);
void virtqueue_publish(struct virtqueue *vq);

/* Interrupts the guest if it wants to know of what was pushed (VIRTIO_F_EVENT_IDX, flags). */
void virtqueue_notify(struct virtqueue *vq);

/*
 * Kicks off while the device looks at the queue anyway, and on again. _enable returns true when
 * something came meanwhile: go on popping. The worker (virtqueue-worker.h) does this and the
 * notify.
 */
void virtqueue_disable_kicks(struct virtqueue *vq);
bool virtqueue_enable_kicks(struct virtqueue *vq) must_use;

/*
 * The device's end of the notification, an eventfd: readable when the guest kicked; owned by the
 * transport, there from activate on. Only for those who hand it on (vhost); others use the worker.
 */
int virtqueue_kick_fd(const struct virtqueue *vq);
unsigned virtqueue_index(const struct virtqueue *vq);
unsigned virtqueue_size(const struct virtqueue *vq);
