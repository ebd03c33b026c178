/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a machine, each made from its node. A part that is only a step in making the machine
 * has the context itself as its object.
 */
#include <config.h>
#include <errno.h>
#include <string.h>

#include "acpi/acpi.h"
#include "build/parts-internal.h"
#include "devices/platform/acpi-pm.h"
#include "devices/platform/cmos.h"
#include "devices/platform/ged.h"
#include "devices/platform/i8042.h"
#include "devices/platform/nvdimm-bus.h"
#include "devices/platform/pci-hotplug.h"
#include "devices/platform/post.h"
#include "devices/platform/virtio-mem.h"
#include "machine/build.h"
#include "machine/layout.h"
#include "pci/bus.h"
#include "schema/config.h"

static void on_machine_event(void *opaque, enum machine_event event)
{
	struct parts *parts = opaque;

	parts->on_event(event, parts->opaque);
}

static void on_unplugged(void *opaque, struct device *device)
{
	struct parts *parts = opaque;

	parts->on_unplugged(device, parts->opaque);
}

static void on_lost(void *opaque)
{
	struct parts *parts = opaque;

	parts->on_lost(parts->opaque);
}

static const struct machine_handlers handlers = {
	.event = on_machine_event,
	.unplugged = on_unplugged,
	.lost = on_lost,
};

static void machine_part_destroy(void *context, void *object)
{
	struct parts *parts = context;

	if (NVDIMM)
		parts->nvdimms = nvdimm_bus_destroy(parts->nvdimms);
	parts->post = post_destroy(parts->post);
	parts->i8042 = i8042_destroy(parts->i8042);
	parts->cmos = cmos_destroy(parts->cmos);
	parts->ged = ged_destroy(parts->ged);
	parts->acpi_pm = acpi_pm_destroy(parts->acpi_pm);
	parts->machine = machine_destroy(parts->machine);
}

static int add_fixed_devices(struct parts *parts)
{
	uint64_t size = parts->graph->config->memory.size;
	int r = acpi_pm_create(parts->machine, &parts->acpi_pm);

	if (r >= 0)
		r = ged_create(parts->machine, &parts->ged);
	if (r >= 0)
		r = cmos_create(parts->machine, MIN(size, (uint64_t)LAYOUT_RAM_SPLIT),
				size > LAYOUT_RAM_SPLIT ? size - LAYOUT_RAM_SPLIT : 0,
				&parts->cmos);
	if (r >= 0)
		r = i8042_create(parts->machine, &parts->i8042);
	if (r >= 0)
		r = post_create(parts->machine, &parts->post);
	if (NVDIMM && r >= 0)
		r = nvdimm_bus_create(parts->machine, parts->ged, &parts->nvdimms);
	if (r >= 0)
		machine_set_nvdimms(parts->machine, parts->nvdimms);
	return r;
}

static int machine_part_prepare(void *context, const struct graph_node *node, void **ret_object,
				struct diag_list *diags)
{
	struct parts *parts = context;
	int r;

	r = machine_create(parts->loop, parts->consoles, &handlers, parts, &parts->machine, diags);
	if (r < 0) {
		parts->host_problem = true;
		return r;
	}
	r = add_fixed_devices(parts);
	if (r < 0) {
		diag_add(diags, "E0493", DIAG_ERROR, node->span,
			 "the fixed devices of the machine could not be made: %s", strerror(-r));
		machine_part_destroy(parts, parts);
		return r;
	}
	*ret_object = parts;
	return 0;
}

/* What the machine itself has of live properties is read from the newest generation when it is
 * used. */
static int machine_part_update(void *context, void *object, const struct graph_node *to,
			       struct diag_list *diags)
{
	return 0;
}

static const struct part_ops machine_ops = {
	.prepare = machine_part_prepare,
	.update = machine_part_update,
	.destroy = machine_part_destroy,
};

static int bus_part_prepare(void *context, const struct graph_node *node, void **ret_object,
			    struct diag_list *diags)
{
	struct parts *parts = context;
	int r = pci_bus_create(parts->machine, &parts->pci);

	if (r >= 0 && PCI_HOTPLUG) {
		r = pci_hotplug_create(parts->machine, parts->pci, parts->ged, &parts->pci_hotplug);
		if (r < 0)
			parts->pci = pci_bus_destroy(parts->pci);
	}
	if (r < 0) {
		diag_add(diags, "E0494", DIAG_ERROR, node->span,
			 "the PCI bus could not be made: %s", strerror(-r));
		return r;
	}
	machine_set_pci(parts->machine, parts->pci);
	*ret_object = parts;
	return 0;
}

