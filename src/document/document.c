/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file name to the tree of a description.
 */
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "document/document.h"
#include "document/include.h"
#include "document/load.h"
#include "document/overlay.h"
#include "document/vars.h"

struct document *document_load(struct arena *arena, const char *path,
			       const struct document_options *options, struct diag_list *diags)
{
	struct source *source;
	int r = source_read(arena, path, DOCUMENT_MAX_FILE, &source);

	if (r < 0) {
		struct composition c = { .arena = arena, .diags = diags };

		include_unreadable(&c, path, r, (struct span){ 0 });
		return arena_new(arena, struct document);
	}
	return document_parse(arena, source, options, diags);
}

/* Whether there may be variables to replace: most descriptions have none, and are not walked. */
static bool uses_variables(const struct composition *c, const struct node *root,
			   const struct document_options *options)
{
	if (node_find(root, "vars") || (options && options->n_defines))
		return true;
	for (size_t i = 0; i < c->n_sources; i++)
		if (memmem(c->sources[i]->text, c->sources[i]->size, "${", 2))
			return true;
	for (size_t i = 0; options && i < options->n_sets; i++)
		if (strstr(options->sets[i], "${"))
			return true;
	return false;
}

static struct node *apply_options(struct composition *c, struct node *root,
				  const struct document_options *options)
{
	for (size_t i = 0; options && root && i < options->n_sets; i++)
		root = overlay_set(c->arena, root, options->sets[i], c->diags);
	if (root && uses_variables(c, root, options))
		root = vars_apply(c->arena, root, options ? options->defines : NULL,
				  options ? options->n_defines : 0, c->diags);
	return root;
}

struct document *document_parse(struct arena *arena, struct source *source,
				const struct document_options *options, struct diag_list *diags)
{
	struct document *document = arena_new(arena, struct document);
	struct composition *c = arena_new(arena, struct composition);
	struct node *root;

	c->arena = arena;
	c->diags = diags;
	c->no_includes = options && options->no_includes;
	root = include_compose(c, source, (struct span){ .source = source });
	document->source = source;
	document->sources = c->sources;
	document->n_sources = c->n_sources;
	root = root ? apply_options(c, root, options) : NULL;
	if (!root || c->failed)
		return document;
	if (node_weigh(root) || root->tree_depth > DOCUMENT_MAX_DEPTH) {
		diag_add(diags, "E0119", DIAG_ERROR, (struct span){ .source = source },
			 "with all that is included and overridden, the description is too large or "
			 "nested too deeply");
		return document;
	}
	document->root = root;
	return document;
}
