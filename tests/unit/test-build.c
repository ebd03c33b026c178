/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder against fake parts that count what is held and can be told to fail: whatever step
 * fails, nothing stays behind and what ran before still runs with its old values.
 */
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "build/build.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-parts.h"

static const struct part_ops *const all_fake[GRAPH_KINDS] = {[GRAPH_DEVICE] = &fake_part_ops};

static struct generation *new_generation(void)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	generation->references = 1;
	generation->arena = arena_create();
	generation->diags = diag_list_create(generation->arena);
	return generation;
}

static struct graph_node nodes[] = {
	{.kind = GRAPH_DEVICE, .id = "a", .path = "devices.a"},
	{.kind = GRAPH_DEVICE, .id = "b", .path = "devices.b"},
	{.kind = GRAPH_DEVICE, .id = "c", .path = "devices.c"},
	{.kind = GRAPH_DEVICE, .id = "a", .path = "devices.a"}, /* a, edited */
	{.kind = GRAPH_BUS, .id = "pci", .path = "pci"},
};

static const struct plan_step boot_steps[] = {
	{.action = PLAN_ADD, .class = PLAN_HOTPLUG, .to = &nodes[4]}, /* nothing to build */
	{.action = PLAN_ADD, .class = PLAN_HOTPLUG, .to = &nodes[0]},
	{.action = PLAN_ADD, .class = PLAN_HOTPLUG, .to = &nodes[1]},
};
static const struct plan boot_plan = {boot_steps, ARRAY_SIZE(boot_steps)};

static const struct plan_step edit_steps[] = {
	{.action = PLAN_REMOVE, .class = PLAN_HOTPLUG, .from = &nodes[1]},
	{.action = PLAN_UPDATE, .class = PLAN_LIVE, .from = &nodes[0], .to = &nodes[3]},
	{.action = PLAN_UPDATE, .class = PLAN_RESTART, .from = &nodes[1], .to = &nodes[1]},
	{.action = PLAN_ADD, .class = PLAN_HOTPLUG, .to = &nodes[2]},
};
static const struct plan edit_plan = {edit_steps, ARRAY_SIZE(edit_steps)};

static void boot_builds_all_and_teardown_leaves_nothing(void)
{
	struct fake_world c = {0};
	struct generation *generation = new_generation();
	struct builder *builder = builder_create(all_fake, &c);

	CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(c.n_parts, 2);
	CU_ASSERT_EQUAL(c.n_committed, 2);
	CU_ASSERT_EQUAL(generation->references, 5);
	builder_destroy(builder);
	CU_ASSERT_EQUAL(c.n_parts, 0);
	CU_ASSERT_EQUAL(c.n_committed, 0);
	CU_ASSERT_EQUAL(generation->references, 1);
	generation_unref(generation);
}

static void a_boot_that_fails_anywhere_leaves_nothing(void)
{
	for (unsigned fail_at = 1; fail_at <= 4; fail_at++) {
		struct fake_world c = {.fail_at = fail_at};
		struct generation *generation = new_generation();
		struct builder *builder = builder_create(all_fake, &c);

		CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, generation, generation->diags),
				BUILD_ROLLED_BACK);
		CU_ASSERT_EQUAL(c.n_parts, 0);
		CU_ASSERT_EQUAL(c.n_committed, 0);
		CU_ASSERT_EQUAL(generation->references, 1);
		builder_destroy(builder);
		generation_unref(generation);
	}
}

static void an_edit_is_done_whole(void)
{
	struct fake_world c = {0};
	struct generation *first = new_generation(), *second = new_generation();
	struct builder *builder = builder_create(all_fake, &c);
	cleanup_arena struct arena *arena = arena_create();
	const struct plan_running *running;
	struct fake *a, *b;
	size_t n;

	CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, first, first->diags), BUILD_DONE);
	CU_ASSERT_EQUAL(builder_apply(builder, &edit_plan, second, second->diags), BUILD_DONE);
	a = builder_object(builder, "devices.a");
	b = builder_object(builder, "devices.b");
	CU_ASSERT_PTR_EQUAL(a->live, &nodes[3]);
	running = builder_running(builder, arena, &n);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_PTR_EQUAL(running[0].base, &nodes[0]);
	CU_ASSERT_PTR_EQUAL(running[0].live, &nodes[3]);
	/* b was asked to go, and runs until the guest lets go. */
	CU_ASSERT_EQUAL(fake_world_leaving(&c), 1);
	CU_ASSERT(builder_is_leaving(builder, "devices.b"));
	CU_ASSERT_EQUAL(c.n_committed, 3);
	builder_removed(builder, b);
	CU_ASSERT_EQUAL(c.n_committed, 2);
	CU_ASSERT_PTR_NULL(builder_object(builder, "devices.b"));
	builder_destroy(builder);
	CU_ASSERT_EQUAL(first->references, 1);
	CU_ASSERT_EQUAL(second->references, 1);
	generation_unref(first);
	generation_unref(second);
}

