/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where memory comes and goes while the guest runs: a region above all RAM of power-on, cut into
 * blocks of one size. Each block is a memory slot of KVM; by ACPI it is also a DIMM.
 */
#pragma once

#include <stdint.h>

struct config_memory;

/* KVM memory slots from 2 on; those from 64 on are devices' (graph/places.c). */
#define MEMORY_BLOCKS_MAX 62u

/* What Linux adds and removes at once, at least. */
#define MEMORY_BLOCK_MIN (128 * MiB)

/**
 * struct memory_layout - the region, for a machine that starts with this description
 * @base: its first address, a multiple of @block
 * @block: the size of a block, a power of two
 * @n_blocks: how many there are; 0: there is no room
 * @step: what the amount changes by: a block with ACPI, less with virtio-mem
 * @end: from here on nothing is memory. With memory.max it does not depend on memory.size
 */
struct memory_layout {
	uint64_t base, block;
	unsigned n_blocks;
	uint64_t step;
	uint64_t end;
};

void memory_layout(const struct config_memory *memory, struct memory_layout *ret);
