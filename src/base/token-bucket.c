/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The level of the bucket is kept as a time: when it would be full again. Then no clock has to
 * tick, and nothing is rounded away between two requests that are close together.
 */
#include "base/compiler.h"
#include "base/token-bucket.h"

#define SECOND 1000000000ULL
/* A debt of more than a year is as good as one for ever, and keeps sums from wrapping. */
#define DEBT_MAX (366 * 24 * 3600 * SECOND)

static uint64_t debt(const struct token_bucket *bucket, uint64_t now)
{
	return bucket->paid_at > now ? bucket->paid_at - now : 0;
}

static uint64_t scale(uint64_t value, uint64_t by, uint64_t divisor)
{
	unsigned __int128 scaled = (unsigned __int128)value * by / divisor;

	return scaled > DEBT_MAX ? DEBT_MAX : (uint64_t)scaled;
}

void token_bucket_set(struct token_bucket *bucket, uint64_t per_second, uint64_t burst,
		      uint64_t now)
{
	uint64_t owed = bucket->per_second ? debt(bucket, now) : 0;

	if (per_second)
		owed = scale(owed, bucket->per_second, per_second);
	*bucket = (struct token_bucket){per_second, burst, now + owed};
}

void token_bucket_take(struct token_bucket *bucket, uint64_t amount, uint64_t now)
{
	if (!bucket->per_second)
		return;
	bucket->paid_at =
		now + MIN(debt(bucket, now) + scale(amount, SECOND, bucket->per_second), DEBT_MAX);
}

uint64_t token_bucket_wait(const struct token_bucket *bucket, uint64_t now)
{
	uint64_t owed = debt(bucket, now);

	if (!bucket->per_second || owed < MAX(bucket->burst, 1ULL))
		return 0;
	return owed - bucket->burst + 1;
}
