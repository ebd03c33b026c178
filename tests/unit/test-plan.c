/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans between random descriptions, carried out on fake parts that hold what real ones hold
 * (slots, GSIs, memory, things of the host) and refuse what is held. A fake guest lets go of what
 * it is asked for, in any order, at once or later. Whatever the edit: the machine ends at the graph
 * of the newest description; and whatever call fails, it is as it was.
 *
 * PLAN_TEST_PAIRS and PLAN_TEST_SEED in the environment change how much and what is tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "build/build.h"
#include "graph/dot.h"
#include "schema/config.h"
#include "schema/value.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-parts.h"
#include "tests/unit/random-description.h"

#define MAX_TURNS 200 /* until a machine has settled */

static const struct part_ops *const all_fake[GRAPH_KINDS] = {
	[GRAPH_MACHINE] = &fake_part_ops, [GRAPH_CPUS] = &fake_part_ops,
	[GRAPH_MEMORY] = &fake_part_ops,  [GRAPH_BOOT] = &fake_part_ops,
	[GRAPH_BUS] = &fake_part_ops,     [GRAPH_DEVICE] = &fake_part_ops,
};

/* --- What convergence does. --- */

static const struct plan *plan_to(struct fake_world *w, const struct generation *to,
				  struct arena *arena)
{
	size_t n;
	const struct plan_running *running = builder_running(w->builder, arena, &n);

	return plan_create(running, n, to->graph,
			   to->config->reload.replug == CONFIG_RELOAD_REPLUG_ALLOWED, arena);
}

static struct generation *load_for(struct fake_world *w, const struct random_text *text)
{
	cleanup_arena struct arena *arena = arena_create();
	struct graph_pins pins = {.occupied = true, .mmio64_base = w->mmio64_base};
	const struct plan_running *running = builder_running(w->builder, arena, &pins.n);
	struct graph_node *nodes = arena_new_array(arena, pins.n, struct graph_node);
	const struct graph_node **list = arena_new_array(arena, pins.n, const struct graph_node *);

	for (size_t i = 0; i < pins.n; i++) {
		nodes[i] = *running[i].base;
		nodes[i].path = running[i].live->path;
		list[i] = &nodes[i];
	}
	pins.nodes = list;
	return random_text_load(text, &pins);
}

static enum build_result apply(struct fake_world *w, struct generation *to)
{
	cleanup_arena struct arena *arena = arena_create();
	enum build_result result = builder_apply(w->builder, plan_to(w, to, arena), to, to->diags);

	fake_world_check(w);
	return result;
}

static void boot(struct fake_world *w, struct generation *generation)
{
	*w = (struct fake_world){.mmio64_base = generation->graph->mmio64_base};
	w->builder = builder_create(all_fake, w);
	invariant(apply(w, generation) == BUILD_DONE);
	invariant(!w->clash);
}

static struct fake *one_that_leaves(struct fake_world *w)
{
	unsigned first = random_below(w->n_parts);

	for (unsigned i = 0; i < w->n_parts; i++)
		if (w->parts[(first + i) % w->n_parts]->leaving)
			return w->parts[(first + i) % w->n_parts];
	return NULL;
}

/* Goes to @to as far as the guest can stay up. @patience: of the guest, in devices that it lets go
 * of. */
static bool converge(struct fake_world *w, struct generation *to, unsigned patience)
{
	for (unsigned turn = 0; turn < MAX_TURNS; turn++) {
		struct fake *fake;
		bool done;

		if (apply(w, to) != BUILD_DONE)
			return false;
		{
			cleanup_arena struct arena *arena = arena_create();

			done = !plan_does_something(plan_to(w, to, arena));
		}
		if (!done)
			continue;
		fake = one_that_leaves(w);
		if (!fake || !patience--)
			return true;
		builder_removed(w->builder, fake);
	}
	return false;
}

static bool same_value(const struct value *a, const struct value *b)
{
	cleanup_strbuf struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;

	if (!a || !b)
		return a == b;
	value_canonical(a, &x);
	value_canonical(b, &y);
	return x.size == y.size && memcmp(x.text, y.text, x.size) == 0;
}

