/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buckets under a lock that is not even taken where nothing is limited.
 */
#include <time.h>

#include "base/compiler.h"
#include "schema/config.h"
#include "virtio/limiter.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

void limiter_init(struct limiter *limiter)
{
	*limiter = (struct limiter){0};
	pthread_mutex_init(&limiter->lock, NULL);
}

void limiter_fini(struct limiter *limiter)
{
	pthread_mutex_destroy(&limiter->lock);
}

void limiter_set(struct limiter *limiter, const struct rate_limit *rate)
{
	uint64_t bytes = rate && rate->has_bandwidth ? rate->bandwidth : 0;
	uint64_t operations = rate && rate->has_operations ? rate->operations : 0;
	uint64_t burst = rate ? rate->burst : 0, t = now();

	pthread_mutex_lock(&limiter->lock);
	token_bucket_set(&limiter->bytes, bytes, burst, t);
	token_bucket_set(&limiter->operations, operations, burst, t);
	limiter->on = bytes || operations;
	pthread_mutex_unlock(&limiter->lock);
}

uint64_t limiter_wait(struct limiter *limiter)
{
	uint64_t a, b, t;

	if (!limiter->on)
		return 0;
	t = now();
	pthread_mutex_lock(&limiter->lock);
	a = token_bucket_wait(&limiter->bytes, t);
	b = token_bucket_wait(&limiter->operations, t);
	pthread_mutex_unlock(&limiter->lock);
	return MAX(a, b);
}

void limiter_take(struct limiter *limiter, uint64_t bytes)
{
	uint64_t t;

	if (!limiter->on)
		return;
	t = now();
	pthread_mutex_lock(&limiter->lock);
	token_bucket_take(&limiter->bytes, bytes, t);
	token_bucket_take(&limiter->operations, 1, t);
	pthread_mutex_unlock(&limiter->lock);
}
