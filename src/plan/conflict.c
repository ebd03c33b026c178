/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in the machine, and things of the host that only one device may have. The wanted graph has
 * no such conflict within itself; this one is between what runs and what comes.
 */
#include <string.h>

#include "base/arena.h"
#include "plan/conflict.h"
#include "schema/value.h"

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

static bool share_place(const struct graph_node *a, const struct graph_node *b)
{
	if ((a->pci_slot >= 0 && a->pci_slot == b->pci_slot) ||
	    (a->nvdimm_slot >= 0 && a->nvdimm_slot == b->nvdimm_slot))
		return true;
	if (overlap(a->memory.base, a->memory.size, b->memory.base, b->memory.size))
		return true;
	if (overlap(a->gsi_base, a->n_gsis, b->gsi_base, b->n_gsis) ||
	    overlap(a->memory_slot_base, a->n_memory_slots, b->memory_slot_base, b->n_memory_slots))
		return true;
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++)
		for (unsigned j = 0; j < DEVICE_MAX_BARS; j++)
			if (overlap(a->bars[i].base, a->bars[i].size, b->bars[j].base,
				    b->bars[j].size))
				return true;
	return false;
}

static void get_needs(const struct graph_node *node, struct device_needs *needs,
		      struct arena *arena)
{
	*needs = (struct device_needs){.irq = -1};
	if (node->type->needs)
		node->type->needs(node, needs, arena);
}

static bool is_live(const struct graph_node *node, const char *property)
{
	const struct value *value = property ? value_find(node->value, property) : NULL;

	return value && value->property && value->property->change == SCHEMA_CHANGE_LIVE;
}

/* Whether a property of @node that can (@live) or cannot change while it runs holds @key. */
static bool holds(const struct graph_node *node, const char *key, bool live, struct arena *arena)
{
	struct device_needs needs;

	get_needs(node, &needs, arena);
	for (unsigned i = 0; i < needs.n_exclusive; i++)
		if (strcmp(needs.exclusive[i].key, key) == 0 &&
		    is_live(node, needs.exclusive[i].property) == live)
			return true;
	return false;
}

static bool has(const struct plan_running *holder, const char *key, struct arena *arena)
{
	return holds(holder->base, key, false, arena) || holds(holder->live, key, true, arena);
}

bool plan_live_conflict(const struct plan_running *holder, const struct graph_node *to,
			struct arena *arena)
{
	struct device_needs needs;

	if (!holder->base->type || !to->type)
		return false;
	get_needs(to, &needs, arena);
	for (unsigned i = 0; i < needs.n_exclusive; i++)
		if (is_live(to, needs.exclusive[i].property) &&
		    has(holder, needs.exclusive[i].key, arena))
			return true;
	return false;
}

bool plan_conflict(const struct plan_running *holder, const struct graph_node *to,
		   struct arena *arena)
{
	struct device_needs needs;

	if (!holder->base->type || !to->type)
		return false;
	if (share_place(holder->base, to))
		return true;
	get_needs(to, &needs, arena);
	for (unsigned i = 0; i < needs.n_exclusive; i++)
		if (has(holder, needs.exclusive[i].key, arena))
			return true;
	return false;
}
