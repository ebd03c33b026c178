/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each kind of node becomes: the machine, its memory and vCPUs, the PCI bus, devices, and the
 * start of the guest.
 */
#pragma once

#include <stdbool.h>

#include "build/build.h"
#include "machine/machine.h"

struct acpi_pm;
struct boot;
struct boot_source;
struct cmos;
struct console_hub;
struct ged;
struct i8042;
struct loop;
struct nvdimm_bus;
struct pci_hotplug;
struct post;

/* The context of parts_ops. The caller sets the first group; the rest is the parts' own. */
struct parts {
	struct loop *loop;
	struct console_hub *consoles;
	/* On the main thread. */
	void (*on_event)(enum machine_event event, void *opaque);
	void (*on_unplugged)(struct device *device, void *opaque);
	/* The guest followed an update of a part, or refused to: see builder_is_settled(). */
	void (*on_followed)(void *opaque);
	/* Something has gone wrong with a part for good: see builder_explain_losses(). */
	void (*on_lost)(void *opaque);
	void *opaque;

	const struct graph *graph; /* the wanted one; set before builder_apply() */
	struct machine *machine;
	struct pci_bus *pci;
	struct pci_hotplug *pci_hotplug; /* NULL: not built in */
	/* The fixed devices of every machine. */
	struct acpi_pm *acpi_pm;
	struct cmos *cmos;
	struct ged *ged;
	struct i8042 *i8042;
	struct nvdimm_bus *nvdimms; /* NULL: not built in */
	struct post *post;
	struct device *virtio_mem; /* of memory.hotplug: virtio-mem, or NULL */
	bool host_problem;         /* the host has no KVM, or does not let us use it */
};

/* For builder_create(), with a struct parts as context. */
extern const struct part_ops *const parts_ops[GRAPH_KINDS];

/* What the boot node says, for boot_prepare(); lives as long as the node. */
void parts_boot_source(const struct graph_node *node, struct boot_source *ret);

/* Presses the machine's power button. */
void parts_power_button(struct parts *parts);

/*
 * Stops the vCPUs, and then every device from touching guest memory; and lets them go on. A device
 * that comes meanwhile is idle, because its driver does not run.
 */
void parts_pause(struct parts *parts, const struct builder *builder);
void parts_resume(struct parts *parts, const struct builder *builder);
