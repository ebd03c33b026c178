/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of live edits. They are those of the machine that runs, not of the new description:
 * room that an edit makes (cpus.max) is there after the next start.
 */
#include <config.h>
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "graph/memory-layout.h"
#include "plan/limits.h"
#include "schema/config.h"

static const char *limit_cpu_count(const struct plan_running *running, const struct graph_node *to,
				   struct arena *arena)
{
	const struct config_cpus *base = running->base->config, *wanted = to->config;

	if (!CPU_HOTPLUG)
		return "this weft was built without CPU hotplug";
	if (!base->has_max)
		return "the machine was started without cpus.max";
	if (wanted->count > base->max)
		return arena_printf(arena, "the machine was started with cpus.max: %" PRIu64,
				    base->max);
	return NULL;
}

static const char *limit_memory_size(const struct plan_running *running,
				     const struct graph_node *to, struct arena *arena)
{
	const struct config_memory *base = running->base->config, *wanted = to->config;
	char step[UNITS_TEXT_MAX], low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];
	struct memory_layout layout;
	uint64_t below;

	if (!MEMORY_HOTPLUG)
		return "this weft was built without memory hotplug";
	if (!base->has_max)
		return "the machine was started without memory.max";
	if (wanted->size > base->max)
		return arena_printf(arena, "the machine was started with memory.max: %s",
				    size_format(base->max, high));
	if (wanted->size < base->size)
		return arena_printf(arena, "the machine was started with %s, which it keeps",
				    size_format(base->size, low));
	if (wanted->size == base->size)
		return NULL;
	memory_layout(base, &layout);
	below = base->size + (wanted->size - base->size) / layout.step * layout.step;
	if (wanted->size == below)
		return NULL;
	size_format(layout.step, step);
	size_format(below, low);
	if (below + layout.step > base->max)
		return arena_printf(
			arena,
			"memory changes in steps of %s while the guest runs: the nearest "
			"size is %s",
			step, low);
	return arena_printf(
		arena,
		"memory changes in steps of %s while the guest runs: the nearest sizes are "
		"%s and %s",
		step, low, size_format(below + layout.step, high));
}

static const struct {
	const char *path;
	const char *(*limit)(const struct plan_running *running, const struct graph_node *to,
			     struct arena *arena);
} limits[] = {
	{"cpus.count", limit_cpu_count},
	{"memory.size", limit_memory_size},
};

const char *plan_limit(const struct plan_running *running, const struct graph_node *to,
		       const char *path, struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (strcmp(limits[i].path, path) == 0)
			return limits[i].limit(running, to, arena);
	return NULL;
}
