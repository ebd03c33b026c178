/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a description: none may crash, hang or pass a budget, whatever comes out can be
 * walked as a tree, and every diagnostic can be rendered. The bytes before the first NUL are an
 * override and a definition of a variable, if there is a NUL.
 */
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/document.h"
#include "tests/fuzz/fuzz.h"

const char *const fuzz_seeds[] = {"examples", "tests/golden/bad", NULL};
unsigned long fuzz_goal; /* texts that were a tree */

/* Visits every node, following every alias. Return: how many there are. */
static size_t walk(const struct node *node, unsigned depth)
{
	size_t n = 1;

	invariant(depth <= DOCUMENT_MAX_DEPTH);
	if (node_is_scalar(node)) {
		invariant(strlen(node->text) == node->size);
		return n;
	}
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct node_entry *entry = &node->entries[i];

		if (node->kind == NODE_MAP)
			invariant(node_find(node, entry->key->text) == entry);
		n += walk(entry->value, depth + 1);
	}
	invariant(n <= DOCUMENT_MAX_NODES);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *nul = memchr(text, '\0', size);
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct document_options options = {.no_includes = true};
	struct document *document;
	const char *set = text;

	if (nul) {
		options.sets = options.defines = &set;
		options.n_sets = *set == '-' ? 0 : 1;
		options.n_defines = 1 - options.n_sets;
		set += *set == '-';
		size -= (size_t)(nul - text) + 1;
		text = nul + 1;
	}
	document = document_parse(arena, source_from_text(arena, "f", text, size), &options, diags);
	if (document->root) {
		fuzz_goal++;
		walk(document->root, 1);
	} else {
		invariant(diag_errors(diags) > 0);
	}
	diag_render_text(&out, diags, true);
	diag_render_gcc(&out, diags);
	json_decref(diag_render_json(diags));
	return 0;
}
