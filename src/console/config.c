/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a device's configuration and its console: the generated outputs become sinks, and what
 * goes wrong becomes a diagnostic at the line that asked for it.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "console/sink.h"
#include "graph/graph.h"
#include "schema/config.h"

static const char *sink_path(const struct console_sink *sink)
{
	switch (sink->type) {
	case CONSOLE_SINK_TYPE_PTY:
		return sink->pty.link;
	case CONSOLE_SINK_TYPE_FILE:
		return sink->file.path;
	case CONSOLE_SINK_TYPE_SOCKET:
		return sink->socket.path;
	case CONSOLE_SINK_TYPE_OFF:
	case CONSOLE_SINK_TYPE_NULL:
	case CONSOLE_SINK_TYPE_TERMINAL:
		break;
	}
	return NULL;
}

static void add_spec(struct sink_list *list, const struct console_sink *sink)
{
	struct sink_spec spec = {.path = sink_path(sink)};

	switch (sink->type) {
	case CONSOLE_SINK_TYPE_OFF:
		return;
	case CONSOLE_SINK_TYPE_NULL:
		list->keep = true;
		return;
	case CONSOLE_SINK_TYPE_TERMINAL:
		spec.kind = SINK_TERMINAL;
		break;
	case CONSOLE_SINK_TYPE_PTY:
		spec.kind = SINK_PTY;
		break;
	case CONSOLE_SINK_TYPE_FILE:
		spec.kind = SINK_FILE;
		spec.append = sink->file.append;
		break;
	case CONSOLE_SINK_TYPE_SOCKET:
		spec.kind = SINK_SOCKET;
		break;
	}
	/* The schema allows no more. */
	invariant(list->n < SINKS_MAX);
	list->specs[list->n++] = spec;
}

static void read_output(const struct console_output *output, struct sink_list *list)
{
	*list = (struct sink_list){0};
	for (size_t i = 0; output && i < output->n; i++)
		add_spec(list, &output->items[i]);
}

static void add_diag(struct diag_list *diags, const struct graph_node *node, const char *property,
		     const struct sink_error *error)
{
	struct diag *diag = diag_add(diags, "E0701", DIAG_ERROR, graph_node_span(node, property),
				     "%s", error->message);

	if (error->hint[0])
		diag_hint(diags, diag, "%s", error->hint);
	diag_set_path(diags, diag, node->path);
}

static void add_need(struct device_needs *needs, const char *property, const char *key)
{
	if (needs->n_exclusive == ARRAY_SIZE(needs->exclusive))
		return;
	needs->exclusive[needs->n_exclusive].key = key;
	needs->exclusive[needs->n_exclusive++].property = property;
}

void console_needs(const struct console_output *output, const char *property, bool reads,
		   struct device_needs *needs, struct arena *arena)
{
	for (size_t i = 0; output && i < output->n; i++) {
		const char *path = sink_path(&output->items[i]);

		if (path)
			add_need(needs, property, arena_printf(arena, "write:%s", path));
		else if (reads && output->items[i].type == CONSOLE_SINK_TYPE_TERMINAL)
			add_need(needs, property, "terminal");
	}
}

int console_open(struct console_hub *hub, const struct graph_node *node, const char *property,
		 const struct console_output *output, const struct console_events *events,
		 void *opaque, struct console **ret, struct diag_list *diags)
{
	struct sink_error error = {0};
	struct sink_list list;
	int r;

	read_output(output, &list);
	r = console_open_sinks(hub, node->id, &list, events, opaque, ret, &error);
	if (r < 0)
		add_diag(diags, node, property, &error);
	return r;
}

int console_prepare(struct console *console, const struct graph_node *node, const char *property,
		    const struct console_output *output, struct diag_list *diags)
{
	struct sink_error error = {0};
	struct sink_list list;
	int r;

	read_output(output, &list);
	r = console_prepare_sinks(console, &list, &error);
	if (r < 0)
		add_diag(diags, node, property, &error);
	return r;
}

int console_update(struct console *console, const struct graph_node *node, const char *property,
		   const struct console_output *output, struct diag_list *diags)
{
	int r = console_is_prepared(console)
			? 0
			: console_prepare(console, node, property, output, diags);

	if (r >= 0)
		console_start(console);
	return r;
}
