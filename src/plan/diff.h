/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The properties in which a running node and a wanted one differ.
 */
#pragma once

#include "plan/plan.h"

struct plan_diff {
	const struct plan_change *changes; /* the live ones first */
	size_t n_changes, n_live;
	enum plan_class class; /* the strongest */
};

/**
 * plan_diff() - compare a running node with the wanted one of the same type
 * @running: properties that were updated live are compared with running->live, others with the base
 * @to: the wanted node
 */
const struct plan_diff *plan_diff(const struct plan_running *running, const struct graph_node *to,
				  struct arena *arena);
