/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference of what runs and what is wanted. The class of a change comes from the schema
 * (x-change); what a device cannot do at all (leave a running guest) from its type.
 */
#include <config.h>
#include <string.h>

#include "base/arena.h"
#include "plan/conflict.h"
#include "plan/diff.h"
#include "plan/plan.h"

struct planner {
	struct arena *arena;
	const struct plan_running *running;
	size_t n_running;
	const struct graph *wanted;
	bool replug;
	struct plan_step *steps;
	size_t n_steps;
};

static const char *const class_names[] = {
	[PLAN_NONE] = "none",     [PLAN_LIVE] = "live",       [PLAN_HOTPLUG] = "hotplug",
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

bool plan_does_something(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan_step_is_now(&plan->steps[i]))
			return true;
	return false;
}

static const struct plan_running *find_running(const struct planner *p, const char *path)
{
	for (size_t i = 0; i < p->n_running; i++)
		if (strcmp(p->running[i].live->path, path) == 0)
			return &p->running[i];
	return NULL;
}

/* The running device that @node was before an edit gave it another name, or NULL. */
static const struct plan_running *find_former(const struct planner *p,
					      const struct graph_node *node)
{
	const char *id = graph_node_formerly(node), *path;
	const struct plan_running *former;

	if (!id || find_running(p, node->path))
		return NULL;
	path = arena_printf(p->arena, "devices.%s", id);
	former = graph_find(p->wanted, path) ? NULL : find_running(p, path);
	/* One that was asked to go is not the same device any more: @node takes its own way. */
	return former && former->base->type == node->type && !former->leaving ? former : NULL;
}

/* What a running node shall become: the one of its name, or one that says it was called so. */
static const struct graph_node *find_wanted(const struct planner *p,
					    const struct plan_running *running)
{
	const struct graph_node *node = graph_find(p->wanted, running->live->path);
	size_t i;

	if (node)
		return node;
	graph_for_each_node (p->wanted, node, i)
		if (node->kind == GRAPH_DEVICE && find_former(p, node) == running)
			return node;
	return NULL;
}

static struct plan_step *add_step(struct planner *p, enum plan_action action, enum plan_class class,
				  const struct graph_node *from, const struct graph_node *to)
{
	struct plan_step *step = &p->steps[p->n_steps++];

	*step = (struct plan_step){.action = action, .class = class, .from = from, .to = to};
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

/* Why a device cannot come to or leave a guest that runs; NULL: it can. */
static const char *why_stays(const struct graph_node *node, const char *otherwise)
{
	if (!node->type || !node->type->request_unplug)
		return otherwise;
	if (node->type->bus == DEVICE_BUS_PCI && !PCI_HOTPLUG)
		return "PCI hotplug is not built in";
	return NULL;
}

static const char *why_not_out(const struct graph_node *node)
{
	return why_stays(node, "it cannot leave a running guest");
}

/* It was asked for before. */
static void say_that_it_leaves(struct planner *p, struct plan_step *step,
			       const struct plan_running *running)
{
	if (!running->leaving || step->class >= PLAN_RESTART)
		return;
	step->waiting = true;
	explain_step(p, step, running->base->type->name, step->to ? step->to->type->name : NULL,
		     "the guest has not let go of it yet");
}

static void plan_removal(struct planner *p, const struct plan_running *running)
{
	const struct graph_node *from = running->live;
	const char *reason = why_not_out(from);
	struct plan_step *step =
		add_step(p, PLAN_REMOVE, reason ? PLAN_RESTART : PLAN_HOTPLUG, from, NULL);

	if (reason)
		explain_step(p, step, from->type ? from->type->name : NULL, NULL, reason);
	say_that_it_leaves(p, step, running);
}

static void plan_host_left(struct planner *p, const struct plan_running *running, const char *why)
{
	const struct graph_node *from = running->live;
	const char *reason = why_not_out(from);
	struct plan_step *step =
		add_step(p, PLAN_REMOVE, reason ? PLAN_RESTART : PLAN_HOTPLUG, from, NULL);

	step->host = true;
	explain_step(p, step, from->type->name, NULL, reason ? reason : why);
	say_that_it_leaves(p, step, running);
}

/*
 * Another device under the same name, or a property that only a new device can have: it is taken
 * out here, and the plan that is made when it has gone puts the new one in.
 */
static void plan_replug(struct planner *p, const struct plan_running *running,
			const struct graph_node *to, const struct plan_diff *diff)
{
	const struct graph_node *from = running->live;
	const char *why = why_not_out(from);
	const char *reason = why ? why : !p->replug ? "reload.replug is never" : NULL;
	struct plan_step *step =
		add_step(p, PLAN_REMOVE, reason ? PLAN_RESTART : PLAN_REPLUG, from, to);

	if (diff) {
		struct plan_change *changes = arena_new_array(
			p->arena, diff->n_changes - diff->n_live, struct plan_change);

		step->n_changes = diff->n_changes - diff->n_live;
		memcpy(changes, diff->changes + diff->n_live, step->n_changes * sizeof(*changes));
		for (size_t i = 0; reason && i < step->n_changes; i++)
			changes[i].reason = reason;
		step->changes = changes;
	} else {
		explain_step(p, step, from->type->name, to->type->name,
			     reason ? reason : "it is another device");
	}
	say_that_it_leaves(p, step, running);
}

/* Why a device is not the one that `match` finds now; NULL: it is, or has none. */
static const char *why_host_left(struct planner *p, const struct plan_running *running,
				 const struct graph_node *to)
{
	const struct graph_host *was = &running->host, *is = to->host;

	if (!is || !was->device[0] || (!is->device[0] && !is->missing[0]))
		return NULL;
	if (is->missing[0])
		return arena_printf(p->arena, "%s: %s", was->device, is->missing);
	if (strcmp(was->device, is->device) != 0 || was->sequence != is->sequence)
		return arena_printf(p->arena, "%s: another host device matches now", was->device);
	return NULL;
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

/* Whether it goes, or gives up by a change what another one needs: then the plan that follows
 * tells. */
static bool makes_way(const struct planner *p, const struct graph_node *running)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].from == running && p->steps[i].class < PLAN_RESTART)
			return true;
	return false;
}

