/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the formatter: the text as its author wrote it, aliases and merge keys not followed,
 * comments at what they belong to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct source;
struct strbuf;

struct format_comment {
	const char *text; /* from the '#' on */
	size_t size, offset;
	uint32_t line, column; /* from 0 */
	bool own_line;         /* nothing stands before it */
	bool blank_before;
	struct format_comment *next; /* of those that belong to the same thing */
};

struct format_comments {
	struct format_comment *first, **end;
};

enum format_kind {
	FORMAT_SCALAR, /* or an alias */
	FORMAT_SEQ,
	FORMAT_MAP,
};

struct format_node {
	enum format_kind kind;
	bool flow;         /* [] {} */
	bool block_scalar; /* | > */
	bool expanded;     /* a flow collection on several lines */
	size_t start, end; /* bytes of the text; of a collection with its anchor and tag */
	uint32_t line, end_line;
	const char *properties; /* "&name !!map" of a collection, or NULL */
	struct format_item *items;
	size_t n_items;
	struct format_comments tail; /* after the last item */
};

struct format_item {
	struct format_node *key; /* NULL in a sequence */
	struct format_node *value;
	uint32_t column; /* of the key or dash */
	size_t order;    /* by which items are sorted */
	bool blank_before, blank_after_leading;
	struct format_comments leading;     /* on lines of their own */
	struct format_comment *end_of_line; /* or NULL */
};

struct format_document {
	struct arena *arena;
	const struct source *source;
	struct format_node *root;            /* NULL: nothing but comments */
	struct format_comments header, tail; /* above the first key, below the last */
	bool header_blank;                   /* a blank line follows the header */
	struct format_comment *comments;     /* all, by offset */
	size_t n_comments;
	const char *refusal; /* why it cannot be laid out */
};

/* Reads the text, which load_tree() has taken. Return: whether it can be laid out. */
bool format_read(struct format_document *document);

/* Puts every comment at what it belongs to (format-comments.c). */
void format_find_comments(struct format_document *document,
			  const struct format_node *const *scalars, size_t n_scalars);
void format_attach_comments(struct format_document *document);

/* Appends the layout; sorts keys first when @sort. */
void format_write(struct format_document *document, bool sort, struct strbuf *out);
