/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout. Lines are gathered before they are written, so that comments at the end of
 * neighbouring lines can stand below each other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "schema/format-internal.h"
#include "schema/schema.h"

#define INDENT      2
#define ALIGN_LIMIT 60 /* longer lines do not move the comments of their neighbours */

struct line {
	size_t start, end; /* in the text */
	size_t cells;
	const struct format_comment *comment;
	bool verbatim; /* of a block scalar: nothing can follow it */
};

struct writer {
	struct format_document *document;
	struct strbuf text;
	struct line *lines;
	size_t n_lines, room, start;
	bool sort;
};

static size_t cells_of(const char *text, size_t size)
{
	size_t cells = 0;

	for (size_t at = 0; at < size;) {
		uint32_t c = 0;
		size_t bytes = utf8_decode(text + at, size - at, &c);

		cells += bytes ? utf8_width(c) : 1;
		at += bytes ? bytes : 1;
	}
	return cells;
}

static struct line *end_line(struct writer *w, const struct format_comment *comment)
{
	struct line *line;

	if (w->n_lines == w->room) {
		w->room = MAX(w->room * 2, (size_t)64);
		w->lines = reallocarray(w->lines, w->room, sizeof(*w->lines));
		invariant(w->lines != NULL);
	}
	line = &w->lines[w->n_lines++];
	*line = (struct line){.start = w->start, .end = w->text.size, .comment = comment};
	line->cells = line->end > line->start
			      ? cells_of(w->text.text + line->start, line->end - line->start)
			      : 0;
	w->start = w->text.size;
	return line;
}

static void put_blank(struct writer *w)
{
	if (w->n_lines && w->lines[w->n_lines - 1].end > w->lines[w->n_lines - 1].start)
		end_line(w, NULL);
}

static void put_comments(struct writer *w, const struct format_comments *comments, size_t indent)
{
	for (const struct format_comment *c = comments->first; c; c = c->next) {
		/* What stands before the first is the caller's to know. */
		if (c->blank_before && c != comments->first)
			put_blank(w);
		strbuf_fill(&w->text, ' ', indent);
		strbuf_add(&w->text, c->text, c->size);
		end_line(w, NULL);
	}
}

static void put_tail(struct writer *w, const struct format_comments *tail, size_t indent)
{
	if (tail->first && tail->first->blank_before)
		put_blank(w);
	put_comments(w, tail, indent);
}

/* Of a block scalar how far its lines are indented, as the first that is not blank tells. */
static size_t body_indent(const char *body, const char *end)
{
	while (body < end) {
		size_t spaces = strspn(body, " ");

		if (body + spaces < end && body[spaces] != '\n')
			return spaces;
		body += strcspn(body, "\n");
		body += body < end;
	}
	return 0;
}

/*
 * A block scalar with its lines moved: those that say their indentation by as much as the key
 * moves, others to two spaces below it.
 */
static void put_block_scalar(struct writer *w, const struct format_node *node, size_t column,
			     size_t indent)
{
	const char *text = w->document->source->text, *at = text + node->start,
		   *end = text + node->end;
	size_t size = strcspn(at, "\n"), marks = 0, from, to;

	while (at[marks] == '|' || at[marks] == '>' || at[marks] == '+' || at[marks] == '-')
		marks++;
	from = body_indent(at + size + 1, end);
	to = indent + INDENT;
	/* A tag or anchor before it is as far as the indicator cannot be told: it is said rarely.
	 */
	if (at[marks] >= '1' && at[marks] <= '9') {
		from = column;
		to = indent;
	}
	strbuf_add(&w->text, at, size);
	while (w->text.text[w->text.size - 1] == ' ')
		w->text.size--;
	end_line(w, NULL)->verbatim = true;
	for (at += size; at < end;) {
		size_t spaces;

		at++;
		size = MIN(strcspn(at, "\n"), (size_t)(end - at));
		spaces = MIN(strspn(at, " "), size);
		if (spaces < size || spaces > from) {
			strbuf_fill(&w->text, ' ', to);
			strbuf_add(&w->text, at + MIN(from, spaces), size - MIN(from, spaces));
		}
		at += size;
		if (at < end || size)
			end_line(w, NULL)->verbatim = true;
	}
}

