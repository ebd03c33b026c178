/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits that the schema calls live, and that are so for some values only: more CPUs than there is
 * room for, memory that was there when the machine started.
 */
#pragma once

#include "plan/plan.h"

/**
 * plan_limit() - whether a live edit has to wait this time
 * @running: what runs
 * @to: the wanted node
 * @path: of the property that differs, "cpus.count"
 * @arena: where the answer lives
 *
 * Return: why it waits for the next start of the guest, for people; NULL when it can be done now.
 */
const char *plan_limit(const struct plan_running *running, const struct graph_node *to,
		       const char *path, struct arena *arena);
