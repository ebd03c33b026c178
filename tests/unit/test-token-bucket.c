/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token bucket under a clock that the test turns.
 */
#include "base/compiler.h"
#include "base/token-bucket.h"
#include "tests/unit/cu-tap.h"

#define MS     1000000ULL
#define SECOND (1000 * MS)
#define START  (5 * SECOND)

/*
 * Somebody who always wants more, and who is woken @late after he asked for. Return: what he got
 * between @now and @end.
 */
static uint64_t use(struct token_bucket *bucket, uint64_t *now, uint64_t end, uint64_t request,
		    uint64_t late)
{
	uint64_t got = 0, wait;

	while (*now < end) {
		wait = token_bucket_wait(bucket, *now);
		if (wait) {
			*now += wait + late;
			continue;
		}
		token_bucket_take(bucket, request, *now);
		got += request;
	}
	return got;
}

static void the_average_is_the_rate(void)
{
	static const struct {
		uint64_t rate, request, late;
	} cases[] = {
		{1000, 1, 0},          {1000, 1, 9 * MS},        {10 * MiB, 4096, 4 * MS},
		{MiB, 64 * KiB, MS},   {MiB, 8 * MiB, 0},        {3, 1, 10 * MS},
		{999999937, 1500, MS}, {20 * GiB, 64 * MiB, MS},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct token_bucket bucket = {0};
		uint64_t now = START, got, wanted = cases[i].rate * 100;

		token_bucket_set(&bucket, cases[i].rate, 100 * MS, now);
		use(&bucket, &now, START + 20 * SECOND, cases[i].request, cases[i].late);
		now = START + 20 * SECOND;
		got = use(&bucket, &now, START + 120 * SECOND, cases[i].request, cases[i].late);
		CU_ASSERT(got + cases[i].request >= wanted - wanted / 100);
		CU_ASSERT(got <= wanted + wanted / 100 + cases[i].request);
	}
}

static void a_rest_gives_the_burst_and_no_more(void)
{
	struct token_bucket bucket = {0};
	uint64_t got = 0, now = START;

	token_bucket_set(&bucket, 1000, SECOND, now);
	for (unsigned i = 0; i < 2; i++) {
		for (got = 0; token_bucket_wait(&bucket, now) == 0; got++)
			token_bucket_take(&bucket, 1, now);
		CU_ASSERT_EQUAL(got, 1000);
		CU_ASSERT(token_bucket_wait(&bucket, now) <= MS);
		now += 3600 * SECOND;
	}
}

static void a_large_request_passes_and_is_paid_for(void)
{
	struct token_bucket bucket = {0};

	token_bucket_set(&bucket, 1000, SECOND, START);
	token_bucket_take(&bucket, 60000, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 59 * SECOND + 1);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START + 59 * SECOND + 1), 0);
	/* However large, time does not wrap. */
	for (unsigned i = 0; i < 10; i++)
		token_bucket_take(&bucket, UINT64_MAX, START);
	CU_ASSERT(token_bucket_wait(&bucket, START) > 365 * 24 * 3600 * SECOND);
}

static void a_limit_changes_while_something_is_owed(void)
{
	struct token_bucket bucket = {0};

	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 0);
	token_bucket_take(&bucket, UINT64_MAX, START);
	token_bucket_set(&bucket, 1000, SECOND, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 0);
	token_bucket_take(&bucket, 11000, START);
	token_bucket_set(&bucket, 10000, SECOND, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), SECOND / 10 + 1);
	token_bucket_set(&bucket, 100, SECOND, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 109 * SECOND + 1);
	token_bucket_set(&bucket, 0, SECOND, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 0);
	/* What was owed when there was no limit any more is forgotten. */
	token_bucket_set(&bucket, 100, SECOND, START);
	CU_ASSERT_EQUAL(token_bucket_wait(&bucket, START), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the average is the rate", the_average_is_the_rate},
		{"a rest gives the burst, and no more", a_rest_gives_the_burst_and_no_more},
		{"a large request passes, and is paid for", a_large_request_passes_and_is_paid_for},
		{"a limit changes while something is owed",
		 a_limit_changes_while_something_is_owed},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"token bucket", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
