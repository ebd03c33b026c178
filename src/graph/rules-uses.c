/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several devices ask for in lists or maps, and only one can have: ports of the host,
 * descriptors that were opened before, the disk that a match finds. All are gathered and sorted,
 * because they may be many.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "graph/rules.h"
#include "schema/value.h"

struct use {
	const char *key; /* "the port udp:53 of the host" */
	const char *device;
	struct span span;
};

struct uses {
	struct arena *arena;
	struct use *items;
	size_t n, room;
};

static void add_use(struct uses *uses, const struct value *device, struct span span,
		    const char *key)
{
	if (uses->n == uses->room) {
		struct use *more;

		uses->room = MAX(uses->room * 2, (size_t)16);
		more = arena_new_array(uses->arena, uses->room, struct use);
		if (uses->n)
			memcpy(more, uses->items, uses->n * sizeof(*more));
		uses->items = more;
	}
	uses->items[uses->n++] = (struct use){key, device->name, span};
}

/* "tcp:8080:80" and "8080:80" take the port 8080; what is before it, an address, belongs to it. */
static void add_forward(struct uses *uses, const struct value *device, const struct value *forward)
{
	const char *text = forward->string, *colon;

	if (strncmp(text, "tcp:", 4) == 0)
		text += 4;
	colon = strrchr(text, ':');
	if (colon && strncmp(text, "udp:", 4) == 0 && colon == text + 3)
		colon = NULL;
	add_use(uses, device, forward->span,
		arena_printf(uses->arena, "the port %.*s of the host",
			     (int)(colon ? (size_t)(colon - text) : strlen(text)), text));
}

static void add_match(struct uses *uses, const struct value *device, const struct value *match)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	value_canonical(match, &text);
	add_use(uses, device, match->key_span,
		arena_printf(uses->arena, "the disk that %.200s matches", text.text));
}

static void add_uses(struct uses *uses, const struct value *device)
{
	const struct value *match = value_child(device, "match");
	const struct value *forward = value_find(device, "backend.forward");
	const struct value *fds = value_find(device, "backend.fds");

	if (match)
		add_match(uses, device, match);
	for (size_t i = 0; forward && i < forward->n; i++)
		add_forward(uses, device, forward->children[i]);
	for (size_t i = 0; fds && i < fds->n; i++)
		add_use(uses, device, fds->children[i]->span,
			arena_printf(uses->arena, "the descriptor %" PRIu64,
				     fds->children[i]->number));
}

/* By key; what is equal in the order of the file. */
static int by_key(const void *a, const void *b)
{
	const struct use *first = a, *second = b;
	int order = strcmp(first->key, second->key);

	if (order)
		return order;
	if (first->span.line != second->span.line)
		return first->span.line < second->span.line ? -1 : 1;
	return (first->span.column > second->span.column) -
	       (first->span.column < second->span.column);
}

void rules_check_uses(const struct value *root, struct arena *arena, struct diag_list *diags)
{
	const struct value *devices = value_child(root, "devices");
	struct uses uses = {.arena = arena};
	size_t first = 0;

	for (size_t i = 0; devices && i < devices->n; i++)
		add_uses(&uses, devices->children[i]);
	if (uses.n > 1)
		qsort(uses.items, uses.n, sizeof(*uses.items), by_key);
	for (size_t i = 1; i < uses.n; i++) {
		const struct use *use = &uses.items[i];
		struct diag *diag;

		if (strcmp(uses.items[first].key, use->key) != 0) {
			first = i;
			continue;
		}
		diag = diag_add(diags, "E0305", DIAG_ERROR, use->span,
				"%s is used twice, by '%s' and by '%s'", use->key,
				uses.items[first].device, use->device);
		diag_hint(diags, diag, "give one of the two another");
		diag_relate(diags, diag, uses.items[first].span, "first used here");
	}
}