/* What runs is the graph, but for what the plan says waits for a restart. */
static const char *difference(struct fake_world *w, const struct generation *to)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan = plan_to(w, to, arena);
	const struct graph_node *node;
	size_t i, n = 0;

	for (i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].class < PLAN_RESTART)
			return plan->steps[i].waiting ? "something still waits"
						      : "something is not done";
	if (w->n_parts != w->n_committed)
		return "something is not committed";
	if (plan->n_steps)
		return NULL;
	graph_for_each_node (to->graph, node, i) {
		const struct fake *fake;

		if (node->kind == GRAPH_BACKEND)
			continue;
		n++;
		fake = builder_object(w->builder, node->path);
		if (!fake)
			return "a node is missing";
		if (node->kind == GRAPH_DEVICE && !same_value(fake->live->value, node->value))
			return "a node has other values";
		if (fake->base->pci_slot != node->pci_slot || fake->base->type != node->type)
			return "a node is elsewhere";
	}
	return n == w->n_parts ? NULL : "there are more parts than nodes";
}

/* --- The tests. --- */

static unsigned pairs(void)
{
	const char *text = getenv("PLAN_TEST_PAIRS");

	return text ? (unsigned)atoi(text) : 10000;
}

static struct generation *random_generation(struct random_text *text)
{
	struct generation *generation;

	for (;;) {
		random_text(text);
		generation = random_text_load(text, NULL);
		if (generation->graph)
			return generation;
		generation_unref(generation);
		random_text_fini(text);
	}
}

static struct generation *edited_generation(struct fake_world *w, const struct random_text *from,
					    struct random_text *text)
{
	struct generation *generation;

	for (;;) {
		if (random_maybe(15))
			random_text(text);
		else
			random_edit(from, text);
		generation = load_for(w, text);
		if (generation->graph)
			return generation;
		generation_unref(generation);
		random_text_fini(text);
	}
}

static void complain(uint64_t of_seed, const char *what, const struct random_text *a,
		     const struct random_text *b)
{
	const struct random_text *texts[] = {a, b};

	CU_FAIL("plan");
	fprintf(stderr, "# %s (seed %llu)\n", what, (unsigned long long)of_seed);
	for (unsigned t = 0; t < 2; t++) {
		fprintf(stderr, "# %s:\n", t ? "to" : "from");
		for (unsigned i = 0; i < texts[t]->n_top; i++)
			fprintf(stderr, "#   %s\n", texts[t]->top[i]);
		for (unsigned i = 0; i < texts[t]->n_devices; i++)
			fprintf(stderr, "#     %s\n", texts[t]->devices[i]);
	}
}

static bool go(struct fake_world *w, struct generation *to, unsigned patience, uint64_t of_seed,
	       const struct random_text *a, const struct random_text *b)
{
	const char *what = NULL;

	if (!converge(w, to, patience))
		what = "it does not converge";
	if (!what && w->clash)
		what = w->clash;
	if (!what && patience == MAX_TURNS)
		what = difference(w, to);
	if (what)
		complain(of_seed, what, a, b);
	return !what;
}

/* To b and back to a; on the way sometimes to c, before the guest has let go of what b does not
 * have. */
static bool there_and_back(void)
{
	uint64_t of_seed = random_seed;
	struct generation *a, *b, *c;
	struct random_text ta, tb, tc;
	struct fake_world w;
	bool good;

	a = random_generation(&ta);
	boot(&w, a);
	b = edited_generation(&w, &ta, &tb);
	good = go(&w, b, random_maybe(30) ? random_below(4) : MAX_TURNS, of_seed, &ta, &tb);
	if (good && random_maybe(30)) {
		c = edited_generation(&w, &tb, &tc);
		good = go(&w, c, MAX_TURNS, of_seed, &tb, &tc);
		generation_unref(c);
		random_text_fini(&tc);
	}
	if (good) {
		c = load_for(&w, &ta);
		/* A full machine may not take a slot that is asked for and still held; then it says
		 * so. */
		if (c->graph)
			good = go(&w, c, MAX_TURNS, of_seed, &tb, &ta);
		generation_unref(c);
	}
	builder_destroy(w.builder);
	CU_ASSERT_EQUAL(w.n_parts, 0);
	CU_ASSERT_EQUAL(w.n_committed, 0);
	CU_ASSERT_EQUAL(a->references, 1);
	CU_ASSERT_EQUAL(b->references, 1);
	generation_unref(a);
	generation_unref(b);
	random_text_fini(&ta);
	random_text_fini(&tb);
	return good;
}

