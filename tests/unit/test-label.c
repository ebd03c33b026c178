/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/arena.h"
#include "base/label.h"
#include "tests/unit/cu-tap.h"

static const char *from(struct arena *arena, const char *text)
{
	const char *label = label_from(arena, text, strlen(text));

	return label ? label : "(none)";
}

static void names_are_made_of_any_text(void)
{
	cleanup_arena struct arena *arena = arena_create();
	char longest[200];

	CU_ASSERT_STRING_EQUAL(from(arena, "web-1"), "web-1");
	CU_ASSERT_STRING_EQUAL(from(arena, "Web 1"), "web-1");
	CU_ASSERT_STRING_EQUAL(from(arena, "_disk0"), "disk0");
	CU_ASSERT_STRING_EQUAL(from(arena, "--a -- b__"), "a---b");
	CU_ASSERT_STRING_EQUAL(from(arena, "caf\xc3\xa9"), "caf");
	CU_ASSERT_STRING_EQUAL(from(arena, ""), "(none)");
	CU_ASSERT_STRING_EQUAL(from(arena, "-_-"), "(none)");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_EQUAL(strlen(from(arena, longest)), LABEL_SIZE_MAX);
	CU_ASSERT_STRING_EQUAL(label_from(arena, "web-and-more", 3), "web");
}

static void files_give_their_names(void)
{
	cleanup_arena struct arena *arena = arena_create();

	CU_ASSERT_STRING_EQUAL(label_from_path(arena, "vms/Web 1.yaml"), "web-1");
	CU_ASSERT_STRING_EQUAL(label_from_path(arena, "a.b.c"), "a");
	CU_ASSERT_PTR_NULL(label_from_path(arena, "vms/.hidden"));
	CU_ASSERT_PTR_NULL(label_from_path(arena, "vms/"));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"names are made of any text", names_are_made_of_any_text},
		{"files give their names", files_give_their_names},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"label", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
