/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formatter from end to end: normal line ends, the layout, and the proof that nothing was lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/load.h"
#include "schema/format-internal.h"
#include "schema/format.h"

/* The same with LF at the end of each line. */
static const struct source *with_plain_lines(struct arena *arena, const struct source *source)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!memchr(source->text, '\r', source->size))
		return source;
	for (size_t i = 0; i < source->size; i++)
		if (source->text[i] != '\r')
			strbuf_putc(&text, source->text[i]);
		else if (source->text[i + 1] != '\n')
			strbuf_putc(&text, '\n');
	return source_from_text(arena, source->name, text.size ? text.text : "", text.size);
}

static bool same_tree(const struct node *a, const struct node *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	if (node_is_scalar(a))
		return a->kind == NODE_NULL || strcmp(a->text, b->text) == 0;
	if (a->n_entries != b->n_entries)
		return false;
	for (uint32_t i = 0; i < a->n_entries; i++) {
		const struct node *other = a->kind == NODE_SEQ
						   ? b->entries[i].value
						   : node_get(b, a->entries[i].key->text);

		if (!same_tree(a->entries[i].value, other))
			return false;
	}
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct format_comment *x = a, *y = b;
	int order = memcmp(x->text, y->text, MIN(x->size, y->size));

	return order ? order : x->size < y->size ? -1 : x->size > y->size;
}

static bool same_comments(struct format_document *a, struct format_document *b)
{
	if (a->n_comments != b->n_comments)
		return false;
	if (a->n_comments) {
		qsort(a->comments, a->n_comments, sizeof(*a->comments), by_text);
		qsort(b->comments, b->n_comments, sizeof(*b->comments), by_text);
	}
	for (size_t i = 0; i < a->n_comments; i++)
		if (by_text(&a->comments[i], &b->comments[i]) != 0)
			return false;
	return true;
}

/* Whether @text is the tree @root with the comments of @source, and is its own layout. */
static bool is_faithful(struct arena *arena, const struct source *source, const struct node *root,
			const struct strbuf *text)
{
	struct diag_list *ignored = diag_list_create(arena);
	const struct source *again =
		source_from_text(arena, source->name, text->size ? text->text : "", text->size);
	struct format_document before = {.arena = arena, .source = source};
	struct format_document after = {.arena = arena, .source = again};
	const struct node *tree = load_tree(arena, again, NULL, ignored);

	return !diag_errors(ignored) && same_tree(root, tree) && format_read(&before) &&
	       format_read(&after) && same_comments(&before, &after);
}

static bool lay_out(struct arena *arena, const struct source *source, const struct node *root,
		    bool sort, struct strbuf *out, const char **ret_refusal)
{
	struct format_document document = {.arena = arena, .source = source};
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!format_read(&document)) {
		*ret_refusal = document.refusal;
		return false;
	}
	format_write(&document, sort, &text);
	if (!is_faithful(arena, source, root, &text))
		return false;
	strbuf_add(out, text.text ? text.text : "", text.size);
	return true;
}

int format_source(struct arena *arena, const struct source *original, struct diag_list *diags,
		  struct strbuf *out)
{
	const struct source *source = with_plain_lines(arena, original);
	const char *refusal =
		"this way of writing it cannot be laid out anew without a change of meaning";
	size_t errors = diag_errors(diags);
	const struct node *root = load_tree(arena, source, NULL, diags);

	if (diag_errors(diags) > errors)
		return -EINVAL;
	if (root && root->kind != NODE_MAP) {
		diag_add(diags, "E0117", DIAG_ERROR, root->span,
			 "a description is a map of keys and values, this is %s",
			 node_kind_name(root->kind));
		return -EINVAL;
	}
	/* Another order may move an alias before what it names. */
	if (lay_out(arena, source, root, true, out, &refusal) ||
	    lay_out(arena, source, root, false, out, &refusal))
		return 0;
	diag_add(diags, "E0126", DIAG_ERROR, (struct span){.source = original}, "%s", refusal);
	return -EINVAL;
}
