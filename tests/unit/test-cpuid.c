/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cpu-features.h"
#include "kvm/kvm.h"
#include "machine/cpuid.h"
#include "tests/unit/cu-tap.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

/* A host with four entries of caches, as KVM gives it. */
static const struct kvm_cpuid_entry2 intel[] = {
	{.function = 0, .eax = 0x7, .ebx = 0x756e6547},
	{.function = 1, .ebx = 0x07100800, .ecx = 1u << 5 | 1u << 13, .edx = 0x1fffffff},
	{.function = 4, .index = 0, .flags = INDEXED, .eax = 0xfc004121},
	{.function = 4, .index = 3, .flags = INDEXED, .eax = 0xfc01c163},
	{.function = 4, .index = 4, .flags = INDEXED},
	{.function = 6, .eax = 0xff, .ecx = 9},
	{.function = 7, .index = 0, .flags = INDEXED, .ebx = 1u << 5},
	{.function = 0xb, .index = 0, .flags = INDEXED, .eax = 9, .ebx = 9, .edx = 77},
	{.function = 0x40000001, .eax = 1},
	{.function = 0x80000001, .ecx = 1},
	{.function = 0x80000008, .eax = 0x3030},
};

static const struct kvm_cpuid_entry2 amd[] = {
	{.function = 0, .eax = 0x10, .ebx = 0x68747541},
	{.function = 1, .ebx = 0x01020800, .edx = 0x078bfbff},
	{.function = 0x80000001, .ecx = 1u << 2},
	{.function = 0x80000008, .eax = 0x3030, .ecx = 0x7001},
	{.function = 0x8000000a, .edx = 1},
	{.function = 0x8000001d, .index = 0, .flags = INDEXED, .eax = 0x4121},
	{.function = 0x8000001d, .index = 3, .flags = INDEXED, .eax = 0x3c163},
	{.function = 0x8000001e},
	{.function = 0x80000026, .index = 0, .flags = INDEXED, .eax = 3},
};

static struct kvm_cpuid2 *table(const struct kvm_cpuid_entry2 *entries, size_t n)
{
	struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + (n + CPUID_SPARE) * sizeof(*entries));

	memcpy(t->entries, entries, n * sizeof(*entries));
	t->nent = (uint32_t)n;
	return t;
}

static void apic_ids_have_a_field_a_level(void)
{
	const struct cpu_topology flat = {1, 1, 1, 200}, odd = {2, 3, 2, 2};
	uint32_t previous = 0;

	CU_ASSERT_EQUAL(cpu_topology_apic_id(&flat, 199), 199);
	/* A thread bit, two core bits, a die bit. */
	CU_ASSERT_EQUAL(cpu_topology_count(&odd), 24);
	CU_ASSERT_EQUAL(cpu_topology_socket_shift(&odd), 4);
	CU_ASSERT_EQUAL(cpu_topology_apic_id(&odd, 5), 5);
	CU_ASSERT_EQUAL(cpu_topology_apic_id(&odd, 6), 8);
	CU_ASSERT_EQUAL(cpu_topology_apic_id(&odd, 12), 16);
	CU_ASSERT_EQUAL(cpu_topology_apic_id(&odd, 23), 29);
	for (unsigned i = 1; i < 24; i++) {
		CU_ASSERT(cpu_topology_apic_id(&odd, i) > previous);
		previous = cpu_topology_apic_id(&odd, i);
	}
}

