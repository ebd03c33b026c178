/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross-object rules. Each gives one diagnostic at the place that is easiest to change, and shows
 * the other place it does not agree with.
 */
#include <config.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu-features.h"
#include "graph/graph.h"
#include "graph/rules.h"
#include "schema/config.h"
#include "schema/value.h"

struct rules {
	const struct value *root;
	const struct config_machine *config;
	struct diag_list *diags;
};

static void check_cpu_max(const struct rules *r)
{
	const struct config_cpus *cpus = &r->config->cpus;
	struct diag *diag;

	if (!cpus->has_max || cpus->max >= cpus->count)
		return;
	diag = diag_add(r->diags, "E0301", DIAG_ERROR, value_span(r->root, "cpus.max"),
			"cpus.max is %" PRIu64 ", less than cpus.count, which is %" PRIu64,
			cpus->max, cpus->count);
	diag_relate(r->diags, diag, value_span(r->root, "cpus.count"), "the count");
	diag_hint(r->diags, diag, "write max: %" PRIu64 " or leave it out", cpus->count);
}

static void check_memory_max(const struct rules *r)
{
	const struct config_memory *memory = &r->config->memory;
	char size[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	struct diag *diag;

	if (!memory->has_max || memory->max >= memory->size)
		return;
	size_format(memory->size, size);
	diag = diag_add(r->diags, "E0309", DIAG_ERROR, value_span(r->root, "memory.max"),
			"memory.max is %s, less than memory.size, which is %s",
			size_format(memory->max, max), size);
	diag_relate(r->diags, diag, value_span(r->root, "memory.size"), "the size");
	diag_hint(r->diags, diag, "write max: %s or leave it out", size);
}

/* A weft without hotplug refuses what could not be kept. */
static void check_built_in(const struct rules *r)
{
	const struct config_memory *memory = &r->config->memory;
	const struct config_cpus *cpus = &r->config->cpus;

	if (!CPU_HOTPLUG && cpus->has_max && cpus->max > cpus->count)
		diag_add(
			r->diags, "E0310", DIAG_ERROR, value_span(r->root, "cpus.max"),
			"this weft was built without CPU hotplug: cpus.max cannot be above cpus.count");
	if (!MEMORY_HOTPLUG && memory->has_max && memory->max > memory->size)
		diag_add(
			r->diags, "E0310", DIAG_ERROR, value_span(r->root, "memory.max"),
			"this weft was built without memory hotplug: memory.max cannot be above memory.size");
}

static void check_topology(const struct rules *r)
{
	const struct config_cpus *cpus = &r->config->cpus;
	const struct config_cpus_topology *t = cpus->topology;
	uint64_t max = cpus->has_max ? cpus->max : cpus->count;
	struct diag *diag;

	if (!t || t->threads * t->cores * t->dies * t->sockets == max)
		return;
	diag = diag_add(r->diags, "E0302", DIAG_ERROR, value_span(r->root, "cpus.topology"),
			"the topology holds %" PRIu64 " CPUs (%" PRIu64 " threads × %" PRIu64
			" cores × %" PRIu64 " dies × %" PRIu64
			" sockets), the machine has %" PRIu64,
			t->threads * t->cores * t->dies * t->sockets, t->threads, t->cores, t->dies,
			t->sockets, max);
	diag_relate(r->diags, diag, value_span(r->root, cpus->has_max ? "cpus.max" : "cpus.count"),
		    "the number of CPUs");
	diag_hint(r->diags, diag, "the product of the four must be cpus.%s",
		  cpus->has_max ? "max" : "count");
}

static void check_affinity(const struct rules *r)
{
	const struct config_cpus *cpus = &r->config->cpus;
	const struct value *affinity = value_find(r->root, "cpus.affinity");
	uint64_t max = cpus->has_max ? cpus->max : cpus->count;

	for (size_t i = 0; affinity && i < affinity->n; i++) {
		const struct value *entry = affinity->children[i];
		struct diag *diag;

		if (strtoul(entry->name, NULL, 10) < max)
			continue;
		diag = diag_add(r->diags, "E0303", DIAG_ERROR, entry->key_span,
				"there is no virtual CPU %s: the machine has %" PRIu64, entry->name,
				max);
		diag_hint(r->diags, diag, "virtual CPUs count from 0 to %" PRIu64, max - 1);
	}
}

static void check_features(const struct rules *r)
{
	const struct value *features = value_find(r->root, "cpus.features");

	for (size_t i = 0; features && i < features->n; i++) {
		const struct value *entry = features->children[i];
		const char *near;
		struct diag *diag;

		if (cpu_feature_find(entry->name))
			continue;
		diag = diag_add(r->diags, "E0307", DIAG_ERROR, entry->key_span,
				"no processor feature is called '%s'", entry->name);
		near = cpu_feature_suggest(entry->name);
		if (near)
			diag_hint(r->diags, diag, "did you mean '%s'?", near);
		else
			diag_hint(r->diags, diag,
				  "the names are those of the flags in /proc/cpuinfo");
	}
}

static void check_hugepages(const struct rules *r)
{
	static const uint64_t sizes[] = {
		[CONFIG_MEMORY_HUGEPAGES_OFF] = 1,
		[CONFIG_MEMORY_HUGEPAGES_2MIB] = 2 * MiB,
		[CONFIG_MEMORY_HUGEPAGES_1GIB] = GiB,
	};
	const struct config_memory *memory = &r->config->memory;
	char size[UNITS_TEXT_MAX], page[UNITS_TEXT_MAX];
	struct diag *diag;

	if (memory->size % sizes[memory->hugepages] == 0)
		return;
	diag = diag_add(r->diags, "E0304", DIAG_ERROR, value_span(r->root, "memory.size"),
			"the memory is %s, which is no multiple of its %s pages",
			size_format(memory->size, size),
			size_format(sizes[memory->hugepages], page));
	diag_relate(r->diags, diag, value_span(r->root, "memory.hugepages"), "the size of pages");
	diag_hint(r->diags, diag, "write a size that is a multiple of %s", page);
}

/* A disk that any device of the host could become is not what somebody meant. */
static void check_matches(const struct rules *r)
{
	const struct value *devices = value_child(r->root, "devices");

	for (size_t i = 0; devices && i < devices->n; i++) {
		const struct value *match = value_child(devices->children[i], "match");
		const struct value *subsystem = match ? value_child(match, "subsystem") : NULL;
		struct diag *diag;

		if (!match)
			continue;
		if (!LIBUDEV)
			diag_add(r->diags, "E0315", DIAG_ERROR, match->key_span,
				 "'match' needs libudev, without which this weft was built");
		if (subsystem && strcmp(subsystem->string, "block") != 0) {
			diag = diag_add(r->diags, "E0316", DIAG_ERROR, subsystem->span,
					"no device of the subsystem '%s' is a disk",
					subsystem->string);
			diag_hint(r->diags, diag, "write subsystem: block, or leave it out");
		} else if (subsystem && match->n == 1) {
			diag = diag_add(r->diags, "E0316", DIAG_ERROR, match->key_span,
					"every disk of the host matches");
			diag_hint(r->diags, diag, "say which one, for example serial: WD-1234");
		}
	}
}

static bool has_device(const struct rules *r, const char *type)
{
	const struct value *devices = value_child(r->root, "devices");

	for (size_t i = 0; devices && i < devices->n; i++)
		if (strcmp(schema_text(devices->children[i]->variant->name), type) == 0)
			return true;
	return false;
}

/* A kernel that writes to a console which is not there runs, and nobody sees anything of it. */
static void check_console(const struct rules *r)
{
	static const struct {
		const char *word, *type, *name;
	} consoles[] = {
		{"console=hvc0", "virtio-console", "console"},
		{"console=ttyS0", "serial", "serial"},
	};
	const char *cmdline = r->config->boot.cmdline;
	struct diag *diag;

	for (size_t i = 0; cmdline && i < ARRAY_SIZE(consoles); i++) {
		if (!strstr(cmdline, consoles[i].word) || has_device(r, consoles[i].type))
			continue;
		diag = diag_add(r->diags, "E0319", DIAG_WARNING,
				value_span(r->root, "boot.cmdline"),
				"the kernel is told %s, and there is no device of the type %s",
				consoles[i].word, consoles[i].type);
		diag_hint(r->diags, diag, "add it below devices: %s: { type: %s }",
			  consoles[i].name, consoles[i].type);
	}
}

bool rules_check(const struct value *root, const struct config_machine *config, struct arena *arena,
		 struct diag_list *diags)
{
	const struct rules r = {root, config, diags};
	size_t before = diag_errors(diags);

	check_cpu_max(&r);
	check_memory_max(&r);
	check_built_in(&r);
	check_topology(&r);
	check_affinity(&r);
	check_features(&r);
	check_hugepages(&r);
	check_matches(&r);
	check_console(&r);
	rules_check_uses(root, arena, diags);
	return diag_errors(diags) == before;
}

const char *rules_resource_words(const char *key)
{
	static const struct {
		const char *kind, *words;
	} kinds[] = {
		{"write:", "the file"},    {"tap:", "the tap"},   {"mac:", "the MAC address"},
		{"socket:", "the socket"}, {"uuid:", "the UUID"}, {"terminal", "the input of the"},
		{"port:", "the I/O port"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(key, kinds[i].kind, strlen(kinds[i].kind)) == 0)
			return kinds[i].words;
	return "the same";
}

/* Of a path the last part is enough, the place shows the rest. */
const char *rules_resource_name(const char *key)
{
	const char *colon = strchr(key, ':'), *slash = strrchr(key, '/');

	return slash ? slash + 1 : colon ? colon + 1 : key;
}

/* Where the path of a "write:" key stands: below @value, and not at the list or map it is in. */
static const struct value *find_path(const struct value *value, const char *path, unsigned *nth)
{
	const struct value *found = NULL;

	if (value->type->kind == SCHEMA_PATH)
		return strcmp(value->string, path) == 0 && (*nth)-- == 0 ? value : NULL;
	if (value->type->kind < SCHEMA_ARRAY)
		return NULL;
	for (size_t i = 0; i < value->n && !found; i++)
		found = find_path(value->children[i], path, nth);
	return found;
}

/* The place of the @nth use of @key by @node. */
static struct span use_span(const struct graph_node *node, const char *property, const char *key,
			    unsigned nth)
{
	const struct value *value = node->value && strncmp(key, "write:", 6) == 0
					    ? value_find(node->value, property)
					    : NULL;

	if (value)
		value = find_path(value, key + 6, &nth);
	return value ? value->span : graph_node_span(node, property);
}

struct use {
	const struct graph_node *node;
	struct span span;
};

static void report_double_use(struct use first, struct use second, const char *key,
			      struct diag_list *diags)
{
	struct span at = first.span, again = second.span;
	struct diag *diag;

	/* Nodes are in the order of their names; a reader's order is that of the file. */
	if (at.source == again.source &&
	    (at.line > again.line || (at.line == again.line && at.column > again.column))) {
		report_double_use(second, first, key, diags);
		return;
	}
	if (first.node == second.node)
		diag = diag_add(diags, "E0305", DIAG_ERROR, again, "%s %s is used twice by '%s'",
				rules_resource_words(key), rules_resource_name(key),
				first.node->id);
	else
		diag = diag_add(diags, "E0305", DIAG_ERROR, again,
				"%s %s is used twice, by '%s' and by '%s'",
				rules_resource_words(key), rules_resource_name(key), first.node->id,
				second.node->id);
	diag_hint(diags, diag, "give one of the two another");
	diag_relate(diags, diag, at, "first used here");
}

/* The first use of what device @j needs as its number @b, before that, or false. */
static bool first_use(const struct graph_node *const *devices, const struct device_needs *needs,
		      size_t j, unsigned b, struct use *ret)
{
	const char *key = needs[j].exclusive[b].key;

	for (size_t i = 0; i <= j; i++)
		for (unsigned a = 0; a < (i < j ? needs[i].n_exclusive : b); a++)
			if (strcmp(needs[i].exclusive[a].key, key) == 0) {
				ret->node = devices[i];
				ret->span = use_span(devices[i], needs[i].exclusive[a].property,
						     key, 0);
				return true;
			}
	return false;
}

static void check_exclusive(const struct graph_node *const *devices,
			    const struct device_needs *needs, size_t j, struct diag_list *diags)
{
	for (unsigned b = 0; b < needs[j].n_exclusive; b++) {
		const char *key = needs[j].exclusive[b].key;
		struct use first, second = {.node = devices[j]};
		unsigned nth = 0;

		if (!first_use(devices, needs, j, b, &first))
			continue;
		for (unsigned a = 0; a < b; a++)
			nth += strcmp(needs[j].exclusive[a].key, key) == 0;
		second.span = use_span(devices[j], needs[j].exclusive[b].property, key, nth);
		report_double_use(first, second, key, diags);
	}
}

/* A file that is only read can be read by all, but not while another device writes it. */
static void check_read(const struct graph_node *const *devices, const struct device_needs *needs,
		       size_t n, size_t j, struct diag_list *diags)
{
	const struct value *read_only =
		devices[j]->value ? value_child(devices[j]->value, "read-only") : NULL;
	const struct value *path =
		read_only && read_only->boolean ? value_child(devices[j]->value, "path") : NULL;

	for (size_t i = 0; path && i < n; i++)
		for (unsigned a = 0; i != j && a < needs[i].n_exclusive; a++) {
			const char *key = needs[i].exclusive[a].key;
			struct diag *diag;

			if (strncmp(key, "write:", 6) != 0 || strcmp(key + 6, path->string) != 0)
				continue;
			diag = diag_add(diags, "E0305", DIAG_ERROR, path->span,
					"%s %s is read by '%s' while '%s' writes it",
					rules_resource_words(key), rules_resource_name(key),
					devices[j]->id, devices[i]->id);
			diag_hint(diags, diag, "make both of them read-only, or give one another");
			diag_relate(diags, diag,
				    use_span(devices[i], needs[i].exclusive[a].property, key, 0),
				    "written by this");
			return;
		}
}

static void check_port(const struct graph_node *const *devices, const struct device_needs *needs,
		       size_t i, size_t j, struct diag_list *diags)
{
	struct use first = {.node = devices[i]}, second = {.node = devices[j]};
	char key[16];

	if (!needs[i].port || needs[i].port != needs[j].port)
		return;
	first.span = graph_node_span(first.node, "port");
	second.span = graph_node_span(second.node, "port");
	snprintf(key, sizeof(key), "port:0x%x", needs[i].port);
	report_double_use(first, second, key, diags);
}

/* @name: the former one of @second. */
static void check_former_names(const struct graph_node *first, const struct graph_node *second,
			       const char *name, struct diag_list *diags)
{
	const char *other = graph_node_formerly(first);
	struct diag *diag;

	if (!other || strcmp(other, name) != 0)
		return;
	diag = diag_add(diags, "E0308", DIAG_ERROR, graph_node_span(second, "formerly"),
			"'%s' and '%s' cannot both have been '%s'", first->id, second->id, name);
	diag_relate(diags, diag, graph_node_span(first, "formerly"), "the other one");
}

static void check_own_name(const struct graph_node *node, struct diag_list *diags)
{
	const char *formerly = graph_node_formerly(node);

	if (formerly && strcmp(formerly, node->id) == 0)
		diag_hint(diags,
			  diag_add(diags, "E0318", DIAG_ERROR, graph_node_span(node, "formerly"),
				   "'%s' is the name that the device has now", formerly),
			  "write the name that it had before, or leave it out");
}

bool rules_check_devices(const struct graph_node *const *devices, const struct device_needs *needs,
			 size_t n, struct diag_list *diags)
{
	size_t before = diag_errors(diags);

	/* At most 31 PCI devices and a few more, so pairs are few; a huge map is refused by then.
	 */
	for (size_t j = 0; j < n; j++) {
		const char *former = graph_node_formerly(devices[j]);

		check_exclusive(devices, needs, j, diags);
		check_read(devices, needs, n, j, diags);
		check_own_name(devices[j], diags);
		if (devices[j]->type->check)
			devices[j]->type->check(devices[j], diags);
		for (size_t i = 0; i < j; i++) {
			struct diag *diag;

			check_port(devices, needs, i, j, diags);
			if (former)
				check_former_names(devices[i], devices[j], former, diags);
			if (devices[i]->type != devices[j]->type || !devices[j]->type->singleton)
				continue;
			diag = diag_add(diags, "E0306", DIAG_ERROR, devices[j]->span,
					"a machine has only one %s", devices[j]->type->name);
			diag_relate(diags, diag, devices[i]->span, "'%s' is one already",
				    devices[i]->id);
		}
	}
	return diag_errors(diags) == before;
}
