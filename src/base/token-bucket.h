/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit on a rate: so much a second in the long run, and so many seconds' worth at once after a
 * rest. What is taken may be larger than what is there: the bucket then owes, and says how long it
 * takes to pay. So a request of any size passes, and the average is the rate all the same.
 *
 * The clock is the caller's, in nanoseconds.
 */
#pragma once

#include <stdint.h>

struct token_bucket {
	uint64_t per_second; /* 0: no limit */
	uint64_t burst;      /* ns: the time whose worth is there after a rest */
	uint64_t paid_at;    /* when all that was taken will be paid for */
};

/*
 * Sets or changes the limit. What is owed is still to be paid, at the new rate; a bucket that had
 * no limit begins full.
 */
void token_bucket_set(struct token_bucket *bucket, uint64_t per_second, uint64_t burst,
		      uint64_t now);

/* Takes from the bucket, into debt if need be. */
void token_bucket_take(struct token_bucket *bucket, uint64_t amount, uint64_t now);

/* How long until something may be taken: 0 when it may be now. */
uint64_t token_bucket_wait(const struct token_bucket *bucket, uint64_t now);
