/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function carries every edit: read the description, compile it with the places that are taken,
 * plan from what runs, apply, and say what waits. Whatever says that something may have changed
 * (the watch, SIGHUP, an apply, a guest that let go of a device) ends there.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "build/parts.h"
#include "console/console.h"
#include "loop/loop.h"
#include "plan/render.h"
#include "reload/converge-internal.h"
#include "reload/hostdev.h"
#include "reload/state.h"
#include "reload/watch.h"
#include "schema/config.h"
#include "schema/value.h"

#define MAX_READINGS 3 /* when what is included changes while it is read */
/* The reason of Degraded when the host has lost what is behind a device. */
#define LOST "BackingLost"

#define MAX_ROUNDS 3 /* of changes that make room for others */

static void on_watch(void *opaque)
{
	converge_now(opaque, CONVERGE_WATCH);
}

static void on_detach_timeout(void *opaque);
static void on_host_change(void *opaque);

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
	invariant(loop_add_timer(loop, converge_on_confirm_timeout, c, &c->confirm_timer) >= 0);
	c->watch = watch_create(loop, on_watch, c);
	c->hosts = hostdev_create(loop, on_host_change, c);
	return c;
}

struct converge *converge_destroy(struct converge *c)
{
	if (!c)
		return NULL;
	if (c->state)
		state_hurry(c->state);
	converge_started(c);
	watch_destroy(c->watch);
	hostdev_destroy(c->hosts);
	loop_source_remove(c->detach_timer);
	loop_source_remove(c->confirm_timer);
	generation_unref(c->newest);
	generation_unref(c->accepted);
	generation_unref(c->target);
	generation_unref(c->before);
	state_close(c->state);
	conditions_fini(&c->conditions);
	json_decref(c->pending);
	json_decref(c->undone);
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

void converge_watch(struct converge *c)
{
	static const enum watch_mode modes[] = {
		[CONFIG_RELOAD_WATCH_INOTIFY] = WATCH_INOTIFY,
		[CONFIG_RELOAD_WATCH_POLL] = WATCH_POLL,
		[CONFIG_RELOAD_WATCH_OFF] = WATCH_OFF,
	};
	const struct config_reload *reload = &c->accepted->config->reload;
	const char *const path = c->path, *const *paths = &path;
	size_t n = 1;
	int r;

	if (strcmp(c->path, "-") == 0)
		return;
	if (c->newest && c->newest->n_watched) {
		paths = c->newest->watched;
		n = c->newest->n_watched;
	}
	r = watch_set(c->watch, modes[reload->watch], reload->poll_interval, paths, n);
	if (r < 0 && r != c->watch_error)
		log_warn(
			"%s cannot be watched (%s): SIGHUP and 'weft apply' work, or reload.watch: poll",
			c->path, strerror(-r));
	c->watch_error = r;
}

void converge_look_again(struct converge *c)
{
	if (c->accepted->config->reload.watch != CONFIG_RELOAD_WATCH_OFF)
		watch_trigger(c->watch);
}

static bool watches_the_same(const struct generation *a, const struct generation *b)
{
	if (!a || a->n_watched != b->n_watched)
		return false;
	for (size_t i = 0; i < a->n_watched; i++)
		if (strcmp(a->watched[i], b->watched[i]) != 0)
			return false;
	return true;
}

bool converge_follow_includes(struct converge *c, struct generation *newest)
{
	bool same = watches_the_same(c->newest, newest);

	generation_ref(newest);
	generation_unref(c->newest);
	c->newest = newest;
	if (!same)
		converge_watch(c);
	return !same;
}

/* With the places that are taken by what runs; a device that is leaving still has its own. */
struct generation *converge_load(struct converge *c, const char *path)
{
	cleanup_arena struct arena *arena = arena_create();
	struct graph_pins pins = {.occupied = true, .mmio64_base = c->parts->graph->mmio64_base};
	const struct graph_node **nodes;
	const struct plan_running *running;

