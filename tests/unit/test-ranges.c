/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "graph/ranges.h"
#include "tests/unit/cu-tap.h"

static void lowest_fit_is_given_first(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct ranges *slots = ranges_create(arena, 1, 32);
	uint64_t base;

	CU_ASSERT(ranges_take(slots, 2, 1));
	CU_ASSERT(!ranges_take(slots, 2, 1));
	CU_ASSERT(ranges_alloc(slots, 1, 1, &base) && base == 1);
	CU_ASSERT(ranges_alloc(slots, 1, 1, &base) && base == 3);
	CU_ASSERT(ranges_alloc(slots, 2, 4, &base) && base == 4);
	for (unsigned i = 6; i < 32; i++)
		CU_ASSERT(ranges_alloc(slots, 1, 1, &base) && base == i);
	CU_ASSERT(!ranges_alloc(slots, 1, 1, &base));
}

static void the_ends_are_refused(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct ranges *r = ranges_create(arena, 0x1000, UINT64_MAX);
	uint64_t base;

	CU_ASSERT(!ranges_take(r, 0xfff, 1));
	CU_ASSERT(!ranges_take(r, UINT64_MAX - 1, 8));
	CU_ASSERT(!ranges_take(r, 0x1000, 0));
	CU_ASSERT(ranges_take(r, UINT64_MAX - 1, 1));
	CU_ASSERT(!ranges_alloc(r, UINT64_MAX, 1, &base));
	CU_ASSERT(!ranges_alloc(r, 1ULL << 63, 1ULL << 63, &base));
	CU_ASSERT(ranges_alloc(r, 1ULL << 62, 1ULL << 63, &base) && base == 1ULL << 63);
}

/* Against a bitmap: nothing is given twice, nothing that fits is refused. */
static void random_use_agrees_with_a_bitmap(void)
{
	enum { SPACE = 256 };
	unsigned seed = 7;

	for (int round = 0; round < 200; round++) {
		cleanup_arena struct arena *arena = arena_create();
		struct ranges *r = ranges_create(arena, 0, SPACE);
		bool used[SPACE] = {false};
		uint64_t base;

		for (int step = 0; step < 40; step++) {
			uint64_t size = 1 + (uint64_t)rand_r(&seed) % 16;
			uint64_t align = 1ULL << (rand_r(&seed) % 5);
			uint64_t want = SPACE;
			bool got = ranges_alloc(r, size, align, &base);

			for (uint64_t at = 0; at + size <= SPACE && want == SPACE; at += align)
				if (!memchr(used + at, true, size))
					want = at;
			CU_ASSERT_EQUAL(got, want != SPACE);
			if (got) {
				CU_ASSERT_EQUAL(base, want);
				memset(used + base, true, size);
			}
		}
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the lowest fit is given first", lowest_fit_is_given_first},
		{"the ends are refused", the_ends_are_refused},
		{"random use agrees with a bitmap", random_use_agrees_with_a_bitmap},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"ranges", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
