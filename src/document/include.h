/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of document/: `include:` at the top of a description. What is included lies below, in the
 * order of the list, and the file that includes lies above; they meet by the rule of overlay.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "document/node.h"

struct arena;
struct source;

#define INCLUDE_MAX_DEPTH   8
#define INCLUDE_MAX_FILES   64
#define INCLUDE_MAX_WATCHED (2 * INCLUDE_MAX_FILES)

/* The files of one description. */
struct composition {
	struct arena *arena;
	struct diag_list *diags;
	const struct source *sources[INCLUDE_MAX_FILES];
	struct span asked[INCLUDE_MAX_FILES]; /* where each was included; of the first: nowhere */
	size_t n_sources;
	const char *watched[INCLUDE_MAX_WATCHED]; /* see struct document */
	size_t n_watched;
	size_t bytes;
	bool no_includes; /* files must not be read */
	bool failed;      /* a part is missing: the whole must not be checked further */
};

/**
 * include_compose() - the tree of a file with what it includes
 * @c: gets the files; begin with the arena and the diagnostics alone
 * @source: the file
 * @asked: where it was included; line 0 for the file the user named
 *
 * Return: the root, a map without `include`; NULL when there is none (then a diagnostic says why).
 */
struct node *include_compose(struct composition *c, const struct source *source, struct span asked);

/* Notes a path whose change may change the description. */
void include_watch(struct composition *c, const char *path);

/* Takes a key out of a map. Return: its entry, or NULL when the map does not have it. */
const struct node_entry *node_take(struct arena *arena, struct node *map, const char *key);

/* Adds what is wrong with a file that cannot be read. */
void include_unreadable(struct composition *c, const char *path, int error, struct span asked);
