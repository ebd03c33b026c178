/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands that talk to a running machine share.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cmd/remote.h"
#include "control/client.h"
#include "control/machines.h"
#include "plan/render.h"

static void complain(const struct command *command, const char *fmt, ...) printf_like(2, 3);

static void complain(const struct command *command, const char *fmt, ...)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	va_list ap;

	strbuf_printf(&out, "weft %s: ", command->name);
	va_start(ap, fmt);
	strbuf_vprintf(&out, fmt, ap);
	va_end(ap);
	strbuf_putc(&out, '\n');
	(void)!strbuf_write(&out, STDERR_FILENO);
}

/* --- Which machine. --- */

static int choose_only(const struct command *command, const struct machines *machines,
		       char *ret_name)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;
	const char *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < machines->n; i++) {
		if (!machines->running[i])
			continue;
		only = machines->names[i];
		strbuf_printf(&list, "%s%s", n++ ? ", " : "", only);
	}
	if (n == 1) {
		snprintf(ret_name, MACHINE_NAME_SIZE, "%s", only);
		return 0;
	}
	if (n > 1)
		return usage_error(command, "which machine? These run: %s", list.text);
	complain(command, "no machine of yours runs; 'weft run FILE' starts one");
	return EXIT_UNREACHABLE;
}

int remote_machine(const struct command *command, const char *operand, char *ret_name)
{
	struct machines machines;
	int r;

	if (operand) {
		if (!machine_name_valid(operand))
			return usage_error(command, "'%s' is not the name of a machine", operand);
		snprintf(ret_name, MACHINE_NAME_SIZE, "%s", operand);
		return 0;
	}
	r = machines_find(&machines);
	if (r < 0) {
		complain(command, "the state directory cannot be read: %s", strerror(-r));
		return EXIT_HOST;
	}
	r = choose_only(command, &machines, ret_name);
	machines_fini(&machines);
	return r;
}

int remote_operand(const struct command *command, const struct options *options, char *ret_name)
{
	if (options->n_operands > 1)
		return usage_error(command, "one machine at a time");
	return remote_machine(command, options->n_operands ? options->operands[0] : NULL, ret_name);
}

/* --- Asking it. --- */

int remote_unreachable(const struct command *command, const struct strbuf *why)
{
	complain(command, "%s", why->text ? why->text : "the machine cannot be reached");
	return EXIT_UNREACHABLE;
}

static void print_diagnostics(const json_t *diagnostics)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const json_t *diag;
	size_t i;

	json_array_foreach(diagnostics, i, diag)
	{
		if (json_object_get(diag, "line"))
			strbuf_printf(
				&out, "%s:%lld:%lld: ", json_text(diag, "file"),
				(long long)json_integer_value(json_object_get(diag, "line")),
				(long long)json_integer_value(json_object_get(diag, "column")));
		strbuf_printf(&out, "%s: %s [%s]\n", json_text(diag, "severity"),
			      json_text(diag, "message"), json_text(diag, "code"));
		if (json_object_get(diag, "hint"))
			strbuf_printf(&out, "  hint: %s\n", json_text(diag, "hint"));
	}
	(void)!strbuf_write(&out, STDERR_FILENO);
}

/* What a status of HTTP means here, when the answer does not say. */
static int exit_of(int status, const json_t *json)
{
	const json_t *code = json_object_get(json, "exit");

	if (json_is_integer(code) && json_integer_value(code) >= 0 && json_integer_value(code) < 64)
		return (int)json_integer_value(code);
	if (status < 400)
		return EXIT_DONE;
	return status == 403 ? EXIT_HOST : status == 409 ? EXIT_ROLLED_BACK : EXIT_UNREACHABLE;
}

int remote_refused(const struct command *command, int status, json_t *json)
{
	const json_t *error = json_object_get(json, "error");
	const char *hint = json_text(error, "hint");
	int code = exit_of(status, json);

	print_diagnostics(json_object_get(json, "diagnostics"));
	if (error)
		complain(command, "%s%s%s", json_text(error, "message"), *hint ? "\n  hint: " : "",
			 hint);
	else
		complain(command, "the machine answers with the status %d", status);
	json_decref(json);
	return code;
}

int remote_call(const struct command *command, const char *name, const char *method,
		const char *path, json_t *body, json_t **ret)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	struct client_reply reply;

	*ret = NULL;
	if (client_call(name, method, path, body, &reply, &why) < 0)
		return remote_unreachable(command, &why);
	if (reply.status >= 400)
		return remote_refused(command, reply.status, reply.json);
	*ret = reply.json;
	print_diagnostics(json_object_get(reply.json, "diagnostics"));
	return exit_of(reply.status, reply.json);
}

/* --- Printing. --- */

int print_text(const struct command *command, struct strbuf *text)
{
	if (strbuf_write(text, STDOUT_FILENO) >= 0)
		return EXIT_DONE;
	complain(command, "the output cannot be written: %s", strerror(errno));
	return EXIT_HOST;
}

int print_json(const struct command *command, const json_t *json)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	cleanup_free char *text = json_dumps(json, JSON_INDENT(2));

	invariant(text);
	strbuf_printf(&out, "%s\n", text);
	return print_text(command, &out);
}

int print_plan(const struct command *command, const json_t *plan)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	plan_print_json(plan, &out);
	return print_text(command, &out);
}

const char *json_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

int format_choice(const struct options *options)
{
	static const char *const formats[] = {"text", "json"};

	return option_choice(options, formats, ARRAY_SIZE(formats));
}

char *remote_path(const struct command *command, const char *path)
{
	cleanup_free char *directory = NULL;
	char *whole = NULL;

	if (*path == '/')
		return strdup(path);
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&whole, "%s/%s", directory, path) < 0) {
		complain(command, "the current directory has no name: %s", strerror(errno));
		return NULL;
	}
	return whole;
}
