/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft validate: everything that is wrong with descriptions, of one or of a fleet, and with --host
 * whether this host can run them.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/log.h"
#include "base/source.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/files.h"
#include "cmd/fleet.h"
#include "cmd/host-check.h"
#include "cmd/overrides.h"
#include "cmd/validate-report.h"
#include "graph/generation.h"
#include "schema/config.h"

struct identity {
	dev_t device;
	ino_t inode;
};

struct validation {
	struct report report;
	struct overrides overrides;
	bool separate; /* each operand is a host */
	const char *excludes[FILES_MAX_EXCLUDE];
	size_t n_excludes;
	struct arena *arena;
	struct fleet *fleet;
	struct record *records;
	struct identity *files;    /* of each record */
	bool *layers;              /* of each record whether another one includes it */
	struct identity *included; /* every file that another one includes */
	size_t n_included, room_included;
	size_t n_invalid, n_host; /* files that are wrong, files that this host cannot run */
};

static void note_included(struct validation *v, const struct generation *generation)
{
	for (size_t i = 1; i < generation->n_sources; i++) {
		if (v->n_included == v->room_included) {
			v->room_included = MAX(v->room_included * 2, (size_t)64);
			v->included =
				reallocarray(v->included, v->room_included, sizeof(*v->included));
			invariant(v->included != NULL);
		}
		v->included[v->n_included++] = (struct identity){generation->sources[i]->device,
								 generation->sources[i]->inode};
	}
}

static void describe(struct validation *v, struct record *record,
		     const struct generation *generation)
{
	const struct config_machine *config = generation->config;

	record->name = arena_strdup(v->arena, config->name);
	record->cpus = config->cpus.count;
	record->memory = config->memory.size;
	record->n_devices = config->devices.n;
}

static void validate_file(struct validation *v, const struct file_entry *file, size_t i)
{
	cleanup_generation struct generation *generation =
		generation_load(file->path, &v->overrides.document, NULL);
	struct record *record = &v->records[i];
	struct diag_list *host = NULL;

	record->path = file->path;
	if (generation->n_sources)
		v->files[i] = (struct identity){generation->sources[0]->device,
						generation->sources[0]->inode};
	if (generation->graph) {
		describe(v, record, generation);
		if (v->report.fleet) {
			note_included(v, generation);
			fleet_add(v->fleet, generation, v->separate ? file->operand : 0, i);
		}
		if (v->report.host) {
			host = diag_list_create(generation->arena);
			host_check(generation, host);
		}
	} else if (v->report.fleet) {
		note_included(v, generation);
	}
	report_file(&v->report, record, generation, host);
}

static int by_identity(const void *a, const void *b)
{
	const struct identity *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* What another description includes, and nobody named, is a layer and no machine. */
static void mark_layers(struct validation *v, const struct file_list *list)
{
	if (v->n_included)
		qsort(v->included, v->n_included, sizeof(*v->included), by_identity);
	for (size_t i = 0; i < list->n; i++) {
		if (!list->items[i].found || !v->files[i].inode || !v->n_included)
			continue;
		v->layers[i] = bsearch(&v->files[i], v->included, v->n_included,
				       sizeof(*v->included), by_identity) != NULL;
		v->records[i].layer = v->layers[i];
	}
}

static void count(struct validation *v, const struct file_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct record *record = &v->records[i];

		if (record->layer)
			continue;
		v->n_invalid += record->errors != 0;
		v->n_host += !record->errors && record->host_errors;
	}
}

static int exit_code(const struct validation *v, const struct diag_list *general)
{
	if (v->n_invalid || diag_errors(general))
		return EXIT_INVALID;
	return v->n_host ? EXIT_HOST : EXIT_DONE;
}

static int validate_all(struct validation *v, struct options *options)
{
	struct diag_list *general;
	struct file_list list;
	int code;

	general = diag_list_create(v->arena);
	files_expand(v->arena, options->operands, options->n_operands, v->excludes, v->n_excludes,
		     general, &list);
	v->report.fleet |= list.directories;
	v->records = arena_new_array(v->arena, list.n, struct record);
	v->files = arena_new_array(v->arena, list.n, struct identity);
	v->layers = arena_new_array(v->arena, list.n, bool);
	v->fleet = fleet_create();
	for (size_t i = 0; i < list.n; i++)
		validate_file(v, &list.items[i], i);
	if (v->report.fleet) {
		mark_layers(v, &list);
		fleet_check(v->fleet, v->layers, general);
	}
	count(v, &list);
	code = exit_code(v, general);
	report_end(&v->report, v->records, list.n, general, code);
	for (size_t i = 0; i < list.n; i++) {
		strbuf_fini(&v->records[i].text);
		json_decref(v->records[i].json);
	}
	return code;
}