/* A scalar as it was written; the lines after its first are indented anew. */
static void put_scalar(struct writer *w, const struct format_node *node, size_t indent)
{
	const char *at = w->document->source->text + node->start;
	const char *end = w->document->source->text + node->end;

	while (at < end) {
		size_t size = MIN(strcspn(at, "\n"), (size_t)(end - at)), kept = size;

		if (at + size < end)
			while (kept && (at[kept - 1] == ' ' || at[kept - 1] == '\t') &&
			       !(kept > 1 && at[kept - 2] == '\\'))
				kept--;
		strbuf_add(&w->text, at, kept);
		at += size;
		if (at >= end)
			break;
		end_line(w, NULL);
		at++;
		at += MIN(strspn(at, " \t"), (size_t)(end - at));
		if (*at != '\n')
			strbuf_fill(&w->text, ' ', indent + INDENT);
	}
}

static const struct schema_type *type_of_map(const struct writer *w, const struct format_node *node,
					     const struct schema_type *type)
{
	const struct schema_variant *variant = NULL;

	if (!type || (type->kind != SCHEMA_UNION && type->kind != SCHEMA_DEVICES))
		return type;
	for (size_t i = 0; i < node->n_items; i++) {
		const struct format_item *item = &node->items[i];
		const char *text = w->document->source->text;
		char word[64];
		size_t size;

		if (!item->key || item->key->end - item->key->start != strlen("type") ||
		    memcmp(text + item->key->start, "type", strlen("type")) != 0)
			continue;
		size = item->value->end - item->value->start;
		if (item->value->kind != FORMAT_SCALAR || size >= sizeof(word))
			return NULL;
		memcpy(word, text + item->value->start, size);
		word[size] = '\0';
		if (size > 2 && (word[0] == '"' || word[0] == '\'')) {
			word[size - 1] = '\0';
			variant = schema_variant_find(type, word + 1);
		} else {
			variant = schema_variant_find(type, word);
		}
	}
	return variant ? schema_type(variant->type) : NULL;
}

/* Where a key stands: in the order of the schema, with room between. */
static size_t order_of(const struct schema_type *type, const char *key)
{
	const struct schema_property *p = schema_property_find(type, key);
	bool root = type == schema_type(schema_root);

	if (!strcmp(key, "<<"))
		return 0;
	if (p)
		return 10 + 10 * (size_t)p->order;
	if (!root)
		return SIZE_MAX;
	/* What holds anchors: after the name of the machine, and before what uses them. */
	p = schema_property_find(type, "name");
	return strncmp(key, "x-", 2) ? SIZE_MAX : 11 + 10 * (size_t)p->order;
}

static void key_text(const struct writer *w, const struct format_node *key, char *buffer,
		     size_t room)
{
	const char *text = w->document->source->text + key->start;
	size_t size = key->end - key->start;

	if (size >= 2 && (*text == '"' || *text == '\'')) {
		text++;
		size -= 2;
	}
	size = MIN(size, room - 1);
	memcpy(buffer, text, size);
	buffer[size] = '\0';
}

static int by_order(const void *a, const void *b)
{
	const struct format_item *x = a, *y = b;
	size_t i = x->key->start, j = y->key->start;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return i < j ? -1 : i > j;
}

static void sort_items(const struct writer *w, struct format_node *node,
		       const struct schema_type *type)
{
	if (!w->sort || node->kind != FORMAT_MAP || !type || type->kind != SCHEMA_OBJECT ||
	    node->n_items < 2)
		return;
	for (size_t i = 0; i < node->n_items; i++) {
		char key[64];

		key_text(w, node->items[i].key, key, sizeof(key));
		node->items[i].order = order_of(type, key);
	}
	qsort(node->items, node->n_items, sizeof(*node->items), by_order);
}

