/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data path of virtio-net (virtio 1.2 §5.1.6). Nothing is copied on the way: the backend reads
 * into the guest's buffers and writes from them. Only a frame that does not fit the buffers there
 * are is set aside until there are enough; meanwhile the backend is not read, so that it holds back
 * who sends, and nothing spins.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/virtio-pair.h"
#include "virtio/limiter.h"
#include "virtio/virtqueue-worker.h"
#include "virtio/virtqueue.h"

#define MAX_HELD      64u  /* buffers taken from the guest before there is a frame for them */
#define MAX_PIECES    500u /* of all held buffers together, before the last is added */
#define MAX_TX_PIECES 1022u
#define MAX_FRAMES    64u /* in one turn: the thread has other queues */
#define NUM_BUFFERS   10u /* offset in struct virtio_net_hdr_v1 */
#define USUAL_FRAME   (NET_HEADER + NET_ETHERNET + 4u + 1500u)

struct buffer {
	uint16_t head;
	unsigned n_iov;
	size_t len;
};

struct net_pair {
	struct net_pair_options o;
	bool on, lost, paused;
	struct loop_source *source;
	unsigned events;

	/* Buffers of the guest, taken and still empty, and their pieces one after the other. */
	struct buffer held[MAX_HELD];
	unsigned n_held, n_iov;
	size_t capacity;
	struct iovec iov[MAX_PIECES + VIRTQ_MAX_IOV + 1];

	struct iovec tx_iov[VIRTQ_MAX_IOV];

	/* A frame that waits for buffers. It takes no memory until there is one. */
	size_t aside_len;
	unsigned char aside[NET_MAX_FRAME];
};

enum pumped {
	NO_BUFFERS, /* the guest must give some */
	NO_FRAMES,
	LIMITED, /* the rate is used up; the worker calls again */
	MORE,    /* it was enough for this turn */
};

static void watch(struct net_pair *pair, unsigned event, bool on)
{
	unsigned events = on ? pair->events | event : pair->events & ~event;

	if (events == pair->events || !pair->source)
		return;
	if (pair->paused || loop_source_set_events(pair->source, events) == 0)
		pair->events = events;
}

static void backend_lost(struct net_pair *pair, int error)
{
	if (pair->lost)
		return;
	pair->lost = true;
	if (error != -EPIPE)
		log_error("%s: the network backend fails: %s; the link is down", pair->o.name,
			  strerror(-error));
	watch(pair, LOOP_READ | LOOP_WRITE, false);
	pair->o.lost(pair->o.opaque);
}

/* ---- receive ---- */

/* Adds a buffer to the held ones. The parts that the device would read mean nothing here. */
static void hold(struct net_pair *pair, const struct virtq_chain *chain)
{
	struct iovec *iov = pair->iov + pair->n_iov;
	unsigned n = MIN(chain->n_in, MAX_PIECES);
	size_t len;

	memmove(iov, chain->in, n * sizeof(*iov));
	len = (size_t)iov_length(iov, n);
	pair->held[pair->n_held++] = (struct buffer){chain->head, n, len};
	pair->n_iov += n;
	pair->capacity += len;
}

/* Whether one more buffer would be of use. */
static bool can_hold(const struct net_pair *pair)
{
	if (!pair->o.mergeable)
		return pair->n_held == 0;
	return pair->n_held < MAX_HELD && pair->n_iov <= MAX_PIECES;
}

/* Takes buffers for @need bytes, as far as there are any. Return: whether there is one. */
static bool gather(struct net_pair *pair, size_t need)
{
	unsigned useless = 0;

	while (pair->capacity < need && can_hold(pair) && useless < MAX_HELD) {
		struct virtq_chain chain = {
			.iov = pair->iov + pair->n_iov,
			.max_iov = VIRTQ_MAX_IOV,
		};

		if (virtqueue_pop(pair->o.rx, &chain) <= 0)
			break;
		if (chain.in_len >= NET_HEADER) {
			hold(pair, &chain);
			continue;
		}
		virtqueue_push(pair->o.rx, chain.head, 0);
		useless++;
	}
	return pair->n_held > 0;
}

