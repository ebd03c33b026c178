/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front end from end to end: document, schema, rules, graph.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/source.h"
#include "document/document.h"
#include "graph/compile.h"
#include "graph/generation.h"
#include "graph/rules.h"
#include "schema/bind.h"
#include "schema/check.h"

static struct generation *new_generation(void)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	invariant(generation != NULL);
	generation->references = 1;
	generation->arena = arena_create();
	generation->diags = diag_list_create(generation->arena);
	return generation;
}

static struct generation *check(struct generation *generation, const struct document *document)
{
	generation->sources = document->sources;
	generation->n_sources = document->n_sources;
	generation->watched = document->watched;
	generation->n_watched = document->n_watched;
	if (!document->root)
		return generation;
	generation->root = schema_check(generation->arena, document->root, generation->diags);
	/* A tree with a duplicate key was checked for what else is wrong with it, no more. */
	if (!generation->root || diag_errors(generation->diags))
		return generation;
	generation->config = schema_bind(generation->arena, generation->root);
	rules_check(generation->root, generation->config, generation->arena, generation->diags);
	return generation;
}

struct generation *generation_read(const char *path, const struct document_options *options)
{
	struct generation *generation = new_generation();

	return check(generation,
		     document_load(generation->arena, path, options, generation->diags));
}

struct generation *generation_parse(const char *name, const char *text, size_t size)
{
	static const struct document_options options = {.no_includes = true};
	struct generation *generation = new_generation();
	struct source *source = source_from_text(generation->arena, name, text, size);

	check(generation, document_parse(generation->arena, source, &options, generation->diags));
	generation_compile(generation, NULL);
	return generation;
}

void generation_compile(struct generation *generation, const struct graph_pins *pins)
{
	if (!generation->config)
		return;
	generation->graph = graph_compile(generation->root, generation->config, pins,
					  generation->arena, generation->diags);
	if (diag_errors(generation->diags))
		generation->graph = NULL;
}

struct generation *generation_load(const char *path, const struct document_options *options,
				   const struct graph_pins *pins)
{
	struct generation *generation = generation_read(path, options);

	generation_compile(generation, pins);
	return generation;
}

struct generation *generation_ref(struct generation *generation)
{
	generation->references++;
	return generation;
}

struct generation *generation_unref(struct generation *generation)
{
	if (!generation || --generation->references)
		return NULL;
	arena_destroy(generation->arena);
	free(generation);
	return NULL;
}
