/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events to the tree of the formatter, each scalar a part of the text.
 */
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/utf8.h"
#include "schema/format-internal.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct reader {
	struct format_document *document;
	struct arena *arena;
	yaml_parser_t parser;
	size_t *offsets; /* of each character: marks count characters */
	size_t n_characters;
	const struct format_node **scalars; /* in the order of the text */
	size_t n_scalars, room;
};

static bool make_offsets(struct reader *r)
{
	const struct source *source = r->document->source;
	size_t at = 0, n = 0;

	r->offsets = arena_new_array(r->arena, source->size + 1, size_t);
	while (at < source->size) {
		uint32_t c;
		size_t size = utf8_decode(source->text + at, source->size - at, &c);

		if (!size)
			return false;
		r->offsets[n++] = at;
		at += size;
	}
	r->offsets[n] = at;
	r->n_characters = n;
	return true;
}

static size_t offset_of(const struct reader *r, const yaml_mark_t *mark)
{
	return r->offsets[MIN(mark->index, r->n_characters)];
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return true;
	r->document->refusal = "the text is no YAML";
	return false;
}

static struct format_node *new_node(struct reader *r, const yaml_event_t *event,
				    enum format_kind kind)
{
	struct format_node *node = arena_new(r->arena, struct format_node);

	node->kind = kind;
	node->start = offset_of(r, &event->start_mark);
	node->end = offset_of(r, &event->end_mark);
	node->line = (uint32_t)event->start_mark.line;
	node->end_line = (uint32_t)event->end_mark.line;
	return node;
}

static struct format_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
	struct format_node *node = new_node(r, event, FORMAT_SCALAR);
	const char *text = r->document->source->text;

	if (event->type == YAML_SCALAR_EVENT)
		node->block_scalar = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
				     event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
	/* Of a block the blank lines that it does not keep are no part. */
	if (node->block_scalar) {
		size_t header = node->start + strcspn(text + node->start, "\n");
		bool keeps = memchr(text + node->start, '+', header - node->start);

		while (!keeps && node->end > header && text[node->end - 1] == '\n')
			node->end--;
	}
	if (r->n_scalars == r->room) {
		size_t room = MAX(r->room * 2, (size_t)64);
		const struct format_node **more =
			arena_new_array(r->arena, room, const struct format_node *);

		if (r->n_scalars)
			memcpy(more, r->scalars, r->n_scalars * sizeof(struct format_node *));
		r->scalars = more;
		r->room = room;
	}
	r->scalars[r->n_scalars++] = node;
	return node;
}

static const char *properties(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const char *name = (const char *)tag;

	/* Other tags are no part of descriptions. */
	if (name && !strncmp(name, TAG_PREFIX, strlen(TAG_PREFIX)))
		name = arena_printf(r->arena, "!!%s", name + strlen(TAG_PREFIX));
	if (!anchor && !name)
		return NULL;
	return arena_printf(r->arena, "%s%s%s%s", anchor ? "&" : "",
			    anchor ? (const char *)anchor : "", anchor && name ? " " : "",
			    name ? name : "");
}

static struct format_node *read_node(struct reader *r, yaml_event_t *event);

static void push_item(struct reader *r, struct format_node *node, size_t *room,
		      const struct format_item *item)
{
	if (node->n_items == *room) {
		struct format_item *more;

		*room = MAX(*room * 2, (size_t)8);
		more = arena_new_array(r->arena, *room, struct format_item);
		if (node->n_items)
			memcpy(more, node->items, node->n_items * sizeof(*more));
		node->items = more;
	}
	node->items[node->n_items++] = *item;
}

/* The column of an item of a block sequence is that of its dash, which no event tells. */
static uint32_t dash_column(const struct reader *r, size_t start, uint32_t fallback)
{
	const char *text = r->document->source->text;
	size_t at = start ? start - 1 : 0, line;

	while (at > 0 && text[at] != '-')
		at--;
	line = at;
	while (line > 0 && text[line - 1] != '\n')
		line--;
	return at > 0 || text[0] == '-' ? (uint32_t)(at - line) : fallback;
}

static struct format_node *read_collection(struct reader *r, const yaml_event_t *start)
{
	bool map = start->type == YAML_MAPPING_START_EVENT;
	struct format_node *node = new_node(r, start, map ? FORMAT_MAP : FORMAT_SEQ);
	yaml_event_t event;
	size_t room = 0;

	node->flow = map ? start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			 : start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	node->properties =
		map ? properties(r, start->data.mapping_start.anchor, start->data.mapping_start.tag)
		    : properties(r, start->data.sequence_start.anchor,
				 start->data.sequence_start.tag);
	while (next_event(r, &event)) {
		struct format_item item = {.column = (uint32_t)event.start_mark.column};
		bool end = event.type == YAML_MAPPING_END_EVENT ||
			   event.type == YAML_SEQUENCE_END_EVENT;

		if (end) {
			if (node->flow) {
				node->end = offset_of(r, &event.end_mark);
				node->end_line = (uint32_t)event.end_mark.line;
			}
			yaml_event_delete(&event);
			break;
		}
		if (map) {
			item.key = read_node(r, &event);
			yaml_event_delete(&event);
			if (r->document->refusal || !next_event(r, &event))
				break;
		}
		item.value = read_node(r, &event);
		yaml_event_delete(&event);
		if (r->document->refusal)
			break;
		if (!map && !node->flow)
			item.column = dash_column(r, item.value->start, item.column);
		push_item(r, node, &room, &item);
	}
	node->expanded = node->flow && node->end_line != node->line;
	return node;
}

static struct format_node *read_node(struct reader *r, yaml_event_t *event)
{
	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		return read_collection(r, event);
	return read_scalar(r, event);
}

static void check_directives(struct format_document *document, const yaml_event_t *event)
{
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		document->refusal = "a file with % directives is not laid out";
}

static void read_stream(struct reader *r)
{
	yaml_event_t event;
	bool end = false;

	while (!end && !r->document->refusal && next_event(r, &event)) {
		switch (event.type) {
		case YAML_DOCUMENT_START_EVENT:
			check_directives(r->document, &event);
			break;
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			r->document->root = read_node(r, &event);
			break;
		}
		yaml_event_delete(&event);
	}
}

bool format_read(struct format_document *document)
{
	struct reader r = {.document = document, .arena = document->arena};

	if (!make_offsets(&r))
		return false;
	invariant(yaml_parser_initialize(&r.parser));
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)document->source->text,
				     document->source->size);
	read_stream(&r);
	yaml_parser_delete(&r.parser);
	if (document->refusal)
		return false;
	format_find_comments(document, r.scalars, r.n_scalars);
	format_attach_comments(document);
	return true;
}
