/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and the one way they read their options. A command is a file: its
 * function, its options with a line of help each, and one line in main.c. `--help`, the manual page
 * and shell completion come from this table.
 */
#pragma once

#include <stdbool.h>

#include "base/exit-code.h"

struct option_spec {
	int id;               /* what options_next() returns; a letter when there is a short form */
	const char *name;     /* "format": --format */
	const char *argument; /* "text|json|gcc", or NULL when it takes none */
	const char *help;
};

struct command {
	const char *name;
	const char *operands;              /* "FILE…", or "" */
	const char *summary;               /* one line, no full stop */
	const char *details;               /* paragraphs for --help, or NULL */
	const struct option_spec *options; /* ended by a zero entry; NULL for none */

	/* @argv[0] is the name of the command. Return: an exit code. */
	int (*run)(const struct command *command, int argc, char **argv);
};

#define COMMAND_MAX_OPTIONS 32

/* The state of reading a command line; the fields are for options_next(), but the first two. */
struct options {
	const char *value; /* the argument of the option that options_next() returned */
	int exit;          /* what the command shall return when options_next() returned -1 */
	const struct command *command;
	int argc, n_operands;
	char **argv, **operands; /* after the last option */
};

/**
 * options_init() - begin to read the command line of a command
 * @options: the state
 * @command: its options
 * @argc, @argv: as its run function was given
 */
void options_init(struct options *options, const struct command *command, int argc, char **argv);

/**
 * options_next() - the next option
 * @options: the state
 *
 * Long options may be shortened as far as they are unique. Operands may stand between options; `--`
 * ends the options. --help is done here.
 *
 * Return: the id of an option with @options->value, 0 when there are no more (then operands and
 * n_operands are set), or -1 when the command shall end with @options->exit at once.
 */
int options_next(struct options *options);

/* Says what is wrong with the command line, and how to get help. Return: EXIT_USAGE. */
int usage_error(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The only operand, which is a file; NULL after a usage error. */
const char *options_file(const struct options *options);

/**
 * option_choice() - an option that is one of several words
 * @options: at the option
 * @words: what it may be
 * @n: how many
 *
 * Return: the index of the word, or -1 after a usage error; the caller returns EXIT_USAGE.
 */
int option_choice(const struct options *options, const char *const *words, int n);

/* All commands, in the order of --help; ended by NULL. */
extern const struct command *const commands[];
