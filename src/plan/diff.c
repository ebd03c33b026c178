/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two or three typed trees side by side. A property that cannot change live is compared with the
 * node as it was built, one that can with the node as it was last updated.
 */
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "plan/diff.h"
#include "plan/limits.h"
#include "schema/value.h"

struct differ {
	struct arena *arena;
	const struct plan_running *running;
	const struct graph_node *to;
	struct plan_change *changes;
	size_t n, room;
};

static enum plan_class class_of(enum schema_change change)
{
	switch (change) {
	case SCHEMA_CHANGE_LIVE:
		return PLAN_LIVE;
	case SCHEMA_CHANGE_REPLUG:
		return PLAN_REPLUG;
	case SCHEMA_CHANGE_FIXED:
		return PLAN_FORBIDDEN;
	default:
		return PLAN_RESTART;
	}
}

static const char *const reasons[] = {
	[PLAN_REPLUG] = "the guest sees another device",
	[PLAN_RESTART] = "takes effect when the guest starts again",
	[PLAN_FORBIDDEN] = "it is what makes this machine this machine",
};

static char *text_of(struct differ *d, const struct value *value)
{
	struct strbuf text = STRBUF_INIT;
	char *copy;

	if (!value)
		return NULL;
	value_print(value, &text);
	copy = arena_strndup(d->arena, text.text ? text.text : "", text.size);
	strbuf_fini(&text);
	return copy;
}

static bool same(const struct value *a, const struct value *b)
{
	struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
	bool equal;

	if (!a || !b)
		return a == b;
	value_canonical(a, &x);
	value_canonical(b, &y);
	equal = x.size == y.size && memcmp(x.text, y.text, x.size) == 0;
	strbuf_fini(&x);
	strbuf_fini(&y);
	return equal;
}

static void add_change(struct differ *d, const char *path, const struct value *from,
		       const struct value *to, enum plan_class class)
{
	if (d->n == d->room) {
		size_t room = MAX(d->room * 2, (size_t)8);
		struct plan_change *more = arena_new_array(d->arena, room, struct plan_change);

		if (d->n)
			memcpy(more, d->changes, d->n * sizeof(*more));
		d->changes = more;
		d->room = room;
	}
	d->changes[d->n++] = (struct plan_change){
		.path = path,
		.old_text = text_of(d, from),
		.new_text = text_of(d, to),
		.class = class,
		.reason = reasons[class],
		.span = to ? to->span : from->span,
	};
}

static bool has_children_by_name(const struct value *value)
{
	switch ((enum schema_kind)value->type->kind) {
	case SCHEMA_OBJECT:
	case SCHEMA_MAP:
	case SCHEMA_UNION:
	case SCHEMA_DEVICES:
		return true;
	default:
		return false;
	}
}

static void diff_values(struct differ *d, const char *path, const struct value *base,
			const struct value *live, const struct value *to, enum plan_class class);

/* Objects at the top of a description that are nodes of their own: not the machine's properties. */
static bool is_node(const char *path, const char *name)
{
	return !*path && (strcmp(name, "boot") == 0 || strcmp(name, "cpus") == 0 ||
			  strcmp(name, "devices") == 0 || strcmp(name, "memory") == 0);
}

static const char *join(struct differ *d, const char *path, const char *name)
{
	return *path ? arena_printf(d->arena, "%s.%s", path, name) : name;
}

/* The children of objects: the union of names; a name that is missing on a side is a NULL there. */
static void diff_children(struct differ *d, const char *path, const struct value *base,
			  const struct value *live, const struct value *to, enum plan_class class)
{
	for (size_t i = 0; i < to->n; i++) {
		const char *name = to->children[i]->name;

		if (!is_node(path, name))
			diff_values(d, join(d, path, name), value_child(base, name),
				    value_child(live, name), to->children[i], class);
	}
	for (size_t i = 0; i < live->n; i++) {
		const char *name = live->children[i]->name;

		if (!value_child(to, name))
			diff_values(d, join(d, path, name), value_child(base, name),
				    live->children[i], NULL, class);
	}
}

static void diff_values(struct differ *d, const char *path, const struct value *base,
			const struct value *live, const struct value *to, enum plan_class class)
{
	const struct value *any = to ? to : live ? live : base;
	const struct value *from;
	const char *limit;

	if (any->property)
		class = class_of((enum schema_change)any->property->change);
	if (base && live && to && has_children_by_name(to) && base->variant == to->variant &&
	    live->variant == to->variant) {
		diff_children(d, path, base, live, to, class);
		return;
	}
	from = class == PLAN_LIVE ? live : base;
	if (same(from, to))
		return;
	limit = class == PLAN_LIVE ? plan_limit(d->running, d->to, path, d->arena) : NULL;
	if (limit)
		class = PLAN_RESTART;
	add_change(d, path, from, to, class);
	if (limit)
		d->changes[d->n - 1].reason = limit;
}

static void add_rename(struct differ *d, const struct graph_node *from, const struct graph_node *to)
{
	add_change(d, to->path, NULL, to->value, PLAN_LIVE);
	d->changes[d->n - 1].old_text = from->id;
	d->changes[d->n - 1].new_text = to->id;
	d->changes[d->n - 1].reason = "the same device under another name";
	d->changes[d->n - 1].span = to->span;
}

static int compare_changes(const void *a, const void *b)
{
	const struct plan_change *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return strcmp(x->path, y->path);
}

const struct plan_diff *plan_diff(const struct plan_running *running, const struct graph_node *to,
				  struct arena *arena)
{
	struct plan_diff *diff = arena_new(arena, struct plan_diff);
	struct differ d = {.arena = arena, .running = running, .to = to};

	if (running->base->value && to->value)
		diff_children(&d, to->kind == GRAPH_MACHINE ? "" : to->path, running->base->value,
			      running->live->value, to->value, PLAN_RESTART);
	if (strcmp(running->live->path, to->path) != 0)
		add_rename(&d, running->live, to);
	if (d.n)
		qsort(d.changes, d.n, sizeof(*d.changes), compare_changes);
	diff->changes = d.changes;
	diff->n_changes = d.n;
	while (diff->n_live < d.n && d.changes[diff->n_live].class == PLAN_LIVE)
		diff->n_live++;
	for (size_t i = 0; i < d.n; i++)
		diff->class = MAX(diff->class, d.changes[i].class);
	return diff;
}
