/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft plan: what an edit takes, before it is made.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "cmd/remote.h"
#include "control/client.h"
#include "graph/generation.h"
#include "plan/render.h"
#include "schema/config.h"

/* A machine that was built from @generation and not changed since. */
static const struct plan_running *as_running(const struct generation *generation,
					     struct arena *arena)
{
	const struct graph *graph = generation->graph;
	struct plan_running *running = arena_new_array(arena, graph->n_nodes, struct plan_running);
	const struct graph_node *node;
	size_t i;

	graph_for_each_node (graph, node, i)
		running[i] = (struct plan_running){.base = node, .live = node};
	return running;
}

static struct generation *load_valid(const char *path, const struct document_options *options,
				     const struct graph_pins *pins)
{
	struct generation *generation = generation_load(path, options, pins);

	diag_print(generation->diags, STDERR_FILENO);
	return generation->graph ? generation : generation_unref(generation);
}

/* Takes the reference of @plan. */
static int show(const struct command *command, json_t *plan, bool json)
{
	bool changes = json_array_size(json_object_get(plan, "steps")) > 0;
	int r = json ? print_json(command, plan) : print_plan(command, plan);

	json_decref(plan);
	return r ? r : changes ? EXIT_PENDING : EXIT_DONE;
}

static int make_plan(const struct command *command, const char *from_path, const char *path,
		     const struct document_options *options, bool json)
{
	cleanup_generation struct generation *from = NULL, *to = NULL;
	cleanup_arena struct arena *arena = arena_create();
	const struct plan_running *running = NULL;
	struct graph_pins pins = {.occupied = true};

	if (from_path) {
		from = load_valid(from_path, NULL, NULL);
		if (!from)
			return EXIT_INVALID;
		running = as_running(from, arena);
		pins.nodes = from->graph->nodes;
		pins.n = from->graph->n_nodes;
	}
	to = load_valid(path, options, &pins);
	if (!to)
		return EXIT_INVALID;
	return show(command,
		    plan_to_json(plan_create(
			    running, pins.n, to->graph,
			    to->config->reload.replug == CONFIG_RELOAD_REPLUG_ALLOWED, arena)),
		    json);
}

/* Against the machine that runs; @path NULL: to its own description. */
static int ask_machine(const struct command *command, const char *name, const char *path, bool json)
{
	cleanup_free char *whole = path ? remote_path(command, path) : NULL;
	json_t *answer, *plan;
	int code;

	if (path && !whole)
		return EXIT_HOST;
	code = remote_call(command, name, "POST", "/v1/plan",
			   whole ? json_pack("{s:s}", "path", whole) : NULL, &answer);
	if (!answer)
		return code;
	plan = json_incref(json_object_get(answer, "plan"));
	json_decref(answer);
	return show(command, plan, json);
}

/* The name of the machine that a file describes, when that machine runs; NULL otherwise. */
static const char *running_machine(const char *path, const struct document_options *options)
{
	static char name[MACHINE_NAME_SIZE];
	cleanup_generation struct generation *generation = generation_read(path, options);

	if (!generation->config)
		return NULL;
	snprintf(name, sizeof(name), "%s", generation->config->name);
	return client_is_running(name) ? name : NULL;
}

static int plan_for_machine(const struct command *command, const char *machine, const char *file,
			    bool json)
{
	char name[MACHINE_NAME_SIZE];
	int r = remote_machine(command, machine, name);

	return r ? r : ask_machine(command, name, file, json);
}

static int plan_for_file(const struct command *command, const char *file, const char *from,
			 const struct document_options *options, bool json)
{
	const char *name = NULL;

	if (!file)
		return usage_error(command, "a file is missing, or --machine");
	/* The machine has overrides of its own, and standard input can be read once. */
	if (!from && !options->n_sets && !options->n_defines && strcmp(file, "-") != 0)
		name = running_machine(file, options);
	return name ? ask_machine(command, name, file, json)
		    : make_plan(command, from, file, options, json);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct overrides overrides = {0};
	const char *from = NULL, *machine = NULL, *file;
	struct options options;
	int option, format = 0;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 's':
		case 'D':
			if (overrides_add(&overrides, &options, option))
				return EXIT_USAGE;
			break;
		case 'F':
			from = options.value;
			break;
		case 'm':
			machine = options.value;
			break;
		case 'f':
			format = format_choice(&options);
			if (format < 0)
				return EXIT_USAGE;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	if (options.n_operands > 1)
		return usage_error(command, "one file at a time");
	file = options.n_operands ? options.operands[0] : NULL;
	return machine ? plan_for_machine(command, machine, file, format == 1)
		       : plan_for_file(command, file, from, &overrides.document, format == 1);
}

static const struct option_spec option_specs[] = {
	{'F', "from", "FILE", "compare with a machine that was built from this file"},
	{'m', "machine", "NAME", "what FILE, or its own description, would change in this one"},
	OVERRIDES_OPTION,
	FORMAT_OPTION,
	{0},
};

const struct command command_plan = {
	.name = "plan",
	.operands = "[FILE]",
	.summary = "tell what an edit of a description would take",
	.details = "The plan is for the running machine whose name FILE says. When it does not "
		   "run, or with\n"
		   "--set or -D, it is the plan of a boot. The exit status is 0 when there is "
		   "nothing to "
		   "do, and\n"
		   "2 when there are changes.",
	.options = option_specs,
	.run = run,
};
