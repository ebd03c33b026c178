/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events to nodes. The events are taken and not the documents of yaml_parser_load(),
 * which forget the place of an alias and the name of an anchor, cannot be bounded while they are
 * made, and do not see duplicate keys.
 *
 * Nodes never move: an alias is a pointer to the node of its anchor. A map or list gathers its
 * entries on a stack that all of them share, and copies them into the arena when it ends.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/suggest.h"
#include "document/load.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct anchor {
	const struct node *node;
	bool complete; /* its end was seen: an alias may name it */
};

struct loader {
	struct arena *arena;
	struct diag_list *diags;
	const struct source *source;
	const struct load_origin *origin;
	yaml_parser_t parser;

	struct node_entry *stack;
	size_t n_stack, room;
	struct anchor anchors[DOCUMENT_MAX_ALIASES];
	size_t n_anchors, n_aliases, n_nodes;
	const struct node *last_scalar;
	bool stopped;   /* nothing more can be read */
	bool uncertain; /* a part of the tree is missing: it must not be checked further */
};

static struct span make_span(const struct loader *l, const yaml_mark_t *start,
			     const yaml_mark_t *end)
{
	uint32_t shift = l->origin ? l->origin->column : 0;

	return (struct span){
		.source = l->source,
		.line = (uint32_t)start->line + 1,
		.column = (uint32_t)start->column + 1 + (start->line ? 0 : shift),
		.end_line = (uint32_t)end->line + 1,
		.end_column = (uint32_t)end->column + 1 + (end->line ? 0 : shift),
	};
}

static struct span event_span(const struct loader *l, const yaml_event_t *event)
{
	return make_span(l, &event->start_mark, &event->end_mark);
}

/* The next event, to be given to yaml_event_delete(). Return: false when there is none. */
static bool next_event(struct loader *l, yaml_event_t *event)
{
	if (l->stopped)
		return false;
	if (yaml_parser_parse(&l->parser, event))
		return true;
	syntax_error(&l->parser, l->source, l->origin, l->last_scalar, l->diags);
	l->stopped = true;
	return false;
}

static void printf_like(3, 4) over_budget(struct loader *l, struct span span, const char *fmt, ...)
{
	char message[160];
	struct diag *diag;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag = diag_add(l->diags, "E0119", DIAG_ERROR, span, "%s", message);
	diag_hint(l->diags, diag, "no description needs that; is this the right file?");
	l->stopped = true;
}

static void push_entry(struct loader *l, const struct node_entry *entry)
{
	if (l->n_stack == l->room) {
		l->room = MAX(l->room * 2, (size_t)64);
		l->stack = reallocarray(l->stack, l->room, sizeof(*l->stack));
		invariant(l->stack != NULL);
	}
	l->stack[l->n_stack++] = *entry;
}

static void add_anchor(struct loader *l, struct node *node, const yaml_char_t *name)
{
	if (!name)
		return;
	node->anchor = arena_strdup(l->arena, (const char *)name);
	if (l->n_anchors == ARRAY_SIZE(l->anchors)) {
		over_budget(l, node->span, "there are more than %d anchors", DOCUMENT_MAX_ALIASES);
		return;
	}
	l->anchors[l->n_anchors++] = (struct anchor){.node = node};
}

/* The anchors that began inside of @node, and its own, may be named from here on. */
static void complete_anchors(struct loader *l, const struct node *node)
{
	if (!node->anchor)
		return;
	for (size_t i = l->n_anchors; i-- > 0;)
		if (l->anchors[i].node == node) {
			l->anchors[i].complete = true;
			break;
		}
}

static struct node *new_node(struct loader *l, const yaml_event_t *event, enum node_kind kind,
			     enum node_style style)
{
	struct node *node = arena_new(l->arena, struct node);

	node->kind = kind;
	node->style = style;
	node->span = event_span(l, event);
	if (++l->n_nodes > DOCUMENT_MAX_NODES)
		over_budget(l, node->span, "there are more than %d values", DOCUMENT_MAX_NODES);
	return node;
}

