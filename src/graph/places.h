/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocators of a graph: PCI slots, GSIs, KVM memory slots, BAR addresses.
 */
#pragma once

#include "graph/graph.h"

struct arena;
struct places;

/* In the windows of @graph. */
struct places *places_create(struct arena *arena, const struct graph *graph);

/*
 * Gives @node what its type needs. In rounds over all devices, so that what is fixed goes first:
 * places_slot() with what the description says, places_keep() with what ran before,
 * places_occupy() with what is on its way out, places_fill() for the rest. When nothing but the
 * slot of one that is on its way out is left, that is given out: who gets it has to wait. Return:
 * false with a diagnostic when there is no room.
 */
bool places_slot(struct places *places, struct graph_node *node, struct diag_list *diags);
void places_keep(struct places *places, struct graph_node *node, const struct graph_node *pin);
void places_occupy(struct places *places, const struct graph_node *leaving);
bool places_fill(struct places *places, struct graph_node *node, const struct device_needs *needs,
		 struct diag_list *diags);