/* The type of what stands behind a key, or in a list; NULL when the schema does not know. */
static const struct schema_type *type_below(const struct writer *w, const struct schema_type *type,
					    const struct format_item *item)
{
	const struct schema_property *p;
	char key[64];

	if (!type)
		return NULL;
	if (type->kind == SCHEMA_MAP || type->kind == SCHEMA_ARRAY)
		return schema_type(type->items);
	if (type->kind != SCHEMA_OBJECT || !item->key)
		return NULL;
	key_text(w, item->key, key, sizeof(key));
	p = schema_property_find(type, key);
	return p ? schema_type(p->type) : NULL;
}

/* One item may stand for a list of it. */
static const struct schema_type *type_of(const struct writer *w, const struct format_node *node,
					 const struct schema_type *type)
{
	if (type && type->kind == SCHEMA_ARRAY && node->kind == FORMAT_MAP)
		type = schema_type(type->items);
	return node->kind == FORMAT_MAP ? type_of_map(w, node, type) : type;
}

static void put_flow(struct writer *w, struct format_node *node, const struct schema_type *type,
		     size_t indent);

static void put_key(struct writer *w, const struct format_item *item)
{
	const char *text = w->document->source->text;

	strbuf_add(&w->text, text + item->key->start, item->key->end - item->key->start);
	strbuf_putc(&w->text, ':');
}

static void put_flow_item(struct writer *w, struct format_item *item,
			  const struct schema_type *type, size_t indent)
{
	const struct schema_type *below = type_below(w, type, item);

	if (item->key) {
		put_key(w, item);
		strbuf_putc(&w->text, ' ');
	}
	if (item->value->kind != FORMAT_SCALAR)
		put_flow(w, item->value, below, indent);
	else if (item->value->end == item->value->start)
		strbuf_puts(&w->text, "null"); /* nothing could be taken for a part of the key */
	else
		put_scalar(w, item->value, indent);
}

/* {a: 1} on one line, or an item a line. */
static void put_flow(struct writer *w, struct format_node *node, const struct schema_type *type,
		     size_t indent)
{
	bool map = node->kind == FORMAT_MAP;

	type = type_of(w, node, type);
	sort_items(w, node, type);
	if (node->properties)
		strbuf_printf(&w->text, "%s ", node->properties);
	strbuf_putc(&w->text, map ? '{' : '[');
	if (!node->expanded) {
		for (size_t i = 0; i < node->n_items; i++) {
			strbuf_puts(&w->text, i ? ", " : map ? " " : "");
			put_flow_item(w, &node->items[i], type, indent);
		}
		strbuf_puts(&w->text, map ? node->n_items ? " }" : "}" : "]");
		return;
	}
	end_line(w, NULL);
	for (size_t i = 0; i < node->n_items; i++) {
		put_comments(w, &node->items[i].leading, indent + INDENT);
		strbuf_fill(&w->text, ' ', indent + INDENT);
		put_flow_item(w, &node->items[i], type, indent + INDENT);
		strbuf_putc(&w->text, ',');
		end_line(w, node->items[i].end_of_line);
	}
	put_comments(w, &node->tail, indent + INDENT);
	strbuf_fill(&w->text, ' ', indent);
	strbuf_putc(&w->text, map ? '}' : ']');
}

static void put_block(struct writer *w, struct format_node *node, const struct schema_type *type,
		      size_t indent, bool dash);

/* What stands behind "key:" or "-", to the end of the line or the block. */
static void put_value(struct writer *w, struct format_item *item, const struct schema_type *type,
		      size_t indent)
{
	struct format_node *value = item->value;

	if (value->kind != FORMAT_SCALAR && !value->flow) {
		if (value->properties)
			strbuf_printf(&w->text, " %s", value->properties);
		/* A block in a list begins beside its dash, unless it has a name. */
		if (!item->key && !value->properties) {
			strbuf_putc(&w->text, ' ');
			put_block(w, value, type, indent + INDENT, true);
			return;
		}
		end_line(w, item->end_of_line);
		put_block(w, value, type, indent + INDENT, false);
		return;
	}
	if (value->end > value->start || value->kind != FORMAT_SCALAR)
		strbuf_putc(&w->text, ' ');
	if (value->block_scalar) {
		put_block_scalar(w, value, item->column, indent);
		return;
	}
	if (value->kind == FORMAT_SCALAR)
		put_scalar(w, value, indent);
	else
		put_flow(w, value, type, indent);
	end_line(w, item->end_of_line);
}