/* Takes the tags of the core schema where they fit; "!" and !!str make a scalar a string. */
static void apply_tag(struct loader *l, struct node *node, const yaml_char_t *written)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",   [NODE_BOOL] = "bool",  [NODE_INT] = "int",
		[NODE_FLOAT] = "float", [NODE_STRING] = "str", [NODE_SEQ] = "seq",
		[NODE_MAP] = "map",
	};
	const char *tag = (const char *)written;
	struct diag *diag;

	if (!tag)
		return;
	node->tag = arena_strdup(l->arena, tag);
	if (node_is_scalar(node) && (strcmp(tag, "!") == 0 || strcmp(tag, TAG_PREFIX "str") == 0)) {
		node->kind = NODE_STRING;
		return;
	}
	for (size_t kind = 0; kind < ARRAY_SIZE(names); kind++) {
		if (strncmp(tag, TAG_PREFIX, strlen(TAG_PREFIX)) != 0 ||
		    strcmp(tag + strlen(TAG_PREFIX), names[kind]) != 0)
			continue;
		if (node->kind == kind)
			return;
		diag = diag_add(l->diags, "E0115", DIAG_ERROR, node->span,
				"the tag !!%s does not fit: this is %s", names[kind],
				node_kind_name(node->kind));
		diag_hint(l->diags, diag, "remove the tag");
		return;
	}
	diag = diag_add(l->diags, "E0115", DIAG_ERROR, node->span,
			"the tag '%s' means nothing in a description", tag);
	if (strcmp(tag, "!include") == 0)
		diag_hint(l->diags, diag,
			  "other files are included at the top: include: [FILE, …]");
	else
		diag_hint(l->diags, diag, "remove it; quote the value if the ! belongs to it");
}

static struct node *load_scalar(struct loader *l, const yaml_event_t *event)
{
	static const enum node_style styles[] = {
		[YAML_ANY_SCALAR_STYLE] = NODE_PLAIN,
		[YAML_PLAIN_SCALAR_STYLE] = NODE_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = NODE_SINGLE_QUOTED,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = NODE_DOUBLE_QUOTED,
		[YAML_LITERAL_SCALAR_STYLE] = NODE_LITERAL,
		[YAML_FOLDED_SCALAR_STYLE] = NODE_FOLDED,
	};
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	struct node *node = new_node(l, event, NODE_STRING, styles[event->data.scalar.style]);
	size_t errors = diag_errors(l->diags);
	struct diag *diag;

	add_anchor(l, node, event->data.scalar.anchor);
	if (size > DOCUMENT_MAX_SCALAR) {
		over_budget(l, node->span, "this text is longer than %d KiB",
			    DOCUMENT_MAX_SCALAR / 1024);
		size = 0;
	}
	if (memchr(text, '\0', size)) {
		diag = diag_add(l->diags, "E0102", DIAG_ERROR, node->span,
				"this text holds the character NUL (\\0)");
		diag_hint(l->diags, diag, "no file name, key or option can hold one; remove it");
		size = strlen(text);
	}
	node->text = arena_strndup(l->arena, text, size);
	node->size = (uint32_t)size;
	if (!node_is_quoted(node)) {
		scalar_resolve(node, l->diags);
		text_check_plain(node, l->diags);
	}
	apply_tag(l, node, event->data.scalar.tag);
	node->refused = diag_errors(l->diags) > errors;
	node_weigh(node);
	complete_anchors(l, node);
	l->last_scalar = node;
	return node;
}

static const struct node *unknown_alias(struct loader *l, struct span span, const char *name)
{
	const char *names[DOCUMENT_MAX_ALIASES];
	const char *near;
	struct diag *diag;

	for (size_t i = 0; i < l->n_anchors; i++)
		names[i] = l->anchors[i].complete ? l->anchors[i].node->anchor : NULL;
	near = suggest(name, names, l->n_anchors);
	diag = diag_add(l->diags, "E0113", DIAG_ERROR, span,
			"the alias *%s names no anchor: there is no &%s above it", name, name);
	if (near)
		diag_hint(l->diags, diag, "did you mean *%s?", near);
	else
		diag_hint(l->diags, diag,
			  "move the anchor above this, or quote the value if it is no alias: '*%s'",
			  name);
	l->uncertain = true;
	return NULL;
}

