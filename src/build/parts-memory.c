/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: what is there at power-on, and the DIMMs that come and go.
 */
#include <config.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "build/parts-internal.h"
#include "build/parts-slots.h"
#include "graph/memory-layout.h"
#include "machine/build.h"
#include "machine/layout.h"
#include "schema/config.h"

struct memory_part {
	struct parts *parts;
	struct memory_layout layout;
	uint64_t boot_size;
	struct machine_ram block; /* how a DIMM is taken from the host */
	struct parts_slots dimms;
};

static const uint64_t hugepage_sizes[] = {
	[CONFIG_MEMORY_HUGEPAGES_OFF] = 0,
	[CONFIG_MEMORY_HUGEPAGES_2MIB] = 2 * MiB,
	[CONFIG_MEMORY_HUGEPAGES_1GIB] = GiB,
};

static int plug_dimm(void *opaque, unsigned slot, struct diag_list *diags)
{
	struct memory_part *part = opaque;

	return machine_plug_memory(part->parts->machine,
				   part->layout.base + slot * part->layout.block,
				   MACHINE_RAM_SLOTS + slot, &part->block, diags);
}

static int unplug_dimm(void *opaque, unsigned slot)
{
	struct memory_part *part = opaque;

	return machine_unplug_memory(part->parts->machine,
				     part->layout.base + slot * part->layout.block);
}

static const struct slot_ops dimm_ops = {
	.noun = "DIMM",
	.plug = plug_dimm,
	.unplug = unplug_dimm,
};

static void memory_part_destroy(void *context, void *object)
{
	struct memory_part *part = object;

	/* Memory is given back with the machine. */
	if (MEMORY_HOTPLUG)
		parts_slots_destroy(&part->dimms);
	free(part);
}

static int add_dimms(struct memory_part *part, const struct graph_node *node,
		     struct diag_list *diags)
{
	int r;

	part->dimms = (struct parts_slots){
		.ops = &dimm_ops,
		.opaque = part,
		.parts = part->parts,
		.n = part->layout.n_blocks,
	};
	r = parts_slots_create(&part->dimms, LAYOUT_MEMORY_HOTPLUG, ACPI_EVENT_MEMORY);
	if (r < 0)
		diag_add(diags, "E0496", DIAG_ERROR, graph_node_span(node, "max"),
			 "the controller of memory hotplug could not be made: %s", strerror(-r));
	return r;
}

static int memory_part_prepare(void *context, const struct graph_node *node, void **ret_object,
			       struct diag_list *diags)
{
	const struct config_memory *config = node->config;
	struct memory_part *part = calloc(1, sizeof(*part));
	struct machine_ram ram = {
		.size = config->size,
		.hugepage_size = hugepage_sizes[config->hugepages],
		.shared = config->shared,
		.prefault = config->prefault,
		.mergeable = config->mergeable,
		.thp = config->thp,
		.span = graph_node_span(node, "size"),
	};
	int r;

	if (!part)
		return -ENOMEM;
	part->parts = context;
	part->boot_size = config->size;
	part->block = ram;
	memory_layout(config, &part->layout);
	part->block.size = part->layout.block;
	r = machine_add_memory(part->parts->machine, &ram, diags);
	if (r >= 0 && MEMORY_HOTPLUG && part->layout.n_blocks &&
	    config->hotplug == CONFIG_MEMORY_HOTPLUG_ACPI)
		r = add_dimms(part, node, diags);
	if (r < 0) {
		free(part);
		return r;
	}
	*ret_object = part;
	return 0;
}

static int memory_part_update(void *context, void *object, const struct graph_node *to,
			      struct diag_list *diags)
{
	const struct config_memory *config = to->config;
	struct memory_part *part = object;

	/* The plan gives this only sizes that can be reached. */
	if (!MEMORY_HOTPLUG || config->size < part->boot_size)
		return -EOPNOTSUPP;
	part->block.span = graph_node_span(to, "size");
	return parts_slots_set(&part->dimms,
			       (unsigned)((config->size - part->boot_size) / part->layout.block),
			       diags);
}

static bool memory_part_settled(void *context, void *object, struct strbuf *why)
{
	const struct memory_part *part = object;

	return !MEMORY_HOTPLUG || parts_slots_settled(&part->dimms, why);
}

static void memory_part_ask_again(void *context, void *object)
{
	struct memory_part *part = object;

	if (MEMORY_HOTPLUG)
		parts_slots_ask_again(&part->dimms);
}

const struct part_ops parts_memory_ops = {
	.prepare = memory_part_prepare,
	.update = memory_part_update,
	.settled = memory_part_settled,
	.ask_again = memory_part_ask_again,
	.destroy = memory_part_destroy,
};
