/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft plan: what an edit takes, before it is made.
 */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "graph/generation.h"
#include "plan/render.h"
#include "schema/config.h"

/* A machine that was built from @generation and not changed since. */
static const struct plan_running *as_running(const struct generation *generation,
					     struct arena *arena)
{
	const struct graph *graph = generation->graph;
	struct plan_running *running =
		arena_new_array(arena, graph->n_nodes, struct plan_running);
	const struct graph_node *node;
	size_t i;

	graph_for_each_node(graph, node, i)
		running[i] = (struct plan_running){ node, node };
	return running;
}

static struct generation *load_valid(const char *path, const struct document_options *options,
				     const struct graph_pins *pins)
{
	struct generation *generation = generation_load(path, options, pins);

	diag_print(generation->diags, STDERR_FILENO);
	return generation->graph ? generation : generation_unref(generation);
}

static int print_plan(const struct plan *plan, bool json)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	if (json) {
		json_t *object = plan_to_json(plan);
		char *text = json_dumps(object, JSON_INDENT(2));

		invariant(text != NULL);
		strbuf_puts(&out, text);
		strbuf_putc(&out, '\n');
		free(text);
		json_decref(object);
	} else {
		plan_print(plan, &out);
	}
	if (strbuf_write(&out, STDOUT_FILENO) < 0) {
		log_error("the plan could not be written");
		return EXIT_HOST;
	}
	return plan_class(plan) == PLAN_NONE ? EXIT_DONE : EXIT_PENDING;
}

static int make_plan(const char *from_path, const char *path,
		     const struct document_options *options, bool json)
{
	cleanup_generation struct generation *from = NULL, *to = NULL;
	cleanup_arena struct arena *arena = arena_create();
	const struct plan_running *running = NULL;
	struct graph_pins pins = { .occupied = true };

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
	return print_plan(plan_create(running, pins.n, to->graph, to->config->reload.replug == CONFIG_RELOAD_REPLUG_ALLOWED,
				      arena), json);
}

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = { "text", "json" };
	struct overrides overrides = { 0 };
	const char *from = NULL;
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
		case 'f':
			format = option_choice(&options, formats, ARRAY_SIZE(formats));
			if (format < 0)
				return EXIT_USAGE;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	if (options.n_operands != 1)
		return usage_error(command, options.n_operands ? "one file at a time" :
								 "a file is missing");
	return make_plan(from, options.operands[0], &overrides.document, format == 1);
}

static const struct option_spec option_specs[] = {
	{ 'F', "from", "FILE", "compare with a machine that was built from this file" },
	OVERRIDES_OPTION,
	{ 'f', "format", "text|json", "for people, or for programs (text)" },
	{ 0 },
};

const struct command command_plan = {
	.name = "plan",
	.operands = "FILE",
	.summary = "tell what an edit of a description would take",
	.details = "Without --from it is the plan of a boot. The exit status is 0 when there is nothing\n"
		   "to do, and 2 when there are changes.",
	.options = option_specs,
	.run = run,
};
