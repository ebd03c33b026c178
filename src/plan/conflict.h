/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running device has that another one would need.
 */
#pragma once

#include "plan/plan.h"

/* Whether a running node has a place in the machine, or a thing of the host, that @to asks for. */
bool plan_conflict(const struct plan_running *holder, const struct graph_node *to,
		   struct arena *arena);

/* The same for what @to asks for by properties that are changed while it runs. */
bool plan_live_conflict(const struct plan_running *holder, const struct graph_node *to,
			struct arena *arena);
