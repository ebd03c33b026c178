/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of blocks: as small as Linux can use, but few enough for the memory slots of KVM.
 */
#include "graph/memory-layout.h"
#include "machine/layout.h"
#include "schema/config.h"

#define VIRTIO_MEM_STEP (2 * MiB)

/*
 * Linux adds memory in units of up to 2 GiB when it has as much as this at power-on; where exactly
 * it draws the line depends on what else is in the machine.
 */
#define LARGE_MEMORY (60 * GiB)
#define LARGE_BLOCK  (2 * GiB)

static uint64_t hugepage_size(const struct config_memory *memory)
{
	switch (memory->hugepages) {
	case CONFIG_MEMORY_HUGEPAGES_2MIB:
		return 2 * MiB;
	case CONFIG_MEMORY_HUGEPAGES_1GIB:
		return GiB;
	default:
		return 4 * KiB;
	}
}

static uint64_t block_size(const struct config_memory *memory, uint64_t room)
{
	uint64_t block = memory->max >= LARGE_MEMORY ? LARGE_BLOCK : MEMORY_BLOCK_MIN;

	block = MAX(block, hugepage_size(memory));
	while (room / block > MEMORY_BLOCKS_MAX)
		block *= 2;
	return block;
}

void memory_layout(const struct config_memory *memory, struct memory_layout *ret)
{
	uint64_t high = memory->size > LAYOUT_RAM_SPLIT ? memory->size - LAYOUT_RAM_SPLIT : 0;
	uint64_t room;

	*ret = (struct memory_layout){.end = LAYOUT_RAM_HIGH + high};
	if (!memory->has_max)
		return;
	/* Room for every size that may be written below this maximum. */
	ret->end = LAYOUT_RAM_HIGH + memory->max + 2 * block_size(memory, memory->max);
	room = memory->max > memory->size ? memory->max - memory->size : 0;
	ret->block = block_size(memory, room);
	ret->base = ALIGN_UP(LAYOUT_RAM_HIGH + high, ret->block);
	if (memory->hotplug == CONFIG_MEMORY_HOTPLUG_ACPI) {
		ret->step = ret->block;
		ret->n_blocks = (unsigned)(room / ret->block);
	} else {
		/* The device is there whatever the size, and no device has a region of nothing. */
		ret->step = MAX(VIRTIO_MEM_STEP, hugepage_size(memory));
		ret->n_blocks = MAX((unsigned)((room + ret->block - 1) / ret->block), 1u);
	}
}