/* The node an alias stands for, or NULL. @depth is the level the alias stands on. */
static const struct node *load_alias(struct loader *l, const yaml_event_t *event, unsigned depth)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct span span = event_span(l, event);
	struct diag *diag;

	if (++l->n_aliases > DOCUMENT_MAX_ALIASES) {
		over_budget(l, span, "there are more than %d aliases", DOCUMENT_MAX_ALIASES);
		return NULL;
	}
	for (size_t i = l->n_anchors; i-- > 0;) { /* the newest of that name counts */
		const struct anchor *anchor = &l->anchors[i];

		if (strcmp(anchor->node->anchor, name) != 0)
			continue;
		if (!anchor->complete) {
			diag = diag_add(l->diags, "E0113", DIAG_ERROR, span,
					"the alias *%s stands inside the value that it names",
					name);
			diag_hint(l->diags, diag, "quote the value if it is no alias: '*%s'", name);
			diag_relate(l->diags, diag, anchor->node->span, "&%s begins here", name);
			l->uncertain = true;
			return NULL;
		}
		if (depth + anchor->node->tree_depth > DOCUMENT_MAX_DEPTH) {
			over_budget(l, span, "values are nested deeper than %d levels here",
				    DOCUMENT_MAX_DEPTH);
			return NULL;
		}
		return anchor->node;
	}
	return unknown_alias(l, span, name);
}

static const struct node *load_node(struct loader *l, yaml_event_t *event, unsigned depth);

/* Loads the value of an entry from @event and fills @entry. Return: whether there is a value. */
static bool load_value(struct loader *l, yaml_event_t *event, unsigned depth,
		       struct node_entry *entry)
{
	if (event->type == YAML_ALIAS_EVENT)
		entry->alias = event_span(l, event);
	entry->value = load_node(l, event, depth);
	return entry->value != NULL;
}

static void load_items(struct loader *l, unsigned depth)
{
	yaml_event_t event;

	while (next_event(l, &event)) {
		struct node_entry entry = {0};
		bool end = event.type == YAML_SEQUENCE_END_EVENT;

		if (!end && load_value(l, &event, depth + 1, &entry))
			push_entry(l, &entry);
		yaml_event_delete(&event);
		if (end)
			break;
	}
}

/* The key of the next pair, or NULL with a diagnostic when the event is none that can be a key. */
static struct node *load_key(struct loader *l, yaml_event_t *event, unsigned depth)
{
	struct diag *diag;
	struct node *key;

	if (event->type == YAML_SCALAR_EVENT) {
		key = load_scalar(l, event);
		if (key->size > 0)
			return key;
		diag = diag_add(l->diags, "E0112", DIAG_ERROR, key->span, "a key is empty");
		diag_hint(l->diags, diag, "write a key before the colon");
		return NULL;
	}
	diag = diag_add(l->diags, "E0112", DIAG_ERROR, event_span(l, event),
			event->type == YAML_ALIAS_EVENT           ? "a key cannot be an alias"
			: event->type == YAML_MAPPING_START_EVENT ? "a key cannot be a map"
								  : "a key cannot be a list");
	diag_hint(
		l->diags, diag,
		event->type == YAML_MAPPING_START_EVENT
			? "quote the value if it begins with a brace, as in '${name}' or '{{ name }}'"
			: "write a plain word before the colon");
	if (event->type != YAML_ALIAS_EVENT)
		load_node(l, event, depth + 1);
	l->uncertain = true;
	return NULL;
}

/* `-terminal` on a line of its own: without the space, that is a text that begins with a dash. */
static void check_missing_dash_space(struct loader *l, struct node_entry *entry)
{
	const struct node *value = entry->value;
	struct node *refused;
	struct span dash = value->span;
	struct diag *diag;

	if (value->kind != NODE_STRING || node_is_quoted(value) || value->text[0] != '-' ||
	    value->text[1] == '-' || entry->alias.line || dash.line == entry->key->span.line)
		return;
	dash.end_line = dash.line;
	dash.end_column = dash.column + 1;
	diag = diag_add(l->diags, "E0107", DIAG_ERROR, dash,
			"there is no space after the dash of a list item");
	diag_hint(l->diags, diag, "write '- %.*s'; quote the text if it is no list",
		  (int)MIN(strcspn(value->text + 1, " "), (size_t)60), value->text + 1);
	refused = arena_new(l->arena, struct node);
	*refused = *value;
	refused->refused = true;
	entry->value = refused;
}

/* `{count:2}`: without the space, that is a key called "count:2" with no value. */
static void check_missing_space(struct loader *l, struct node *key, const struct node_entry *entry)
{
	const char *colon = strchr(key->text, ':');
	struct diag *diag;

	if (!colon || node_is_quoted(key) || entry->value->kind != NODE_NULL || entry->value->size)
		return;
	diag = diag_add(l->diags, "E0107", DIAG_ERROR, key->span,
			"there is no space after the colon in '%s'", key->text);
	diag_hint(l->diags, diag, "write '%.*s: %s'", (int)(colon - key->text), key->text,
		  colon + 1);
	key->refused = true;
}

