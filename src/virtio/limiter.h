/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `rate` of a device: bytes and operations a second. Any number of queues on any threads share
 *a limiter; nobody waits in it: a queue that has used its share is looked at again later
 * (virtqueue_schedule_after()).
 *
 *	while (!(wait = limiter_wait(limiter)) && virtqueue_pop(vq, &chain) > 0)
 *		… limiter_take(limiter, bytes);
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/token-bucket.h"

struct rate_limit; /* schema/config.h, from schemas/rate-limit.yaml */

struct limiter {
	atomic_bool on;
	pthread_mutex_t lock; /* of the buckets */
	struct token_bucket bytes, operations;
};

/* Without a limit. */
void limiter_init(struct limiter *limiter);
void limiter_fini(struct limiter *limiter);

/*
 * Sets or changes the limits; NULL: none. Any thread; have the queues looked at after that
 * (virtio_schedule()), because they may wait for what is now allowed.
 */
void limiter_set(struct limiter *limiter, const struct rate_limit *rate);

/* How long until another operation may begin, in nanoseconds; 0: now. Any thread. */
uint64_t limiter_wait(struct limiter *limiter);

/* An operation on @bytes bytes began. Any thread. */
void limiter_take(struct limiter *limiter, uint64_t bytes);