/* The first @len bytes of the held buffers are a frame: gives them to the guest, all at once. */
static void deliver(struct net_pair *pair, size_t len)
{
	unsigned n_buffers = 0, n_iov = 0;
	uint16_t count;

	for (size_t left = len; left > 0; n_buffers++) {
		const struct buffer *b = &pair->held[n_buffers];
		size_t used = MIN(left, b->len);

		virtqueue_stage(pair->o.rx, b->head, (uint32_t)used);
		left -= used;
		n_iov += b->n_iov;
		pair->capacity -= b->len;
	}
	count = htole16((uint16_t)n_buffers);
	iov_write(pair->iov, pair->n_iov, NUM_BUFFERS, &count, sizeof(count));
	virtqueue_publish(pair->o.rx);

	pair->n_held -= n_buffers;
	pair->n_iov -= n_iov;
	memmove(pair->held, pair->held + n_buffers, pair->n_held * sizeof(pair->held[0]));
	memmove(pair->iov, pair->iov + n_iov, pair->n_iov * sizeof(pair->iov[0]));
}

/* Return: 0 when the frame that was set aside is dealt with, -ENOBUFS when it must wait on. */
static int deliver_aside(struct net_pair *pair)
{
	gather(pair, pair->aside_len);
	if (pair->capacity >= pair->aside_len) {
		iov_write(pair->iov, pair->n_iov, 0, pair->aside, pair->aside_len);
		deliver(pair, pair->aside_len);
	} else if (can_hold(pair) && pair->n_held < virtqueue_size(pair->o.rx)) {
		return -ENOBUFS;
	}
	/* It is lost where it will never fit. */
	pair->aside_len = 0;
	return 0;
}

/* Reads a frame for nobody: what comes while the link is down must not arrive when it is up again.
 */
static int drop(struct net_pair *pair)
{
	struct net_backend *backend = pair->o.backend;
	struct iovec nowhere = {pair->aside, sizeof(pair->aside)};
	ssize_t n = backend->ops->receive(backend, pair->o.index, &nowhere, 1);

	pair->aside_len = 0;
	return (int)MIN(n, (ssize_t)0);
}

/* Moves one frame. Return: 0, -ENOBUFS, or what the backend said. */
static int receive(struct net_pair *pair)
{
	struct net_backend *backend = pair->o.backend;
	unsigned n_iov;
	ssize_t n;

	if (!*pair->o.link)
		return drop(pair);
	if (pair->aside_len > 0)
		return deliver_aside(pair);
	if (!gather(pair, pair->o.mergeable ? pair->o.large ? NET_MAX_FRAME : USUAL_FRAME : 1))
		return -ENOBUFS;
	n_iov = pair->n_iov;
	if (pair->capacity < NET_MAX_FRAME)
		pair->iov[n_iov++] = (struct iovec){pair->aside + pair->capacity,
						    NET_MAX_FRAME - pair->capacity};
	n = backend->ops->receive(backend, pair->o.index, pair->iov, n_iov);
	if (n < 0)
		return (int)n;
	if ((size_t)n < NET_HEADER)
		return 0;
	limiter_take(pair->o.receive_limit, (size_t)n - NET_HEADER);
	if ((size_t)n <= pair->capacity) {
		deliver(pair, (size_t)n);
		return 0;
	}
	iov_read(pair->iov, pair->n_iov, 0, pair->aside, pair->capacity);
	pair->aside_len = MIN((size_t)n, (size_t)NET_MAX_FRAME);
	return deliver_aside(pair);
}

static enum pumped pump(struct net_pair *pair)
{
	for (unsigned i = 0; i < MAX_FRAMES; i++) {
		uint64_t wait = limiter_wait(pair->o.receive_limit);
		int r;

		if (wait) {
			virtqueue_schedule_after(pair->o.rx, wait);
			return LIMITED;
		}
		r = receive(pair);
		if (r == -ENOBUFS)
			return NO_BUFFERS;
		if (r == -EAGAIN || r == -EINTR)
			return NO_FRAMES;
		if (r < 0) {
			backend_lost(pair, r);
			return NO_FRAMES;
		}
	}
	return MORE;
}

static bool receive_work(struct virtqueue *vq, void *opaque)
{
	struct net_pair *pair = opaque;
	enum pumped pumped;

	if (!pair->on || pair->lost)
		return false;
	pumped = pump(pair);
	watch(pair, LOOP_READ, pumped == NO_FRAMES && !pair->lost);
	if (pumped == MORE)
		virtqueue_schedule(vq);
	return pumped == NO_BUFFERS;
}

/* ---- transmit ---- */

