/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft validate: everything that is wrong with descriptions, without touching the host.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag-render.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "graph/generation.h"

#define FORMAT_VERSION 1
#define FLUSH_FROM     (64 * 1024) /* bytes of output that are gathered before they are written */

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_GCC,
};

struct validation {
	enum format format;
	struct overrides overrides;
	bool color;
	struct strbuf out;
	json_t *files; /* of FORMAT_JSON */
	size_t n_files, n_valid, errors, warnings;
	int write_error;
};

static void flush(struct validation *v)
{
	int r = strbuf_write(&v->out, STDOUT_FILENO);

	if (r < 0)
		v->write_error = r;
	strbuf_clear(&v->out);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void report_text(struct validation *v, const char *path, struct diag_list *diags)
{
	size_t errors = diag_errors(diags), warnings = diag_warnings(diags);

	diag_render_text(&v->out, diags, v->color);
	if (!errors && !warnings)
		strbuf_printf(&v->out, "%s: valid\n", path);
	else if (!errors)
		strbuf_printf(&v->out, "%s: valid, %zu warning%s\n", path, warnings,
			      plural(warnings));
	else if (!warnings)
		strbuf_printf(&v->out, "%s: %zu error%s\n", path, errors, plural(errors));
	else
		strbuf_printf(&v->out, "%s: %zu error%s, %zu warning%s\n", path, errors,
			      plural(errors), warnings, plural(warnings));
}

static void report_json(struct validation *v, const char *path, struct diag_list *diags)
{
	json_t *file = json_object(), *name = json_string(path);

	/* JSON is UTF-8, a file name need not be. */
	json_object_set_new(file, "file", name ? name : json_null());
	json_object_set_new(file, "valid", json_boolean(!diag_errors(diags)));
	json_object_set_new(file, "errors", json_integer((json_int_t)diag_errors(diags)));
	json_object_set_new(file, "warnings", json_integer((json_int_t)diag_warnings(diags)));
	json_object_set_new(file, "diagnostics", diag_render_json(diags));
	json_array_append_new(v->files, file);
}

static void validate_file(struct validation *v, const char *path)
{
	cleanup_generation struct generation *generation =
		generation_load(path, &v->overrides.document, NULL);
	struct diag_list *diags = generation->diags;

	v->n_files++;
	v->n_valid += diag_errors(diags) == 0;
	v->errors += diag_errors(diags);
	v->warnings += diag_warnings(diags);
	switch (v->format) {
	case FORMAT_TEXT:
		report_text(v, path, diags);
		break;
	case FORMAT_GCC:
		diag_render_gcc(&v->out, diags);
		break;
	case FORMAT_JSON:
		report_json(v, path, diags);
		break;
	}
	if (v->out.size >= FLUSH_FROM)
		flush(v);
}

static void finish_json(struct validation *v)
{
	json_t *all = json_object();
	char *text;

	json_object_set_new(all, "format_version", json_integer(FORMAT_VERSION));
	json_object_set_new(all, "command", json_string("validate"));
	json_object_set_new(all, "valid", json_boolean(v->n_valid == v->n_files));
	json_object_set_new(all, "errors", json_integer((json_int_t)v->errors));
	json_object_set_new(all, "warnings", json_integer((json_int_t)v->warnings));
	json_object_set(all, "files", v->files);
	text = json_dumps(all, JSON_INDENT(2));
	invariant(text != NULL);
	strbuf_puts(&v->out, text);
	strbuf_putc(&v->out, '\n');
	free(text);
	json_decref(all);
}

static int finish(struct validation *v)
{
	if (v->format == FORMAT_JSON)
		finish_json(v);
	if (v->format == FORMAT_TEXT && v->n_files > 1)
		strbuf_printf(&v->out, "%zu files: %zu valid, %zu invalid\n", v->n_files, v->n_valid,
			      v->n_files - v->n_valid);
	flush(v);
	strbuf_fini(&v->out);
	json_decref(v->files);
	if (v->write_error) {
		log_error("cannot write the result: %s", strerror(-v->write_error));
		return EXIT_HOST;
	}
	return v->n_valid == v->n_files ? EXIT_DONE : EXIT_INVALID;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = { "text", "json", "gcc" };
	struct validation v = { 0 };
	struct options options;
	int option, choice;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 'f':
			choice = option_choice(&options, formats, ARRAY_SIZE(formats));
			if (choice < 0)
				return EXIT_USAGE;
			v.format = (enum format)choice;
			break;
		case 's':
		case 'D':
			if (overrides_add(&v.overrides, &options, option))
				return EXIT_USAGE;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	if (options.n_operands == 0)
		return usage_error(command, "a file is missing");
	v.color = v.format == FORMAT_TEXT && diag_color(STDOUT_FILENO);
	v.files = v.format == FORMAT_JSON ? json_array() : NULL;
	for (int i = 0; i < options.n_operands; i++)
		validate_file(&v, options.operands[i]);
	return finish(&v);
}

static const struct option_spec option_specs[] = {
	{ 'f', "format", "text|json|gcc", "how to tell what is wrong (text)" },
	OVERRIDES_OPTION,
	{ 0 },
};

const struct command command_validate = {
	.name = "validate",
	.operands = "FILE…",
	.summary = "check descriptions and tell everything that is wrong with them",
	.details = "The host is not touched and /dev/kvm is not needed. A FILE that is - is standard\n"
		   "input. The exit status is 0 when all files are valid and 1 when one is not.",
	.options = option_specs,
	.run = run,
};
