/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft apply: has the running machine go to a description, and waits for the outcome.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag-render.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "graph/generation.h"
#include "schema/config.h"

/* The name that the file says. A file that says none is invalid: the reason is printed. */
static int name_of(const char *path, char *ret_name)
{
	cleanup_generation struct generation *generation = generation_read(path, NULL);

	if (!generation->config || diag_errors(generation->diags)) {
		diag_print(generation->diags, STDERR_FILENO);
		return EXIT_INVALID;
	}
	snprintf(ret_name, MACHINE_NAME_SIZE, "%s", generation->config->name);
	return 0;
}

/* Says what was done. The exit status is that of the answer, unless it cannot be printed. */
static int report(const struct command *command, int code, const json_t *answer, bool json)
{
	int r = json ? print_json(command, answer)
		     : print_plan(command, json_object_get(answer, "plan"));

	return r ? r : code;
}

static int apply(const struct command *command, const char *path, json_t *body, bool json)
{
	cleanup_free char *whole = remote_path(command, path);
	char name[MACHINE_NAME_SIZE];
	int r = whole ? name_of(path, name) : EXIT_HOST;
	json_t *answer;

	if (r) {
		json_decref(body);
		return r;
	}
	json_object_set_new(body, "path", json_string(whole));
	r = remote_call(command, name, "POST", "/v1/apply", body, &answer);
	if (!answer)
		return r;
	r = report(command, r, answer, json);
	json_decref(answer);
	return r;
}

static int take_timeout(const struct options *options, json_t *body)
{
	struct unit_error error;
	uint64_t timeout;

	if (duration_parse(options->value, &timeout, &error) < 0)
		return usage_error(options->command, "--confirm-timeout: %s", error.message);
	json_object_set_new(body, "confirm_timeout", json_string(options->value));
	return 0;
}

static int take_generation(const struct options *options, json_t *body)
{
	uint64_t generation;
	bool negative;

	if (integer_parse(options->value, &negative, &generation, NULL) < 0 || negative ||
	    generation == 0 || generation > INT64_MAX)
		return usage_error(options->command, "'%s' is not a generation", options->value);
	json_object_set_new(body, "if_generation", json_integer((json_int_t)generation));
	return 0;
}

static int take_option(int option, const struct options *options, json_t *body, int *format)
{
	switch (option) {
	case 'n':
		json_object_set_new(body, "dry_run", json_true());
		return 0;
	case 't':
		return take_timeout(options, body);
	case 'g':
		return take_generation(options, body);
	default:
		*format = format_choice(options);
		return *format < 0 ? EXIT_USAGE : 0;
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options options;
	int option, format = 0, r = 0;
	json_t *body = json_object();

	options_init(&options, command, argc, argv);
	while (!r && (option = options_next(&options)) > 0)
		r = take_option(option, &options, body, &format);
	if (!r && option < 0)
		r = options.exit;
	else if (!r && !options_file(&options))
		r = EXIT_USAGE;
	else if (!r)
		return apply(command, options.operands[0], body, format == 1);
	json_decref(body);
	return r;
}

static const struct option_spec option_specs[] = {
	{'n', "dry-run", NULL, "prepare everything, then take it back"},
	{'t', "confirm-timeout", "DURATION", "go back unless 'weft confirm' comes in this time"},
	{'g', "if-generation", "N", "only if this generation runs ('weft status' tells)"},
	FORMAT_OPTION,
	{0},
};

const struct command command_apply = {
	.name = "apply",
	.operands = "FILE",
	.summary = "have the running machine go to a description",
	.details = "FILE says by its name which machine; from then on that machine follows FILE. "
		   "What\n"
		   "cannot be done while the guest runs waits for its next start; then the exit "
		   "status\n"
		   "is 2.",
	.options = option_specs,
	.run = run,
};
