/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a virtqueue on an I/O thread: the kick descriptor is watched, kicks are suppressed while
 * the device works, one queue does not starve the others of its thread. Every device uses this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct loop;
struct virtqueue;

/*
 * Looks at the queue: the guest kicked, or virtqueue_schedule() was called. Pop until it gives 0,
 * push what is done; the worker notifies the guest afterwards. In one call virtqueue_pop() gives
 * at most as many requests as the queue is long, so that other queues have their turn.
 *
 * Return: true when virtqueue_pop() gave nothing more: kicks come on again and the function is
 * called when there is more. False when the device cannot take more now (its backend is full, it
 * has nothing to give): kicks stay off until virtqueue_schedule().
 */
typedef bool (*virtqueue_fn)(struct virtqueue *vq, void *opaque);

/**
 * virtqueue_attach() - have a loop work on a queue
 * @vq: an enabled queue, not attached
 * @loop: of an I/O thread; never the main loop, which may wait for a vCPU that waits for it
 * @fn: called on the loop's thread, first soon after this call, because requests may be waiting
 *
 * From activate(). Return: 0 or a negative errno.
 */
int virtqueue_attach(struct virtqueue *vq, struct loop *loop, virtqueue_fn fn,
		     void *opaque) must_use;

/*
 * Ends that: when it returns @fn is not running and is not called again. From deactivate(), or the
 * loop's thread. Harmless for a queue that is not attached.
 */
void virtqueue_detach(struct virtqueue *vq);

/*
 * While it is paused @fn is not running and not called; a call that was asked for meanwhile comes
 * after virtqueue_resume(). A paused queue may be detached. Main thread; harmless for a queue that
 * is not attached.
 */
void virtqueue_pause(struct virtqueue *vq);
void virtqueue_resume(struct virtqueue *vq);

/* Calls @fn again soon. Any thread; nothing happens for a queue that is not attached. */
void virtqueue_schedule(struct virtqueue *vq);

/*
 * The same after a while (nanoseconds; late by some milliseconds), instead of what was said before.
 * The loop's thread.
 */
void virtqueue_schedule_after(struct virtqueue *vq, uint64_t delay);
