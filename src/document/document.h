/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a description: bytes to a located tree, with every fault of its form in one run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "document/node.h"

struct arena;
struct source;

/* What the command line says about a description. */
struct document_options {
	const char *const *sets; /* --set: "cpus.count=4"; the value is YAML; "x=" is null */
	size_t n_sets;
	const char *const *defines; /* -D: "disk=root.img", a variable of the description */
	size_t n_defines;
	bool no_includes; /* of a text that is no file of the user's: it must not read files */
};

struct document {
	const struct node *root; /* a map; NULL when the text could not be read as YAML */
	const struct source *source;
	const struct source *const
		*sources; /* all that were read: @source, then what is included */
	size_t n_sources;
	/*
	 * What to watch for a newer description: every file that was read or looked for, and every
	 * pattern, for the directory it looks into. Not standard input.
	 */
	const char *const *watched;
	size_t n_watched;
};

/**
 * document_load() - read a description from a file
 * @arena: holds the tree; must outlive it
 * @path: the file; "-" is standard input
 * @options: overrides from the command line; may be NULL
 * @diags: gets what is wrong
 *
 * What the file includes is read and laid below it, the overrides are laid over it, and variables
 * are replaced: the tree is the description as it is meant. Every span tells the file it is from.
 *
 * A duplicate key leaves a tree that can be checked further, so that all faults show in
 * one run; a syntax error or a passed budget does not.
 *
 * Return: the document, never NULL; its root is NULL when there is nothing to go on with.
 */
struct document *document_load(struct arena *arena, const char *path,
			       const struct document_options *options, struct diag_list *diags);

/* The same of a text that was read before (source_from_text(), for tests and fuzzing). */
struct document *document_parse(struct arena *arena, struct source *source,
				const struct document_options *options, struct diag_list *diags);