/* The items of a block; with @dash the first continues a line on which a dash stands. */
static void put_block(struct writer *w, struct format_node *node, const struct schema_type *type,
		      size_t indent, bool dash)
{
	type = type_of(w, node, type);
	sort_items(w, node, type);
	for (size_t i = 0; i < node->n_items; i++) {
		struct format_item *item = &node->items[i];
		bool beside = dash && i == 0;

		if (!beside) {
			if (i && item->blank_before)
				put_blank(w);
			put_comments(w, &item->leading, indent);
			if (item->blank_after_leading)
				put_blank(w);
			strbuf_fill(&w->text, ' ', indent);
		}
		if (item->key)
			put_key(w, item);
		else
			strbuf_putc(&w->text, '-');
		put_value(w, item, type_below(w, type, item), indent);
	}
	put_tail(w, &node->tail, indent);
}

/* How far comments of the lines from @from on are from their beginning, as long as each has one. */
static size_t align_from(const struct writer *w, size_t from, size_t *ret_end)
{
	size_t column = 0, i = from;

	for (; i < w->n_lines && w->lines[i].comment; i++)
		if (w->lines[i].cells <= ALIGN_LIMIT)
			column = MAX(column, w->lines[i].cells);
	*ret_end = i;
	return column;
}

static void put_lines(struct writer *w, struct strbuf *out)
{
	size_t column = 0, aligned = 0;

	for (size_t i = 0; i < w->n_lines; i++) {
		const struct line *line = &w->lines[i];

		if (line->end > line->start)
			strbuf_add(out, w->text.text + line->start, line->end - line->start);
		if (line->comment) {
			if (i >= aligned)
				column = align_from(w, i, &aligned);
			strbuf_fill(out, ' ',
				    (column > line->cells ? column - line->cells : 0) + 2);
			strbuf_add(out, line->comment->text, line->comment->size);
		}
		strbuf_putc(out, '\n');
	}
}

/* In a list, what is said of a block before its first key is said before the dash. */
static void lift_comments(struct format_node *node)
{
	for (size_t i = 0; i < node->n_items; i++) {
		struct format_item *item = &node->items[i];
		struct format_item *first = item->value->n_items ? &item->value->items[0] : NULL;

		if (item->value->kind == FORMAT_SCALAR)
			continue;
		lift_comments(item->value);
		if (item->key || item->value->flow || item->value->properties || !first ||
		    !first->leading.first)
			continue;
		if (!item->leading.end)
			item->leading.end = &item->leading.first;
		*item->leading.end = first->leading.first;
		item->leading.end = first->leading.end;
		first->leading = (struct format_comments){0};
	}
}

void format_write(struct format_document *d, bool sort, struct strbuf *out)
{
	struct writer w = {.document = d, .text = STRBUF_INIT, .sort = sort};
	const struct schema_type *type = schema_type(schema_root);

	put_comments(&w, &d->header, 0);
	if (d->header.first && d->header_blank)
		put_blank(&w);
	if (d->root && !d->root->flow && d->root->kind != FORMAT_SCALAR && !d->root->properties) {
		lift_comments(d->root);
		put_block(&w, d->root, type, 0, false);
	} else if (d->root && d->root->flow) {
		put_flow(&w, d->root, type, 0);
		end_line(&w, NULL);
	}
	put_tail(&w, &d->tail, 0);
	while (w.n_lines && w.lines[w.n_lines - 1].end == w.lines[w.n_lines - 1].start &&
	       !w.lines[w.n_lines - 1].verbatim)
		w.n_lines--;
	put_lines(&w, out);
	free(w.lines);
	strbuf_fini(&w.text);
}
