/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --set KEY=VALUE and -D NAME=VALUE, as every command that reads a description takes them.
 */
#pragma once

#include "cmd/command.h"
#include "document/document.h"

#define OVERRIDES_MAX 256

struct overrides {
	const char *sets[OVERRIDES_MAX], *defines[OVERRIDES_MAX];
	struct document_options document; /* for document_load(); points into this structure */
};

#define OVERRIDES_OPTION                                                                    \
	{'s', "set", "KEY=VALUE", "override a value, as in cpus.count=4; may be repeated"}, \
	{                                                                                   \
		'D', "define", "NAME=VALUE",                                                \
			"give a variable of the description a value; may be repeated"       \
	}

/* The options are at --set or -D, @option: takes it. Return: 0, or EXIT_USAGE after a usage error.
 */
static inline int overrides_add(struct overrides *overrides, const struct options *options,
				int option)
{
	struct document_options *document = &overrides->document;
	size_t *n = option == 'D' ? &document->n_defines : &document->n_sets;

	document->sets = overrides->sets;
	document->defines = overrides->defines;
	if (*n == OVERRIDES_MAX)
		return usage_error(options->command, "more than %d --set or -D", OVERRIDES_MAX);
	(option == 'D' ? overrides->defines : overrides->sets)[(*n)++] = options->value;
	return 0;
}
