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
#include "reload/state.h"
#include "schema/config.h"

/*
 * Without a state directory (no home, a read-only disk) the machine runs all the same; its slots are
 * just not remembered.
 */
static bool take_state(struct converge *c, const char *name)
{
	pid_t pid = 0;
	int r;

	if (c->state)
		return true;
	r = state_open(name, &c->state, &pid);
	if (r == -EBUSY) {
		log_error("a machine called '%s' runs already (process %d): give this one another name",
			  name, (int)pid);
		return false;
	}
	if (r < 0)
		log_warn("there is no state directory for '%s' (%s): PCI slots will not be remembered",
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
	result = builder_apply(c->builder, plan_create(NULL, 0, g->graph, false, arena), g, diags);
	diag_print(diags, STDERR_FILENO);
	if (result != BUILD_DONE)
		return c->parts->host_problem	? EXIT_HOST :
		       result == BUILD_DEGRADED ? EXIT_DEGRADED :
						  EXIT_ROLLED_BACK;
	converge_accept(c, g);
	converge_record(c, trigger, NULL, "booted", NULL);
	converge_say_what_waits(c, &(struct plan){ 0 });
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

enum exit_code converge_boot(struct converge *c, enum converge_trigger trigger)
{
	cleanup_generation struct generation *newest = NULL;
	enum exit_code result;
	bool taken = false;

	/* Standard input can be read once. */
	if (trigger == CONVERGE_BOOT || strcmp(c->path, "-") != 0)
		newest = read_newest(c, &taken);
	if (newest) {
		result = boot_generation(c, newest, trigger);
		if (result == EXIT_DONE || !c->accepted)
			return result;
		log_warn("the new description could not be started: the guest starts again as it was");
	} else if (!c->accepted) {
		return taken ? EXIT_HOST : EXIT_INVALID;
	} else if (strcmp(c->path, "-") != 0) {
		log_warn("%s is not valid now: the guest starts again as it was", c->path);
	}
	return boot_generation(c, c->accepted, trigger);
}
