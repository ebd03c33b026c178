/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft history: what was applied to a machine, when and by whom. A machine that does not run has
 * its history, too.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "control/history.h"
#include "plan/render.h"
#include "reload/state.h"

static void put_entry(const json_t *entry, struct strbuf *out)
{
	const json_t *by = json_object_get(entry, "by");

	strbuf_printf(out, "%s  generation %lld  %.12s  %s: %s", json_text(entry, "time"),
		      (long long)json_integer_value(json_object_get(entry, "generation")),
		      json_text(entry, "hash"), json_text(entry, "trigger"),
		      json_text(entry, "outcome"));
	if (by)
		strbuf_printf(out, "  by uid %lld, process %lld",
			      (long long)json_integer_value(json_object_get(by, "uid")),
			      (long long)json_integer_value(json_object_get(by, "pid")));
	strbuf_putc(out, '\n');
	if (json_array_size(json_object_get(entry, "steps")))
		plan_print_json(entry, out);
}

static int print_entries(const struct command *command, const json_t *entries)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry) put_entry(entry, &out);
	return print_text(command, &out);
}

static int show(const struct command *command, const char *name, uint64_t limit, bool json)
{
	cleanup_free char *base = state_directory(), *path = NULL;
	json_t *entries = NULL;
	int r = -ENOENT;

	if (base && asprintf(&path, "%s/%s/history.ndjson", base, name) >= 0)
		r = history_read(path, limit, &entries);
	if (r < 0) {
		log_error("the history of '%s' cannot be read: %s", name, strerror(-r));
		return EXIT_HOST;
	}
	if (json_array_size(entries) == 0)
		log_warn("nothing is known of a machine '%s'", name);
	r = json ? print_json(command, entries) : print_entries(command, entries);
	json_decref(entries);
	return r;
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[MACHINE_NAME_SIZE];
	struct options options;
	uint64_t limit = HISTORY_MAX_ENTRIES;
	int option, format = 0, r;
	bool negative;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		if (option == 'n' &&
		    (integer_parse(options.value, &negative, &limit, NULL) < 0 || negative))
			return usage_error(command, "'%s' is not a number of entries",
					   options.value);
		if (option == 'f' && (format = format_choice(&options)) < 0)
			return EXIT_USAGE;
	}
	if (option < 0)
		return options.exit;
	r = remote_operand(command, &options, name);
	return r ? r : show(command, name, limit, format == 1);
}

static const struct option_spec option_specs[] = {
	{'n', "last", "N", "only the newest entries"},
	FORMAT_OPTION,
	{0},
};

const struct command command_history = {
	.name = "history",
	.operands = "[NAME]",
	.summary = "show what was applied to a machine, when and by whom",
	.details = "It is read from the state directory, so it works for a machine that has ended.",
	.options = option_specs,
	.run = run,
};