static void intel_leaves_say_the_topology(void)
{
	cleanup_free struct kvm_cpuid2 *t = table(intel, ARRAY_SIZE(intel));
	const struct cpuid_params params = {
		.topology = {2, 3, 2, 2}, .tsc_deadline = true, .phys_bits = 40};
	struct kvm_cpuid_entry2 *e;

	cpuid_build(t, &params);
	CU_ASSERT(t->nent <= ARRAY_SIZE(intel) + CPUID_SPARE);
	cpuid_set_vcpu(t, &params.topology, 23);
	CU_ASSERT_EQUAL(cpuid_find(t, 0, 0)->eax, 0x1f);
	e = cpuid_find(t, 1, 0);
	CU_ASSERT_EQUAL(e->ebx, 29u << 24 | 16u << 16 | 0x0800);
	CU_ASSERT_EQUAL(e->ecx, 1u << 13 | 1u << 21 | 1u << 24 | 1u << 31);
	CU_ASSERT(e->edx >> 28 & 1);
	/* Caches: level 1 of a core of two, level 3 of a die of eight ids; eight cores a socket. */
	CU_ASSERT_EQUAL(cpuid_find(t, 4, 0)->eax, 7u << 26 | 1u << 14 | 0x0121);
	CU_ASSERT_EQUAL(cpuid_find(t, 4, 3)->eax, 7u << 26 | 7u << 14 | 0x0163);
	CU_ASSERT_EQUAL(cpuid_find(t, 4, 4)->eax, 0);
	e = cpuid_find(t, 0xb, 0);
	CU_ASSERT_EQUAL(e->eax, 1);
	CU_ASSERT_EQUAL(e->ebx, 2);
	CU_ASSERT_EQUAL(e->ecx, 0x100);
	CU_ASSERT_EQUAL(e->edx, 29);
	e = cpuid_find(t, 0xb, 1);
	CU_ASSERT_EQUAL(e->eax, 4);
	CU_ASSERT_EQUAL(e->ebx, 12);
	CU_ASSERT_EQUAL(e->ecx, 0x201);
	e = cpuid_find(t, 0x1f, 1);
	CU_ASSERT_EQUAL(e->eax, 3);
	CU_ASSERT_EQUAL(e->ebx, 6);
	e = cpuid_find(t, 0x1f, 2);
	CU_ASSERT_EQUAL(e->eax, 4);
	CU_ASSERT_EQUAL(e->ebx, 12);
	CU_ASSERT_EQUAL(e->ecx, 0x502);
	CU_ASSERT_EQUAL(cpuid_find(t, 6, 0)->eax, 4);
	CU_ASSERT_EQUAL(cpuid_phys_bits(t), 40);
}

static void amd_leaves_say_the_topology(void)
{
	cleanup_free struct kvm_cpuid2 *t = table(amd, ARRAY_SIZE(amd));
	const struct cpuid_params params = {.topology = {2, 4, 1, 2}, .nested = true};
	struct kvm_cpuid_entry2 *e;

	cpuid_build(t, &params);
	cpuid_set_vcpu(t, &params.topology, 13);
	CU_ASSERT_PTR_NULL(cpuid_find(t, 0x1f, 0));
	CU_ASSERT_PTR_NULL(cpuid_find(t, 0x80000026, 0));
	CU_ASSERT_EQUAL(cpuid_find(t, 0x80000008, 0)->ecx, 0x3007);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x80000008, 0)->eax, 0x3030);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x80000001, 0)->ecx, 1u << 2 | 1u << 1 | 1u << 22);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x8000001d, 0)->eax, 1u << 14 | 0x0121);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x8000001d, 3)->eax, 7u << 14 | 0x0163);
	e = cpuid_find(t, 0x8000001e, 0);
	CU_ASSERT_EQUAL(e->eax, 13);
	CU_ASSERT_EQUAL(e->ebx, 0x102);
	CU_ASSERT_EQUAL(e->ecx, 1);
	CU_ASSERT_EQUAL(cpuid_find(t, 0xb, 0)->edx, 13);
}

static void one_vcpu_has_no_neighbours(void)
{
	cleanup_free struct kvm_cpuid2 *t = table(amd, ARRAY_SIZE(amd));
	const struct cpuid_params params = {.topology = {1, 1, 1, 1}};

	cpuid_build(t, &params);
	cpuid_set_vcpu(t, &params.topology, 0);
	CU_ASSERT_FALSE(cpuid_find(t, 1, 0)->edx >> 28 & 1);
	CU_ASSERT_EQUAL(cpuid_find(t, 1, 0)->ebx >> 16, 1);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x80000008, 0)->ecx, 0);
	/* Not nested: no SVM and nothing about it. */
	CU_ASSERT_EQUAL(cpuid_find(t, 0x80000001, 0)->ecx, 1u << 22);
	CU_ASSERT_PTR_NULL(cpuid_find(t, 0x8000000a, 0));
}

