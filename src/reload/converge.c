/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function carries every edit: read the description, compile it with the places that are taken,
 * plan from what runs, apply, and say what waits. Whatever says that something may have changed (the
 * watch, SIGHUP, an apply, a guest that let go of a device) ends there.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "build/parts.h"
#include "console/console.h"
#include "loop/loop.h"
#include "plan/render.h"
#include "reload/converge-internal.h"
#include "reload/state.h"
#include "reload/watch.h"
#include "schema/config.h"

static void on_watch(void *opaque)
{
	converge_now(opaque, CONVERGE_WATCH);
}

static void on_detach_timeout(void *opaque);
static void on_confirm_timeout(void *opaque);

struct converge *converge_create(struct loop *loop, struct builder *builder, struct parts *parts,
				 const char *path, const struct document_options *options)
{
	struct converge *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	c->loop = loop;
	c->builder = builder;
	c->parts = parts;
	c->options = options;
	c->path = strdup(path);
	invariant(c->path != NULL);
	invariant(loop_add_timer(loop, on_detach_timeout, c, &c->detach_timer) >= 0);
	invariant(loop_add_timer(loop, on_confirm_timeout, c, &c->confirm_timer) >= 0);
	c->watch = watch_create(loop, on_watch, c);
	return c;
}

struct converge *converge_destroy(struct converge *c)
{
	if (!c)
		return NULL;
	watch_destroy(c->watch);
	loop_source_remove(c->detach_timer);
	loop_source_remove(c->confirm_timer);
	generation_unref(c->accepted);
	generation_unref(c->before);
	state_close(c->state);
	conditions_fini(&c->conditions);
	json_decref(c->pending);
	json_decref(c->diagnostics);
	free(c->path_before);
	free(c->path);
	free(c);
	return NULL;
}

const struct generation *converge_generation(const struct converge *c)
{
	return c->accepted;
}

/* Watched before it is read, so that no edit falls between. */
static void watch_description(struct converge *c)
{
	static const enum watch_mode modes[] = {
		[CONFIG_RELOAD_WATCH_INOTIFY] = WATCH_INOTIFY,
		[CONFIG_RELOAD_WATCH_POLL] = WATCH_POLL,
		[CONFIG_RELOAD_WATCH_OFF] = WATCH_OFF,
	};
	const struct config_reload *reload = &c->accepted->config->reload;
	const char *const paths[] = { c->path };
	int r;

	if (strcmp(c->path, "-") == 0)
		return;
	r = watch_set(c->watch, modes[reload->watch], reload->poll_interval, paths, 1);
	if (r < 0)
		log_warn("%s cannot be watched (%s): SIGHUP and 'weft apply' work, or reload.watch: poll",
			 c->path, strerror(-r));
}

/* With the places that are taken by what runs; a device that is leaving still has its own. */
static struct generation *load(struct converge *c, const char *path)
{
	cleanup_arena struct arena *arena = arena_create();
	struct graph_pins pins = { .occupied = true, .mmio64_base = c->parts->graph->mmio64_base };
	const struct graph_node **nodes;
	const struct plan_running *running;

	running = builder_running(c->builder, arena, &pins.n);
	nodes = arena_new_array(arena, pins.n, const struct graph_node *);
	for (size_t i = 0; i < pins.n; i++) {
		struct graph_node *node = arena_new(arena, struct graph_node);

		/* Where it is, under the name it has now. */
		*node = *running[i].base;
		node->path = running[i].live->path;
		nodes[i] = node;
	}
	pins.nodes = nodes;
	return generation_load(path, c->options, &pins);
}

static const struct plan *plan_to(struct converge *c, const struct generation *to,
				  struct arena *arena)
{
	const struct plan_running *running;
	size_t n;

	running = builder_running(c->builder, arena, &n);
	return plan_create(running, n, to->graph,
			   to->config->reload.replug == CONFIG_RELOAD_REPLUG_ALLOWED, arena);
}

static enum plan_class at_restart(enum plan_class class)
{
	return class < PLAN_RESTART ? PLAN_RESTART : class;
}

/* With policy stage or manual everything waits but what is the machine's own (reload, lifecycle). */
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
		if (step->class == PLAN_NONE || (step->from && step->from->kind == GRAPH_MACHINE))
			continue;
		for (size_t j = 0; j < step->n_changes; j++) {
			changes[j] = step->changes[j];
			changes[j].class = at_restart(changes[j].class);
			changes[j].reason = reason;
		}
		steps[i].changes = changes;
		steps[i].class = at_restart(step->class);
	}
	*held = (struct plan){ steps, plan->n_steps };
	return held;
}

static const struct plan *apply_policy(const struct plan *plan, const struct generation *to,
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
	size_t n = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->class < PLAN_RESTART)
			continue;
		waiting[n++] = *step;
		for (size_t j = 0; j < step->n_changes; j++)
			strbuf_printf(&message, "%s%s (%s)", message.size ? "; " : "",
				      step->changes[j].path,
				      step->changes[j].reason ? step->changes[j].reason :
								plan_class_name(step->class));
		if (step->n_changes == 0)
			strbuf_printf(&message, "%s%s", message.size ? "; " : "",
				      step->to ? step->to->path : step->from->path);
	}
	json_decref(c->pending);
	c->pending = plan_to_json(&(struct plan){ waiting, n });
	if (message.size)
		converge_condition(c, CONDITION_RESTART_REQUIRED, true, "EditWaits", message.text);
	else
		converge_condition(c, CONDITION_RESTART_REQUIRED, false, NULL, NULL);
}