static void bus_part_destroy(void *context, void *object)
{
	struct parts *parts = context;

	machine_set_pci(parts->machine, NULL);
	if (PCI_HOTPLUG)
		parts->pci_hotplug = pci_hotplug_destroy(parts->pci_hotplug);
	parts->pci = pci_bus_destroy(parts->pci);
}

static const struct part_ops bus_ops = {
	.prepare = bus_part_prepare,
	.destroy = bus_part_destroy,
};

static int device_part_prepare(void *context, const struct graph_node *node, void **ret_object,
			       struct diag_list *diags)
{
	struct parts *parts = context;
	struct device *device;
	int r = node->type->prepare(parts->machine, node, &device, diags);

	if (r < 0)
		return r;
	if (MEMORY_HOTPLUG && node->type == &device_virtio_mem)
		parts->virtio_mem = device;
	*ret_object = device;
	return 0;
}

static int device_part_commit(void *context, void *object, struct diag_list *diags)
{
	struct device *device = object;

	return device->type->commit(device, diags);
}

static int device_part_prepare_update(void *context, void *object, const struct graph_node *to,
				      struct diag_list *diags)
{
	struct device *device = object;

	return device->type->prepare_update ? device->type->prepare_update(device, to, diags) : 0;
}

static void device_part_cancel_update(void *context, void *object)
{
	struct device *device = object;

	if (device->type->cancel_update)
		device->type->cancel_update(device);
}

static int device_part_update(void *context, void *object, const struct graph_node *to,
			      struct diag_list *diags)
{
	struct device *device = object;

	int r = device->type->update ? device->type->update(device, to, diags) : 0;

	if (r >= 0)
		device_rename(device, to->id);
	return r;
}

static void device_part_refresh(void *context, void *object, const struct graph_node *live,
				struct diag_list *diags)
{
	struct device *device = object;

	if (device->type->refresh)
		device->type->refresh(device, live, diags);
}

static int device_part_request_removal(void *context, void *object)
{
	struct device *device = object;

	return device->type->request_unplug ? device->type->request_unplug(device) : -EOPNOTSUPP;
}

static void device_part_cancel_removal(void *context, void *object)
{
	struct device *device = object;

	if (device->type->cancel_unplug)
		device->type->cancel_unplug(device);
}

static void device_part_explain_removal(void *context, void *object, struct strbuf *why)
{
	struct device *device = object;

	if (device->type->explain_unplug)
		device->type->explain_unplug(device, why);
}

static void device_part_explain_loss(void *context, void *object, struct strbuf *why)
{
	struct device *device = object;

	if (device->type->explain_loss)
		device->type->explain_loss(device, why);
}

static void device_part_destroy(void *context, void *object)
{
	struct parts *parts = context;
	struct device *device = object;

	if (parts->virtio_mem == device)
		parts->virtio_mem = NULL;
	device->type->destroy(device);
}

static const struct part_ops device_ops = {
	.prepare = device_part_prepare,
	.commit = device_part_commit,
	.prepare_update = device_part_prepare_update,
	.cancel_update = device_part_cancel_update,
	.update = device_part_update,
	.refresh = device_part_refresh,
	.request_removal = device_part_request_removal,
	.cancel_removal = device_part_cancel_removal,
	.explain_removal = device_part_explain_removal,
	.explain_loss = device_part_explain_loss,
	.destroy = device_part_destroy,
};

const struct part_ops *const parts_ops[GRAPH_KINDS] = {
	[GRAPH_MACHINE] = &machine_ops, [GRAPH_MEMORY] = &parts_memory_ops,
	[GRAPH_CPUS] = &parts_cpus_ops, [GRAPH_BUS] = &bus_ops,
	[GRAPH_DEVICE] = &device_ops,   [GRAPH_BOOT] = &parts_boot_ops,
};

void parts_power_button(struct parts *parts)
{
	if (parts->ged)
		ged_raise(parts->ged, ACPI_EVENT_POWER_BUTTON);
}

static void pause_device(void *object)
{
	struct device *device = object;

	if (device->type->pause)
		device->type->pause(device);
}

static void resume_device(void *object)
{
	struct device *device = object;

	if (device->type->resume)
		device->type->resume(device);
}

void parts_pause(struct parts *parts, const struct builder *builder)
{
	machine_pause(parts->machine);
	builder_each(builder, GRAPH_DEVICE, pause_device);
}

void parts_resume(struct parts *parts, const struct builder *builder)
{
	builder_each(builder, GRAPH_DEVICE, resume_device);
	machine_note_pause(parts->machine);
	machine_resume(parts->machine);
}
