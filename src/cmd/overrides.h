/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --set KEY=VALUE, as every command that reads a description takes it.
 */
#pragma once

#include "cmd/command.h"
#include "document/document.h"

#define OVERRIDES_MAX 256

struct overrides {
	const char *sets[OVERRIDES_MAX];
	struct document_options document; /* for document_load(); points into this structure */
};

#define OVERRIDES_OPTION                                                                           \
	{                                                                                          \
		's', "set", "KEY=VALUE", "override a value, as in cpus.count=4; may be repeated"   \
	}

/* The options are at --set: takes it. Return: 0, or EXIT_USAGE after a usage error. */
static inline int overrides_add(struct overrides *overrides, const struct options *options)
{
	struct document_options *document = &overrides->document;

	document->sets = overrides->sets;
	if (document->n_sets == OVERRIDES_MAX)
		return usage_error(options->command, "more than %d --set", OVERRIDES_MAX);
	overrides->sets[document->n_sets++] = options->value;
	return 0;
}
