/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor's features by the names Linux gives them in /proc/cpuinfo, and where CPUID says
 * them.
 */
#pragma once

#include <stdint.h>

enum cpuid_register {
	CPUID_EAX,
	CPUID_EBX,
	CPUID_ECX,
	CPUID_EDX,
};

struct cpu_feature {
	const char *name;
	uint32_t leaf;
	uint8_t subleaf;
	uint8_t reg; /* enum cpuid_register */
	uint8_t bit;
};

/* The feature called @name, letter case and `_` for `-` counting, or NULL. */
const struct cpu_feature *cpu_feature_find(const char *name);

/* The feature that a person may have meant by @name, or NULL. */
const char *cpu_feature_suggest(const char *name);
