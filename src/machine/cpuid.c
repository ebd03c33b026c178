/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID tables (Intel SDM 2, CPUID; AMD APM 3, appendix E; Linux'
 * Documentation/virt/kvm/x86/cpuid).
 */
#include <errno.h>
#include <string.h>

#include "machine/cpuid.h"

#define LEAF_FEATURES     0x1
#define LEAF_CACHE        0x4
#define LEAF_POWER        0x6
#define LEAF_TOPOLOGY     0xb
#define LEAF_TOPOLOGY_V2  0x1f
#define LEAF_KVM          0x40000000
#define LEAF_KVM_FEATURES 0x40000001
#define LEAF_AMD_FEATURES 0x80000001
#define LEAF_AMD_SIZES    0x80000008
#define LEAF_AMD_CACHE    0x8000001d
#define LEAF_AMD_TOPOLOGY 0x8000001e
#define LEAF_AMD_TOPO_V2  0x80000026

#define VENDOR_AMD_EBX   0x68747541u /* "Auth" */
#define VENDOR_HYGON_EBX 0x6f677948u /* "Hygo" */

/* Leaf 1. */
#define ECX_VMX          (1u << 5)
#define ECX_X2APIC       (1u << 21)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_HYPERVISOR   (1u << 31)
#define EDX_HTT          (1u << 28)

#define EAX_ARAT (1u << 2) /* leaf 6: the APIC timer does not stop */

/* Leaf 0x80000001. */
#define ECX_CMP_LEGACY (1u << 1)
#define ECX_SVM        (1u << 2)
#define ECX_TOPOEXT    (1u << 22)

#define KVM_EAX_MSI_EXT_DEST_ID (1u << 15)

/* Levels of leaves 0xb and 0x1f. */
#define LEVEL_SMT  1u
#define LEVEL_CORE 2u
#define LEVEL_DIE  5u

/* A field of bits of a register; a value too large for it becomes the largest. */
static void set_field(uint32_t *reg, unsigned shift, unsigned bits, uint32_t value)
{
	uint32_t mask = (1u << bits) - 1;

	*reg = (*reg & ~(mask << shift)) | (MIN(value, mask) << shift);
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == leaf &&
		    (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == subleaf))
			return e;
	}
	return NULL;
}

/* Takes every subleaf of a leaf out. */
static void drop(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != leaf)
			cpuid->entries[n++] = cpuid->entries[i];
	cpuid->nent = n;
}

static void append(struct kvm_cpuid2 *cpuid, const struct kvm_cpuid_entry2 *entry)
{
	cpuid->entries[cpuid->nent++] = *entry;
}

static bool is_amd(struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0, 0);

	return e && (e->ebx == VENDOR_AMD_EBX || e->ebx == VENDOR_HYGON_EBX);
}

static unsigned per_socket(const struct cpu_topology *t)
{
	return t->threads * t->cores * t->dies;
}

/* One level of leaf 0xb or 0x1f: bits of the id below the next level, vCPUs in it. */
static void append_level(struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t index, unsigned type,
			 unsigned shift, unsigned count)
{
	append(cpuid, &(struct kvm_cpuid_entry2){
			      .function = leaf,
			      .index = index,
			      .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			      .eax = shift,
			      .ebx = count,
			      .ecx = type << 8 | index,
		      });
}

static void build_levels(struct kvm_cpuid2 *cpuid, const struct cpu_topology *t)
{
	struct kvm_cpuid_entry2 *zero = cpuid_find(cpuid, 0, 0);
	bool dies = t->dies > 1 && !is_amd(cpuid);

	drop(cpuid, LEAF_TOPOLOGY);
	drop(cpuid, LEAF_TOPOLOGY_V2);
	drop(cpuid, LEAF_AMD_TOPO_V2);
	append_level(cpuid, LEAF_TOPOLOGY, 0, LEVEL_SMT, cpu_topology_core_shift(t), t->threads);
	append_level(cpuid, LEAF_TOPOLOGY, 1, LEVEL_CORE, cpu_topology_socket_shift(t),
		     per_socket(t));
	append_level(cpuid, LEAF_TOPOLOGY, 2, 0, 0, 0);
	if (zero)
		zero->eax = MAX(zero->eax, (uint32_t)LEAF_TOPOLOGY);
	if (!dies)
		return;
	append_level(cpuid, LEAF_TOPOLOGY_V2, 0, LEVEL_SMT, cpu_topology_core_shift(t), t->threads);
	append_level(cpuid, LEAF_TOPOLOGY_V2, 1, LEVEL_CORE, cpu_topology_die_shift(t),
		     t->threads * t->cores);
	append_level(cpuid, LEAF_TOPOLOGY_V2, 2, LEVEL_DIE, cpu_topology_socket_shift(t),
		     per_socket(t));
	append_level(cpuid, LEAF_TOPOLOGY_V2, 3, 0, 0, 0);
	if (zero)
		zero->eax = MAX(zero->eax, (uint32_t)LEAF_TOPOLOGY_V2);
}

/*
 * Who shares a cache: the first two levels belong to a core, the third to a die. The host's own
 * numbers would tie vCPUs together that are not.
 */
