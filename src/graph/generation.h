/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation: one reading of a description, whole and immutable: tree, configuration, graph,
 * diagnostics, in one arena. Main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "graph/graph.h"

struct document_options;

struct generation {
	unsigned references;
	struct arena *arena;
	struct diag_list *diags;
	const struct source *const *sources; /* of the document: the file, then what it includes */
	size_t n_sources;
	const char *const *watched; /* of the document: files and patterns */
	size_t n_watched;
	const struct value *root;
	const struct config_machine *config; /* NULL when it could not be read */
	const struct graph *graph;           /* NULL when the description is invalid */
};

/**
 * generation_load() - read, check and compile a description
 * @path: the file, "-" for standard input
 * @options: overrides from the command line, or NULL
 * @pins: addresses that are to be kept, or NULL
 *
 * Return: the generation, with one reference that the caller owns; whether it is valid is in
 * generation->graph, what is wrong in generation->diags.
 */
struct generation *generation_load(const char *path, const struct document_options *options,
				   const struct graph_pins *pins);

/*
 * The two halves of it, for who has to know the machine's name before its places: read and checked
 * (generation->config), then compiled (generation->graph). The second is harmless after errors.
 */
struct generation *generation_read(const char *path, const struct document_options *options);
void generation_compile(struct generation *generation, const struct graph_pins *pins);

/**
 * generation_parse() - the same of a text that is no file yet
 * @name: for diagnostics, and for what relative paths are relative to
 * @text: the text
 * @size: bytes of it
 *
 * It cannot include files. Return: as generation_load().
 */
struct generation *generation_parse(const char *name, const char *text, size_t size);

struct generation *generation_ref(struct generation *generation);

/* Drops a reference; the last one frees. Takes NULL. Returns NULL. */
struct generation *generation_unref(struct generation *generation);

static inline void generation_unref_ptr(struct generation **generation)
{
	*generation = generation_unref(*generation);
}

#define cleanup_generation cleanup(generation_unref_ptr)
