/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph as Graphviz DOT text, for people.
 */
#pragma once

#include "graph/graph.h"

struct strbuf;

/* Appends the graph in the DOT language. */
void graph_to_dot(const struct graph *graph, struct strbuf *out);
