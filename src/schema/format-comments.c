/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comments: what is one, and what it belongs to. One at the end of a line belongs to what stands
 * there; those on lines of their own to what comes next, unless they are indented as deep as the
 * block that ends there: then they are its last lines.
 */
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "schema/format-internal.h"

#define NO_LIMIT SIZE_MAX

/* The comments that are not given away yet. */
struct cursor {
	struct format_document *document;
	size_t next;
};

static void append(struct format_comments *list, struct format_comment *comment)
{
	if (!list->end)
		list->end = &list->first;
	comment->next = NULL;
	*list->end = comment;
	list->end = &comment->next;
}

static bool is_blank_line(const char *text, size_t line)
{
	return text[line + strspn(text + line, " \t")] == '\n';
}

/* Whether the line before the one that begins at @line is blank. */
static bool blank_before(const char *text, size_t line)
{
	size_t before = line;

	if (!line)
		return false;
	before--;
	while (before > 0 && text[before - 1] != '\n')
		before--;
	return is_blank_line(text, before);
}

static size_t line_start(const char *text, size_t at)
{
	while (at > 0 && text[at - 1] != '\n')
		at--;
	return at;
}

static void add_comment(struct format_document *d, size_t at, size_t line, uint32_t number)
{
	const char *text = d->source->text;
	size_t size = strcspn(text + at, "\n");
	struct format_comment *comment = &d->comments[d->n_comments++];

	*comment = (struct format_comment){
		.text = text + at,
		.offset = at,
		.line = number,
		.column = (uint32_t)(at - line),
		.own_line = strspn(text + line, " \t") == at - line,
		.blank_before = blank_before(text, line),
	};
	while (size > 1 && (text[at + size - 1] == ' ' || text[at + size - 1] == '\t'))
		size--;
	comment->size = size;
}

void format_find_comments(struct format_document *d, const struct format_node *const *scalars,
			  size_t n_scalars)
{
	const char *text = d->source->text;
	size_t at = 0, line = 0, scalar = 0, most = 0;
	uint32_t number = 0;

	for (size_t i = 0; i < d->source->size; i++)
		most += text[i] == '#';
	d->comments = arena_new_array(d->arena, most, struct format_comment);
	while (at < d->source->size) {
		bool inside;

		while (scalar < n_scalars && scalars[scalar]->end <= at)
			scalar++;
		inside = scalar < n_scalars && scalars[scalar]->start <= at;
		if (!inside && text[at] == '#' && (at == 0 || strchr(" \t\n", text[at - 1]))) {
			add_comment(d, at, line, number);
			at += strcspn(text + at, "\n");
			continue;
		}
		if (text[at++] == '\n') {
			line = at;
			number++;
		}
	}
}

static struct format_comment *peek(const struct cursor *c, size_t limit)
{
	struct format_document *d = c->document;

	return c->next < d->n_comments && d->comments[c->next].offset < limit
		       ? &d->comments[c->next]
		       : NULL;
}

static void take_until(struct cursor *c, size_t limit, struct format_comments *list)
{
	struct format_comment *comment;

	while ((comment = peek(c, limit))) {
		append(list, comment);
		c->next++;
	}
}

/* The comment at the end of the line where something ended, before @limit. */
static struct format_comment *take_end_of_line(struct cursor *c, uint32_t line, size_t limit)
{
	struct format_comment *comment = peek(c, limit);

	if (!comment || comment->own_line || comment->line != line)
		return NULL;
	c->next++;
	return comment;
}

static size_t item_start(const struct format_item *item)
{
	return item->key ? item->key->start : item->value->start;
}

static void attach(struct cursor *c, struct format_node *node, size_t limit, uint32_t up_column);

/* Comments between a key and a scalar below it come before the key: the value moves up. */
static void attach_scalar(struct cursor *c, struct format_item *item, size_t limit)
{
	const struct format_node *value = item->value;
	struct format_comment *comment;

	while ((comment = peek(c, value->start))) {
		if (!comment->own_line && !item->end_of_line)
			item->end_of_line = comment;
		else
			append(&item->leading, comment);
		c->next++;
	}
	if (!item->end_of_line && !value->block_scalar)
		item->end_of_line = take_end_of_line(c, value->end_line, limit);
}

static void attach_item(struct cursor *c, struct format_item *item, size_t limit)
{
	const char *text = c->document->source->text;
	struct format_node *value = item->value;

	take_until(c, item_start(item), &item->leading);
	item->blank_before = blank_before(text, line_start(text, item_start(item)));
	if (item->leading.first) {
		item->blank_after_leading = item->blank_before;
		item->blank_before = item->leading.first->blank_before;
	}
	if (value->kind == FORMAT_SCALAR) {
		attach_scalar(c, item, limit);
		return;
	}
	if (!value->flow) {
		if (item->key)
			item->end_of_line = take_end_of_line(c, item->key->end_line, limit);
		attach(c, value, limit, item->column);
		return;
	}
	take_until(c, value->start, &item->leading);
	attach(c, value, value->end, item->column);
	item->end_of_line = take_end_of_line(c, value->end_line, limit);
}

/* Comments below the last item of a block that are indented as deep as its items. */
static void take_tail(struct cursor *c, struct format_node *node, size_t limit, uint32_t up_column)
{
	uint32_t column = node->items[node->n_items - 1].column;
	struct format_comment *comment;

	/* A list that is not indented below its key: what stands there belongs to the next key. */
	if (column <= up_column && node->kind == FORMAT_SEQ)
		column = up_column + 1;
	while ((comment = peek(c, limit)) && comment->own_line && comment->column >= column) {
		append(&node->tail, comment);
		c->next++;
	}
}

static void attach(struct cursor *c, struct format_node *node, size_t limit, uint32_t up_column)
{
	size_t before = c->next;

	for (size_t i = 0; i < node->n_items; i++)
		attach_item(c, &node->items[i],
			    i + 1 < node->n_items ? item_start(&node->items[i + 1]) : limit);
	if (node->flow) {
		take_until(c, node->end, &node->tail);
		/* A comment ends its line, so there must be one. */
		node->expanded |= c->next > before;
	} else if (node->n_items) {
		take_tail(c, node, limit, up_column);
	}
}

/* What stands above the first key, up to the last blank line, or all of it, stays on top. */
static void take_header(struct cursor *c, size_t limit)
{
	struct format_document *d = c->document;
	bool blank = blank_before(d->source->text, line_start(d->source->text, limit));
	size_t end = c->next, split = 0;

	while (end < d->n_comments && d->comments[end].offset < limit)
		end++;
	for (size_t i = 1; i < end; i++)
		if (d->comments[i].blank_before)
			split = i;
	if (!split || blank)
		split = end;
	d->header_blank = blank || split < end;
	while (c->next < split)
		append(&d->header, &d->comments[c->next++]);
}

void format_attach_comments(struct format_document *d)
{
	struct cursor c = {.document = d};

	if (d->root) {
		take_header(&c, d->root->start);
		attach(&c, d->root, NO_LIMIT, 0);
	}
	take_until(&c, NO_LIMIT, &d->tail);
}