static const struct plan_running *find_obstacle(struct planner *p, const struct graph_node *node)
{
	for (size_t i = 0; i < p->n_running; i++)
		if (plan_conflict(&p->running[i], node, p->arena))
			return &p->running[i];
	return NULL;
}

static const char *why_not_in(const struct graph_node *node)
{
	return why_stays(node, "it cannot join a running guest");
}

/* A machine that boots takes everything; later only what can leave again, or says why not, can
 * come. */
static void plan_addition(struct planner *p, const struct graph_node *node)
{
	const char *why = p->n_running ? why_not_in(node) : NULL;
	const struct plan_running *obstacle = why ? NULL : find_obstacle(p, node);
	bool later = why || (obstacle && !makes_way(p, obstacle->live));
	struct plan_step *step =
		add_step(p, PLAN_ADD, later ? PLAN_RESTART : PLAN_HOTPLUG, NULL, node);

	if (node->host && node->host->missing[0]) {
		step->class = PLAN_HOTPLUG;
		step->waiting = step->host = true;
		explain_step(p, step, NULL, node->type->name, node->host->missing);
	} else if (why) {
		explain_step(p, step, NULL, node->type ? node->type->name : NULL, why);
	} else if (obstacle) {
		step->after = obstacle->live;
		step->waiting = !later;
		explain_step(p, step, NULL, node->type->name,
			     arena_printf(p->arena, "%s %s has what it needs",
					  later ? "as long as" : "waits for the guest to let go:",
					  obstacle->live->path));
	}
}

static void hold_update(struct planner *p, struct plan_step *step, const struct graph_node *holder,
			enum plan_class class)
{
	struct plan_change *changes =
		arena_new_array(p->arena, step->n_changes, struct plan_change);
	const char *reason =
		arena_printf(p->arena, "%s %s has what it needs",
			     class < PLAN_RESTART ? "waits for the guest to let go:" : "as long as",
			     holder->path);

	for (size_t i = 0; i < step->n_changes; i++) {
		changes[i] = step->changes[i];
		changes[i].class = class;
		changes[i].reason = reason;
	}
	step->changes = changes;
	step->class = class;
	step->waiting = class < PLAN_RESTART;
	step->after = holder;
}

/* Whether @step takes what @holder has, and does not give up now by a change of its own. Return: if
 * it had to be held. */
static bool hold_back_for(struct planner *p, struct plan_step *step,
			  const struct plan_running *holder)
{
	bool leaves = false;

	if (holder->live == step->from || !plan_live_conflict(holder, step->to, p->arena))
		return false;
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *other = &p->steps[i];
		struct plan_running after = {.base = holder->base, .live = other->to};

		if (other->from != holder->live || other->class >= PLAN_RESTART)
			continue;
		if (other->action == PLAN_UPDATE && !other->waiting &&
		    !plan_live_conflict(&after, step->to, p->arena))
			return false;
		leaves |= other->action == PLAN_REMOVE || other->waiting;
	}
	hold_update(p, step, holder->live, leaves ? PLAN_LIVE : PLAN_RESTART);
	return true;
}

/*
 * A live edit may take what another device has (an output of a console). Where that gives it up by
 * a live edit, too, both are done at once in any order, a swap as well; otherwise it waits for the
 * device to go.
 */
static void hold_updates(struct planner *p)
{
	bool again;

	do {
		again = false;
		for (size_t i = 0; i < p->n_steps; i++) {
			struct plan_step *step = &p->steps[i];

			for (size_t j = 0; j < p->n_running && step->action == PLAN_UPDATE &&
					   plan_step_is_now(step);
			     j++)
				again |= hold_back_for(p, step, &p->running[j]);
		}
	} while (again);
}

const struct plan *plan_create(const struct plan_running *running, size_t n_running,
			       const struct graph *wanted, bool replug, struct arena *arena)
{
	struct planner p = {
		.arena = arena,
		.running = running,
		.n_running = n_running,
		.wanted = wanted,
		.replug = replug,
		/* At most two steps for each node that runs, one for each that is new. */
		.steps = arena_new_array(arena, 2 * n_running + wanted->n_nodes, struct plan_step),
	};
	struct plan *plan = arena_new(arena, struct plan);
	const struct graph_node *node;
	const char *host_left;
	size_t i;

	for (i = 0; i < n_running; i++)
		if (running[i].live->kind != GRAPH_BACKEND && !find_wanted(&p, &running[i]))
			plan_removal(&p, &running[i]);
	for (i = 0; i < n_running; i++) {
		node = find_wanted(&p, &running[i]);
		if (!node)
			continue;
		host_left = why_host_left(&p, &running[i], node);
		if (host_left)
			plan_host_left(&p, &running[i], host_left);
		else if (node->type != running[i].base->type)
			plan_replug(&p, &running[i], node, NULL);
		else
			plan_update(&p, &running[i], node);
	}
	hold_updates(&p);
	/* What of the host stands behind a device comes and goes with it. */
	graph_for_each_node (wanted, node, i)
		if (node->kind != GRAPH_BACKEND && !find_running(&p, node->path) &&
		    !find_former(&p, node))
			plan_addition(&p, node);
	plan->steps = p.steps;
	plan->n_steps = p.n_steps;
	return plan;
}
