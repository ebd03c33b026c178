/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device graph: what a description means, with every address, slot and GSI assigned. Immutable
 * once compiled; it lives in the arena of its generation and knows nothing of YAML but the spans.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "graph/device-type.h"

struct config_machine; /* schema/config.h, generated: the root of a description */
struct value;          /* schema/value.h: a checked, typed tree node */

enum graph_kind {
	GRAPH_MACHINE,
	GRAPH_CPUS,
	GRAPH_MEMORY,
	GRAPH_BOOT,
	GRAPH_BUS,
	GRAPH_DEVICE,
	GRAPH_BACKEND, /* a file, a tap, a passt: something of the host */
	GRAPH_KINDS,
};

enum graph_relation {
	GRAPH_SITS_ON,    /* device → bus */
	GRAPH_BACKED_BY,  /* device → host backend */
	GRAPH_DEPENDS_ON, /* must be there first */
};

struct graph_bar {
	uint64_t base, size; /* guest-physical; size 0: no such BAR */
};

/*
 * What stands on the host for a device's `match`. The only part of a graph that changes: whoever
 * follows the host writes it before a plan is made.
 */
struct graph_host {
	char device[64];   /* "/dev/sdb"; empty: not looked for */
	uint64_t sequence; /* tells two devices apart that had one name after the other */
	char missing[192]; /* why there is none, a phrase; empty: there is one */
};

struct graph_node {
	enum graph_kind kind;
	const char *id;                 /* "root" for devices.root; "cpus", "memory", "boot" … */
	const char *path;               /* "devices.root", "cpus" */
	const char *machine;            /* the name of the machine it belongs to */
	const struct device_type *type; /* of a GRAPH_DEVICE */
	const struct value *value;      /* its checked subtree; NULL for a bus */
	const void *config; /* struct virtio_blk_config and so on, generated from the schema */
	struct span span;

	/* Assigned by the allocators; they depend on the ids and on what was pinned, not on order.
	 */
	int pci_slot;                              /* device number on bus 0, -1 for none */
	int nvdimm_slot;                           /* of the NVDIMM root device, -1 for none */
	int irq;                                   /* IOAPIC pin, -1 for none */
	uint32_t gsi_base, n_gsis;                 /* GSIs of its MSI-X vectors */
	uint32_t memory_slot_base, n_memory_slots; /* KVM memory slots */
	struct graph_bar bars[DEVICE_MAX_BARS];
	struct graph_bar memory; /* guest-physical memory that is no BAR */
	struct graph_host *host; /* of a device with `match`, else NULL */
	uint64_t block_size;     /* of that memory, where it comes and goes in blocks */
};

/* It always ends in a zero, so a log line that is being written shows some of both names at worst.
 */
static inline void device_rename(struct device *device, const char *id)
{
	snprintf(device->id, sizeof(device->id), "%s", id);
}

/* Fills the base of a device that prepare() makes; the builder says when it is committed. */
static inline void device_init(struct device *device, struct machine *machine,
			       const struct graph_node *node)
{
	device->type = node->type;
	device->machine = machine;
	device_rename(device, node->id);
}

struct graph_edge {
	const struct graph_node *from, *to;
	enum graph_relation relation;
};

struct graph {
	const struct graph_node *const
		*nodes; /* sorted: machine, cpus, memory, boot, bus, devices */
	size_t n_nodes;
	const struct graph_edge *edges;
	size_t n_edges;
	/* Guest-physical windows that depend on the size of RAM. */
	uint64_t mmio64_base, mmio64_end;
	uint64_t memory_base, memory_end; /* memory of devices: not behind the PCI bridge */
	const struct config_machine *config;
	uint8_t hash[32]; /* SHA-256 of the canonical form: meaning, not text */
};

/*
 * Nodes whose places are kept: of the machine that runs, or, with what the guest knows them by and
 * nothing else (slots and persistent memory), of the state directory. Matched by path, or by what a
 * device says it was called before; sizes that no longer fit are given anew.
 */
struct graph_pins {
	const struct graph_node *const *nodes;
	size_t n;
	bool occupied;        /* places of nodes that are not wanted any more are not free yet */
	uint64_t mmio64_base; /* of the window that runs, 0: there is none */
};

#define graph_for_each_node(graph, node, i) \
	for (i = 0; i < (graph)->n_nodes && ((node) = (graph)->nodes[i]); i++)

/**
 * graph_node_span() - where the file says a property of a node
 * @node: the node
 * @property: "path", "backend.tap"; NULL or one that is not written gives the node's own place
 *
 * For diagnostics of what fails at run time.
 */
struct span graph_node_span(const struct graph_node *node, const char *property);

/* What a device says that it was called before, or NULL. */
const char *graph_node_formerly(const struct graph_node *node);

/* The node at a path, "cpus" or "devices.root", or NULL. */
const struct graph_node *graph_find(const struct graph *graph, const char *path);
