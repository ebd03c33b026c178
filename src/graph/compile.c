/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling a description: one node for each object, devices sorted by id, then edges and places.
 */
#include <config.h>
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "graph/compile.h"
#include "graph/memory-layout.h"
#include "graph/places.h"
#include "graph/rules.h"
#include "schema/config.h"
#include "schema/value.h"

/* A window that fits below 2^39 beside a TiB of RAM less, and below 2^36 with little RAM. */
#define MMIO64_SIZE (32 * GiB)

/* What Linux can have mapped in all; whether a host can address it is seen when the machine is
 * made. */
#define MEMORY_END (1ULL << 46)

struct compiler {
	struct arena *arena;
	struct diag_list *diags;
	struct graph *graph;
	struct graph_node **nodes;
	size_t n_nodes, room_nodes;
	struct graph_edge *edges;
	size_t n_edges, room_edges;
};

static struct graph_node *add_node(struct compiler *c, enum graph_kind kind, const char *id,
				   const char *path)
{
	struct graph_node *node = arena_new(c->arena, struct graph_node);

	if (c->n_nodes == c->room_nodes) {
		size_t room = MAX(c->room_nodes * 2, (size_t)16);
		struct graph_node **more = arena_new_array(c->arena, room, struct graph_node *);

		if (c->n_nodes)
			memcpy(more, c->nodes, c->n_nodes * sizeof(struct graph_node *));
		c->nodes = more;
		c->room_nodes = room;
	}
	c->nodes[c->n_nodes++] = node;
	*node = (struct graph_node){
		.kind = kind,
		.id = id,
		.path = path,
		.machine = c->graph->config->name,
		.pci_slot = -1,
		.nvdimm_slot = -1,
		.irq = -1,
	};
	return node;
}

static void add_edge(struct compiler *c, const struct graph_node *from, const struct graph_node *to,
		     enum graph_relation relation)
{
	if (c->n_edges == c->room_edges) {
		size_t room = MAX(c->room_edges * 2, (size_t)32);
		struct graph_edge *more = arena_new_array(c->arena, room, struct graph_edge);

		if (c->n_edges)
			memcpy(more, c->edges, c->n_edges * sizeof(*more));
		c->edges = more;
		c->room_edges = room;
	}
	c->edges[c->n_edges++] = (struct graph_edge){from, to, relation};
}

/* A top-level object of the description as a node of its own. */
static struct graph_node *add_object(struct compiler *c, enum graph_kind kind, const char *key,
				     const struct value *root, const void *config)
{
	struct graph_node *node = add_node(c, kind, key, key);

	node->value = value_child(root, key);
	node->config = config;
	node->span = node->value ? node->value->key_span : root->span;
	return node;
}

/* What of the host stands behind a device: one node for each thing that only one device may have.
 */
static void add_backends(struct compiler *c, const struct graph_node *device,
			 const struct device_needs *needs)
{
	for (unsigned i = 0; i < needs->n_exclusive; i++) {
		const char *key = needs->exclusive[i].key;
		struct graph_node *node =
			add_node(c, GRAPH_BACKEND, key, arena_printf(c->arena, "host.%s", key));

		node->span = graph_node_span(device, needs->exclusive[i].property);
		add_edge(c, device, node, GRAPH_BACKED_BY);
	}
}

static const struct graph_node *find_pin(const struct graph_pins *pins, const char *path)
{
	for (size_t i = 0; pins && i < pins->n; i++)
		if (strcmp(pins->nodes[i]->path, path) == 0)
			return pins->nodes[i];
	return NULL;
}

static bool is_wanted(struct graph_node *const *devices, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(devices[i]->path, path) == 0)
			return true;
	return false;
}

/* The pin of the device, or of the one it was before it got its name. */
static const struct graph_node *pin_of(struct compiler *c, struct graph_node *const *devices,
				       size_t n, const struct graph_node *node,
				       const struct graph_pins *pins)
{
	const struct graph_node *pin = find_pin(pins, node->path);
	const char *id = graph_node_formerly(node), *path;

	if (pin || !id)
		return pin;
	path = arena_printf(c->arena, "devices.%s", id);
	return is_wanted(devices, n, path) ? NULL : find_pin(pins, path);
}

/* Whether what is pinned has a device that goes on in its slot, of whichever bus. */
static bool is_kept(struct graph_node *const *devices, const struct graph_node *const *kept,
		    size_t n, const struct graph_node *pin)
{
	for (size_t i = 0; i < n; i++)
		if (kept[i] == pin)
			return devices[i]->pci_slot == pin->pci_slot &&
			       devices[i]->nvdimm_slot == pin->nvdimm_slot;
	return false;
}

static bool place_devices(struct compiler *c, struct graph_node **devices,
			  struct device_needs *needs, size_t n, const struct graph_pins *pins)
{
	const struct graph_node **kept = arena_new_array(c->arena, n, const struct graph_node *);
	struct places *places = places_create(c->arena, c->graph);
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		if (devices[i]->type->bus == DEVICE_BUS_PCI)
			ok &= places_slot(places, devices[i], c->diags);
	for (size_t i = 0; i < n; i++) {
		kept[i] = pin_of(c, devices, n, devices[i], pins);
		if (kept[i])
			places_keep(places, devices[i], kept[i]);
	}
	for (size_t i = 0; pins && pins->occupied && i < pins->n; i++)
		if (!is_kept(devices, kept, n, pins->nodes[i]))
			places_occupy(places, pins->nodes[i]);
	for (size_t i = 0; i < n; i++) {
		devices[i]->irq = needs[i].irq;
		ok &= places_fill(places, devices[i], &needs[i], c->diags);
	}
	return ok;
}

