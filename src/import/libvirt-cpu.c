/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs of libvirt: how many, where they run, what the guest sees of them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/cpu-features.h"
#include "base/units.h"
#include "import/libvirt-internal.h"

#define MAX_CPUS 255

static uint64_t number_or(struct libvirt *l, struct item *parent, const char *name, uint64_t usual)
{
	map_number(l->draft, parent, name, &usual);
	return usual;
}

static void put_affinity(struct libvirt *l, struct draft_block *cpus, uint64_t cpu,
			 const struct item *set)
{
	map_digits_to(cpus, "affinity", arena_printf(l->arena, "%" PRIu64, cpu), set, set->text);
}

/* A pin of one CPU goes before the set of all. */
static void map_affinity(struct libvirt *l, struct draft_block *cpus, const struct item *all,
			 uint64_t n)
{
	struct item *tune = item_find(l->root, "cputune");

	for (struct item *pin = item_find(tune, "vcpupin"); pin; pin = item_again(pin)) {
		const struct item *set = item_take_item(pin, "cpuset");
		uint64_t cpu;

		if (map_number(l->draft, pin, "vcpu", &cpu) && set)
			put_affinity(l, cpus, cpu, set);
	}
	for (uint64_t cpu = 0; all && cpu < MIN(n, (uint64_t)MAX_CPUS); cpu++)
		put_affinity(l, cpus, cpu, all);
}

static void map_topology(struct libvirt *l, struct draft_block *cpus, uint64_t n)
{
	static const char *const parts[] = {"threads", "cores", "dies", "sockets"};
	struct item *topology = item_find(item_find(l->root, "cpu"), "topology");
	uint64_t values[4], product = 1;

	if (!topology)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		values[i] = MIN(number_or(l, topology, parts[i], 1), (uint64_t)65536);
		product *= values[i];
	}
	if (number_or(l, topology, "clusters", 1) != 1 || product != n) {
		draft_unmapped(l->draft, cpus, topology,
			       "its product is not the number of CPUs, or it has clusters");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (values[i] != 1)
			draft_put_number(cpus, "topology", parts[i], topology, values[i]);
}

/* libvirt's name of a feature as Linux has it in /proc/cpuinfo, or NULL. */
static const char *feature_name(struct libvirt *l, const char *name)
{
	static const struct {
		const char *libvirt, *linux_name;
	} others[] = {
		{"pclmuldq", "pclmulqdq"},    {"sse3", "pni"},  {"pni", "pni"},
		{"cmp_legacy", "cmp_legacy"}, {"i64", "lm"},    {"xd", "nx"},
		{"sha-ni", "sha_ni"},         {"fxsr", "fxsr"}, {"cmt", "cqm"},
	};
	char *known;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(name, others[i].libvirt))
			name = others[i].linux_name;
	known = arena_printf(l->arena, "%.40s", name);
	for (char *at = known; *at; at++)
		*at = *at == '-' || *at == '.' ? '_' : (char)tolower((unsigned char)*at);
	return cpu_feature_find(known) ? known : NULL;
}

static void map_feature(struct libvirt *l, struct draft_block *cpus, struct item *feature)
{
	const struct item *policy = item_take_item(feature, "policy");
	const struct item *name = item_take_item(feature, "name");
	const char *known = name ? feature_name(l, name->text) : NULL;
	bool off = item_is(policy, "disable") || item_is(policy, "forbid");

	if (!name || item_is(policy, "optional"))
		return; /* what the host has is what the guest sees */
	if (off && (item_is(name, "vmx") || item_is(name, "svm"))) {
		draft_put_switch(cpus, NULL, "nested", feature, false);
		return;
	}
	if (item_is(name, "vmx") || item_is(name, "svm"))
		return; /* the usual case */
	if (!known)
		draft_unmapped(l->draft, cpus, feature, "weft knows the names of /proc/cpuinfo");
	else
		draft_put(cpus, "features", known, feature, off ? "off" : "on");
}

static void map_model(struct libvirt *l, struct draft_block *cpus)
{
	struct item *cpu = item_find(l->root, "cpu");
	const struct item *mode = item_take_item(cpu, "mode");
	struct item *model = item_find(cpu, "model"), *bits = item_find(cpu, "maxphysaddr");
	const struct item *how = item_take_item(bits, "mode");

	if (!cpu)
		return;
	cpu->taken = true;
	item_ignore_named(cpu, "match");
	item_ignore_named(cpu, "check");
	item_ignore_named(cpu, "migratable");
	for (struct item *feature = item_find(cpu, "feature"); feature;
	     feature = item_again(feature))
		map_feature(l, cpus, feature);
	if (item_is(how, "emulate"))
		map_number_to(l->draft, cpus, "phys-bits", bits, "bits");
	if (item_is(mode, "host-passthrough") || item_is(mode, "host-model") ||
	    item_is(mode, "maximum")) {
		item_ignore(model);
		item_ignore_named(cpu, "vendor");
		return;
	}
	if (model) {
		item_ignore(model);
		item_ignore_named(cpu, "vendor");
		draft_remark(l->draft, cpus, DRAFT_CHANGED, model,
			     "the guest sees the CPU of the host, and not the model %.40s",
			     model->text);
		draft_advise(l->draft, "cpus.features hides single features");
	}
}

void libvirt_map_cpus(struct libvirt *l)
{
	struct draft_block *cpus = draft_section(l->draft, "cpus");
	struct item *vcpu = item_find(l->root, "vcpu");
	const struct item *set = item_take_item(vcpu, "cpuset");
	uint64_t max = number_or(l, l->root, "vcpu", 1);
	uint64_t count = number_or(l, vcpu, "current", max);

	item_ignore_named(vcpu, "placement");
	draft_put_number(cpus, NULL, "count", vcpu, count);
	if (count != max)
		draft_put_number(cpus, NULL, "max", vcpu, max);
	map_affinity(l, cpus, set, max);
	map_topology(l, cpus, max);
	map_model(l, cpus);
}
