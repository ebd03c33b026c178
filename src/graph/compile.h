/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a checked description to the graph: nodes, edges, and every address, slot and GSI.
 */
#pragma once

#include "graph/graph.h"

struct arena;
struct config_machine;

/**
 * graph_compile() - compile a description that passed schema and rules
 * @root: the checked tree
 * @config: the same, bound
 * @pins: nodes whose places are kept, or NULL
 * @arena: where the graph lives, as @root and @config do
 * @diags: what has no room: the bus is full, two devices want one slot
 *
 * What is not pinned gets the lowest free place, devices in the order of their ids: the same
 * description gives the same machine, wherever its lines stand.
 *
 * Return: the graph, or NULL when there were errors.
 */
const struct graph *graph_compile(const struct value *root, const struct config_machine *config,
				  const struct graph_pins *pins, struct arena *arena,
				  struct diag_list *diags);
