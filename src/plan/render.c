/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as text and as JSON.
 */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

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

static json_t *change_to_json(const struct plan_change *change)
{
	json_t *json =
		json_pack("{s:s, s:s?, s:s?, s:s}", "path", change->path, "old", change->old_text,
			  "new", change->new_text, "class", plan_class_name(change->class));

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
		json_t *changes = json_array(), *json;

		if (step->class == PLAN_NONE)
			continue;
		for (size_t j = 0; j < step->n_changes; j++)
			json_array_append_new(changes, change_to_json(&step->changes[j]));
		json = json_pack("{s:s, s:s, s:s, s:s*, s:o}", "action", action_names[step->action],
				 "class", plan_class_name(step->class), "path",
				 step_node(step)->path, "after",
				 step->after ? step->after->path : NULL, "changes", changes);
		if (step->waiting)
			json_object_set_new(json, "waiting", json_true());
		if (step->host)
			json_object_set_new(json, "host", json_true());
		json_array_append_new(steps, json);
	}
	return json_pack("{s:i, s:s, s:o}", "format_version", 1, "class",
			 plan_class_name(plan_class(plan)), "steps", steps);
}

static const char *text_of(const json_t *object, const char *member, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : otherwise;
}

static bool waits(const json_t *step)
{
	const char *class = text_of(step, "class", "");

	return strcmp(class, plan_class_name(PLAN_RESTART)) == 0 ||
	       strcmp(class, plan_class_name(PLAN_FORBIDDEN)) == 0;
}

static char step_sign(const json_t *step)
{
	const char *action = text_of(step, "action", "");

	if (waits(step))
		return '!';
	if (strcmp(action, action_names[PLAN_ADD]) == 0)
		return '+';
	return strcmp(action, action_names[PLAN_REMOVE]) == 0 ? '-' : '~';
}

static void print_change(const json_t *change, struct strbuf *out)
{
	const char *reason = text_of(change, "reason", NULL);

	strbuf_printf(out, "    %s: %s → %s", text_of(change, "path", ""),
		      text_of(change, "old", "(nothing)"), text_of(change, "new", "(nothing)"));
	if (reason)
		strbuf_printf(out, "  (%s)", reason);
	strbuf_putc(out, '\n');
}

void plan_print_json(const json_t *plan, struct strbuf *out)
{
	unsigned now = 0, waiting = 0, host = 0, later = 0;
	const json_t *step, *change;
	size_t i, j;

	json_array_foreach(json_object_get(plan, "steps"), i, step)
	{
		strbuf_printf(out, "%c %-28s %s\n", step_sign(step), text_of(step, "path", ""),
			      text_of(step, "class", ""));
		json_array_foreach(json_object_get(step, "changes"), j, change)
			print_change(change, out);
		if (waits(step))
			later++;
		else if (json_is_true(json_object_get(step, "waiting")) &&
			 json_is_true(json_object_get(step, "host")) &&
			 strcmp(text_of(step, "action", ""), action_names[PLAN_ADD]) == 0)
			host++;
		else if (json_is_true(json_object_get(step, "waiting")))
			waiting++;
		else
			now++;
	}
	if (now + waiting + host + later == 0) {
		strbuf_puts(out, "nothing to do\n");
		return;
	}
	strbuf_printf(out, "%u to do now", now);
	if (waiting)
		strbuf_printf(out, ", %u when the guest has let go", waiting);
	if (host)
		strbuf_printf(out, ", %u when the host has the device", host);
	if (later)
		strbuf_printf(out, ", %u waiting for a restart of the guest", later);
	strbuf_putc(out, '\n');
}

void plan_print(const struct plan *plan, struct strbuf *out)
{
	json_t *json = plan_to_json(plan);

	plan_print_json(json, out);
	json_decref(json);
}
