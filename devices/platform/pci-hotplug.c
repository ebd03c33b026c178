/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three registers of 32 bits, one bit a slot:
 *
 *	0  UP	  functions that were plugged and that the guest does not know of; writing ones
 *clears 4  DOWN	  functions that the guest is asked to give back; writing ones clears 8
 *EJECT  writing a one gives the function back; reads as 0
 *
 * Events stay until the guest has taken them, so one that comes while the guest starts is not lost.
 *A guest clears a bit before it looks at the slot: what happens after that sets the bit again.
 *
 * A slot that nobody asked for is not emptied: the description wants the device there, and a guest
 *that has turned a slot off can turn it on again. Nor can a guest make weft destroy and make
 *devices.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "acpi/acpi.h"
#include "devices/platform/ged.h"
#include "devices/platform/pci-hotplug.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "pci/bus.h"

enum {
	REG_UP = 0,
	REG_DOWN = 4,
	REG_EJECT = 8,
};

struct pci_hotplug {
	struct machine *machine;
	struct pci_bus *bus;
	struct ged *ged;
	_Atomic uint32_t up, down;
	_Atomic uint32_t asked; /* slots to be given back that are not yet */
};

static uint64_t hotplug_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_hotplug *hotplug = opaque;

	if (size != 4)
		return 0;
	switch (offset) {
	case REG_UP:
		return atomic_load(&hotplug->up);
	case REG_DOWN:
		return atomic_load(&hotplug->down);
	default:
		return 0;
	}
}

static void eject(struct pci_hotplug *hotplug, uint32_t slots)
{
	uint32_t given = atomic_fetch_and(&hotplug->asked, ~slots) & slots;

	atomic_fetch_and(&hotplug->down, ~given);
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
		if (given & 1u << slot)
			pci_bus_ejected(hotplug->bus, slot);
}

static void hotplug_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_hotplug *hotplug = opaque;

	if (size != 4)
		return;
	switch (offset) {
	case REG_UP:
		atomic_fetch_and(&hotplug->up, ~(uint32_t)value);
		break;
	case REG_DOWN:
		atomic_fetch_and(&hotplug->down, ~(uint32_t)value);
		break;
	case REG_EJECT:
		eject(hotplug, (uint32_t)value);
		break;
	default:
		break;
	}
}

static const struct io_ops io_ops = {
	.read = hotplug_read,
	.write = hotplug_write,
};

static void plugged(void *opaque, unsigned slot)
{
	struct pci_hotplug *hotplug = opaque;

	/* What was said about the last one in this slot is not about this one. */
	atomic_fetch_and(&hotplug->asked, ~(1u << slot));
	atomic_fetch_and(&hotplug->down, ~(1u << slot));
	atomic_fetch_or(&hotplug->up, 1u << slot);
	ged_raise(hotplug->ged, ACPI_EVENT_PCI);
}

static void unplug_requested(void *opaque, unsigned slot)
{
	struct pci_hotplug *hotplug = opaque;

	atomic_fetch_or(&hotplug->asked, 1u << slot);
	atomic_fetch_or(&hotplug->down, 1u << slot);
	ged_raise(hotplug->ged, ACPI_EVENT_PCI);
}

/* A guest that has taken the event goes on with it, and may: it is plugged again then. */
static void unplug_cancelled(void *opaque, unsigned slot)
{
	struct pci_hotplug *hotplug = opaque;

	if (atomic_fetch_and(&hotplug->down, ~(1u << slot)) & 1u << slot)
		atomic_fetch_and(&hotplug->asked, ~(1u << slot));
}

static const struct pci_hotplug_ops bus_ops = {
	.plugged = plugged,
	.unplug_requested = unplug_requested,
	.unplug_cancelled = unplug_cancelled,
};

int pci_hotplug_create(struct machine *machine, struct pci_bus *bus, struct ged *ged,
		       struct pci_hotplug **ret)
{
	cleanup_free struct pci_hotplug *hotplug = calloc(1, sizeof(*hotplug));
	const struct io_region region = {
		.name = "pci-hotplug",
		.base = LAYOUT_PCI_HOTPLUG,
		.size = ACPI_PCI_HOTPLUG_SIZE,
		.ops = &io_ops,
		.opaque = hotplug,
	};
	int r;

	if (!hotplug)
		return -ENOMEM;
	hotplug->machine = machine;
	hotplug->bus = bus;
	hotplug->ged = ged;
	r = address_space_add(machine_mmio(machine), &region);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(hotplug);
	return 0;
}

struct pci_hotplug *pci_hotplug_destroy(struct pci_hotplug *hotplug)
{
	if (!hotplug)
		return NULL;
	pci_bus_set_hotplug(hotplug->bus, NULL, NULL);
	address_space_remove(machine_mmio(hotplug->machine), LAYOUT_PCI_HOTPLUG);
	address_space_quiesce(machine_mmio(hotplug->machine));
	free(hotplug);
	return NULL;
}

void pci_hotplug_start(struct pci_hotplug *hotplug)
{
	pci_bus_set_hotplug(hotplug->bus, &bus_ops, hotplug);
}
