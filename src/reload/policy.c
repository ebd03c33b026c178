/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a plan is carried out now, and what waits, with every reason.
 */
#include <jansson.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "plan/render.h"
#include "reload/converge-internal.h"
#include "schema/config.h"

static enum plan_class at_restart(enum plan_class class)
{
	return class < PLAN_RESTART ? PLAN_RESTART : class;
}

/* With policy stage or manual everything waits but what is the machine's own (reload, lifecycle).
 */
static const struct plan *hold_back(const struct plan *plan, const char *reason,
				    struct arena *arena)
{
	struct plan_step *steps = arena_new_array(arena, plan->n_steps, struct plan_step);
	struct plan *held = arena_new(arena, struct plan);

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];
		struct plan_change *changes =
			arena_new_array(arena, step->n_changes, struct plan_change);

		steps[i] = *step;
		/* What comes and goes on the host is no edit. */
		if (step->class == PLAN_NONE || step->host ||
		    (step->from && step->from->kind == GRAPH_MACHINE))
			continue;
		for (size_t j = 0; j < step->n_changes; j++) {
			changes[j] = step->changes[j];
			changes[j].class = at_restart(changes[j].class);
			changes[j].reason = reason;
		}
		steps[i].changes = changes;
		steps[i].class = at_restart(step->class);
	}
	*held = (struct plan){steps, plan->n_steps};
	return held;
}

const struct plan *converge_policy(const struct plan *plan, const struct generation *to,
				   enum converge_trigger trigger, struct arena *arena)
{
	switch (to->config->reload.policy) {
	case CONFIG_RELOAD_POLICY_STAGE:
		return hold_back(plan, "reload.policy is stage", arena);
	case CONFIG_RELOAD_POLICY_MANUAL:
		if (trigger != CONVERGE_APPLY && trigger != CONVERGE_REVERT)
			return hold_back(plan, "reload.policy is manual: run 'weft apply'", arena);
		return plan;
	default:
		return plan;
	}
}

/* All reasons, not the first: "boot.cmdline (takes effect …); cpus.max (…)". */
void converge_say_what_waits(struct converge *c, const struct plan *plan)
{
	cleanup_strbuf struct strbuf message = STRBUF_INIT;
	cleanup_arena struct arena *arena = arena_create();
	struct plan_step *waiting = arena_new_array(arena, plan->n_steps, struct plan_step);
	struct plan_step *undone = arena_new_array(arena, plan->n_steps, struct plan_step);
	size_t n = 0, n_undone = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->class != PLAN_NONE && !plan_step_is_now(step))
			undone[n_undone++] = *step;
		if (step->class < PLAN_RESTART)
			continue;
		waiting[n++] = *step;
		for (size_t j = 0; j < step->n_changes; j++)
			strbuf_printf(&message, "%s%s (%s)", message.size ? "; " : "",
				      step->changes[j].path,
				      step->changes[j].reason ? step->changes[j].reason
							      : plan_class_name(step->class));
		if (step->n_changes == 0)
			strbuf_printf(&message, "%s%s", message.size ? "; " : "",
				      step->to ? step->to->path : step->from->path);
	}
	json_decref(c->pending);
	json_decref(c->undone);
	c->pending = plan_to_json(&(struct plan){waiting, n});
	c->undone = plan_to_json(&(struct plan){undone, n_undone});
	if (message.size)
		converge_condition(c, CONDITION_RESTART_REQUIRED, true, "EditWaits", message.text);
	else
		converge_condition(c, CONDITION_RESTART_REQUIRED, false, NULL, NULL);
}
