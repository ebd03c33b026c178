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

static struct composition *new_composition(struct arena *arena, struct diag_list *diags,
					   struct document *document)
{
	struct composition *c = arena_new(arena, struct composition);

	c->arena = arena;
	c->diags = diags;
	document->sources = c->sources;
	document->watched = c->watched;
	return c;
}

static void compose(struct composition *c, const struct source *source,
		    const struct document_options *options, struct document *document)
{
	struct node *root;

	c->no_includes = options && options->no_includes;
	root = include_compose(c, source, (struct span){.source = source});
	document->source = source;
	document->n_sources = c->n_sources;
	root = root ? apply_options(c, root, options) : NULL;
	if (!root || c->failed)
		return;
	if (node_weigh(root) || root->tree_depth > DOCUMENT_MAX_DEPTH) {
		diag_add(
			c->diags, "E0119", DIAG_ERROR, (struct span){.source = source},
			"with all that is included and overridden, the description is too large or "
			"nested too deeply");
		return;
	}
	document->root = root;
}

struct document *document_load(struct arena *arena, const char *path,
			       const struct document_options *options, struct diag_list *diags)
{
	struct document *document = arena_new(arena, struct document);
	struct composition *c = new_composition(arena, diags, document);
	struct source *source;
	int r = source_read(arena, path, DOCUMENT_MAX_FILE, &source);

	if (strcmp(path, "-") != 0)
		include_watch(c, path);
	if (r < 0)
		include_unreadable(c, path, r, (struct span){0});
	else
		compose(c, source, options, document);
	document->n_watched = c->n_watched;
	return document;
}

struct document *document_parse(struct arena *arena, struct source *source,
				const struct document_options *options, struct diag_list *diags)
{
	struct document *document = arena_new(arena, struct document);

	compose(new_composition(arena, diags, document), source, options, document);
	return document;
}
