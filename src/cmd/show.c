/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft show: a description as it is meant, with what it includes, its variables and every default.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag-render.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "graph/generation.h"
#include "schema/value-yaml.h"

#define FORMAT_VERSION 1

static void show_json(const struct generation *generation, bool origins, struct strbuf *out)
{
	char hash[SHA256_HEX_SIZE], *text;
	json_t *all = json_object();

	json_object_set_new(all, "format_version", json_integer(FORMAT_VERSION));
	json_object_set_new(all, "command", json_string("show"));
	json_object_set_new(all, "hash", json_string(sha256_hex(generation->graph->hash, hash)));
	json_object_set_new(all, "description", value_json(generation->root));
	if (origins)
		json_object_set_new(all, "origins", value_json_origins(generation->root));
	text = json_dumps(all, JSON_INDENT(2));
	invariant(text != NULL);
	strbuf_printf(out, "%s\n", text);
	free(text);
	json_decref(all);
}

static int show(const struct generation *generation, bool json, bool origins)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	int r;

	if (json)
		show_json(generation, origins, &out);
	else
		value_yaml(generation->root, origins, &out);
	r = strbuf_write(&out, STDOUT_FILENO);
	if (r < 0)
		log_error("cannot write the result: %s", strerror(-r));
	return r < 0 ? EXIT_HOST : EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = {"yaml", "json"};
	cleanup_generation struct generation *generation = NULL;
	struct overrides overrides = {0};
	bool origins = false;
	struct options options;
	const char *file;
	int option, format = 0;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 's':
		case 'D':
			if (overrides_add(&overrides, &options, option))
				return EXIT_USAGE;
			break;
		case 'f':
			format = option_choice(&options, formats, ARRAY_SIZE(formats));
			if (format < 0)
				return EXIT_USAGE;
			break;
		case 'o':
			origins = true;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	file = options_file(&options);
	if (!file)
		return EXIT_USAGE;
	generation = generation_load(file, &overrides.document, NULL);
	diag_print(generation->diags, STDERR_FILENO);
	return generation->graph ? show(generation, format == 1, origins) : EXIT_INVALID;
}

static const struct option_spec option_specs[] = {
	{'o', "origin", NULL, "tell where each value comes from"},
	{'f', "format", "yaml|json", "how to print it (yaml)"},
	OVERRIDES_OPTION,
	{0},
};

const struct command command_show = {
	.name = "show",
	.operands = "FILE",
	.summary = "print a description as it is meant, with every default",
	.details = "What the file includes is laid together, variables are replaced, paths are "
		   "absolute, and\n"
		   "every default is there. The result is a description of the same machine. With "
		   "--origin a\n"
		   "comment tells for each value the file and line, the option, or that it is the "
		   "default. A\n"
		   "FILE that is - is standard input. The exit status is 0, or 1 when FILE is "
		   "invalid.",
	.options = option_specs,
	.run = run,
};
