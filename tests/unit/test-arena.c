/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "tests/unit/cu-tap.h"

static void allocations_are_zeroed_aligned_and_apart(void)
{
	cleanup_arena struct arena *arena = arena_create();
	unsigned char *previous = NULL;

	for (size_t size = 0; size < 9000; size += 37) {
		unsigned char *p = arena_alloc(arena, size);
		bool zero = true;

		CU_ASSERT_EQUAL((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			zero = zero && p[i] == 0;
		CU_ASSERT(zero);
		memset(p, 0xa5, size);
		CU_ASSERT_PTR_NOT_EQUAL(p, previous);
		previous = p;
	}
	CU_ASSERT(arena_used(arena) > 9000);
}

static void strings_are_copied(void)
{
	cleanup_arena struct arena *arena = arena_create();
	char text[] = "weft";
	char *copy = arena_strdup(arena, text);

	text[0] = 'l';
	CU_ASSERT_STRING_EQUAL(copy, "weft");
	CU_ASSERT_STRING_EQUAL(arena_strndup(arena, "heddle", 3), "hed");
	CU_ASSERT_STRING_EQUAL(arena_printf(arena, "%s-%d", "pick", 7), "pick-7");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"allocations are zeroed, aligned and apart",
		 allocations_are_zeroed_aligned_and_apart},
		{"strings are copied", strings_are_copied},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"arena", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
