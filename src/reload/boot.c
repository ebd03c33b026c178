/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of the guest, the first one and those after a reset: the plan from nothing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "build/parts.h"
#include "reload/converge-internal.h"
#include "reload/hostdev.h"
#include "reload/state.h"
#include "schema/config.h"

/*
 * Without a state directory (no home, a read-only disk) the machine runs all the same; its slots
 * are just not remembered.
 */
static bool take_state(struct converge *c, const char *name)
{
	pid_t pid = 0;
	int r;

	if (c->state)
		return true;
	r = state_open(name, &c->state, &pid);
	if (r == -EBUSY) {
		log_error(
			"a machine called '%s' runs already (process %d): give this one another name",
			name, (int)pid);
		return false;
	}
	if (r < 0)
		log_warn(
			"there is no state directory for '%s' (%s): PCI slots will not be remembered",
			name, strerror(-r));
	else
		c->number = state_generation(c->state);
	return true;
}

/* Booting is the plan from nothing. */
static enum exit_code boot_generation(struct converge *c, struct generation *g,
				      enum converge_trigger trigger)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	enum build_result result;

	c->parts->graph = g->graph;
	hostdev_resolve(c->hosts, g->graph, NULL, 0);
	result = builder_apply(c->builder, plan_create(NULL, 0, g->graph, false, arena), g, diags);
	diag_print(diags, STDERR_FILENO);
	if (result != BUILD_DONE)
		return c->parts->host_problem     ? EXIT_HOST
		       : result == BUILD_DEGRADED ? EXIT_DEGRADED
						  : EXIT_ROLLED_BACK;
	converge_accept(c, g, false);
	if (!c->starting)
		converge_record(c, trigger, NULL, "booted", NULL);
	converge_say_what_waits(c, &(struct plan){0});
	converge_say_what_is_left(c);
	return EXIT_DONE;
}

/* Reads the description; NULL when it is not valid. */
static struct generation *read_newest(struct converge *c, bool *ret_taken)
{
	struct generation *newest = generation_read(c->path, c->options);

	*ret_taken = false;
	if (newest->config && !diag_errors(newest->diags)) {
		*ret_taken = !take_state(c, newest->config->name);
		if (!*ret_taken)
			generation_compile(newest, c->state ? state_pins(c->state) : NULL);
	}
	diag_print(newest->diags, STDERR_FILENO);
	return newest->graph ? newest : generation_unref(newest);
}

static enum exit_code first_boot(struct converge *c)
{
	cleanup_generation struct generation *newest = NULL;
	bool taken;

	newest = read_newest(c, &taken);
	if (!newest)
		return taken ? EXIT_HOST : EXIT_INVALID;
	/* Its files are those that are watched first: so they need not be read twice to know them.
	 */
	c->newest = generation_ref(newest);
	c->starting = true;
	return boot_generation(c, newest, CONVERGE_BOOT);
}

/* Why the guest starts again as it was, not with the newest description; NULL: with the newest. */
static const char *why_as_it_was(struct converge *c, const struct generation *newest)
{
	uint8_t digest[SHA256_SIZE];

	if (!newest)
		return "is not valid now";
	if (strcmp(newest->config->name, c->target->config->name) != 0)
		return "is another machine's now";
	if (newest->config->reload.policy == CONFIG_RELOAD_POLICY_MANUAL)
		return "waits for 'weft apply'";
	if (c->before)
		return "waits for an apply to be confirmed";
	converge_digest(newest, digest);
	return memcmp(digest, c->refused, sizeof(digest)) == 0 ? "was not confirmed" : NULL;
}

static enum exit_code boot_again(struct converge *c)
{
	cleanup_generation struct generation *newest = NULL;
	enum exit_code result;
	const char *why;
	bool taken;

	converge_started(c);
	if (strcmp(c->path, "-") != 0) {
		newest = read_newest(c, &taken);
		why = why_as_it_was(c, newest);
		if (!why) {
			result = boot_generation(c, newest, CONVERGE_REBOOT);
			if (result == EXIT_DONE)
				return result;
			why = "could not be started";
		}
		log_info("%s %s: the guest starts again as it was", c->path, why);
	}
	/* Its places were those of the life before: windows and slots are given anew. */
	generation_compile(c->target, c->state ? state_pins(c->state) : NULL);
	invariant(c->target->graph != NULL);
	return boot_generation(c, c->target, CONVERGE_REBOOT);
}

enum exit_code converge_boot(struct converge *c, enum converge_trigger trigger)
{
	enum exit_code result;

	if (!c->target)
		return first_boot(c);
	result = boot_again(c);
	if (result == EXIT_DONE)
		converge_look_again(c);
	return result;
}
