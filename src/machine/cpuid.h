/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest's processors say of themselves: KVM's table of what the host can give, with the
 * topology, the masks and the hypervisor's own leaves put in. No KVM is asked here.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/cpu-features.h"
#include "machine/topology.h"

/* Entries that cpuid_build() may add behind those of the host. */
#define CPUID_SPARE 8

/**
 * struct cpuid_params - what to make of the host's table
 * @topology: of all possible vCPUs
 * @nested: keep VMX and SVM
 * @tsc_deadline: KVM has the timer
 * @ext_dest: messages may name APIC ids above 255
 * @phys_bits: width of guest-physical addresses, 0 for the host's
 */
struct cpuid_params {
	struct cpu_topology topology;
	bool nested, tsc_deadline, ext_dest;
	uint8_t phys_bits;
};

/* Changes @cpuid, which has room for CPUID_SPARE entries more. */
void cpuid_build(struct kvm_cpuid2 *cpuid, const struct cpuid_params *params);

/*
 * Turns a feature off, or on. Return: 0, or -ENOTSUP for one to be turned on that the host lacks
 * (after cpuid_build(): nested and the timer count).
 */
int cpuid_set_feature(struct kvm_cpuid2 *cpuid, const struct cpu_feature *feature,
		      bool enabled) must_use;

/* Puts the APIC id of one vCPU into the leaves that hold it; again for the next vCPU. */
void cpuid_set_vcpu(struct kvm_cpuid2 *cpuid, const struct cpu_topology *topology, unsigned index);

/* The entry of a leaf, or NULL; @subleaf counts where the leaf has subleaves. */
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t subleaf);

/* The width of guest-physical addresses that the table says. */
uint8_t cpuid_phys_bits(struct kvm_cpuid2 *cpuid);
