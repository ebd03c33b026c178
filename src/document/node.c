/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into the tree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "document/load.h"
#include "document/node.h"

#define INDEX_FROM 8 /* entries; below, looking at each is faster */

void node_entry_relate(const struct node_entry *entry, struct diag_list *diags, struct diag *diag)
{
	if (entry->alias.line)
		diag_relate(diags, diag, entry->value->span, "the value is written here");
	if (entry->value->origin)
		diag_relate(diags, diag, entry->value->origin->span, "the value comes from here");
}

static int compare_keys(const void *a, const void *b, void *entries)
{
	const struct node_entry *all = entries;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = strcmp(all[i].key->text, all[j].key->text);

	return order ? order : i < j ? -1 : 1;
}

void node_index(struct arena *arena, struct node *node)
{
	uint32_t *order;

	if (node->n_entries <= INDEX_FROM)
		return;
	order = arena_new_array(arena, node->n_entries, uint32_t);
	for (uint32_t i = 0; i < node->n_entries; i++)
		order[i] = i;
	qsort_r(order, node->n_entries, sizeof(*order), compare_keys, (void *)node->entries);
	node->by_key = order;
}

const struct node_entry *node_find(const struct node *node, const char *key)
{
	uint32_t low = 0, high;

	if (!node || node->kind != NODE_MAP)
		return NULL;
	if (!node->by_key) {
		for (uint32_t i = 0; i < node->n_entries; i++)
			if (strcmp(node->entries[i].key->text, key) == 0)
				return &node->entries[i];
		return NULL;
	}
	high = node->n_entries;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct node_entry *entry = &node->entries[node->by_key[middle]];
		int order = strcmp(entry->key->text, key);

		if (order == 0)
			return entry;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct node *node_get(const struct node *node, const char *key)
{
	const struct node_entry *entry = node_find(node, key);

	return entry ? entry->value : NULL;
}

const struct node *node_at(const struct node *root, const char *path)
{
	const struct node *node = root;

	while (node && *path) {
		size_t size = strcspn(path, ".");
		char key[256];

		if (size >= sizeof(key))
			return NULL;
		memcpy(key, path, size);
		key[size] = '\0';
		path += path[size] ? size + 1 : size;
		if (node->kind == NODE_SEQ) {
			char *end;
			unsigned long i = strtoul(key, &end, 10);

			node = !*end && end != key && i < node->n_entries ? node->entries[i].value
									  : NULL;
		} else {
			node = node_get(node, key);
		}
	}
	return node;
}

const char *node_kind_name(enum node_kind kind)
{
	static const char *const names[] = {
		[NODE_NULL] = "nothing",    [NODE_BOOL] = "true or false",
		[NODE_INT] = "an integer",  [NODE_FLOAT] = "a fraction",
		[NODE_STRING] = "a string", [NODE_SEQ] = "a list",
		[NODE_MAP] = "a map",
	};

	return names[kind];
}

const struct node_entry *node_weigh(struct node *node)
{
	uint64_t nodes = 1, bytes = node->size;
	unsigned depth = 0;

	if (!node_is_scalar(node)) {
		for (uint32_t i = 0; i < node->n_entries; i++) {
			const struct node_entry *entry = &node->entries[i];

			nodes += entry->value->tree_nodes + (entry->key ? 1U : 0U);
			bytes += entry->value->tree_bytes + (entry->key ? entry->key->size : 0U);
			depth = MAX(depth, (unsigned)entry->value->tree_depth);
			if (nodes > DOCUMENT_MAX_NODES || bytes > DOCUMENT_MAX_BYTES)
				return entry;
		}
	}
	node->tree_nodes = (uint32_t)nodes;
	node->tree_bytes = (uint32_t)bytes;
	node->tree_depth = (uint16_t)(depth + 1);
	return NULL;
}
