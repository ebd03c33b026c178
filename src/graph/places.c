/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things go. Slot 0 is the host bridge. KVM memory slots below GRAPH_DEVICE_MEMORY_SLOT are
 * RAM's.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "graph/places.h"
#include "graph/ranges.h"
#include "machine/layout.h"
#include "schema/value.h"

#define DEVICE_MEMORY_SLOT_FIRST 64
#define DEVICE_MEMORY_SLOT_END   512

/* The blocks in which Linux makes memory known: no two devices should share one. */
#define MEMORY_ALIGN (128 * MiB)

struct places {
	struct ranges *slots, *nvdimms, *gsis, *memory_slots, *mmio64, *memory;
	const struct graph_node *by_slot[PCI_SLOTS]; /* for the second error: who has it */
	uint32_t leaving; /* slots of devices that are on their way out */
};

struct places *places_create(struct arena *arena, const struct graph *graph)
{
	struct places *places = arena_new(arena, struct places);

	places->slots = ranges_create(arena, 1, PCI_SLOTS);
	places->nvdimms = ranges_create(arena, 0, NVDIMM_SLOTS);
	places->gsis = ranges_create(arena, GSI_MSI_FIRST, GSI_MSI_END);
	places->memory_slots =
		ranges_create(arena, DEVICE_MEMORY_SLOT_FIRST, DEVICE_MEMORY_SLOT_END);
	places->mmio64 = ranges_create(arena, graph->mmio64_base, graph->mmio64_end);
	places->memory = ranges_create(arena, graph->memory_base, graph->memory_end);
	return places;
}

static void give_slot(struct places *places, struct graph_node *node, unsigned slot)
{
	node->pci_slot = (int)slot;
	places->by_slot[slot] = node;
}

static bool take_slot(struct places *places, struct graph_node *node, unsigned slot)
{
	if (!ranges_take(places->slots, slot, 1))
		return false;
	give_slot(places, node, slot);
	return true;
}

bool places_slot(struct places *places, struct graph_node *node, struct diag_list *diags)
{
	const struct value *wanted = node->value ? value_child(node->value, "slot") : NULL;
	const struct graph_node *other;
	struct diag *diag;

	if (!wanted)
		return true;
	if (take_slot(places, node, (unsigned)wanted->number))
		return true;
	/* The schema allows 1 to 31 only, so it is taken. */
	other = places->by_slot[wanted->number];
	diag = diag_add(diags, "E0311", DIAG_ERROR, wanted->span,
			"PCI slot %" PRIu64 " is asked for twice", wanted->number);
	diag_relate(diags, diag, graph_node_span(other, "slot"), "'%s' has it", other->id);
	diag_hint(diags, diag, "leave 'slot' out to be given a free one");
	return false;
}

static bool sits_on(const struct graph_node *node, enum device_bus bus)
{
	return !node->type || node->type->bus == bus;
}

void places_keep(struct places *places, struct graph_node *node, const struct graph_node *pin)
{
	/* A device may have become one of another bus; what is on its way out takes all it has. */
	if (node->pci_slot < 0 && pin->pci_slot > 0 && sits_on(node, DEVICE_BUS_PCI))
		(void)!take_slot(places, node, (unsigned)pin->pci_slot);
	if (pin->nvdimm_slot >= 0 && sits_on(node, DEVICE_BUS_NVDIMM) &&
	    ranges_take(places->nvdimms, (uint64_t)pin->nvdimm_slot, 1))
		node->nvdimm_slot = pin->nvdimm_slot;
	if (pin->n_gsis && ranges_take(places->gsis, pin->gsi_base, pin->n_gsis)) {
		node->gsi_base = pin->gsi_base;
		node->n_gsis = pin->n_gsis;
	}
	if (pin->n_memory_slots &&
	    ranges_take(places->memory_slots, pin->memory_slot_base, pin->n_memory_slots)) {
		node->memory_slot_base = pin->memory_slot_base;
		node->n_memory_slots = pin->n_memory_slots;
	}
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++)
		if (pin->bars[i].size &&
		    ranges_take(places->mmio64, pin->bars[i].base, pin->bars[i].size))
			node->bars[i] = pin->bars[i];
	/* The state directory is as trustworthy as its disk. */
	if (IS_ALIGNED(pin->memory.base, MEMORY_ALIGN) &&
	    ranges_take(places->memory, pin->memory.base, pin->memory.size))
		node->memory = pin->memory;
}

