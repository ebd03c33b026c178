/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the guest's init: a table of names, how many words they want, and what they do. */
#pragma once

#include "sys.h"
#include "tests/guest/checksum.h"

enum { COMMAND_WORDS = 12 };

struct command {
	const char *name;
	unsigned min_words; /* besides the name */
	const char *usage;
	/*
	 * @words: the words after the name, ended by NULL; @rest: the text behind the name,
	 * unsplit. Prints what it has to say with out(); the answer line is made by the caller from
	 * the return value: 0 for OK followed by what was put into @answer, a negative errno for
	 * ERR.
	 */
	long (*run)(char **words, const char *rest, char *answer, size_t answer_size);
};

extern const struct command commands_info[], commands_file[], commands_block[], commands_net[],
	commands_labels[], commands_power[]; /* each ended by an entry without name */

/* power.c: main.c asks for these by signal or at the end of the shell. */
void power_off(void) __attribute__((noreturn));
void power_reboot(void) __attribute__((noreturn));
extern bool power_button_ignored;

/* main.c */
long console_switch(const char *path);