static void a_plan_reaches_its_goal(void)
{
	for (unsigned i = 0; i < pairs(); i++)
		if (!there_and_back())
			return;
}

struct snapshot {
	struct fake parts[FAKE_MAX_PARTS];
	const struct fake *objects[FAKE_MAX_PARTS];
	unsigned n, committed, a_references, b_references;
};

static void take_snapshot(const struct fake_world *w, const struct generation *a,
			  const struct generation *b, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < w->n_parts; i++) {
		s->objects[i] = w->parts[i];
		s->parts[i] = *w->parts[i];
	}
	s->n = w->n_parts;
	s->committed = w->n_committed;
	s->a_references = a->references;
	s->b_references = b->references;
}

static bool same_snapshot(const struct snapshot *x, const struct snapshot *y)
{
	if (x->n != y->n || x->committed != y->committed || x->a_references != y->a_references ||
	    x->b_references != y->b_references)
		return false;
	for (unsigned i = 0; i < x->n; i++) {
		unsigned j = 0;

		while (j < y->n && y->objects[j] != x->objects[i])
			j++;
		if (j == y->n || memcmp(&x->parts[i], &y->parts[j], sizeof(x->parts[i])) != 0)
			return false;
	}
	return true;
}

/* Every call of an apply fails once; then the machine is what it was, and the apply can be done. */
static bool fails_everywhere(void)
{
	uint64_t of_seed = random_seed;
	struct snapshot before, after;
	struct generation *a, *b;
	struct random_text ta, tb;
	enum build_result result;
	const char *what = NULL;
	struct fake_world w;

	a = random_generation(&ta);
	boot(&w, a);
	b = edited_generation(&w, &ta, &tb);
	for (unsigned n = 1; !what; n++) {
		take_snapshot(&w, a, b, &before);
		w.calls = 0;
		w.fail_at = n;
		result = apply(&w, b);
		w.fail_at = 0;
		if (result == BUILD_DONE)
			break;
		take_snapshot(&w, a, b, &after);
		if (result != BUILD_ROLLED_BACK)
			what = "an apply that failed was not rolled back";
		else if (!same_snapshot(&before, &after))
			what = "an apply that failed left something";
	}
	if (!what && !converge(&w, b, MAX_TURNS))
		what = "it does not converge";
	if (!what)
		what = difference(&w, b);
	if (what)
		complain(of_seed, what, &ta, &tb);
	builder_destroy(w.builder);
	generation_unref(a);
	generation_unref(b);
	random_text_fini(&ta);
	random_text_fini(&tb);
	return !what;
}

static void a_plan_that_fails_anywhere_is_taken_back(void)
{
	for (unsigned i = 0; i < pairs(); i++)
		if (!fails_everywhere())
			return;
}

static void order_means_nothing(void)
{
	for (unsigned i = 0; i < pairs() / 10; i++) {
		cleanup_strbuf struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
		struct generation *a, *b;
		struct random_text text;

		a = random_generation(&text);
		random_shuffle(text.top, text.n_top);
		random_shuffle(text.devices, text.n_devices);
		b = random_text_load(&text, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b->graph);
		CU_ASSERT_EQUAL(memcmp(a->graph->hash, b->graph->hash, sizeof(a->graph->hash)), 0);
		graph_to_dot(a->graph, &x);
		graph_to_dot(b->graph, &y);
		CU_ASSERT_STRING_EQUAL(x.text, y.text);
		generation_unref(a);
		generation_unref(b);
		random_text_fini(&text);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"order means nothing", order_means_nothing},
		{"a plan reaches its goal", a_plan_reaches_its_goal},
		{"a plan that fails anywhere is taken back",
		 a_plan_that_fails_anywhere_is_taken_back},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"plan", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	const char *text = getenv("PLAN_TEST_SEED");

	if (text)
		random_seed = strtoull(text, NULL, 10);
	return cu_tap_run(suites);
}
