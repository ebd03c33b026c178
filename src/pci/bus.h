/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root bus: a host bridge in slot 0 and 31 slots of one function each, reached by ECAM and by
 * the ports 0xcf8/0xcfc. Slots are filled and emptied while the guest runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "machine/layout.h"

struct io_region;
struct machine;
struct pci_bus;
struct pci_function;

/**
 * pci_bus_create() - make the bus and put it into the machine's address spaces
 * @machine: gives the port, MMIO and interrupt sides; must outlive the bus
 *
 * Return: 0 or a negative errno (an address is taken).
 */
int pci_bus_create(struct machine *machine, struct pci_bus **ret) must_use;

/* Every slot is empty by now, and no vCPU runs. Takes NULL. */
struct pci_bus *pci_bus_destroy(struct pci_bus *bus);

/**
 * pci_bus_plug() - put a function into a slot
 * @bus: the bus
 * @slot: 1 to PCI_SLOTS - 1
 * @fn: stays the caller's
 *
 * Main thread. The hotplug controller, if there is one, tells the guest.
 *
 * Return: 0, -EBUSY when the slot is taken, -EINVAL when there is no such slot.
 */
int pci_bus_plug(struct pci_bus *bus, unsigned slot, struct pci_function *fn) must_use;

/*
 * Takes the function out. Main thread. When it returns no vCPU is in the function's callbacks, and
 * it may be freed. Harmless for one that is not plugged.
 */
void pci_bus_unplug(struct pci_bus *bus, struct pci_function *fn);

/* What the ACPI hotplug controller gets to know; main thread. */
struct pci_hotplug_ops {
	void (*plugged)(void *opaque, unsigned slot);
	void (*unplug_requested)(void *opaque, unsigned slot);
	void (*unplug_cancelled)(void *opaque, unsigned slot);
};

/* From now on plugs are told to the guest: to be called when the guest starts. NULL: no more. */
void pci_bus_set_hotplug(struct pci_bus *bus, const struct pci_hotplug_ops *ops, void *opaque);

/* Asks the guest to let go of a slot. Return: 0, -ENOENT (empty), -EOPNOTSUPP (no hotplug). */
int pci_bus_request_unplug(struct pci_bus *bus, unsigned slot) must_use;

/*
 * Takes the request back. A guest that has heard of it may let go all the same. Harmless for a slot
 * that nothing was asked of.
 */
void pci_bus_cancel_unplug(struct pci_bus *bus, unsigned slot);

/*
 * The guest let go (_EJ0): passes it on to machine_device_unplugged(). vCPU thread; a slot number
 * that is empty or out of range is ignored.
 */
void pci_bus_ejected(struct pci_bus *bus, unsigned slot);

/* Where BARs are put and taken away; for pci/function.c. See address_space_add(). */
int pci_bus_add_region(struct pci_bus *bus, const struct io_region *region) must_use;
void pci_bus_remove_region(struct pci_bus *bus, uint64_t base);