/* The calls of the edit: prepare a's update and c, then update a, commit c, request b. */
static void an_edit_that_fails_anywhere_is_taken_back(void)
{
	for (unsigned fail_at = 1; fail_at <= 5; fail_at++) {
		struct fake_world c = {0};
		struct generation *first = new_generation(), *second = new_generation();
		struct builder *builder = builder_create(all_fake, &c);
		struct fake *a;

		CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, first, first->diags),
				BUILD_DONE);
		c.calls = 0;
		c.fail_at = fail_at;
		CU_ASSERT_EQUAL(builder_apply(builder, &edit_plan, second, second->diags),
				BUILD_ROLLED_BACK);
		a = builder_object(builder, "devices.a");
		CU_ASSERT_PTR_EQUAL(a->live, &nodes[0]);
		CU_ASSERT_PTR_NULL(builder_object(builder, "devices.c"));
		CU_ASSERT_EQUAL(c.n_parts, 2);
		CU_ASSERT_EQUAL(c.n_committed, 2);
		CU_ASSERT_EQUAL(fake_world_leaving(&c), 0);
		CU_ASSERT_FALSE(builder_is_leaving(builder, "devices.b"));
		CU_ASSERT_EQUAL(second->references, 1);
		builder_destroy(builder);
		CU_ASSERT_EQUAL(first->references, 1);
		generation_unref(first);
		generation_unref(second);
	}
}

/* c takes the place of b: it has to wait for b to go. */
static const struct plan_step replace_steps[] = {
	{.action = PLAN_REMOVE, .class = PLAN_HOTPLUG, .from = &nodes[1]},
	{.action = PLAN_ADD,
	 .class = PLAN_HOTPLUG,
	 .to = &nodes[2],
	 .waiting = true,
	 .after = &nodes[1]},
};
static const struct plan replace_plan = {replace_steps, ARRAY_SIZE(replace_steps)};

static void a_removal_is_taken_back(void)
{
	struct fake_world c = {0};
	struct generation *generation = new_generation();
	struct builder *builder = builder_create(all_fake, &c);
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	const struct plan nothing = {0};

	CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(builder_apply(builder, &replace_plan, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_PTR_NULL(builder_object(builder, "devices.c"));
	CU_ASSERT_EQUAL(c.n_parts, 2);
	/* The same once more changes nothing, a rehearsal of another plan neither. */
	CU_ASSERT_EQUAL(builder_apply(builder, &replace_plan, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(builder_rehearse(builder, &nothing, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(fake_world_leaving(&c), 1);
	CU_ASSERT(builder_is_leaving(builder, "devices.b"));
	builder_explain_leaving(builder, "devices.b", &why);
	CU_ASSERT_STRING_EQUAL(why.text, "the guest has not let go for 0 s, asked once");
	builder_ask_again(builder);
	strbuf_clear(&why);
	builder_explain_leaving(builder, "devices.b", &why);
	CU_ASSERT_STRING_EQUAL(why.text, "the guest has not let go for 0 s, asked 2 times");
	CU_ASSERT_EQUAL(builder_apply(builder, &nothing, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(fake_world_leaving(&c), 0);
	CU_ASSERT_FALSE(builder_is_leaving(builder, "devices.b"));
	builder_destroy(builder);
	generation_unref(generation);
}

static void a_renamed_part_is_found_by_its_name(void)
{
	struct graph_node renamed = {.kind = GRAPH_DEVICE, .id = "z", .path = "devices.z"};
	const struct plan_step step = {
		.action = PLAN_UPDATE, .class = PLAN_LIVE, .from = &nodes[0], .to = &renamed};
	const struct plan plan = {&step, 1};
	cleanup_arena struct arena *arena = arena_create();
	struct fake_world c = {0};
	struct generation *generation = new_generation();
	struct builder *builder = builder_create(all_fake, &c);
	const struct plan_running *running;
	size_t n;

	CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, generation, generation->diags),
			BUILD_DONE);
	CU_ASSERT_EQUAL(builder_apply(builder, &plan, generation, generation->diags), BUILD_DONE);
	CU_ASSERT_PTR_NULL(builder_object(builder, "devices.a"));
	CU_ASSERT_PTR_NOT_NULL(builder_object(builder, "devices.z"));
	running = builder_running(builder, arena, &n);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_PTR_EQUAL(running[0].live, &nodes[1]);
	CU_ASSERT_PTR_EQUAL(running[1].live, &renamed);
	builder_destroy(builder);
	generation_unref(generation);
}

static void an_undo_that_fails_is_said(void)
{
	struct fake_world c = {0};
	struct generation *first = new_generation(), *second = new_generation();
	struct builder *builder = builder_create(all_fake, &c);

	CU_ASSERT_EQUAL(builder_apply(builder, &boot_plan, first, first->diags), BUILD_DONE);
	c.calls = 0;
	c.fail_at = 4; /* commit c; then the update of a cannot be taken back */
	c.undo_fails = true;
	CU_ASSERT_EQUAL(builder_apply(builder, &edit_plan, second, second->diags), BUILD_DEGRADED);
	builder_destroy(builder);
	CU_ASSERT_EQUAL(c.n_parts, 0);
	generation_unref(first);
	generation_unref(second);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"boot builds all, teardown leaves nothing",
		 boot_builds_all_and_teardown_leaves_nothing},
		{"a boot that fails anywhere leaves nothing",
		 a_boot_that_fails_anywhere_leaves_nothing},
		{"an edit is done whole", an_edit_is_done_whole},
		{"an edit that fails anywhere is taken back",
		 an_edit_that_fails_anywhere_is_taken_back},
		{"a removal is taken back", a_removal_is_taken_back},
		{"a renamed part is found by its name", a_renamed_part_is_found_by_its_name},
		{"an undo that fails is said", an_undo_that_fails_is_said},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"build", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
