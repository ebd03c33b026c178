/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody asks for and waits for: apply, with or without a time to confirm it in, and plan.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "loop/loop.h"
#include "plan/render.h"
#include "reload/converge-internal.h"

static void go_back(struct converge *c)
{
	cleanup_generation struct generation *before = c->before;
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);

	log_warn("the apply was not confirmed in time: going back");
	c->before = NULL;
	converge_digest(c->target, c->refused);
	if (c->path_before) {
		free(c->path);
		c->path = TAKE_PTR(c->path_before);
	}
	converge_go_to(c, before, CONVERGE_REVERT, NULL, NULL, diags);
	diag_print(diags, STDERR_FILENO);
	converge_watch(c);
}

void converge_on_confirm_timeout(void *opaque)
{
	go_back(opaque);
}

int converge_confirm(struct converge *c)
{
	if (!c->before)
		return -ENOENT;
	c->before = generation_unref(c->before);
	free(c->path_before);
	c->path_before = NULL;
	loop_timer_arm(c->confirm_timer, 0);
	/* An edit that was made meanwhile has waited. */
	converge_look_again(c);
	return 0;
}

static void wait_for_confirmation(struct converge *c, struct generation *before,
				  const struct converge_request *request)
{
	c->before = generation_ref(before);
	c->path_before = request->path ? strdup(c->path) : NULL;
	loop_timer_arm(c->confirm_timer, request->confirm_timeout);
}

static void follow(struct converge *c, const char *path)
{
	char *copy = strdup(path);

	invariant(copy != NULL);
	free(c->path);
	c->path = copy;
	converge_watch(c);
}

static json_t *answer(enum exit_code code, json_t *plan, struct diag_list *diags)
{
	json_t *json =
		json_pack("{s:i, s:o}", "exit", (int)code, "diagnostics", diag_render_json(diags));

	if (plan)
		json_object_set_new(json, "plan", plan);
	return json;
}

int converge_apply(struct converge *c, const struct converge_request *request, json_t **ret)
{
	const char *path = request->path ? request->path : c->path;
	cleanup_generation struct generation *newest = NULL, *before = NULL;
	json_t *plan = NULL;
	enum exit_code code;

	if (c->before)
		return -EBUSY;
	if (request->if_generation && request->if_generation != c->number)
		return -EAGAIN;
	newest = converge_load(c, path);
	if (!newest->graph) {
		*ret = answer(EXIT_INVALID, NULL, newest->diags);
		return EXIT_INVALID;
	}
	before = generation_ref(c->target);
	code = converge_go_to(c, newest, CONVERGE_APPLY, request, &plan, newest->diags);
	*ret = answer(code, plan, newest->diags);
	if (request->dry_run || code == EXIT_ROLLED_BACK || code == EXIT_DEGRADED)
		return (int)code;
	memset(c->refused, 0, sizeof(c->refused));
	converge_forget_faults(c);
	converge_follow_includes(c, newest);
	if (request->confirm_timeout)
		wait_for_confirmation(c, before, request);
	if (request->path)
		follow(c, request->path);
	return (int)code;
}

int converge_plan(struct converge *c, const char *path, json_t **ret)
{
	cleanup_generation struct generation *newest = converge_load(c, path ? path : c->path);
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan;
	enum exit_code code;

	if (!newest->graph) {
		*ret = answer(EXIT_INVALID, NULL, newest->diags);
		return EXIT_INVALID;
	}
	plan = converge_policy(converge_plan_to(c, newest, arena), newest, CONVERGE_APPLY, arena);
	code = plan_class(plan) == PLAN_NONE ? EXIT_DONE : EXIT_PENDING;
	*ret = answer(code, plan_to_json(plan), newest->diags);
	return (int)code;
}
