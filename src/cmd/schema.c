/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft schema: the schema of descriptions, for editors, validators and readers of manuals.
 */
#include <jansson.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "control/openapi.h"
#include "schema/describe.h"

static void put_openapi(struct strbuf *out)
{
	json_t *document = control_openapi();
	cleanup_free char *text = json_dumps(document, JSON_INDENT(1));

	invariant(text);
	json_decref(document);
	strbuf_printf(out, "%s\n", text);
}

/* The other shape of the same definitions: that of a file which others include. */
static void put_layer(struct strbuf *out)
{
	strbuf_puts(
		out,
		"{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		" \"$id\": \"urn:weft:layer:1\",\n"
		" \"title\": \"a layer of descriptions\",\n \"$ref\": \"#/$defs/layer-machine\"");
	strbuf_add(out, schema_json + schema_json_defs, schema_json_size - schema_json_defs);
}

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = {"json", "layer", "man", "openapi"};
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
	else if (choice == 1)
		put_layer(&out);
	else if (choice == 2)
		schema_manual(&out);
	else
		put_openapi(&out);
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

static const struct option_spec option_specs[] = {
	{'f', "format", "json|layer|man|openapi",
	 "one JSON Schema (2020-12), that of a file which others include, the manual page "
	 "weft.yaml(5), or the "
	 "control interface (json)"},
	{0},
};

const struct command command_schema = {
	.name = "schema",
	.operands = "",
	.summary = "print the schema of descriptions",
	.details =
		"Editors that know JSON Schema complete and check a description that begins with\n"
		"'# yaml-language-server: $schema=FILE', FILE being what this command printed.\n"
		"A file that others include has the schema that layer prints: no key has to be "
		"there.\n"
		"What openapi prints is OpenAPI 3.1 of what every running machine serves at "
		"control.sock in\n"
		"its state directory.",
	.options = option_specs,
	.run = run,
};