static int finish(struct validation *v, struct options *options)
{
	int code;

	v->arena = arena_create();
	code = validate_all(v, options);
	fleet_destroy(v->fleet);
	free(v->included);
	arena_destroy(v->arena);
	strbuf_fini(&v->report.out);
	if (v->report.write_error) {
		log_error("cannot write the result: %s", strerror(-v->report.write_error));
		return EXIT_HOST;
	}
	return code;
}

enum { OPTION_HOST = 256, OPTION_FLEET, OPTION_SEPARATE, OPTION_EXCLUDE };

static int take_option(struct validation *v, const struct options *options, int option)
{
	static const char *const formats[] = {"text", "json", "gcc", "sarif"};
	int choice;

	switch (option) {
	case 'f':
		choice = option_choice(options, formats, ARRAY_SIZE(formats));
		if (choice < 0)
			return EXIT_USAGE;
		v->report.format = (enum report_format)choice;
		break;
	case 'a':
		v->report.format = REPORT_ANNOTATED;
		break;
	case OPTION_HOST:
		v->report.host = true;
		break;
	case OPTION_FLEET:
		v->report.fleet = true;
		break;
	case OPTION_SEPARATE:
		v->separate = true;
		break;
	case OPTION_EXCLUDE:
		if (v->n_excludes == FILES_MAX_EXCLUDE)
			return usage_error(options->command, "more than %d --exclude",
					   FILES_MAX_EXCLUDE);
		v->excludes[v->n_excludes++] = options->value;
		break;
	case 's':
	case 'D':
		return overrides_add(&v->overrides, options, option);
	}
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct validation v = {0};
	struct options options;
	int option;

	/* The order of the formats is that of their words. */
	_Static_assert(REPORT_TEXT == 0 && REPORT_JSON == 1 && REPORT_GCC == 2 && REPORT_SARIF == 3,
		       "");
	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		if (take_option(&v, &options, option))
			return EXIT_USAGE;
	if (option < 0)
		return options.exit;
	if (options.n_operands == 0)
		return usage_error(command, "a file is missing");
	v.report.color = (v.report.format == REPORT_TEXT || v.report.format == REPORT_ANNOTATED) &&
			 diag_color(STDOUT_FILENO);
	return finish(&v, &options);
}

static const struct option_spec option_specs[] = {
	{'f', "format", "text|json|gcc|sarif", "how to tell what is wrong (text)"},
	{'a', "annotate", NULL, "print each file with what is wrong as comments in its place"},
	{OPTION_HOST, "host", NULL, "look as well whether this host can run it"},
	{OPTION_FLEET, "fleet", NULL, "check files against each other, as those of a DIR are"},
	{OPTION_SEPARATE, "separate", NULL,
	 "each operand is a host: what only one machine of a host can have may be in another"},
	{OPTION_EXCLUDE, "exclude", "PATTERN",
	 "pass over what PATTERN matches in a DIR; may be repeated"},
	OVERRIDES_OPTION,
	{0},
};

const struct command command_validate = {
	.name = "validate",
	.operands = "FILE-OR-DIR…",
	.summary = "check descriptions and tell everything that is wrong with them",
	.details = "Without --host the host is not touched and /dev/kvm is not needed. A FILE that "
		   "is - is\n"
		   "standard input. Of a DIR every *.yaml and *.yml counts, in directories below "
		   "too, but for\n"
		   "what is hidden; a file that another one includes is a layer and no machine. "
		   "The machines\n"
		   "of a DIR are checked against each other: no two may write one file, have one "
		   "name, tap,\n"
		   "socket or address.\n\n"
		   "With --host nothing is left behind: a machine is made and thrown away, files "
		   "are opened\n"
		   "and closed.\n\n"
		   "The exit status is 0 when all is valid, 1 when a description is not or two do "
		   "not go\n"
		   "together, and 5 when only this host is at fault.",
	.options = option_specs,
	.run = run,
};
