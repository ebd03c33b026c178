/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller of PCI hotplug: which slots have got a function, which are to be given back, and
 * the register by which the guest gives one back. Its AML is acpi/hotplug-pci.c.
 */
#pragma once

#include "base/compiler.h"

struct ged;
struct machine;
struct pci_bus;
struct pci_hotplug;

/**
 * pci_hotplug_create() - put the controller at LAYOUT_PCI_HOTPLUG
 * @bus, @ged: outlive the controller
 *
 * The guest is told of nothing before pci_hotplug_start(): what is on the bus when it starts it
 * finds by itself.
 *
 * Return: 0 or a negative errno; the caller owns @ret. Main thread.
 */
int pci_hotplug_create(struct machine *machine, struct pci_bus *bus, struct ged *ged,
		       struct pci_hotplug **ret) must_use;

/* Takes it out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct pci_hotplug *pci_hotplug_destroy(struct pci_hotplug *hotplug);

/* From now on the guest is told of what is plugged; before the guest starts. Main thread. */
void pci_hotplug_start(struct pci_hotplug *hotplug);
