/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DOT export: one box a node with what was assigned to it, one arrow an edge.
 */
#include <inttypes.h>

#include "base/strbuf.h"
#include "graph/dot.h"

static const char *const shapes[GRAPH_KINDS] = {
	[GRAPH_MACHINE] = "box3d",  [GRAPH_CPUS] = "box", [GRAPH_MEMORY] = "box",
	[GRAPH_BOOT] = "note",      [GRAPH_BUS] = "box",  [GRAPH_DEVICE] = "component",
	[GRAPH_BACKEND] = "folder",
};

static const char *const relations[] = {
	[GRAPH_SITS_ON] = "",
	[GRAPH_BACKED_BY] = "dashed",
	[GRAPH_DEPENDS_ON] = "dotted",
};

/* Quotes a string as DOT wants it; ids are labels, but paths of backends can hold anything. */
static void quote(struct strbuf *out, const char *s)
{
	strbuf_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *s == '\n' ? ' ' : *s);
	}
	strbuf_putc(out, '"');
}

static void write_label(struct strbuf *out, const struct graph_node *node)
{
	strbuf_puts(out, "label=<<b>");
	for (const char *s = node->id; *s; s++) {
		switch (*s) {
		case '<':
			strbuf_puts(out, "&lt;");
			break;
		case '>':
			strbuf_puts(out, "&gt;");
			break;
		case '&':
			strbuf_puts(out, "&amp;");
			break;
		default:
			strbuf_putc(out, *s);
		}
	}
	strbuf_puts(out, "</b>");
	if (node->type)
		strbuf_printf(out, "<br/>%s", node->type->name);
	if (node->pci_slot >= 0)
		strbuf_printf(out, "<br/>00:%02x.0", (unsigned)node->pci_slot);
	if (node->irq >= 0)
		strbuf_printf(out, "<br/>pin %d", node->irq);
	if (node->n_gsis)
		strbuf_printf(out, "<br/>GSI %" PRIu32 "–%" PRIu32, node->gsi_base,
			      node->gsi_base + node->n_gsis - 1);
	if (node->n_memory_slots)
		strbuf_printf(out, "<br/>memory slot %" PRIu32 "–%" PRIu32, node->memory_slot_base,
			      node->memory_slot_base + node->n_memory_slots - 1);
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++)
		if (node->bars[i].size)
			strbuf_printf(out, "<br/>BAR%u %#" PRIx64 " + %#" PRIx64, i,
				      node->bars[i].base, node->bars[i].size);
	strbuf_puts(out, ">");
}

void graph_to_dot(const struct graph *graph, struct strbuf *out)
{
	const struct graph_node *node;
	size_t i;

	strbuf_puts(out, "digraph machine {\n\trankdir=RL;\n\tnode [fontname=\"sans\"];\n");
	graph_for_each_node (graph, node, i) {
		strbuf_putc(out, '\t');
		quote(out, node->path);
		strbuf_printf(out, " [shape=%s, ", shapes[node->kind]);
		write_label(out, node);
		strbuf_puts(out, "];\n");
	}
	for (i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];

		strbuf_putc(out, '\t');
		quote(out, edge->from->path);
		strbuf_puts(out, " -> ");
		quote(out, edge->to->path);
		strbuf_printf(out, " [style=\"%s\"];\n", relations[edge->relation]);
	}
	strbuf_puts(out, "}\n");
}