static bool has_virtio_mem(const struct config_machine *config)
{
	return MEMORY_HOTPLUG && config->memory.has_max &&
	       config->memory.hotplug == CONFIG_MEMORY_HOTPLUG_VIRTIO_MEM;
}

/* The one device that is not under `devices`. */
static struct graph_node *add_virtio_mem(struct compiler *c, const struct value *root)
{
	struct graph_node *node = add_node(c, GRAPH_DEVICE, "virtio-mem", "memory.virtio-mem");

	node->span = value_span(root, "memory.hotplug");
	node->type = &device_virtio_mem;
	node->config = &c->graph->config->memory;
	return node;
}

/* Its memory is that of the machine, which lies below what is given out to devices. */
static void place_virtio_mem(struct compiler *c, struct graph_node *node)
{
	struct memory_layout layout;

	memory_layout(&c->graph->config->memory, &layout);
	node->memory = (struct graph_bar){layout.base, layout.n_blocks * layout.block};
	node->block_size = layout.step;
}

static bool add_devices(struct compiler *c, const struct value *root,
			const struct graph_node *machine, const struct graph_node *bus,
			const struct graph_pins *pins)
{
	const struct value *map = value_child(root, "devices");
	size_t n = map ? map->n : 0;
	struct device_needs *needs = arena_new_array(c->arena, n + 1, struct device_needs);
	struct graph_node **devices = arena_new_array(c->arena, n + 1, struct graph_node *);

	/* A map's values are sorted by key. */
	for (size_t i = 0; i < n; i++) {
		const struct value *value = map->children[i];

		devices[i] = add_node(c, GRAPH_DEVICE, value->name,
				      arena_printf(c->arena, "devices.%s", value->name));
		devices[i]->value = value;
		devices[i]->span = value->key_span;
		devices[i]->type = device_type_find(schema_text(value->variant->name));
		devices[i]->config = value->bound;
		if (value_child(value, "match"))
			devices[i]->host = arena_new(c->arena, struct graph_host);
		invariant(devices[i]->type != NULL);
	}
	if (has_virtio_mem(c->graph->config))
		devices[n++] = add_virtio_mem(c, root);
	for (size_t i = 0; i < n; i++) {
		const struct graph_node *parent =
			devices[i]->type->bus == DEVICE_BUS_PCI ? bus : machine;

		needs[i].irq = -1;
		if (devices[i]->type->needs)
			devices[i]->type->needs(devices[i], &needs[i], c->arena);
		add_edge(c, devices[i], parent, GRAPH_SITS_ON);
		add_backends(c, devices[i], &needs[i]);
	}
	if (!rules_check_devices((const struct graph_node *const *)devices, needs, n, c->diags))
		return false;
	if (!place_devices(c, devices, needs, n, pins))
		return false;
	if (has_virtio_mem(c->graph->config))
		place_virtio_mem(c, devices[n - 1]);
	return true;
}

/*
 * The hash is of what the machine is: every value with its defaults, and the slots, which the guest
 * sees. Addresses that follow from them are not in it.
 */
static void hash_graph(struct graph *graph, const struct value *root)
{
	const struct graph_node *node;
	struct strbuf canonical = STRBUF_INIT;
	struct sha256 hash;
	size_t i;

	value_canonical(root, &canonical);
	sha256_init(&hash);
	sha256_update(&hash, canonical.text, canonical.size);
	strbuf_fini(&canonical);
	graph_for_each_node (graph, node, i) {
		uint8_t slot = (uint8_t)node->pci_slot;

		if (node->kind == GRAPH_DEVICE)
			sha256_update(&hash, &slot, sizeof(slot));
	}
	sha256_final(&hash, graph->hash);
}

const struct graph *graph_compile(const struct value *root, const struct config_machine *config,
				  const struct graph_pins *pins, struct arena *arena,
				  struct diag_list *diags)
{
	struct graph *graph = arena_new(arena, struct graph);
	struct compiler c = {.arena = arena, .diags = diags, .graph = graph};
	struct graph_node *machine, *cpus, *memory, *boot, *bus;
	struct memory_layout layout;

	memory_layout(&config->memory, &layout);
	graph->config = config;
	graph->mmio64_base = ALIGN_UP(layout.end, 4 * GiB);
	/* The bridge of a machine that runs keeps its window. */
	if (pins && pins->mmio64_base)
		graph->mmio64_base = pins->mmio64_base;
	graph->mmio64_end = graph->mmio64_base + MMIO64_SIZE;
	graph->memory_base = graph->mmio64_end;
	graph->memory_end = MEMORY_END;

	machine = add_node(&c, GRAPH_MACHINE, config->name, "machine");
	machine->config = config;
	machine->value = root;
	machine->span = root->span;
	memory = add_object(&c, GRAPH_MEMORY, "memory", root, &config->memory);
	cpus = add_object(&c, GRAPH_CPUS, "cpus", root, &config->cpus);
	bus = add_node(&c, GRAPH_BUS, "pci", "pci");
	bus->span = root->span;
	add_edge(&c, memory, machine, GRAPH_SITS_ON);
	add_edge(&c, cpus, machine, GRAPH_SITS_ON);
	add_edge(&c, bus, machine, GRAPH_SITS_ON);
	if (!add_devices(&c, root, machine, bus, pins))
		return NULL;
	boot = add_object(&c, GRAPH_BOOT, "boot", root, &config->boot);
	add_edge(&c, boot, memory, GRAPH_DEPENDS_ON);
	add_edge(&c, boot, cpus, GRAPH_DEPENDS_ON);
	graph->nodes = (const struct graph_node *const *)c.nodes;
	graph->n_nodes = c.n_nodes;
	graph->edges = c.edges;
	graph->n_edges = c.n_edges;
	hash_graph(graph, root);
	return graph;
}
