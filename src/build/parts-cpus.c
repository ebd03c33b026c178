/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processors of the description as the machine wants them, and how their number follows it.
 */
#include <config.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "base/arena.h"
#include "build/parts-internal.h"
#include "build/parts-slots.h"
#include "machine/build.h"
#include "machine/layout.h"
#include "schema/config.h"

struct cpus_part {
	struct parts *parts;
	struct parts_slots slots;
};

static void set_affinity(const struct config_cpus *config, struct machine_cpus *cpus,
			 struct arena *arena)
{
	const struct cpu_list **affinity =
		arena_new_array(arena, cpus->max, const struct cpu_list *);

	/* The schema has seen to it that the keys are numbers, the rules that there are such vCPUs.
	 */
	for (size_t i = 0; i < config->affinity.n; i++) {
		unsigned long index = strtoul(config->affinity.items[i].key, NULL, 10);

		if (index < cpus->max)
			affinity[index] = &config->affinity.items[i].value;
	}
	cpus->affinity = affinity;
	cpus->n_affinity = cpus->max;
}

static void set_features(const struct graph_node *node, struct machine_cpus *cpus,
			 struct arena *arena)
{
	const struct config_cpus *config = node->config;
	struct machine_cpu_feature *features =
		arena_new_array(arena, config->features.n, struct machine_cpu_feature);

	for (size_t i = 0; i < config->features.n; i++)
		features[i] = (struct machine_cpu_feature){
			.name = config->features.items[i].key,
			.enabled = config->features.items[i].value,
			.span = graph_node_span(node, arena_printf(arena, "features.%s",
								   config->features.items[i].key)),
		};
	cpus->features = features;
	cpus->n_features = config->features.n;
}

void parts_cpus(const struct graph_node *node, struct machine_cpus *ret, struct arena *arena)
{
	const struct config_cpus *config = node->config;

	*ret = (struct machine_cpus){
		.count = (unsigned)config->count,
		.max = (unsigned)(config->has_max ? config->max : config->count),
		.nested = config->nested,
		.phys_bits = config->has_phys_bits ? (uint8_t)config->phys_bits : 0,
		.span = node->span,
	};
	ret->topology = (struct cpu_topology){1, 1, 1, ret->max};
	if (config->topology)
		ret->topology = (struct cpu_topology){
			.threads = (unsigned)config->topology->threads,
			.cores = (unsigned)config->topology->cores,
			.dies = (unsigned)config->topology->dies,
			.sockets = (unsigned)config->topology->sockets,
		};
	set_affinity(config, ret, arena);
	set_features(node, ret, arena);
}

bool parts_cpus_can_change(const struct graph_node *node)
{
	const struct config_cpus *config = node->config;

	return CPU_HOTPLUG && config->has_max && config->max > 1;
}

static int plug_cpu(void *opaque, unsigned slot, struct diag_list *diags)
{
	struct cpus_part *part = opaque;

	return machine_plug_vcpu(part->parts->machine, slot, diags);
}

static int unplug_cpu(void *opaque, unsigned slot)
{
	struct cpus_part *part = opaque;

	machine_unplug_vcpu(part->parts->machine, slot);
	return 0;
}

static const struct slot_ops cpu_slot_ops = {
	.noun = "CPU",
	.plug = plug_cpu,
	.unplug = unplug_cpu,
};

static void cpus_part_destroy(void *context, void *object)
{
	struct cpus_part *part = object;

	if (CPU_HOTPLUG)
		parts_slots_destroy(&part->slots);
	free(part);
}

static int add_slots(struct cpus_part *part, const struct machine_cpus *cpus,
		     const struct graph_node *node, struct diag_list *diags)
{
	int r;

	part->slots = (struct parts_slots){
		.ops = &cpu_slot_ops,
		.opaque = part,
		.parts = part->parts,
		.first = 1, /* the processor that starts the machine never leaves */
		.n = cpus->max,
		.wanted = cpus->count,
	};
	r = parts_slots_create(&part->slots, LAYOUT_CPU_HOTPLUG, ACPI_EVENT_CPU);
	if (r < 0)
		diag_add(diags, "E0495", DIAG_ERROR, graph_node_span(node, "max"),
			 "the controller of CPU hotplug could not be made: %s", strerror(-r));
	return r;
}

static int cpus_part_prepare(void *context, const struct graph_node *node, void **ret_object,
			     struct diag_list *diags)
{
	cleanup_arena struct arena *arena = arena_create();
	struct cpus_part *part = calloc(1, sizeof(*part));
	struct machine_cpus cpus;
	int r;

	if (!part)
		return -ENOMEM;
	part->parts = context;
	parts_cpus(node, &cpus, arena);
	r = machine_add_vcpus(part->parts->machine, &cpus, diags);
	if (r >= 0 && parts_cpus_can_change(node))
		r = add_slots(part, &cpus, node, diags);
	if (r < 0) {
		free(part);
		return r;
	}
	*ret_object = part;
	return 0;
}

static int cpus_part_update(void *context, void *object, const struct graph_node *to,
			    struct diag_list *diags)
{
	const struct config_cpus *config = to->config;
	struct cpus_part *part = object;

	return CPU_HOTPLUG ? parts_slots_set(&part->slots, (unsigned)config->count, diags)
			   : -EOPNOTSUPP;
}

static bool cpus_part_settled(void *context, void *object, struct strbuf *why)
{
	const struct cpus_part *part = object;

	return !CPU_HOTPLUG || parts_slots_settled(&part->slots, why);
}

static void cpus_part_ask_again(void *context, void *object)
{
	struct cpus_part *part = object;

	if (CPU_HOTPLUG)
		parts_slots_ask_again(&part->slots);
}

const struct part_ops parts_cpus_ops = {
	.prepare = cpus_part_prepare,
	.update = cpus_part_update,
	.settled = cpus_part_settled,
	.ask_again = cpus_part_ask_again,
	.destroy = cpus_part_destroy,
};
