/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "reload/conditions.h"

static const char *const names[CONDITIONS] = {
	[CONDITION_READY] = "Ready",
	[CONDITION_CONVERGING] = "Converging",
	[CONDITION_RESTART_REQUIRED] = "RestartRequired",
	[CONDITION_CONFIG_INVALID] = "ConfigInvalid",
	[CONDITION_DEGRADED] = "Degraded",
};

const char *condition_name(enum condition_type type)
{
	return names[type];
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void replace(char **text, const char *with)
{
	char *copy = with ? strdup(with) : NULL;

	invariant(copy || !with);
	free(*text);
	*text = copy;
}

bool conditions_set(struct conditions *conditions, enum condition_type type, bool status,
		    const char *reason, const char *message, uint64_t generation)
{
	struct condition *c = &conditions->list[type];
	bool changed = c->status != status || !same_text(c->reason, reason) ||
		       !same_text(c->message, message);

	if (c->status != status || c->since == 0)
		c->since = time(NULL);
	c->status = status;
	c->generation = generation;
	replace(&c->reason, reason);
	replace(&c->message, message);
	return changed;
}

void conditions_fini(struct conditions *conditions)
{
	for (size_t i = 0; i < CONDITIONS; i++) {
		free(conditions->list[i].reason);
		free(conditions->list[i].message);
	}
}

json_t *conditions_to_json(const struct conditions *conditions)
{
	json_t *list = json_array();

	for (size_t i = 0; i < CONDITIONS; i++) {
		const struct condition *c = &conditions->list[i];
		char since[32];
		struct tm tm;

		gmtime_r(&c->since, &tm);
		strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:s?, s:s?, s:I, s:s}", "type",
						names[i], "status", c->status, "reason", c->reason,
						"message", c->message, "generation",
						(json_int_t)c->generation, "since", since));
	}
	return list;
}
