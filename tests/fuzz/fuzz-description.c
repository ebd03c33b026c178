/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a description, through schema, rules and graph. What is refused has a diagnostic;
 * what is taken is the same machine after it was printed with every default (weft show) and after
 * it was laid out (weft fmt). A '+' in front stands for what every description must say.
 */
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "graph/generation.h"
#include "schema/format.h"
#include "schema/value-yaml.h"
#include "schema/value.h"
#include "tests/fuzz/fuzz.h"

const char *const fuzz_seeds[] = {"examples", "tests/golden/bad", NULL};
unsigned long fuzz_goal; /* descriptions that became a graph */

static void visit(const struct value *value)
{
	const struct value *child;

	invariant(value->bound != NULL);
	if (value->type->kind < SCHEMA_ARRAY)
		return;
	for (size_t i = 0; i < value->n; i++) {
		child = value->children[i];
		if (value->type->kind != SCHEMA_ARRAY)
			invariant(value_child(value, child->name) == child);
		if (!child->property || !(child->property->flags & SCHEMA_DISCRIMINATOR))
			visit(child);
	}
}

/* The same machine in other words. */
static void expect_same(const struct generation *generation, const char *text, size_t size)
{
	cleanup_generation struct generation *again = generation_parse("fuzz.yaml", text, size);
	cleanup_strbuf struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;

	invariant(again->graph != NULL);
	value_canonical(generation->root, &before);
	value_canonical(again->root, &after);
	invariant(before.size == after.size && !memcmp(before.text, after.text, after.size));
	invariant(!memcmp(generation->graph->hash, again->graph->hash, sizeof(again->graph->hash)));
}

static void print_again(const struct generation *generation)
{
	cleanup_strbuf struct strbuf shown = STRBUF_INIT, laid_out = STRBUF_INIT,
				     twice = STRBUF_INIT;
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);

	value_yaml(generation->root, false, &shown);
	expect_same(generation, shown.text, shown.size);
	if (format_source(arena, generation->sources[0], diags, &laid_out) < 0) {
		invariant(diag_errors(diags) > 0);
		return;
	}
	expect_same(generation, laid_out.text, laid_out.size);
	invariant(format_source(arena, source_from_text(arena, "f", laid_out.text, laid_out.size),
				diags, &twice) == 0);
	invariant(twice.size == laid_out.size && !memcmp(twice.text, laid_out.text, twice.size));
}

static void render(struct diag_list *diags)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	diag_render_text(&out, diags, true);
	diag_render_gcc(&out, diags);
	json_decref(diag_render_json(diags));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char start[] = "version: 1\nname: a\nboot: {kernel: k}\n";
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_generation struct generation *generation = NULL;
	bool short_form = size && *data == '+';

	if (short_form)
		strbuf_add(&text, start, sizeof(start) - 1);
	strbuf_add(&text, (const char *)data + short_form, size - short_form);
	generation = generation_parse("fuzz.yaml", text.text ? text.text : "", text.size);
	render(generation->diags);
	invariant(!generation->graph == (diag_errors(generation->diags) > 0));
	if (!generation->graph)
		return 0;
	fuzz_goal++;
	visit(generation->root);
	print_again(generation);
	return 0;
}