	/* Standard input can be read once. */
	if (strcmp(path, "-") == 0)
		return generation_ref(c->accepted);
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

/*
 * The description, with all its files watched before they are read, so that no edit falls between.
 * Which files those are is known when they have been read: so it is read again when they were
 * others.
 */
static struct generation *load_watched(struct converge *c)
{
	struct generation *newest = NULL;
	unsigned tries = 0;

	converge_watch(c);
	do {
		generation_unref(newest);
		newest = converge_load(c, c->path);
	} while (converge_follow_includes(c, newest) && ++tries < MAX_READINGS);
	return newest;
}

const struct plan *converge_plan_to(struct converge *c, const struct generation *to,
				    struct arena *arena)
{
	const struct plan_running *running;
	size_t n;

	running = builder_running(c->builder, arena, &n);
	hostdev_resolve(c->hosts, to->graph, running, n);
	return plan_create(running, n, to->graph,
			   to->config->reload.replug == CONFIG_RELOAD_REPLUG_ALLOWED, arena);
}

static void say_ready(struct converge *c)
{
	cleanup_strbuf struct strbuf message = STRBUF_INIT;
	const struct graph_node *node;
	size_t i;

	if (c->paused) {
		converge_condition(c, CONDITION_READY, false, "Paused", "the guest is paused");
		return;
	}
	strbuf_puts(&message, "the guest runs");
	graph_for_each_node (c->target->graph, node, i)
		if (node->host && node->host->missing[0])
			strbuf_printf(&message, "; %s is pending: %s", node->path,
				      node->host->missing);
	converge_condition(c, CONDITION_READY, true, "Running", message.text);
}

static bool say_what_is_lost(struct converge *c)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	const char *said = c->conditions.list[CONDITION_DEGRADED].message;

	builder_explain_losses(c->builder, &why);
	if (!why.size)
		return false;
	if (!said || strcmp(said, why.text) != 0)
		log_error("%s", why.text);
	converge_condition(c, CONDITION_DEGRADED, true, LOST, why.text);
	return true;
}

void converge_say_what_is_lost(struct converge *c)
{
	const char *reason = c->conditions.list[CONDITION_DEGRADED].reason;

	/* What was lost has gone with its device. */
	if (!say_what_is_lost(c) && reason && strcmp(reason, LOST) == 0)
		converge_condition(c, CONDITION_DEGRADED, false, NULL, NULL);
}

/* What waits for the guest: devices it has not let go of, CPUs it has not taken. */
void converge_say_what_is_left(struct converge *c)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;

	/* Outputs were kept for a device that is plugged again; what no device has by now is ended.
	 */
	console_hub_prune(c->parts->consoles);
	if (builder_is_settled(c->builder, &why)) {
		converge_condition(c, CONDITION_CONVERGING, false, NULL, NULL);
		loop_timer_arm(c->detach_timer, 0);
	} else {
		converge_condition(c, CONDITION_CONVERGING, true, "WaitingForGuest", why.text);
		loop_timer_arm(c->detach_timer, c->accepted->config->reload.detach_timeout);
	}
	converge_say_what_is_lost(c);
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

static bool is_target(const struct converge *c, const struct graph *graph)
{
	return c->target && memcmp(c->target->graph->hash, graph->hash, sizeof(graph->hash)) == 0;
}

static void replace(struct generation **generation, struct generation *by)
{
	generation_ref(by);
	generation_unref(*generation);
	*generation = by;
}

static void save(struct converge *c)
{
	const struct generation *g = c->target;
	int r = c->state ? state_accept(c->state, g->graph, g->root, c->number) : 0;

	if (r < 0)
		log_warn("the state directory cannot be written: %s", strerror(-r));
}

/* A description says itself how it is to be watched. An edit of it while nobody watched is looked
 * for. */
static void watch_as_it_says(struct converge *c, const struct generation *before)
{
	const struct config_reload *was = &before->config->reload,
				   *is = &c->accepted->config->reload;

	if (was->watch == is->watch && was->poll_interval == is->poll_interval)
		return;
	converge_watch(c);
	if (was->watch == CONFIG_RELOAD_WATCH_OFF)
		converge_look_again(c);
}

void converge_accept(struct converge *c, struct generation *to, bool held)
{
	bool other = !is_accepted(c, to->graph), saved = is_target(c, to->graph);
	cleanup_generation struct generation *before =
		c->accepted ? generation_ref(c->accepted) : NULL;

	replace(&c->accepted, to);
	c->number += other;
	if (before)
		watch_as_it_says(c, before);
	if (held)
		return;
	replace(&c->target, to);
	if (!saved && !c->starting)
		save(c);
}

void converge_started(struct converge *c)
{
	if (!c->starting || !c->target)
		return;
	c->starting = false;
	save(c);
	converge_record(c, CONVERGE_BOOT, NULL, "booted", NULL);
}

static enum exit_code failed(struct converge *c, enum converge_trigger trigger,
			     const struct converge_request *request, const struct plan *plan,
			     enum build_result result)
{
	bool degraded = result == BUILD_DEGRADED;