static void large_machines_saturate_narrow_fields(void)
{
	cleanup_free struct kvm_cpuid2 *t = table(intel, ARRAY_SIZE(intel));
	const struct cpuid_params params = {.topology = {2, 512, 1, 1}, .ext_dest = true};

	cpuid_build(t, &params);
	cpuid_set_vcpu(t, &params.topology, 1023);
	CU_ASSERT_EQUAL(cpuid_find(t, 1, 0)->ebx, 0xffff0800);
	CU_ASSERT_EQUAL(cpuid_find(t, 4, 3)->eax, 63u << 26 | 1023u << 14 | 0x0163);
	CU_ASSERT_EQUAL(cpuid_find(t, 0xb, 0)->edx, 1023);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x40000001, 0)->eax, 1 | 1u << 15);
}

static void features_are_masked_by_name(void)
{
	cleanup_free struct kvm_cpuid2 *t = table(intel, ARRAY_SIZE(intel));
	const struct cpu_feature *cx16 = cpu_feature_find("cx16");

	CU_ASSERT_PTR_NOT_NULL_FATAL(cx16);
	CU_ASSERT_EQUAL(cpuid_set_feature(t, cx16, true), 0);
	CU_ASSERT_EQUAL(cpuid_set_feature(t, cx16, false), 0);
	CU_ASSERT_FALSE(cpuid_find(t, 1, 0)->ecx >> 13 & 1);
	CU_ASSERT(cpuid_set_feature(t, cx16, true) < 0);
	CU_ASSERT_EQUAL(cpuid_set_feature(t, cpu_feature_find("avx2"), true), 0);
	/* A leaf that the host does not have. */
	CU_ASSERT_EQUAL(cpuid_set_feature(t, cpu_feature_find("xsaves"), false), 0);
	CU_ASSERT(cpuid_set_feature(t, cpu_feature_find("xsaves"), true) < 0);
	/* What is KVM's own. */
	CU_ASSERT_EQUAL(cpuid_set_feature(t, cpu_feature_find("kvm_clocksource"), false), 0);
	CU_ASSERT_EQUAL(cpuid_find(t, 0x40000001, 0)->eax, 0);
	CU_ASSERT(cpuid_set_feature(t, cpu_feature_find("kvm_pv_send_ipi"), true) < 0);
	CU_ASSERT_PTR_NULL(cpu_feature_find("cx61"));
	CU_ASSERT_STRING_EQUAL(cpu_feature_suggest("cx61"), "cx16");
}

static void messages_keep_to_what_kvm_takes(void)
{
	uint32_t lo, hi;

	kvm_msi_split(false, 0xdeadbeeffee01fe4, &lo, &hi);
	CU_ASSERT_EQUAL(lo, 0xfee01fe4);
	CU_ASSERT_EQUAL(hi, 0);
	kvm_msi_split(true, 0xdeadbeeffee01fe4, &lo, &hi);
	CU_ASSERT_EQUAL(lo, 0xfee01004);
	CU_ASSERT_EQUAL(hi, 0x7f00);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"APIC ids have a field a level", apic_ids_have_a_field_a_level},
		{"Intel's leaves say the topology", intel_leaves_say_the_topology},
		{"AMD's leaves say the topology", amd_leaves_say_the_topology},
		{"one vCPU has no neighbours", one_vcpu_has_no_neighbours},
		{"large machines saturate narrow fields", large_machines_saturate_narrow_fields},
		{"features are masked by name", features_are_masked_by_name},
		{"messages keep to what KVM takes", messages_keep_to_what_kvm_takes},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"cpuid", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
