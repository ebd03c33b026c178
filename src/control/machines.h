/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machines of this user: the folders of the state directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

#define MACHINES_MAX 1024

struct machines {
	char **names; /* sorted */
	bool *running;
	size_t n;
};

/*
 * Finds them. A machine runs when somebody answers at its socket: asking for its lock instead would
 * make a start at that moment fail. Return: 0 or a negative errno; nothing there is no error.
 */
int machines_find(struct machines *machines) must_use;
void machines_fini(struct machines *machines);

/* Whether a text can be a machine's name at all; others would be paths. */
bool machine_name_valid(const char *name);
