/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sinks of one console, and how they become others: first all that is new is opened, which may
 * fail and which nobody sees; then it takes the place of what is not wanted any more, which cannot
 * fail. Two consoles that swap their outputs in one edit are both prepared before the first starts,
 * so each finds the other's still in place: a name is taken over, never left without an owner.
 */
#include <string.h>

#include "console/sink.h"

static const struct sink_ops *const sink_kinds[] = {
	[SINK_TERMINAL] = &sink_terminal_ops, [SINK_PTY] = &sink_pty_ops,
	[SINK_FILE] = &sink_file_ops,         [SINK_SOCKET] = &sink_socket_ops,
	[SINK_ATTACHED] = &sink_attached_ops,
};

static void sink_destroy(struct sink *sink)
{
	struct port *port, *tmp;
	struct sink *rival;

	list_for_each_safe (port, tmp, &sink->ports, link)
		port_destroy(port);
	sink->ops->close(sink);
	list_del(&sink->link);
	/* One that had taken a name over and is undone: the name is that of the other again. */
	rival = sink->started ? console_find_rival(sink->console, &sink->spec) : NULL;
	if (rival && rival->ops->regain)
		rival->ops->regain(rival);
	free((char *)sink->spec.path);
	free(sink);
}

/* Puts the new sink at the end of @sinks. */
static int sink_create(struct console *console, const struct sink_spec *spec, struct list *sinks,
		       struct sink_error *error)
{
	const struct sink_ops *ops = sink_kinds[spec->kind];
	struct sink *sink = calloc(1, ops->size);
	int r;

	invariant(sink);
	sink->console = console;
	sink->ops = ops;
	sink->spec = *spec;
	if (spec->path) {
		sink->spec.path = strdup(spec->path);
		invariant(sink->spec.path);
	}
	list_init(&sink->ports);
	list_add_tail(sinks, &sink->link);
	r = ops->open(sink, error);
	if (r < 0)
		sink_destroy(sink);
	return r;
}

static bool spec_equal(const struct sink_spec *a, const struct sink_spec *b)
{
	return a->kind == b->kind && a->append == b->append && !a->path == !b->path &&
	       (!a->path || strcmp(a->path, b->path) == 0);
}

static struct sink *find_sink(struct list *sinks, const struct sink_spec *spec)
{
	struct sink *sink;

	list_for_each (sink, sinks, link)
		if (spec_equal(&sink->spec, spec))
			return sink;
	return NULL;
}

static void destroy_sinks(struct list *sinks)
{
	struct sink *sink, *tmp;

	list_for_each_safe (sink, tmp, sinks, link)
		sink_destroy(sink);
}

static void move(struct sink *sink, struct list *to)
{
	list_del(&sink->link);
	list_add_tail(to, &sink->link);
}

void sink_set_init(struct sink_set *set)
{
	list_init(&set->live);
	list_init(&set->fresh);
}

void sink_set_fini(struct sink_set *set)
{
	destroy_sinks(&set->fresh);
	destroy_sinks(&set->live);
}

struct sink *sink_set_find(struct sink_set *set, const struct sink_spec *spec)
{
	return find_sink(&set->live, spec);
}

int sink_set_add(struct sink_set *set, struct console *console, const struct sink_spec *spec,
		 struct sink_error *error)
{
	return sink_create(console, spec, &set->live, error);
}

/* A changed `append` alone opens the file a second time for a moment, which does no harm. */
int sink_set_prepare(struct sink_set *set, struct console *console, const struct sink_list *list,
		     struct sink_error *error)
{
	sink_set_cancel(set);
	for (error->index = 0; error->index < list->n; error->index++) {
		const struct sink_spec *spec = &list->specs[error->index];
		int r;

		if (find_sink(&set->live, spec) || find_sink(&set->fresh, spec))
			continue;
		r = sink_create(console, spec, &set->fresh, error);
		if (r < 0) {
			sink_set_cancel(set);
			return r;
		}
	}
	set->wanted = *list;
	set->prepared = true;
	return 0;
}

void sink_set_cancel(struct sink_set *set)
{
	destroy_sinks(&set->fresh);
	set->prepared = false;
}

void sink_set_start(struct sink_set *set)
{
	struct list kept = LIST_INIT(kept);
	struct sink *sink, *tmp;

	invariant(set->prepared);
	set->prepared = false;
	list_for_each_safe (sink, tmp, &set->live, link) {
		bool wanted = sink->spec.kind == SINK_ATTACHED;

		for (size_t i = 0; i < set->wanted.n; i++)
			wanted = wanted || spec_equal(&sink->spec, &set->wanted.specs[i]);
		if (wanted)
			move(sink, &kept);
	}
	destroy_sinks(&set->live);
	list_for_each_safe (sink, tmp, &kept, link)
		move(sink, &set->live);
	list_for_each_safe (sink, tmp, &set->fresh, link) {
		move(sink, &set->live);
		sink->started = true;
		sink->ops->start(sink);
	}
}
