/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laying trees over each other.
 */
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/utf8.h"
#include "document/load.h"
#include "document/overlay.h"

struct node *overlay(struct arena *arena, const struct node *base, const struct node *top)
{
	struct node *result = arena_new(arena, struct node);
	struct node_entry *entries;
	uint32_t n = 0;

	if (base->kind != NODE_MAP || top->kind != NODE_MAP) {
		*result = *top;
		return result;
	}
	*result = *base;
	entries =
		arena_new_array(arena, (size_t)base->n_entries + top->n_entries, struct node_entry);
	for (uint32_t i = 0; i < base->n_entries; i++) {
		const struct node_entry *below = &base->entries[i];
		const struct node_entry *above = node_find(top, below->key->text);

		if (above && above->value->kind == NODE_NULL)
			continue;
		entries[n] = above ? *above : *below;
		if (above && above->value->kind == NODE_MAP && below->value->kind == NODE_MAP) {
			entries[n] = *below;
			entries[n].value = overlay(arena, below->value, above->value);
			entries[n].alias.line = 0;
		}
		n++;
	}
	for (uint32_t i = 0; i < top->n_entries; i++)
		if (!node_find(base, top->entries[i].key->text))
			entries[n++] = top->entries[i];
	result->entries = entries;
	result->n_entries = n;
	result->by_key = NULL;
	node_index(arena, result);
	node_weigh(result);
	return result;
}

static uint32_t characters(const char *text, size_t size)
{
	uint32_t n = 0, c;

	for (size_t at = 0; at < size; n++) {
		size_t bytes = utf8_decode(text + at, size - at, &c);

		at += bytes ? bytes : 1;
	}
	return n;
}

static struct span part(const struct source *source, size_t at, size_t size)
{
	return (struct span){
		.source = source,
		.line = 1,
		.column = characters(source->text, at) + 1,
		.end_line = 1,
		.end_column = characters(source->text, at + size) + 1,
	};
}

/* A map of one pair, whose key is @size bytes of the override at @at. */
static struct node *make_map(struct arena *arena, const struct source *source, size_t at,
			     size_t size, const struct node *value)
{
	struct node *map = arena_new(arena, struct node), *key = arena_new(arena, struct node);
	struct node_entry *entry = arena_new(arena, struct node_entry);

	key->kind = NODE_STRING;
	key->text = arena_strndup(arena, source->text + at, size);
	key->size = (uint32_t)size;
	key->span = part(source, at, size);
	node_weigh(key);
	entry->key = key;
	entry->value = value;
	map->kind = NODE_MAP;
	map->style = NODE_FLOW;
	map->span = key->span;
	map->entries = entry;
	map->n_entries = 1;
	return map;
}

static struct node *null_value(struct arena *arena, const struct source *source)
{
	struct node *node = arena_new(arena, struct node);

	node->kind = NODE_NULL;
	node->text = "";
	node->span = part(source, source->size, 0);
	node_weigh(node);
	return node;
}

/* Whether the keys of "devices.net0.mac" are all there, and not too many. */
static bool check_path(const struct source *source, size_t size, struct diag_list *diags)
{
	struct diag *diag;
	unsigned depth = 1;

	for (size_t i = 0; i <= size; i++) {
		bool dot = i == size || source->text[i] == '.';

		if (dot && (i == 0 || source->text[i - 1] == '.')) {
			diag = diag_add(diags, "E0120", DIAG_ERROR, part(source, i, 1),
					"a key is missing here");
			diag_hint(diags, diag, "write a path of keys, as in --set cpus.count=4");
			return false;
		}
		if (dot && ++depth > DOCUMENT_MAX_DEPTH / 2) {
			diag_add(diags, "E0119", DIAG_ERROR, part(source, i, 1),
				 "more than %d keys in one path", DOCUMENT_MAX_DEPTH / 2);
			return false;
		}
	}
	return true;
}

struct node *overlay_set(struct arena *arena, struct node *root, const char *set,
			 struct diag_list *diags)
{
	struct source *source = source_from_text(arena, "--set", set, strlen(set));
	const char *equals = strchr(source->text, '=');
	size_t size = equals ? (size_t)(equals - source->text) : source->size, errors, end = size;
	struct load_origin origin = {.offset = size + 1};
	struct node *top = NULL;
	struct diag *diag;

	if (!equals) {
		diag = diag_add(diags, "E0120", DIAG_ERROR, part(source, source->size, 1),
				"an override has no '=' and value");
		diag_hint(diags, diag, "write --set path.of.keys=value, as in --set cpus.count=4");
		return NULL;
	}
	if (!check_path(source, size, diags))
		return NULL;
	errors = diag_errors(diags);
	origin.column = characters(source->text, origin.offset);
	top = load_tree(arena, source, &origin, diags);
	if (diag_errors(diags) > errors)
		return NULL;
	if (!top)
		top = null_value(arena, source);
	while (end > 0) {
		size_t at = end;

		while (at > 0 && source->text[at - 1] != '.')
			at--;
		top = make_map(arena, source, at, end - at, top);
		end = at ? at - 1 : 0;
	}
	return overlay(arena, root, top);
}
