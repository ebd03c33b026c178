/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft status: what holds of a running machine, and how its file differs from it.
 */
#include <jansson.h>
#include <string.h>

#include "base/strbuf.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "plan/render.h"

static void put_head(const json_t *status, struct strbuf *out)
{
	strbuf_printf(out, "%s: %s, generation %lld, %.12s\nfile: %s\n", json_text(status, "name"),
		      strcmp(json_text(status, "phase"), "Paused") == 0 ? "paused" : "running",
		      (long long)json_integer_value(json_object_get(status, "generation")),
		      json_text(status, "hash"), json_text(status, "file"));
}

static void put_conditions(const json_t *conditions, struct strbuf *out)
{
	const json_t *condition;
	size_t i;

	strbuf_printf(out, "\n%-16s %-6s %-21s %s\n", "CONDITION", "HOLDS", "SINCE", "WHY");
	json_array_foreach(conditions, i, condition)
	{
		const char *reason = json_text(condition, "reason");

		strbuf_printf(out, "%-16s %-6s %-21s", json_text(condition, "type"),
			      json_is_true(json_object_get(condition, "status")) ? "yes" : "no",
			      json_text(condition, "since"));
		if (*reason)
			strbuf_printf(out, " %s: %s", reason, json_text(condition, "message"));
		strbuf_putc(out, '\n');
	}
}

static void put_devices(json_t *devices, struct strbuf *out)
{
	const char *id;
	json_t *device;

	strbuf_printf(out, "\n%-16s %-16s %-10s %-13s %s\n", "DEVICE", "TYPE", "PHASE", "ADDRESS",
		      "LINE");
	json_object_foreach(devices, id, device)
	{
		strbuf_printf(out, "%-16s %-16s %-10s %-13s %s\n", id, json_text(device, "type"),
			      json_text(device, "phase"), json_text(device, "address"),
			      json_text(device, "line"));
		if (json_object_get(device, "message"))
			strbuf_printf(out, "    %s\n", json_text(device, "message"));
	}
}

static void put_drift(const json_t *status, struct strbuf *out)
{
	const json_t *drift = json_object_get(status, "drift");
	const json_t *pending = json_object_get(status, "pending");
	const json_t *steps = json_object_get(pending, "steps");
	const char *file = json_text(drift, "file");

	if (json_is_true(json_object_get(status, "confirm")))
		strbuf_puts(out,
			    "\nAn apply waits to be confirmed, and is taken back if it is not: "
			    "weft confirm\n");
	if (json_array_size(steps)) {
		strbuf_puts(out, "\nAccepted, and waiting for the next start of the guest:\n");
		plan_print_json(pending, out);
	}
	if (strcmp(file, "Invalid") == 0)
		strbuf_puts(out, "\nThe file is not valid now; the machine runs on as it was.\n");
	else if (strcmp(file, "Differs") == 0 &&
		 !json_equal(json_object_get(drift, "steps"), steps)) {
		strbuf_puts(out, "\nThe file asks for what the machine is not:\n");
		plan_print_json(drift, out);
	}
}

static int print_status(const struct command *command, json_t *status)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	put_head(status, &out);
	put_conditions(json_object_get(status, "conditions"), &out);
	put_devices(json_object_get(status, "devices"), &out);
	put_drift(status, &out);
	return print_text(command, &out);
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[MACHINE_NAME_SIZE];
	struct options options;
	int option, json = 0, r;
	json_t *status;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		json = format_choice(&options);
		if (json < 0)
			return EXIT_USAGE;
	}
	if (option < 0)
		return options.exit;
	r = remote_operand(command, &options, name);
	if (r)
		return r;
	r = remote_call(command, name, "GET", "/v1/status", NULL, &status);
	if (!status)
		return r;
	r = json ? print_json(command, status) : print_status(command, status);
	json_decref(status);
	return r;
}

static const struct option_spec option_specs[] = {FORMAT_OPTION, {0}};

const struct command command_status = {
	.name = "status",
	.operands = "[NAME]",
	.summary = "tell how a running machine is, and how its file differs from it",
	.details =
		"NAME may be left out when one machine runs. Under a device that is not as the file says stands "
		"why: who has to let go of it and since when, what of the host is missing, which property waits.",
	.options = option_specs,
	.run = run,
};