static void say_ready(struct converge *c)
{
	if (c->paused)
		converge_condition(c, CONDITION_READY, false, "Paused", "the guest is paused");
	else
		converge_condition(c, CONDITION_READY, true, "Running", "the guest runs");
}

/* What waits for the guest: devices it has not let go of, CPUs it has not taken. */
void converge_say_what_is_left(struct converge *c)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;

	/* Outputs were kept for a device that is plugged again; what no device has by now is ended. */
	console_hub_prune(c->parts->consoles);
	if (builder_is_settled(c->builder, &why)) {
		converge_condition(c, CONDITION_CONVERGING, false, NULL, NULL);
		loop_timer_arm(c->detach_timer, 0);
	} else {
		converge_condition(c, CONDITION_CONVERGING, true, "WaitingForGuest", why.text);
		loop_timer_arm(c->detach_timer, c->accepted->config->reload.detach_timeout);
	}
	say_ready(c);
}

void converge_set_paused(struct converge *c, bool paused)
{
	c->paused = paused;
	say_ready(c);
}

static void on_detach_timeout(void *opaque)
{
	struct converge *c = opaque;

	builder_ask_again(c->builder);
	converge_say_what_is_left(c);
}

/* Steps that are done now, in a copy of the plan for the history. */
static bool does_something(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].class != PLAN_NONE && plan->steps[i].class < PLAN_RESTART &&
		    !plan->steps[i].after)
			return true;
	return false;
}

static void log_plan(const struct plan *plan)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	plan_print(plan, &text);
	for (char *line = text.text, *end; line && *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (!*end)
			break;
		*end = '\0';
		log_info("%s", line);
	}
}

static bool is_accepted(const struct converge *c, const struct graph *graph)
{
	if (c->accepted)
		return memcmp(c->accepted->graph->hash, graph->hash, sizeof(graph->hash)) == 0;
	return c->state && state_is(c->state, graph);
}

void converge_accept(struct converge *c, struct generation *to)
{
	bool other = !is_accepted(c, to->graph);
	int r;

	generation_ref(to);
	generation_unref(c->accepted);
	c->accepted = to;
	c->number += other;
	if (!other || !c->state)
		return;
	r = state_accept(c->state, to->graph, to->root, c->number);
	if (r < 0)
		log_warn("the state directory cannot be written: %s", strerror(-r));
}

static enum exit_code carry_out(struct converge *c, struct generation *to,
				enum converge_trigger trigger,
				const struct converge_request *request, const struct plan *plan,
				struct diag_list *diags)
{
	const struct graph *graph_before = c->parts->graph;
	bool dry_run = request && request->dry_run;
	enum build_result result;

	c->parts->graph = to->graph;
	result = dry_run ? builder_rehearse(c->builder, plan, to, diags) :
			   builder_apply(c->builder, plan, to, diags);
	if (dry_run || result != BUILD_DONE)
		c->parts->graph = graph_before;
	if (dry_run)
		return result == BUILD_DONE	   ? plan_class(plan) >= PLAN_RESTART ? EXIT_PENDING :
											EXIT_DONE :
		       result == BUILD_ROLLED_BACK ? EXIT_ROLLED_BACK :
						     EXIT_DEGRADED;
	if (result != BUILD_DONE) {
		converge_record(c, trigger, request,
				result == BUILD_DEGRADED ? "degraded" : "rolled back",
				plan_to_json(plan));
		converge_condition(c, CONDITION_DEGRADED, result == BUILD_DEGRADED,
				   result == BUILD_DEGRADED ? "UndoFailed" : NULL,
				   result == BUILD_DEGRADED ?
					   "an edit failed, and not all of it could be undone" :
					   NULL);
		return result == BUILD_DEGRADED ? EXIT_DEGRADED : EXIT_ROLLED_BACK;
	}
	converge_accept(c, to);
	if (does_something(plan)) {
		log_plan(plan);
		converge_record(c, trigger, request, "applied", plan_to_json(plan));
	}
	converge_condition(c, CONDITION_DEGRADED, false, NULL, NULL);
	converge_say_what_waits(c, plan);
	converge_say_what_is_left(c);
	return plan_class(plan) >= PLAN_RESTART ? EXIT_PENDING : EXIT_DONE;
}

/* Keeps and shows what is wrong with a description; the machine stays as it is. */
static void refuse(struct converge *c, struct diag_list *diags, const char *reason)
{
	cleanup_strbuf struct strbuf message = STRBUF_INIT;
	json_t *now = diag_render_json(diags);

	/* The same faults again (a file that is saved broken twice) are not printed again. */
	if (!c->diagnostics || !json_equal(now, c->diagnostics))
		diag_print(diags, STDERR_FILENO);
	json_decref(c->diagnostics);
	c->diagnostics = now;
	strbuf_printf(&message, "%zu error%s in %s; the machine runs on as it was",
		      diag_errors(diags), diag_errors(diags) == 1 ? "" : "s", c->path);
	converge_condition(c, CONDITION_CONFIG_INVALID, true, reason, message.text);
}