/* Return: 0 when the guest has its buffer back, -EAGAIN when the backend is full. */
static int send_one(struct net_pair *pair, const struct virtq_chain *chain)
{
	struct net_backend *backend = pair->o.backend;
	ssize_t n = 0;

	if (pair->on && !pair->lost && *pair->o.link &&
	    chain->out_len >= NET_HEADER + NET_ETHERNET && chain->out_len <= NET_MAX_FRAME &&
	    chain->n_out <= MAX_TX_PIECES)
		n = backend->ops->send(backend, pair->o.index, chain->out, chain->n_out);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n == -EPIPE)
		backend_lost(pair, -EPIPE);
	limiter_take(pair->o.transmit_limit, chain->out_len - MIN(chain->out_len, NET_HEADER));
	virtqueue_push(pair->o.tx, chain->head, 0);
	return 0;
}

static bool transmit_work(struct virtqueue *vq, void *opaque)
{
	struct net_pair *pair = opaque;
	struct net_backend *backend = pair->o.backend;
	struct virtq_chain chain = {.iov = pair->tx_iov, .max_iov = VIRTQ_MAX_IOV};
	uint64_t wait;

	while (!(wait = limiter_wait(pair->o.transmit_limit)) && virtqueue_pop(vq, &chain) > 0) {
		if (send_one(pair, &chain) == -EAGAIN) {
			virtqueue_unpop(vq, &chain);
			watch(pair, LOOP_WRITE, true);
			return false;
		}
	}
	if (backend->ops->flush && !pair->lost && backend->ops->flush(backend, pair->o.index))
		watch(pair, LOOP_WRITE, true);
	if (wait)
		virtqueue_schedule_after(vq, wait);
	return !wait;
}

/* ---- the backend's descriptor ---- */

static void backend_ready(int fd, unsigned events, void *opaque)
{
	struct net_pair *pair = opaque;
	struct net_backend *backend = pair->o.backend;

	if (pair->paused)
		return;
	if (events & LOOP_WRITE &&
	    !(backend->ops->flush && backend->ops->flush(backend, pair->o.index))) {
		watch(pair, LOOP_WRITE, false);
		virtqueue_schedule(pair->o.tx);
	}
	if (!(events & LOOP_READ) || !pair->on || pair->lost)
		return;
	switch (pump(pair)) {
	case NO_BUFFERS:
		/* The worker looks again, and turns the guest's kicks on. */
		watch(pair, LOOP_READ, false);
		virtqueue_schedule(pair->o.rx);
		break;
	case MORE:
		/* The descriptor does not tell of frames that the backend has read already. */
		if (backend->ops->has_frames && backend->ops->has_frames(backend, pair->o.index))
			virtqueue_schedule(pair->o.rx);
		break;
	case LIMITED:
		watch(pair, LOOP_READ, false);
		break;
	case NO_FRAMES:
		break;
	}
	virtqueue_notify(pair->o.rx);
}

int net_pair_create(const struct net_pair_options *options, struct net_pair **ret)
{
	struct net_pair *pair = malloc(sizeof(*pair));
	int r = 0;

	if (!pair)
		return -ENOMEM;
	memset(pair, 0, offsetof(struct net_pair, held));
	pair->n_held = pair->n_iov = 0;
	pair->capacity = pair->aside_len = 0;
	pair->o = *options;
	if (options->rx && options->tx) {
		r = loop_add_fd(options->loop, net_backend_fd(options->backend, options->index), 0,
				backend_ready, pair, &pair->source);
		if (r == 0)
			r = virtqueue_attach(options->rx, options->loop, receive_work, pair);
		if (r == 0)
			r = virtqueue_attach(options->tx, options->loop, transmit_work, pair);
	}
	if (r < 0) {
		net_pair_destroy(pair);
		return r;
	}
	*ret = pair;
	return 0;
}

struct net_pair *net_pair_destroy(struct net_pair *pair)
{
	if (!pair)
		return NULL;
	if (pair->o.rx)
		virtqueue_detach(pair->o.rx);
	if (pair->o.tx)
		virtqueue_detach(pair->o.tx);
	loop_source_remove(pair->source);
	free(pair);
	return NULL;
}

void net_pair_set_paused(struct net_pair *pair, bool paused)
{
	if (!pair || !pair->source)
		return;
	pair->paused = paused;
	/* Taking events away cannot fail; giving them back can only when memory is short. */
	if (loop_source_set_events(pair->source, paused ? 0 : pair->events) < 0)
		pair->events = 0;
}

void net_pair_set_on(struct net_pair *pair, bool on)
{
	if (!pair || pair->on == on || !pair->o.rx || !pair->o.tx)
		return;
	pair->on = on;
	if (on) {
		virtqueue_schedule(pair->o.rx);
		virtqueue_schedule(pair->o.tx);
	} else {
		watch(pair, LOOP_READ | LOOP_WRITE, false);
	}
}
