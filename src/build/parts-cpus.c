/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processors of the description as the machine wants them.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "build/parts-internal.h"
#include "machine/build.h"
#include "schema/config.h"

static void set_affinity(const struct config_cpus *config, struct machine_cpus *cpus,
			 struct arena *arena)
{
	const struct cpu_list **affinity =
		arena_new_array(arena, cpus->max, const struct cpu_list *);

	/* The schema has seen to it that the keys are numbers, the rules that there are such vCPUs. */
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
	ret->topology = (struct cpu_topology){ 1, 1, 1, ret->max };
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
