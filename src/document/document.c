/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file name to the tree of a description.
 */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "document/document.h"
#include "document/load.h"
#include "document/overlay.h"

static void unreadable(struct arena *arena, const char *path, int error, struct diag_list *diags)
{
	struct span span = { .source = source_from_text(arena, path, "", 0) };
	struct diag *diag;

	if (error == SOURCE_TOO_LARGE) {
		diag = diag_add(diags, "E0119", DIAG_ERROR, span,
				"the file is larger than %d KiB", DOCUMENT_MAX_FILE / 1024);
		diag_hint(diags, diag, "no description needs that; is this the right file?");
		return;
	}
	diag = diag_add(diags, "E0101", DIAG_ERROR, span, "the file cannot be read: %s",
			source_strerror(error));
	if (error == SOURCE_NOT_REGULAR)
		diag_hint(diags, diag, "only files are read; to read from a pipe, write - and give it "
				       "as standard input");
	else if (error == -EISDIR)
		diag_hint(diags, diag, "name a file in it");
}

struct document *document_load(struct arena *arena, const char *path,
			       const struct document_options *options, struct diag_list *diags)
{
	struct source *source;
	int r = source_read(arena, path, DOCUMENT_MAX_FILE, &source);

	if (r < 0) {
		unreadable(arena, path, r, diags);
		return arena_new(arena, struct document);
	}
	return document_parse(arena, source, options, diags);
}

/* `x-*` keys at the top hold anchors for the rest, and mean nothing themselves. */
static void drop_extensions(struct arena *arena, struct node *root)
{
	struct node_entry *entries;
	uint32_t kept = 0;

	entries = arena_new_array(arena, root->n_entries, struct node_entry);
	for (uint32_t i = 0; i < root->n_entries; i++)
		if (strncmp(root->entries[i].key->text, "x-", 2) != 0)
			entries[kept++] = root->entries[i];
	if (kept == root->n_entries)
		return;
	root->entries = entries;
	root->n_entries = kept;
	root->by_key = NULL;
	node_index(arena, root);
	node_weigh(root);
}

static struct node *check_root(struct node *root, const struct source *source, size_t errors,
			       struct diag_list *diags)
{
	struct span span = { .source = source };
	struct diag *diag;

	if (root && root->kind == NODE_MAP)
		return root;
	if (diag_errors(diags) > errors)
		return NULL; /* why there is no map was told */
	if (!root || root->kind == NODE_NULL) {
		diag = diag_add(diags, "E0117", DIAG_ERROR, span, "the description is empty");
		diag_hint(diags, diag, "a machine needs at least 'version: 1' and 'boot:'");
		return NULL;
	}
	diag = diag_add(diags, "E0117", DIAG_ERROR, root->span,
			"a description is a map of keys and values, this is %s",
			node_kind_name(root->kind));
	diag_hint(diags, diag, "begin with 'version: 1'");
	return NULL;
}

struct document *document_parse(struct arena *arena, struct source *source,
				const struct document_options *options, struct diag_list *diags)
{
	struct document *document = arena_new(arena, struct document);
	size_t errors = diag_errors(diags);
	struct node *root;

	document->source = source;
	root = load_tree(arena, source, NULL, diags);
	root = check_root(root, source, errors, diags);
	if (!root)
		return document;
	for (size_t i = 0; options && i < options->n_sets; i++)
		root = overlay_set(arena, root, options->sets[i], diags);
	if (!root)
		return document;
	drop_extensions(arena, root);
	if (node_weigh(root) || root->tree_depth > DOCUMENT_MAX_DEPTH) {
		diag_add(diags, "E0119", DIAG_ERROR, (struct span){ .source = source },
			 "with all overrides, the description is too large or nested too deeply");
		return document;
	}
	document->root = root;
	return document;
}