	converge_record(c, trigger, request, degraded ? "degraded" : "rolled back",
			plan_to_json(plan));
	if (degraded)
		converge_condition(c, CONDITION_DEGRADED, true, "UndoFailed",
				   "an edit failed, and not all of it could be undone");
	return degraded ? EXIT_DEGRADED : EXIT_ROLLED_BACK;
}

/* Applies a plan to @to, and tells of it. */
static enum exit_code carry_out(struct converge *c, struct generation *to,
				enum converge_trigger trigger,
				const struct converge_request *request, const struct plan *plan,
				struct diag_list *diags)
{
	const struct graph *graph_before = c->parts->graph;
	enum build_result result;

	converge_started(c);
	c->parts->graph = to->graph;
	result = builder_apply(c->builder, plan, to, diags);
	log_debug("edit: committed");
	if (result != BUILD_DONE) {
		c->parts->graph = graph_before;
		return failed(c, trigger, request, plan, result);
	}
	if (plan_does_something(plan)) {
		log_plan(plan);
		converge_record(c, trigger, request, "applied", plan_to_json(plan));
	}
	if (!say_what_is_lost(c))
		converge_condition(c, CONDITION_DEGRADED, false, NULL, NULL);
	return plan_class(plan) >= PLAN_RESTART ? EXIT_PENDING : EXIT_DONE;
}

static enum exit_code rehearse(struct converge *c, struct generation *to, const struct plan *plan,
			       struct diag_list *diags)
{
	const struct graph *graph_before = c->parts->graph;
	enum build_result result;

	c->parts->graph = to->graph;
	result = builder_rehearse(c->builder, plan, to, diags);
	c->parts->graph = graph_before;
	if (result == BUILD_DONE)
		return plan_class(plan) >= PLAN_RESTART ? EXIT_PENDING : EXIT_DONE;
	return result == BUILD_ROLLED_BACK ? EXIT_ROLLED_BACK : EXIT_DEGRADED;
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

void converge_forget_faults(struct converge *c)
{
	json_decref(c->diagnostics);
	c->diagnostics = NULL;
	converge_condition(c, CONDITION_CONFIG_INVALID, false, NULL, NULL);
}

/* What changed by itself (an image that grew) is noticed whenever the description is looked at. */
static void look_at_host(struct converge *c, enum converge_trigger trigger, struct diag_list *diags)
{
	size_t before = diag_warnings(diags);

	builder_refresh(c->builder, diags);
	/* Who applies is given them with the answer. */
	if (trigger != CONVERGE_APPLY && diag_warnings(diags) > before)
		diag_print(diags, STDERR_FILENO);
}

/*
 * A device can come when the one that has what it needs has been changed: then the plan is made
 * again. What waits for the guest is done when the guest has let go (converge_unplugged()).
 */
enum exit_code converge_go_to(struct converge *c, struct generation *to,
			      enum converge_trigger trigger, const struct converge_request *request,
			      json_t **ret_plan, struct diag_list *diags)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *all = converge_plan_to(c, to, arena);
	const struct plan *plan = converge_policy(all, to, trigger, arena);
	bool held = plan != all;
	unsigned rounds = 0;
	enum exit_code code;

