/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft list: the machines of this user.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "control/client.h"
#include "control/machines.h"

/* A word about a machine: "running", "paused", "stopped", or that it does not answer. */
static json_t *describe(const char *name, bool running)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	struct client_reply reply = {0};
	json_t *entry =
		json_pack("{s:s, s:s}", "name", name, "phase", running ? "Unknown" : "Stopped");

	if (running && client_call(name, "GET", "/v1/status", NULL, &reply, &why) == 0 &&
	    reply.status == 200) {
		json_object_set(entry, "phase", json_object_get(reply.json, "phase"));
		json_object_set(entry, "generation", json_object_get(reply.json, "generation"));
		json_object_set(entry, "file", json_object_get(reply.json, "file"));
	}
	json_decref(reply.json);
	return entry;
}

static json_t *collect(const struct machines *machines, bool all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < machines->n; i++)
		if (all || machines->running[i])
			json_array_append_new(list,
					      describe(machines->names[i], machines->running[i]));
	return list;
}

static int print_list(const struct command *command, const json_t *list)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const json_t *entry;
	size_t i;

	strbuf_printf(&out, "%-24s %-9s %10s  %s\n", "NAME", "PHASE", "GENERATION", "FILE");
	json_array_foreach(list, i, entry)
	{
		const json_t *generation = json_object_get(entry, "generation");
		char number[24] = "";

		if (generation)
			snprintf(number, sizeof(number), "%lld",
				 (long long)json_integer_value(generation));
		strbuf_printf(&out, "%-24s %-9s %10s  %s\n", json_text(entry, "name"),
			      json_text(entry, "phase"), number, json_text(entry, "file"));
	}
	return print_text(command, &out);
}

static int show(const struct command *command, bool all, bool json)
{
	struct machines machines;
	json_t *list;
	int r = machines_find(&machines);

	if (r < 0) {
		log_error("the state directory cannot be read: %s", strerror(-r));
		return EXIT_HOST;
	}
	list = collect(&machines, all);
	machines_fini(&machines);
	r = json ? print_json(command, list) : print_list(command, list);
	json_decref(list);
	return r;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options options;
	int option, format = 0;
	bool all = false;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		if (option == 'a')
			all = true;
		else if ((format = format_choice(&options)) < 0)
			return EXIT_USAGE;
	}
	if (option < 0)
		return options.exit;
	if (options.n_operands)
		return usage_error(command, "no operand is taken");
	return show(command, all, format == 1);
}

static const struct option_spec option_specs[] = {
	{'a', "all", NULL, "also those that do not run, but have a state directory"},
	FORMAT_OPTION,
	{0},
};

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "show your machines that run",
	.options = option_specs,
	.run = run,
};