static void build_caches(struct kvm_cpuid2 *cpuid, const struct cpu_topology *t)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
		unsigned level = e->eax >> 5 & 7;
		bool intel = e->function == LEAF_CACHE;

		if ((!intel && e->function != LEAF_AMD_CACHE) || (e->eax & 0x1f) == 0)
			continue;
		if (intel) {
			set_field(&e->eax, 14, 12,
				  (1u << (level >= 3 ? cpu_topology_die_shift(t)
						     : cpu_topology_core_shift(t))) -
					  1);
			set_field(&e->eax, 26, 6,
				  (1u
				   << (cpu_topology_socket_shift(t) - cpu_topology_core_shift(t))) -
					  1);
		} else {
			set_field(&e->eax, 14, 12,
				  (level >= 3 ? t->threads * t->cores : t->threads) - 1);
		}
	}
}

static void build_basic(struct kvm_cpuid2 *cpuid, const struct cpuid_params *params)
{
	const struct cpu_topology *t = &params->topology;
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, LEAF_FEATURES, 0);

	if (e) {
		e->ecx |= ECX_HYPERVISOR | ECX_X2APIC;
		if (params->tsc_deadline)
			e->ecx |= ECX_TSC_DEADLINE;
		else
			e->ecx &= ~ECX_TSC_DEADLINE;
		if (!params->nested)
			e->ecx &= ~ECX_VMX;
		/* APIC ids of a socket, a power of two. */
		set_field(&e->ebx, 16, 8, 1u << cpu_topology_socket_shift(t));
		if (per_socket(t) > 1)
			e->edx |= EDX_HTT;
		else
			e->edx &= ~EDX_HTT;
	}
	e = cpuid_find(cpuid, LEAF_POWER, 0);
	if (e) {
		/* The rest is about the host's sensors and clocks. */
		e->eax = EAX_ARAT;
		e->ebx = e->ecx = e->edx = 0;
	}
	e = cpuid_find(cpuid, LEAF_KVM_FEATURES, 0);
	if (e && params->ext_dest)
		e->eax |= KVM_EAX_MSI_EXT_DEST_ID;
}

static void build_extended(struct kvm_cpuid2 *cpuid, const struct cpuid_params *params)
{
	const struct cpu_topology *t = &params->topology;
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, LEAF_AMD_FEATURES, 0);
	bool amd = is_amd(cpuid);

	if (e) {
		if (!params->nested)
			e->ecx &= ~ECX_SVM;
		if (amd && per_socket(t) > 1)
			e->ecx |= ECX_CMP_LEGACY;
		else
			e->ecx &= ~ECX_CMP_LEGACY;
		if (amd && cpuid_find(cpuid, LEAF_AMD_TOPOLOGY, 0))
			e->ecx |= ECX_TOPOEXT;
	}
	e = cpuid_find(cpuid, LEAF_AMD_SIZES, 0);
	if (e && params->phys_bits)
		set_field(&e->eax, 0, 8, params->phys_bits);
	if (e && amd) {
		set_field(&e->ecx, 0, 8, per_socket(t) - 1);
		set_field(&e->ecx, 12, 4, cpu_topology_socket_shift(t));
	}
	if (!params->nested)
		drop(cpuid, 0x8000000a);
}

void cpuid_build(struct kvm_cpuid2 *cpuid, const struct cpuid_params *params)
{
	build_basic(cpuid, params);
	build_extended(cpuid, params);
	build_levels(cpuid, &params->topology);
	build_caches(cpuid, &params->topology);
}

static uint32_t *feature_word(struct kvm_cpuid2 *cpuid, const struct cpu_feature *feature)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, feature->leaf, feature->subleaf);

	if (!e)
		return NULL;
	switch ((enum cpuid_register)feature->reg) {
	case CPUID_EAX:
		return &e->eax;
	case CPUID_EBX:
		return &e->ebx;
	case CPUID_ECX:
		return &e->ecx;
	case CPUID_EDX:
		return &e->edx;
	}
	return NULL;
}

int cpuid_set_feature(struct kvm_cpuid2 *cpuid, const struct cpu_feature *feature, bool enabled)
{
	uint32_t *word = feature_word(cpuid, feature);

	if (enabled)
		return word && *word >> feature->bit & 1 ? 0 : -ENOTSUP;
	if (word)
		*word &= ~(1u << feature->bit);
	return 0;
}

void cpuid_set_vcpu(struct kvm_cpuid2 *cpuid, const struct cpu_topology *t, unsigned index)
{
	uint32_t id = cpu_topology_apic_id(t, index);

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		switch (e->function) {
		case LEAF_FEATURES:
			e->ebx = (e->ebx & 0x00ffffff) | id << 24;
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_V2:
			e->edx = id;
			break;
		case LEAF_AMD_TOPOLOGY:
			/* Zero on Intel, where the leaf means nothing. */
			if (!is_amd(cpuid))
				break;
			e->eax = id;
			e->ebx = (index / t->threads % (t->cores * t->dies)) & 0xff;
			set_field(&e->ebx, 8, 8, t->threads - 1);
			e->ecx = 0;
			set_field(&e->ecx, 0, 8, index / (t->threads * t->cores));
			set_field(&e->ecx, 8, 3, t->dies - 1);
			break;
		default:
			break;
		}
	}
}

uint8_t cpuid_phys_bits(struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, LEAF_AMD_SIZES, 0);

	/* A processor without the leaf has 36 (SDM 3, "Determining Physical Address Width"). */
	return e ? e->eax & 0xff : 36;
}
