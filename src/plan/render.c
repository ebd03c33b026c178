/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as text and as JSON.
 */
#include <jansson.h>

#include "base/strbuf.h"
#include "plan/render.h"

static const char *const action_names[] = {
	[PLAN_ADD] = "add",
	[PLAN_UPDATE] = "update",
	[PLAN_REMOVE] = "remove",
};

static const struct graph_node *step_node(const struct plan_step *step)
{
	return step->to ? step->to : step->from;
}

static char step_sign(const struct plan_step *step)
{
	if (step->class >= PLAN_RESTART)
		return '!';
	switch (step->action) {
	case PLAN_ADD:
		return '+';
	case PLAN_REMOVE:
		return '-';
	default:
		return '~';
	}
}

static const char *text_or_nothing(const char *text)
{
	return text ? text : "(nothing)";
}

static void print_change(const struct plan_change *change, struct strbuf *out)
{
	strbuf_printf(out, "    %s: %s → %s", change->path, text_or_nothing(change->old_text),
		text_or_nothing(change->new_text));
	if (change->reason)
		strbuf_printf(out, "  (%s)", change->reason);
	strbuf_putc(out, '\n');
}

void plan_print(const struct plan *plan, struct strbuf *out)
{
	unsigned now = 0, later = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->class == PLAN_NONE)
			continue;
		strbuf_printf(out, "%c %-28s %s\n", step_sign(step), step_node(step)->path,
			plan_class_name(step->class));
		for (size_t j = 0; j < step->n_changes; j++)
			print_change(&step->changes[j], out);
		if (step->class >= PLAN_RESTART)
			later++;
		else
			now++;
	}
	if (now + later == 0)
		strbuf_puts(out, "nothing to do\n");
	else if (later == 0)
		strbuf_printf(out, "%u to do now\n", now);
	else
		strbuf_printf(out, "%u to do now, %u waiting for a restart of the guest\n", now, later);
}

static json_t *change_to_json(const struct plan_change *change)
{
	json_t *json = json_pack("{s:s, s:s?, s:s?, s:s}", "path", change->path, "old",
				 change->old_text, "new", change->new_text, "class",
				 plan_class_name(change->class));

	if (change->reason)
		json_object_set_new(json, "reason", json_string(change->reason));
	if (change->span.line)
		json_object_set_new(json, "line", json_integer(change->span.line));
	return json;
}

json_t *plan_to_json(const struct plan *plan)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];
		json_t *changes = json_array();

		if (step->class == PLAN_NONE)
			continue;
		for (size_t j = 0; j < step->n_changes; j++)
			json_array_append_new(changes, change_to_json(&step->changes[j]));
		json_array_append_new(steps,
				      json_pack("{s:s, s:s, s:s, s:s*, s:o}", "action",
						action_names[step->action], "class",
						plan_class_name(step->class), "path",
						step_node(step)->path, "after",
						step->after ? step->after->path : NULL, "changes",
						changes));
	}
	return json_pack("{s:i, s:s, s:o}", "format_version", 1, "class",
			 plan_class_name(plan_class(plan)), "steps", steps);
}
