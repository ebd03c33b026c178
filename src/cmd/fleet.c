/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks across machines. Of each machine only its claims are kept, so that a fleet of any size
 * fits into memory; the text of a file is read again when a diagnostic points into it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "cmd/fleet.h"
#include "document/node.h"
#include "graph/generation.h"
#include "graph/rules.h"
#include "schema/config.h"
#include "schema/value.h"

#define ANYWHERE -1

struct claim {
	const char *key;     /* "tap:tap0", "name:web" */
	const char *machine; /* its name */
	const char *file;    /* where it is said; NULL when that is no file */
	struct span span;    /* without its source, which is gone */
	int host;            /* or ANYWHERE */
	size_t id;           /* of its machine */
	size_t order;
};

struct fleet {
	struct arena *arena;
	struct claim *claims;
	size_t n, room;
};

struct fleet *fleet_create(void)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	invariant(fleet != NULL);
	fleet->arena = arena_create();
	return fleet;
}

struct fleet *fleet_destroy(struct fleet *fleet)
{
	if (!fleet)
		return NULL;
	arena_destroy(fleet->arena);
	free(fleet->claims);
	free(fleet);
	return NULL;
}

/* "write:/a/./b/../c" to "write:/a/c": two machines rarely say a path in the same way. */
static const char *plain_key(struct arena *arena, const char *key)
{
	char *copy = arena_strdup(arena, key), *start = strchr(copy, '/'), *out = start;
	const char *in = start;

	if (!start)
		return copy;
	while (*in) {
		size_t size;

		while (*in == '/')
			in++;
		size = strcspn(in, "/");
		if (size == 2 && !memcmp(in, "..", 2)) {
			while (out > start && *--out != '/')
				;
		} else if (size && !(size == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, size);
			out += size;
		}
		in += size;
	}
	*out = '\0';
	return copy;
}

static void claim(struct fleet *fleet, const char *machine, const char *key, struct span span,
		  int host, size_t id)
{
	bool anywhere =
		!strncmp(key, "mac:", strlen("mac:")) || !strncmp(key, "uuid:", strlen("uuid:"));

	if (fleet->n == fleet->room) {
		fleet->room = MAX(fleet->room * 2, (size_t)256);
		fleet->claims = reallocarray(fleet->claims, fleet->room, sizeof(*fleet->claims));
		invariant(fleet->claims != NULL);
	}
	fleet->claims[fleet->n] = (struct claim){
		.key = plain_key(fleet->arena, key),
		.machine = machine,
		.file = span.source && span.source->inode
				? arena_strdup(fleet->arena, span.source->name)
				: NULL,
		.span = span,
		.host = anywhere ? ANYWHERE : host,
		.id = id,
		.order = fleet->n,
	};
	fleet->claims[fleet->n++].span.source = NULL;
}

void fleet_add(struct fleet *fleet, const struct generation *generation, int host, size_t id)
{
	const char *machine = arena_strdup(fleet->arena, generation->config->name);
	const struct config_machine *config = generation->config;
	const struct graph *graph = generation->graph;
	char uuid[UNITS_TEXT_MAX];

	claim(fleet, machine, arena_printf(fleet->arena, "name:%s", machine),
	      value_span(generation->root, "name"), host, id);
	if (config->smbios.has_uuid)
		claim(fleet, machine,
		      arena_printf(fleet->arena, "uuid:%s",
				   uuid_format(&config->smbios.uuid, uuid)),
		      value_span(generation->root, "smbios.uuid"), host, id);
	for (size_t i = 0; i < graph->n_nodes; i++) {
		const struct graph_node *node = graph->nodes[i];

		/* Every machine has a terminal of its own. */
		if (node->kind == GRAPH_BACKEND && strchr(node->id, ':'))
			claim(fleet, machine, node->id, node->span, host, id);
	}
}

static int by_key(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order)
		return order;
	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The place of a claim, its file read again. */
static struct span place_of(struct fleet *fleet, const struct claim *claim)
{
	struct span span = claim->span;
	struct source *source;

	if (!claim->file || source_read(fleet->arena, claim->file, DOCUMENT_MAX_FILE, &source) < 0)
		return (struct span){.source =
					     source_from_text(fleet->arena, claim->machine, "", 0)};
	span.source = source;
	return span;
}

static void report(struct fleet *fleet, struct diag_list *diags, const struct claim *first,
		   const struct claim *again)
{
	bool name = !strncmp(first->key, "name:", strlen("name:"));
	struct diag *diag;

	if (diag_is_full(diags)) {
		diag_add(diags, "E0321", DIAG_ERROR, (struct span){0}, "%zu", again->order);
		return;
	}
	if (name) {
		diag = diag_add(diags, "E0322", DIAG_ERROR, place_of(fleet, again),
				"two machines are called '%s'", again->machine);
		diag_hint(diags, diag, "the name is a machine's identity: give each its own");
	} else {
		diag = diag_add(diags, "E0321", DIAG_ERROR, place_of(fleet, again),
				"%s %s is used by two machines, '%s' and '%s'",
				rules_resource_words(first->key), rules_resource_name(first->key),
				first->machine, again->machine);
		diag_hint(diags, diag, "give one of the two another");
	}
	diag_relate(diags, diag, place_of(fleet, first), "first used here");
}

void fleet_check(struct fleet *fleet, const bool *left_out, struct diag_list *diags)
{
	const struct claim *first = fleet->claims;
	size_t kept = 0;

	for (size_t i = 0; i < fleet->n; i++)
		if (!left_out[fleet->claims[i].id])
			fleet->claims[kept++] = fleet->claims[i];
	fleet->n = kept;
	if (fleet->n)
		qsort(fleet->claims, fleet->n, sizeof(*fleet->claims), by_key);
	for (size_t i = 1; i < fleet->n; i++) {
		const struct claim *again = &fleet->claims[i];

		if (first->host == again->host && !strcmp(first->key, again->key))
			report(fleet, diags, first, again);
		else
			first = again;
	}
}
