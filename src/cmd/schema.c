/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft schema: the schema of descriptions, for editors, validators and readers of manuals.
 */
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "schema/describe.h"

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = { "json", "man" };
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct options options;
	int option, choice = 0;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		choice = option_choice(&options, formats, ARRAY_SIZE(formats));
		if (choice < 0)
			return EXIT_USAGE;
	}
	if (option < 0)
		return options.exit;
	if (options.n_operands)
		return usage_error(command, "no operand is taken");
	if (choice == 0)
		strbuf_add(&out, schema_json, schema_json_size);
	else
		schema_manual(&out);
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

static const struct option_spec option_specs[] = {
	{ 'f', "format", "json|man", "one JSON Schema (2020-12), or the manual page weft.yaml(5) (json)" },
	{ 0 },
};

const struct command command_schema = {
	.name = "schema",
	.operands = "",
	.summary = "print the schema of descriptions",
	.details = "Editors that know JSON Schema complete and check a description that begins with\n"
		   "'# yaml-language-server: $schema=FILE', FILE being what this command printed.",
	.options = option_specs,
	.run = run,
};
