/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a description, through schema and structs: what is taken can be bound, printed and found
 * again by its paths, and what is refused has a diagnostic.
 */
#include "base/arena.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/document.h"
#include "schema/bind.h"
#include "schema/check.h"
#include "schema/config.h"
#include "schema/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Most texts fail at the first thing that is required; these come for free. */
	static const char start[] = "version: 1\nname: a\nboot: {kernel: k}\n";
	cleanup_arena struct arena *arena = arena_create();
	cleanup_strbuf struct strbuf text = STRBUF_INIT, canonical = STRBUF_INIT;
	struct diag_list *diags = diag_list_create(arena);
	const struct document *document;
	const struct value *root;

	strbuf_add(&text, start, sizeof(start) - 1);
	strbuf_add(&text, (const char *)data, size);
	document = document_parse(arena, source_from_text(arena, "fuzz.yaml", text.text, text.size), NULL,
				  diags);
	if (!document->root)
		return 0;
	root = schema_check(arena, document->root, diags);
	invariant(root || diag_errors(diags));
	if (!root || diag_errors(diags))
		return 0;
	schema_bind(arena, root);
	visit(root);
	value_canonical(root, &canonical);
	invariant(canonical.size > 0);
	return 0;
}
