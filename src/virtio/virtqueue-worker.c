/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues on I/O threads. The kick descriptor is both the guest's notification and the way to call
 * the device again (virtqueue_schedule()): one source, no lock, and nothing that can be lost.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "loop/loop.h"
#include "virtio/virtqueue-setup.h"
#include "virtio/virtqueue-worker.h"

/* How often a queue that goes on filling is looked at again before others of the thread have a
 * turn. */
#define ROUNDS 4

struct call {
	struct virtqueue *vq;
	int result;
};

/* Returns true when there is more to do at once. */
static bool work_once(struct virtqueue *vq)
{
	bool drained;

	virtqueue_disable_kicks(vq);
	vq->budget = vq->size;
	drained = vq->worker_fn(vq, vq->worker_opaque);
	/* The function may have ended it, and the rings with it. */
	if (!vq->source)
		return false;
	vq->budget = VIRTQ_NO_BUDGET;
	virtqueue_notify(vq);
	return drained && virtqueue_enable_kicks(vq);
}

static void on_kick(int fd, unsigned events unused, void *opaque)
{
	struct virtqueue *vq = opaque;
	eventfd_t kicks;

	/* It may be empty by now: there is no harm in looking at the queue. */
	(void)eventfd_read(fd, &kicks);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!work_once(vq))
			return;
	}
	virtqueue_schedule(vq);
}

static void attach(void *opaque)
{
	struct call *call = opaque;
	struct virtqueue *vq = call->vq;

	call->result = loop_add_fd(vq->loop, vq->kick_fd, LOOP_READ, on_kick, vq, &vq->source);
}

static void detach(void *opaque)
{
	struct virtqueue *vq = opaque;

	vq->source = loop_source_remove(vq->source);
	vq->timer = loop_source_remove(vq->timer);
}

int virtqueue_attach(struct virtqueue *vq, struct loop *loop, virtqueue_fn fn, void *opaque)
{
	struct call call = {.vq = vq};

	invariant(!vq->loop);
	vq->loop = loop;
	vq->worker_fn = fn;
	vq->worker_opaque = opaque;
	if (!loop_call(loop, attach, &call))
		call.result = -ESHUTDOWN;
	if (call.result < 0)
		vq->loop = NULL;
	else
		virtqueue_schedule(vq);
	return call.result;
}

void virtqueue_detach(struct virtqueue *vq)
{
	if (!vq->loop)
		return;
	loop_call(vq->loop, detach, vq);
	vq->loop = NULL;
}

void virtqueue_pause(struct virtqueue *vq)
{
	if (vq->loop)
		loop_call(vq->loop, detach, vq);
}

void virtqueue_resume(struct virtqueue *vq)
{
	struct call call = {.vq = vq};

	if (!vq->loop || vq->source)
		return;
	/* It was watched before, so only memory can be short: then the driver has to reset it. */
	if (!loop_call(vq->loop, attach, &call) || call.result < 0)
		vq->ops->broken(vq, "it could not be resumed");
	virtqueue_schedule(vq);
}

void virtqueue_schedule(struct virtqueue *vq)
{
	int fd = __atomic_load_n(&vq->kick_fd, __ATOMIC_ACQUIRE);

	/* Fails only when the counter is at its end: then it is readable anyway. */
	if (fd >= 0)
		(void)eventfd_write(fd, 1);
}

static void on_timer(void *opaque)
{
	virtqueue_schedule(opaque);
}

void virtqueue_schedule_after(struct virtqueue *vq, uint64_t delay)
{
	if (!vq->source)
		return;
	if ((!vq->timer && loop_add_timer(vq->loop, on_timer, vq, &vq->timer) < 0) ||
	    loop_timer_arm(vq->timer, MAX(delay, 1ULL)) < 0)
		virtqueue_schedule(vq);
}