	/* These lines are what tests/bench/reload.py takes its times from. */
	log_debug("edit: planned");
	if (ret_plan)
		*ret_plan = plan_to_json(plan);
	if (request && request->dry_run)
		return rehearse(c, to, plan, diags);
	do {
		code = carry_out(c, to, trigger, request, plan, diags);
		if (code == EXIT_ROLLED_BACK || code == EXIT_DEGRADED)
			return code;
		converge_accept(c, to, held);
		plan = converge_policy(converge_plan_to(c, to, arena), to, trigger, arena);
	} while (plan_does_something(plan) && ++rounds < MAX_ROUNDS);
	look_at_host(c, trigger, diags);
	converge_say_what_waits(c, plan);
	converge_say_what_is_left(c);
	log_debug("edit: saved");
	return code;
}

void converge_digest(const struct generation *generation, uint8_t digest[SHA256_SIZE])
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct sha256 hash;

	value_canonical(generation->root, &text);
	sha256_init(&hash);
	sha256_update(&hash, text.text, text.size);
	sha256_final(&hash, digest);
}

static bool is_missing(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? errno == ENOENT && !strpbrk(path, "*?[") : st.st_size == 0;
}

/*
 * git takes a file away before it puts the new one there, and an editor may have it empty for a
 * moment: both are looked at once more before they count as a fault.
 */
static bool may_come_back(struct converge *c, const struct generation *newest,
			  enum converge_trigger trigger)
{
	bool gone = false;

	for (size_t i = 0; trigger == CONVERGE_WATCH && i < newest->n_watched; i++)
		gone |= is_missing(newest->watched[i]);
	c->missing = gone && !c->missing;
	if (c->missing)
		watch_trigger(c->watch);
	return c->missing;
}

/* One that was not confirmed is not tried again by itself. */
static bool was_refused(struct converge *c, const struct generation *newest)
{
	uint8_t digest[SHA256_SIZE];

	converge_digest(newest, digest);
	if (memcmp(c->refused, digest, sizeof(digest)) != 0)
		return false;
	converge_condition(
		c, CONDITION_CONFIG_INVALID, true, "NotConfirmed",
		"the description was applied and not confirmed; 'weft apply' tries it again");
	return true;
}

void converge_now(struct converge *c, enum converge_trigger trigger)
{
	cleanup_generation struct generation *newest = NULL;
	enum exit_code result;

	if (!c->accepted || strcmp(c->path, "-") == 0)
		return;
	log_debug("edit: reading, after %s", converge_trigger_name(trigger));
	newest = load_watched(c);
	if (!newest->graph) {
		if (!may_come_back(c, newest, trigger))
			refuse(c, newest->diags, "Invalid");
		return;
	}
	c->missing = false;
	/* An apply that waits to be confirmed is not overtaken. */
	if (c->before || was_refused(c, newest))
		return;
	memset(c->refused, 0, sizeof(c->refused));
	result = converge_go_to(c, newest, trigger, NULL, NULL, newest->diags);
	if (result == EXIT_ROLLED_BACK || result == EXIT_DEGRADED)
		refuse(c, newest->diags, "ApplyFailed");
	else
		converge_forget_faults(c);
}

/*
 * On with what was begun, not with what the file says by now: that has its own triggers, and may
 * have to wait for one.
 */
static void go_on(struct converge *c, enum converge_trigger trigger)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	const struct plan *plan;
	enum exit_code code;

	plan = converge_plan_to(c, c->target, arena);
	if (plan_does_something(plan)) {
		code = carry_out(c, c->target, trigger, NULL, plan, diags);
		if (code == EXIT_ROLLED_BACK || code == EXIT_DEGRADED)
			refuse(c, diags, "ApplyFailed");
	}
	plan = converge_plan_to(c, c->accepted, arena);
	converge_say_what_waits(c, converge_policy(plan, c->accepted, trigger, arena));
	converge_say_what_is_left(c);
}

void converge_unplugged(struct converge *c, void *object)
{
	builder_removed(c->builder, object);
	go_on(c, CONVERGE_UNPLUGGED);
}

static void on_host_change(void *opaque)
{
	struct converge *c = opaque;

	if (c->target)
		go_on(c, CONVERGE_HOST);
}

void converge_followed(struct converge *c)
{
	converge_say_what_is_left(c);
}