static void load_pairs(struct loader *l, unsigned depth)
{
	yaml_event_t event;

	while (next_event(l, &event)) {
		struct node_entry entry = {0};
		bool end = event.type == YAML_MAPPING_END_EVENT, loaded;
		struct node *key;

		if (end) {
			yaml_event_delete(&event);
			break;
		}
		entry.key = key = load_key(l, &event, depth);
		yaml_event_delete(&event);
		if (!next_event(l, &event))
			break;
		loaded = load_value(l, &event, depth + 1, &entry);
		yaml_event_delete(&event);
		if (!loaded || !key)
			continue;
		check_missing_space(l, key, &entry);
		check_missing_dash_space(l, &entry);
		push_entry(l, &entry);
	}
}

static bool is_merge_key(const struct node *key)
{
	return !node_is_quoted(key) && strcmp(key->text, "<<") == 0;
}

static bool push_merged(struct loader *l, const struct node *map, struct span span)
{
	l->n_nodes += map->n_entries;
	if (l->n_nodes > DOCUMENT_MAX_NODES) {
		over_budget(l, span, "merging gives more than %d values", DOCUMENT_MAX_NODES);
		return false;
	}
	for (uint32_t i = 0; i < map->n_entries; i++) {
		struct node_entry entry = map->entries[i];

		entry.merged = true;
		push_entry(l, &entry);
	}
	return true;
}

/* Puts the pairs of what `<<` names behind the map's own on the stack. */
static void expand_merge(struct loader *l, const struct node_entry *merge)
{
	const struct node *value = merge->value;
	struct diag *diag;

	if (value->kind == NODE_MAP) {
		push_merged(l, value, node_entry_span(merge));
		return;
	}
	for (uint32_t i = 0; value->kind == NODE_SEQ && i < value->n_entries; i++) {
		const struct node_entry *item = &value->entries[i];

		if (item->value->kind == NODE_MAP) {
			if (!push_merged(l, item->value, node_entry_span(item)))
				return;
			continue;
		}
		merge = item;
		value = item->value;
		break;
	}
	if (value->kind == NODE_SEQ)
		return;
	diag = diag_add(l->diags, "E0114", DIAG_ERROR, node_entry_span(merge),
			"a merge key (<<) takes a map or a list of maps, this is %s",
			node_kind_name(value->kind));
	diag_hint(l->diags, diag, "write '<<: *name', where &name stands before a map");
	l->uncertain = true;
}

/* Takes the merge keys of the newest @n entries out, and puts what they name behind. */
static void expand_merges(struct loader *l, size_t first)
{
	size_t n = l->n_stack, kept = first, n_merges = 0;
	struct node_entry *merges;

	for (size_t i = first; i < n; i++)
		n_merges += is_merge_key(l->stack[i].key);
	if (n_merges == 0)
		return;
	merges = arena_new_array(l->arena, n_merges, struct node_entry);
	n_merges = 0;
	for (size_t i = first; i < n; i++) {
		if (is_merge_key(l->stack[i].key))
			merges[n_merges++] = l->stack[i];
		else
			l->stack[kept++] = l->stack[i];
	}
	l->n_stack = kept;
	for (size_t i = 0; i < n_merges && !l->stopped; i++)
		expand_merge(l, &merges[i]);
}

static void duplicate_key(struct loader *l, const struct node_entry *first,
			  const struct node_entry *again)
{
	struct diag *diag;

	if (again->merged)
		return; /* the map's own pairs, and those merged first, win: that is what merging is
			 */
	diag = diag_add(l->diags, "E0111", DIAG_ERROR, again->key->span,
			"the key '%s' is there twice", again->key->text);
	diag_hint(l->diags, diag, "remove one of the two, or give one another name");
	diag_relate(l->diags, diag, first->key->span, "first defined here");
}

