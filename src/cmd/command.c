/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading command lines with getopt_long, with words of our own for what is wrong.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "cmd/command.h"

#define HELP_ID     'h'
#define HELP_COLUMN 28

void options_init(struct options *options, const struct command *command, int argc, char **argv)
{
	*options = (struct options){.command = command, .argc = argc, .argv = argv};
	optind = 0; /* makes getopt begin anew */
	opterr = 0;
}

int usage_error(const struct command *command, const char *fmt, ...)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	va_list ap;

	strbuf_printf(&out, "weft%s%s: ", command ? " " : "", command ? command->name : "");
	va_start(ap, fmt);
	strbuf_vprintf(&out, fmt, ap);
	va_end(ap);
	strbuf_printf(&out, "\nTry 'weft%s%s --help'.\n", command ? " " : "",
		      command ? command->name : "");
	(void)!strbuf_write(&out, STDERR_FILENO);
	return EXIT_USAGE;
}

static void put_option(struct strbuf *out, const struct option_spec *spec)
{
	size_t start = out->size, width;

	if (spec->id < 128)
		strbuf_printf(out, "  -%c, --%s", spec->id, spec->name);
	else
		strbuf_printf(out, "      --%s", spec->name);
	if (spec->argument)
		strbuf_printf(out, " %s", spec->argument);
	width = out->size - start;
	if (width + 2 > HELP_COLUMN) {
		strbuf_putc(out, '\n');
		width = 0;
	}
	strbuf_fill(out, ' ', HELP_COLUMN - width);
	strbuf_printf(out, "%s\n", spec->help);
}

static int print_help(const struct command *command)
{
	static const struct option_spec help = {HELP_ID, "help", NULL, "show this and exit"};
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	strbuf_printf(&out, "Usage: weft %s [OPTION…]%s%s\n\n%s.\n", command->name,
		      command->operands[0] ? " " : "", command->operands, command->summary);
	if (command->details)
		strbuf_printf(&out, "\n%s\n", command->details);
	strbuf_puts(&out, "\nOptions:\n");
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		put_option(&out, spec);
	put_option(&out, &help);
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

/* getopt's two tables. */
struct getopt_tables {
	struct option longs[COMMAND_MAX_OPTIONS + 2];
	char shorts[2 * COMMAND_MAX_OPTIONS + 4];
};

static void add_option(struct getopt_tables *tables, size_t *n_longs, size_t *n_shorts, int id,
		       const char *name, bool argument)
{
	tables->longs[(*n_longs)++] =
		(struct option){name, argument ? required_argument : no_argument, NULL, id};
	if (id >= 128)
		return;
	tables->shorts[(*n_shorts)++] = (char)id;
	if (argument)
		tables->shorts[(*n_shorts)++] = ':';
}

static void make_tables(const struct command *command, struct getopt_tables *tables)
{
	size_t n_longs = 0, n_shorts = 0;

	memset(tables, 0, sizeof(*tables));
	tables->shorts[n_shorts++] = ':'; /* tell a missing argument from an unknown option */
	add_option(tables, &n_longs, &n_shorts, HELP_ID, "help", false);
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++) {
		invariant(n_longs <= COMMAND_MAX_OPTIONS);
		add_option(tables, &n_longs, &n_shorts, spec->id, spec->name, spec->argument);
	}
}

static const struct option_spec *find_option(const struct command *command, int id)
{
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		if (spec->id == id)
			return spec;
	return NULL;
}

static int unknown_option(const struct options *options, const char *word)
{
	const char *names[COMMAND_MAX_OPTIONS + 1] = {"help"}, *near;
	char name[64];
	size_t n = 1;

	if (word[0] != '-' || word[1] != '-')
		return usage_error(options->command, "there is no option -%c", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	for (const struct option_spec *spec = options->command->options; spec && spec->name; spec++)
		names[n++] = spec->name;
	if (optopt) /* known, and given an argument that it does not take */
		return usage_error(options->command, "the option --%s takes no argument", name);
	near = suggest(name, names, n);
	return near ? usage_error(options->command, "there is no option --%s; did you mean --%s?",
				  name, near)
		    : usage_error(options->command, "there is no option --%s", name);
}

int options_next(struct options *options)
{
	const struct option_spec *spec;
	struct getopt_tables tables;
	int id;

	make_tables(options->command, &tables);
	id = getopt_long(options->argc, options->argv, tables.shorts, tables.longs, NULL);
	switch (id) {
	case -1:
		options->operands = options->argv + optind;
		options->n_operands = options->argc - optind;
		return 0;
	case HELP_ID:
		options->exit = print_help(options->command);
		return -1;
	case '?':
		options->exit = unknown_option(options, options->argv[optind - 1]);
		return -1;
	case ':':
		spec = find_option(options->command, optopt);
		options->exit =
			usage_error(options->command, "the option --%s needs an argument: %s",
				    spec->name, spec->argument);
		return -1;
	}
	options->value = optarg;
	return id;
}

const char *options_file(const struct options *options)
{
	if (options->n_operands == 1)
		return options->operands[0];
	usage_error(options->command,
		    options->n_operands ? "one file at a time" : "a file is missing");
	return NULL;
}

int option_choice(const struct options *options, const char *const *words, int n)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;

	for (int i = 0; i < n; i++)
		if (strcmp(options->value, words[i]) == 0)
			return i;
	for (int i = 0; i < n; i++)
		strbuf_printf(&list, "%s%s", i ? i + 1 < n ? ", " : " or " : "", words[i]);
	usage_error(options->command, "'%s' is not %s", options->value, list.text);
	return -1;
}
