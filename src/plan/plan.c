/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference of what runs and what is wanted. The class of a change comes from the schema
 * (x-change); what a device cannot do at all (leave a running guest) from its type.
 */
#include <string.h>

#include "base/arena.h"
#include "plan/diff.h"
#include "plan/plan.h"

struct planner {
	struct arena *arena;
	const struct plan_running *running;
	size_t n_running;
	bool replug;
	struct plan_step *steps;
	size_t n_steps;
};

static const char *const class_names[] = {
	[PLAN_NONE] = "none",	  [PLAN_LIVE] = "live",	      [PLAN_HOTPLUG] = "hotplug",
	[PLAN_REPLUG] = "replug", [PLAN_RESTART] = "restart", [PLAN_FORBIDDEN] = "forbidden",
};

const char *plan_class_name(enum plan_class class)
{
	return class_names[class];
}

enum plan_class plan_class(const struct plan *plan)
{
	enum plan_class strongest = PLAN_NONE;

	for (size_t i = 0; i < plan->n_steps; i++)
		strongest = MAX(strongest, plan->steps[i].class);
	return strongest;
}

static bool runs(const struct planner *p, const char *path)
{
	for (size_t i = 0; i < p->n_running; i++)
		if (strcmp(p->running[i].live->path, path) == 0)
			return true;
	return false;
}

static struct plan_step *add_step(struct planner *p, enum plan_action action, enum plan_class class,
				  const struct graph_node *from, const struct graph_node *to)
{
	struct plan_step *step = &p->steps[p->n_steps++];

	*step = (struct plan_step){ .action = action, .class = class, .from = from, .to = to };
	return step;
}

static void explain_step(struct planner *p, struct plan_step *step, const char *old_text,
			 const char *new_text, const char *reason)
{
	const struct graph_node *node = step->to ? step->to : step->from;
	struct plan_change *change = arena_new(p->arena, struct plan_change);

	*change = (struct plan_change){
		.path = node->path,
		.old_text = old_text,
		.new_text = new_text,
		.class = step->class,
		.reason = reason,
		.span = node->span,
	};
	step->changes = change;
	step->n_changes = 1;
}

static bool can_leave(const struct graph_node *node)
{
	return node->type && node->type->request_unplug;
}

static void plan_removal(struct planner *p, const struct plan_running *running)
{
	const struct graph_node *from = running->live;
	struct plan_step *step =
		add_step(p, PLAN_REMOVE, can_leave(from) ? PLAN_HOTPLUG : PLAN_RESTART, from, NULL);

	if (!can_leave(from))
		explain_step(p, step, from->type ? from->type->name : NULL, NULL,
			     "it cannot leave a running guest");
}

/*
 * Another device under the same name, or a property that only a new device can have: it is taken out
 * here, and the plan that is made when it has gone puts the new one in.
 */
static void plan_replug(struct planner *p, const struct plan_running *running,
			const struct graph_node *to, const struct plan_diff *diff)
{
	const struct graph_node *from = running->live;
	bool now = p->replug && can_leave(from);
	struct plan_step *step =
		add_step(p, PLAN_REMOVE, now ? PLAN_REPLUG : PLAN_RESTART, from, to);
	const char *reason = !can_leave(from) ? "it cannot leave a running guest" :
			     !p->replug	      ? "reload.replug is never" :
						NULL;

	if (diff) {
		struct plan_change *changes = arena_new_array(p->arena, diff->n_changes - diff->n_live,
							      struct plan_change);

		step->n_changes = diff->n_changes - diff->n_live;
		memcpy(changes, diff->changes + diff->n_live, step->n_changes * sizeof(*changes));
		for (size_t i = 0; reason && i < step->n_changes; i++)
			changes[i].reason = reason;
		step->changes = changes;
		return;
	}
	explain_step(p, step, from->type->name, to->type->name,
		     reason ? reason : "it is another device");
}

/* What can be done while the guest runs is a step of its own: it does not wait for the rest. */
static void plan_update(struct planner *p, const struct plan_running *running,
			const struct graph_node *to)
{
	const struct plan_diff *diff = plan_diff(running, to, p->arena);
	struct plan_step *step;

	if (diff->n_live) {
		step = add_step(p, PLAN_UPDATE, PLAN_LIVE, running->live, to);
		step->changes = diff->changes;
		step->n_changes = diff->n_live;
	}
	if (diff->n_changes == diff->n_live)
		return;
	if (diff->class == PLAN_REPLUG) {
		plan_replug(p, running, to, diff);
		return;
	}
	step = add_step(p, PLAN_UPDATE, diff->class, running->base, to);
	step->changes = diff->changes + diff->n_live;
	step->n_changes = diff->n_changes - diff->n_live;
}

const struct plan *plan_create(const struct plan_running *running, size_t n_running,
			       const struct graph *wanted, bool replug, struct arena *arena)
{
	struct planner p = {
		.arena = arena,
		.running = running,
		.n_running = n_running,
		.replug = replug,
		/* At most two steps for each node that runs, one for each that is new. */
		.steps = arena_new_array(arena, 2 * n_running + wanted->n_nodes, struct plan_step),
	};
	struct plan *plan = arena_new(arena, struct plan);
	const struct graph_node *node;
	size_t i;

	for (i = 0; i < n_running; i++)
		if (running[i].live->kind != GRAPH_BACKEND &&
		    !graph_find(wanted, running[i].live->path))
			plan_removal(&p, &running[i]);
	for (i = 0; i < n_running; i++) {
		node = graph_find(wanted, running[i].live->path);
		if (!node)
			continue;
		if (node->type != running[i].base->type)
			plan_replug(&p, &running[i], node, NULL);
		else
			plan_update(&p, &running[i], node);
	}
	/* What of the host stands behind a device comes and goes with it. */
	graph_for_each_node(wanted, node, i)
		if (node->kind != GRAPH_BACKEND && !runs(&p, node->path))
			add_step(&p, PLAN_ADD, PLAN_HOTPLUG, NULL, node);
	plan->steps = p.steps;
	plan->n_steps = p.n_steps;
	return plan;
}