static void forget_faults(struct converge *c)
{
	json_decref(c->diagnostics);
	c->diagnostics = NULL;
	converge_condition(c, CONDITION_CONFIG_INVALID, false, NULL, NULL);
}

/* Goes to a generation that is valid. @ret_plan, if wanted, gets the plan as JSON. */
static enum exit_code go_to(struct converge *c, struct generation *to,
			    enum converge_trigger trigger, const struct converge_request *request,
			    json_t **ret_plan, struct diag_list *diags)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan =
		apply_policy(plan_to(c, to, arena), to, trigger, arena);

	if (ret_plan)
		*ret_plan = plan_to_json(plan);
	return carry_out(c, to, trigger, request, plan, diags);
}

/*
 * git takes the file away before it puts the new one there, and an editor may have it empty for a
 * moment: both are looked at once more before they count as a fault.
 */
static bool may_come_back(struct converge *c, enum converge_trigger trigger)
{
	bool gone = false;
	struct stat st;

	if (trigger == CONVERGE_WATCH)
		gone = stat(c->path, &st) < 0 ? errno == ENOENT : st.st_size == 0;
	if (!gone || c->missing) {
		c->missing = false;
		return false;
	}
	c->missing = true;
	watch_trigger(c->watch);
	return true;
}

static bool was_refused(const struct converge *c, const struct generation *g)
{
	return memcmp(c->refused, g->graph->hash, sizeof(c->refused)) == 0;
}

void converge_now(struct converge *c, enum converge_trigger trigger)
{
	cleanup_generation struct generation *newest = NULL;
	enum exit_code result;

	if (!c->accepted || strcmp(c->path, "-") == 0)
		return;
	watch_description(c);
	if (may_come_back(c, trigger))
		return;
	newest = load(c, c->path);
	if (!newest->graph) {
		refuse(c, newest->diags, "Invalid");
		return;
	}
	/* An apply that waits to be confirmed is not overtaken; one that was not is not tried again. */
	if (c->before || was_refused(c, newest))
		return;
	result = go_to(c, newest, trigger, NULL, NULL, newest->diags);
	if (result == EXIT_ROLLED_BACK || result == EXIT_DEGRADED)
		refuse(c, newest->diags, "ApplyFailed");
	else
		forget_faults(c);
}

void converge_unplugged(struct converge *c, void *object)
{
	builder_removed(c->builder, object);
	converge_say_what_is_left(c);
	converge_now(c, CONVERGE_UNPLUGGED);
}

void converge_followed(struct converge *c)
{
	converge_say_what_is_left(c);
}

static void go_back(struct converge *c)
{
	cleanup_generation struct generation *before = c->before;
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);

	log_warn("the apply was not confirmed in time: going back");
	c->before = NULL;
	memcpy(c->refused, c->accepted->graph->hash, sizeof(c->refused));
	if (c->path_before) {
		free(c->path);
		c->path = TAKE_PTR(c->path_before);
	}
	go_to(c, before, CONVERGE_REVERT, NULL, NULL, diags);
	diag_print(diags, STDERR_FILENO);
	watch_description(c);
}

static void on_confirm_timeout(void *opaque)
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
	return loop_timer_arm(c->confirm_timer, 0);
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
	watch_description(c);
}

static json_t *answer(enum exit_code code, json_t *plan, struct diag_list *diags)
{
	json_t *json = json_pack("{s:i, s:o}", "exit", (int)code, "diagnostics",
				 diag_render_json(diags));

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
	newest = load(c, path);
	if (!newest->graph) {
		*ret = answer(EXIT_INVALID, NULL, newest->diags);
		return EXIT_INVALID;
	}
	before = generation_ref(c->accepted);
	memset(c->refused, 0, sizeof(c->refused));
	code = go_to(c, newest, CONVERGE_APPLY, request, &plan, newest->diags);
	*ret = answer(code, plan, newest->diags);
	if (request->dry_run || code == EXIT_ROLLED_BACK || code == EXIT_DEGRADED)
		return (int)code;
	forget_faults(c);
	if (request->confirm_timeout)
		wait_for_confirmation(c, before, request);
	if (request->path)
		follow(c, request->path);
	return (int)code;
}

int converge_plan(struct converge *c, const char *path, json_t **ret)
{
	cleanup_generation struct generation *newest = load(c, path ? path : c->path);
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan;
	enum exit_code code;

	if (!newest->graph) {
		*ret = answer(EXIT_INVALID, NULL, newest->diags);
		return EXIT_INVALID;
	}
	plan = apply_policy(plan_to(c, newest, arena), newest, CONVERGE_APPLY, arena);
	code = plan_class(plan) == PLAN_NONE ? EXIT_DONE : EXIT_PENDING;
	*ret = answer(code, plan_to_json(plan), newest->diags);
	return (int)code;
}
