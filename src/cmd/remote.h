/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands that talk to a running machine share: which one is meant, asking it, and saying
 * what went wrong.
 */
#pragma once

#include <stdbool.h>

#include "base/compiler.h"
#include "cmd/command.h"

struct json_t;
struct strbuf;

/* A label has at most 63 characters. */
#define MACHINE_NAME_SIZE 64

/*
 * The machine that is meant by an operand, or the only one that runs when there is none. Return: 0,
 * or the exit code to end with, after a message.
 */
int remote_machine(const struct command *command, const char *operand, char *ret_name);

/* The operand of commands that take [NAME]; @name gets the machine. Return: as above. */
int remote_operand(const struct command *command, const struct options *options, char *ret_name);

/**
 * remote_call() - ask a machine, and say what went wrong
 * @body: an object, or NULL; its reference is taken
 * @ret: the answer; the caller owns the reference. NULL when the machine could not be reached
 *
 * An error of the machine is printed with its diagnostics. Return: the exit code.
 */
int remote_call(const struct command *command, const char *name, const char *method,
		const char *path, struct json_t *body, struct json_t **ret);

/* Prints the error in an answer that was not wanted; takes the reference. Return: the exit code. */
int remote_refused(const struct command *command, int status, struct json_t *json);

/* Says why the machine could not be reached. Return: EXIT_UNREACHABLE. */
int remote_unreachable(const struct command *command, const struct strbuf *why);

/* To standard output; JSON is indented. Return: EXIT_DONE, or EXIT_HOST after a message. */
int print_text(const struct command *command, struct strbuf *text);
int print_json(const struct command *command, const struct json_t *json);

/* The plan of an answer. Return: as those. */
int print_plan(const struct command *command, const struct json_t *plan);

/* A member that is a string, or "". */
const char *json_text(const struct json_t *object, const char *member);

/* The last option of those that print either. */
#define FORMAT_OPTION                                                            \
	{                                                                        \
		'f', "format", "text|json", "for people, or for programs (text)" \
	}

/* At FORMAT_OPTION. Return: 0 text, 1 JSON, or -1 after a usage error. */
int format_choice(const struct options *options);

/* Absolute, with its links as they are: the machine watches them. NULL after a message. */
char *remote_path(const struct command *command, const char *path);
