/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the MADT (ACPI 6.4 §5.2.12) that stand in other places, too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MADT_ENABLED        (1u << 0)
#define MADT_ONLINE_CAPABLE (1u << 1)

#define MADT_CPU_MAX 16u

/*
 * The entry of a processor: a local APIC, or a local x2APIC where the ids ask for it. @ret has
 * MADT_CPU_MAX bytes. Return: its length.
 */
size_t madt_cpu(uint32_t number, uint32_t apic_id, uint32_t flags, uint8_t *ret);
