/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in a graph.
 */
#include <string.h>

#include "graph/graph.h"
#include "schema/value.h"

const struct device_type *device_type_find(const char *name)
{
	for (const struct device_type *const *type = device_types; *type; type++)
		if (strcmp((*type)->name, name) == 0)
			return *type;
	return NULL;
}

struct span graph_node_span(const struct graph_node *node, const char *property)
{
	return property && node->value ? value_span(node->value, property) : node->span;
}

const char *graph_node_formerly(const struct graph_node *node)
{
	const struct value *value = node->value ? value_child(node->value, "formerly") : NULL;

	return value ? value->string : NULL;
}

const struct graph_node *graph_find(const struct graph *graph, const char *path)
{
	const struct graph_node *node;
	size_t i;

	graph_for_each_node (graph, node, i)
		if (strcmp(node->path, path) == 0)
			return node;
	return NULL;
}