void places_occupy(struct places *places, const struct graph_node *leaving)
{
	struct graph_node nobody = {.pci_slot = -1, .nvdimm_slot = -1};

	/* A device that waits for the guest to let go still answers at its places. */
	places_keep(places, &nobody, leaving);
	if (nobody.pci_slot > 0)
		places->leaving |= 1u << nobody.pci_slot;
}

static bool fill_slot(struct places *places, struct graph_node *node, struct diag_list *diags)
{
	struct diag *diag;
	uint64_t slot;

	if (node->pci_slot >= 0)
		return true;
	if (ranges_alloc(places->slots, 1, 1, &slot)) {
		give_slot(places, node, (unsigned)slot);
		return true;
	}
	if (places->leaving) {
		slot = (unsigned)__builtin_ctz(places->leaving);
		places->leaving &= ~(1u << slot);
		give_slot(places, node, (unsigned)slot);
		return true;
	}
	diag = diag_add(diags, "E0312", DIAG_ERROR, node->span,
			"there is no PCI slot left for '%s': the bus has %d", node->id,
			PCI_SLOTS - 1);
	diag_hint(diags, diag, "remove a device");
	return false;
}

static bool fill_nvdimm_slot(struct places *places, struct graph_node *node,
			     struct diag_list *diags)
{
	struct diag *diag;
	uint64_t slot;

	if (node->nvdimm_slot >= 0)
		return true;
	if (ranges_alloc(places->nvdimms, 1, 1, &slot)) {
		node->nvdimm_slot = (int)slot;
		return true;
	}
	diag = diag_add(diags, "E0314", DIAG_ERROR, node->span,
			"there is no NVDIMM slot left for '%s': a machine has %d", node->id,
			NVDIMM_SLOTS);
	diag_hint(diags, diag, "remove one, or make it a virtio-pmem device");
	return false;
}

static bool no_room(struct graph_node *node, struct diag_list *diags, const char *what)
{
	struct diag *diag = diag_add(diags, "E0313", DIAG_ERROR, node->span,
				     "there is no room for the %s of '%s'", what, node->id);

	diag_hint(diags, diag, "make it smaller, or remove a device");
	return false;
}

/* A pinned place of another size than what is needed now is given up (the guest restarts anyway).
 */
bool places_fill(struct places *places, struct graph_node *node, const struct device_needs *needs,
		 struct diag_list *diags)
{
	uint64_t base;

	if (node->type->bus == DEVICE_BUS_PCI && !fill_slot(places, node, diags))
		return false;
	if (node->type->bus == DEVICE_BUS_NVDIMM && !fill_nvdimm_slot(places, node, diags))
		return false;
	if (needs->msi_vectors != node->n_gsis) {
		if (needs->msi_vectors && !ranges_alloc(places->gsis, needs->msi_vectors, 1, &base))
			return no_room(node, diags, "interrupts");
		node->gsi_base = needs->msi_vectors ? (uint32_t)base : 0;
		node->n_gsis = needs->msi_vectors;
	}
	if (needs->memory_slots != node->n_memory_slots) {
		if (needs->memory_slots &&
		    !ranges_alloc(places->memory_slots, needs->memory_slots, 1, &base))
			return no_room(node, diags, "memory slots");
		node->memory_slot_base = needs->memory_slots ? (uint32_t)base : 0;
		node->n_memory_slots = needs->memory_slots;
	}
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++) {
		if (needs->bar_sizes[i] == node->bars[i].size)
			continue;
		if (needs->bar_sizes[i] && !ranges_alloc(places->mmio64, needs->bar_sizes[i],
							 MAX(needs->bar_sizes[i], 4 * KiB), &base))
			return no_room(node, diags, "memory BARs");
		node->bars[i].base = needs->bar_sizes[i] ? base : 0;
		node->bars[i].size = needs->bar_sizes[i];
	}
	if (needs->memory_size != node->memory.size) {
		if (needs->memory_size &&
		    !ranges_alloc(places->memory, needs->memory_size,
				  needs->memory_size >= GiB ? GiB : MEMORY_ALIGN, &base))
			return no_room(node, diags, "memory");
		node->memory.base = needs->memory_size ? base : 0;
		node->memory.size = needs->memory_size;
	}
	return true;
}