/* Marks the entries whose key an earlier one has by taking their value. */
static void find_duplicates(struct loader *l, const struct node *node, struct node_entry *entries)
{
	uint32_t n = node->n_entries, first = 0;

	if (node->by_key) {
		first = node->by_key[0];
		for (uint32_t i = 1; i < n; i++) {
			uint32_t next = node->by_key[i];

			if (strcmp(entries[first].key->text, entries[next].key->text) != 0) {
				first = next;
				continue;
			}
			duplicate_key(l, &entries[first], &entries[next]);
			entries[next].value = NULL;
		}
		return;
	}
	for (uint32_t i = 1; i < n; i++)
		for (first = 0; first < i; first++)
			if (strcmp(entries[first].key->text, entries[i].key->text) == 0) {
				duplicate_key(l, &entries[first], &entries[i]);
				entries[i].value = NULL;
				break;
			}
}

/* Drops the entries whose key an earlier one has. */
static void drop_duplicates(struct loader *l, struct node *node, struct node_entry *entries)
{
	uint32_t n = node->n_entries, kept = 0;

	find_duplicates(l, node, entries);
	for (uint32_t i = 0; i < n; i++)
		if (entries[i].value)
			entries[kept++] = entries[i];
	if (kept == n)
		return;
	node->n_entries = kept;
	node->by_key = NULL;
	node_index(l->arena, node);
}

/* Moves the entries above @first from the stack into @node, and closes it. */
static void finish(struct loader *l, struct node *node, size_t first)
{
	size_t n = l->n_stack - first;
	struct node_entry *entries = arena_new_array(l->arena, n, struct node_entry);
	const struct node_entry *heavy;

	if (n)
		memcpy(entries, l->stack + first, n * sizeof(*entries));
	l->n_stack = first;
	node->entries = entries;
	node->n_entries = (uint32_t)n;
	if (node->kind == NODE_MAP) {
		node_index(l->arena, node);
		drop_duplicates(l, node, entries);
	}
	heavy = node_weigh(node);
	if (heavy)
		over_budget(l, node_entry_span(heavy),
			    "with its aliases followed, this is more than %d values or %d MiB",
			    DOCUMENT_MAX_NODES, DOCUMENT_MAX_BYTES / 1024 / 1024);
	complete_anchors(l, node);
}

static struct node *load_collection(struct loader *l, yaml_event_t *event, unsigned depth)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT, flow;
	size_t first = l->n_stack;
	struct node *node;

	flow = is_map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
		      : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	node = new_node(l, event, is_map ? NODE_MAP : NODE_SEQ, flow ? NODE_FLOW : NODE_BLOCK);
	if (depth >= DOCUMENT_MAX_DEPTH) {
		over_budget(l, node->span, "values are nested deeper than %d levels here",
			    DOCUMENT_MAX_DEPTH);
		return node;
	}
	add_anchor(l, node,
		   is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
	apply_tag(l, node, is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
	if (is_map)
		load_pairs(l, depth);
	else
		load_items(l, depth);
	if (is_map && !l->stopped)
		expand_merges(l, first);
	if (l->stopped)
		l->n_stack = first;
	finish(l, node, first);
	return node;
}

static const struct node *load_node(struct loader *l, yaml_event_t *event, unsigned depth)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return load_alias(l, event, depth);
	case YAML_SCALAR_EVENT:
		return load_scalar(l, event);
	default:
		return load_collection(l, event, depth);
	}
}

static void second_document(struct loader *l, const yaml_event_t *event)
{
	struct span span = event_span(l, event);
	struct diag *diag;

	diag = diag_add(l->diags, "E0118", DIAG_ERROR, span, "a second document begins here");
	diag_hint(l->diags, diag,
		  "a file describes one machine: put the other one into its own file");
}

static struct node *load_document(struct loader *l)
{
	const struct node *root = NULL;
	yaml_event_t event;

	while (next_event(l, &event)) {
		yaml_event_type_t type = event.type;

		if (type == YAML_DOCUMENT_START_EVENT && root) {
			second_document(l, &event);
			l->stopped = true;
		} else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
			   type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT) {
			root = load_node(l, &event, 0);
		}
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	return l->stopped || l->uncertain ? NULL : (struct node *)root;
}

struct node *load_tree(struct arena *arena, const struct source *source,
		       const struct load_origin *origin, struct diag_list *diags)
{
	struct loader l = {.arena = arena, .diags = diags, .source = source, .origin = origin};
	size_t offset = origin ? origin->offset : 0;
	struct node *root;

	if (!text_check(source, diags))
		return NULL;
	invariant(yaml_parser_initialize(&l.parser));
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)source->text + offset,
				     source->size - offset);
	root = load_document(&l);
	yaml_parser_delete(&l.parser);
	free(l.stack);
	return root;
}
