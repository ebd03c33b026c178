/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: what is there at power-on, and what comes and goes: DIMMs, or blocks of virtio-mem, whose
 * device is a node of its own (devices/platform/virtio-mem.c).
 */
#include <config.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "build/parts-internal.h"
#include "build/parts-slots.h"
#include "devices/platform/virtio-mem.h"
#include "graph/memory-layout.h"
#include "machine/build.h"
#include "machine/layout.h"
#include "schema/config.h"

struct memory_part {
	struct parts *parts;
	struct memory_layout layout;
	uint64_t boot_size;
	struct machine_ram block; /* how a block is taken from the host */
	struct parts_slots dimms;
	/* With virtio-mem. */
	bool flexible;
	uint64_t extra;    /* bytes that the guest should have beside those of power-on */
	unsigned n_usable; /* blocks that are RAM; they stay, the guest has some of their pages */
};

static const uint64_t hugepage_sizes[] = {
	[CONFIG_MEMORY_HUGEPAGES_OFF] = 0,
	[CONFIG_MEMORY_HUGEPAGES_2MIB] = 2 * MiB,
	[CONFIG_MEMORY_HUGEPAGES_1GIB] = GiB,
};

static int plug_block(void *opaque, unsigned slot, struct diag_list *diags)
{
	struct memory_part *part = opaque;

	return machine_plug_memory(part->parts->machine,
				   part->layout.base + slot * part->layout.block,
				   MACHINE_RAM_SLOTS + slot, &part->block, diags);
}

static int unplug_block(void *opaque, unsigned slot)
{
	struct memory_part *part = opaque;

	return machine_unplug_memory(part->parts->machine,
				     part->layout.base + slot * part->layout.block);
}

static const struct slot_ops dimm_ops = {
	.noun = "DIMM",
	.plug = plug_block,
	.unplug = unplug_block,
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
	part->flexible = config->hotplug == CONFIG_MEMORY_HOTPLUG_VIRTIO_MEM;
	r = machine_add_memory(part->parts->machine, &ram, diags);
	/* Pages of virtio-mem are taken when they are plugged. */
	part->block.prefault = ram.prefault && !part->flexible;
	if (r >= 0 && MEMORY_HOTPLUG && part->layout.n_blocks && !part->flexible)
		r = add_dimms(part, node, diags);
	if (r < 0) {
		free(part);
		return r;
	}
	*ret_object = part;
	return 0;
}

/* The guest took or gave back blocks. */
static void on_blocks_changed(void *opaque)
{
	struct parts *parts = opaque;

	parts->on_followed(parts->opaque);
}

/* Makes blocks RAM that the guest may need, all or none of them, and tells it how much it may have.
 */
static int set_extra(struct memory_part *part, uint64_t extra, struct diag_list *diags)
{
	unsigned wanted = (unsigned)((extra + part->layout.block - 1) / part->layout.block);
	unsigned before = part->n_usable;
	int r = 0;

	if (!part->parts->virtio_mem || wanted > part->layout.n_blocks)
		return -EOPNOTSUPP;
	while (part->n_usable < wanted && r >= 0) {
		r = plug_block(part, part->n_usable, diags);
		part->n_usable += r >= 0;
	}
	while (r < 0 && part->n_usable > before)
		(void)!unplug_block(part, --part->n_usable);
	if (r < 0)
		return r;
	part->extra = extra;
	virtio_mem_set_listener(part->parts->virtio_mem, on_blocks_changed, part->parts);
	virtio_mem_request(part->parts->virtio_mem, extra, part->n_usable * part->layout.block);
	return 0;
}

static int memory_part_update(void *context, void *object, const struct graph_node *to,
			      struct diag_list *diags)
{
	const struct config_memory *config = to->config;
	struct memory_part *part = object;
	uint64_t extra = config->size - part->boot_size;

	/* The plan gives this only sizes that can be reached. */
	if (!MEMORY_HOTPLUG || config->size < part->boot_size || !part->layout.n_blocks ||
	    extra % part->layout.step)
		return -EOPNOTSUPP;
	part->block.span = graph_node_span(to, "size");
	if (part->flexible)
		return set_extra(part, extra, diags);
	return parts_slots_set(&part->dimms, (unsigned)(extra / part->layout.block), diags);
}

static bool memory_part_settled(void *context, void *object, struct strbuf *why)
{
	const struct memory_part *part = object;
	char size[UNITS_TEXT_MAX], wanted[UNITS_TEXT_MAX];
	uint64_t plugged;

	if (!MEMORY_HOTPLUG)
		return true;
	if (!part->flexible || !part->parts->virtio_mem)
		return parts_slots_settled(&part->dimms, why);
	plugged = virtio_mem_plugged(part->parts->virtio_mem);
	if (plugged == part->extra)
		return true;
	strbuf_printf(why, "%smemory: the guest has %s, %s are wanted", why->size ? "; " : "",
		      size_format(part->boot_size + plugged, size),
		      size_format(part->boot_size + part->extra, wanted));
	return false;
}

static void memory_part_ask_again(void *context, void *object)
{
	struct memory_part *part = object;

	if (!MEMORY_HOTPLUG)
		return;
	if (part->flexible && part->parts->virtio_mem)
		virtio_mem_request(part->parts->virtio_mem, part->extra,
				   part->n_usable * part->layout.block);
	else
		parts_slots_ask_again(&part->dimms);
}

const struct part_ops parts_memory_ops = {
	.prepare = memory_part_prepare,
	.update = memory_part_update,
	.settled = memory_part_settled,
	.ask_again = memory_part_ask_again,
	.destroy = memory_part_destroy,
};
