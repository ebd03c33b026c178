/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NVDIMM: a file of the host as persistent memory. The guest finds it in the NFIT and in _FIT,
 * at boot or when it is added (platform/nvdimm-bus.c). A flush in the guest ends in a write to the
 * NVDIMM's flush hint, which syncs the file before the guest goes on. Labels are in the file behind
 * the memory. It leaves when the guest's administrator lets it go (acpi/nvdimm.c).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "block/pmem-file.h"
#include "devices/platform/nvdimm-bus.h"
#include "graph/graph.h"
#include "machine/address-space.h"
#include "machine/device-memory.h"
#include "machine/machine.h"
#include "schema/config.h"

struct nvdimm {
	struct device device;
	struct pmem_file *file;
	struct device_memory *memory;
	struct nvdimm_slot slot;
	struct io_region hint;
	bool plugged, hint_added;
	atomic_bool failed; /* a sync failed: it has been logged */
};

static uint64_t hint_read(void *opaque, uint64_t offset, unsigned size)
{
	return 0;
}

static void report_failure(struct nvdimm *nvdimm, int error)
{
	/* A guest cannot be told by a hint; it can repeat the flush at will. */
	if (!atomic_exchange(&nvdimm->failed, true))
		log_error("%s: what the guest has flushed is not on the disk: %s",
			  nvdimm->device.id, strerror(-error));
}

/* On a vCPU: it goes on when the data is on the disk. */
static void hint_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct nvdimm *nvdimm = opaque;
	int r = pmem_file_sync(nvdimm->file);

	if (r < 0)
		report_failure(nvdimm, r);
}

static const struct io_ops hint_ops = {
	.read = hint_read,
	.write = hint_write,
};

static int read_label(void *opaque, uint32_t offset, void *buf, uint32_t size)
{
	const struct nvdimm *nvdimm = opaque;

	return pmem_file_read_tail(nvdimm->file, offset, buf, size);
}

static int write_label(void *opaque, uint32_t offset, const void *buf, uint32_t size)
{
	const struct nvdimm *nvdimm = opaque;

	if (nvdimm->slot.dimm.read_only)
		return -EROFS;
	return pmem_file_write_tail(nvdimm->file, offset, buf, size);
}

static int refuse(const struct graph_node *node, const char *property, int error,
		  const char *message, const char *hint, struct diag_list *diags)
{
	struct diag *diag = diag_add(diags, "E0433", DIAG_ERROR, graph_node_span(node, property),
				     "%s", message);

	diag_set_path(diags, diag, node->path);
	if (hint && *hint)
		diag_hint(diags, diag, "%s", hint);
	return error;
}

static int open_file(struct nvdimm *nvdimm, const struct graph_node *node, struct diag_list *diags)
{
	const struct nvdimm_config *config = node->config;
	const struct pmem_file_options options = {
		.path = config->path,
		.owner = node->id,
		.size = config->size,
		.tail = config->label_size,
		.read_only = config->read_only,
	};
	struct block_failure failure;
	int r = pmem_file_open(&options, &nvdimm->file, &failure);

	return r < 0 ? refuse(node, "path", r, failure.message, failure.hint, diags) : 0;
}

static int map_file(struct nvdimm *nvdimm, const struct graph_node *node, struct diag_list *diags)
{
	const struct nvdimm_config *config = node->config;
	const struct device_memory_params params = {
		.gpa = node->memory.base,
		.size = node->memory.size,
		.slot = node->memory_slot_base,
		.fd = pmem_file_fd(nvdimm->file),
		.read_only = config->read_only,
	};
	int r = device_memory_create(nvdimm->device.machine, &params, &nvdimm->memory);

	if (r == -ERANGE)
		return refuse(node, "size", r, "a guest of this host cannot address so much memory",
			      "write a smaller size", diags);
	return r < 0 ? refuse(node, "path", r, strerror(-r), "", diags) : 0;
}

static void destroy(struct device *device)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);
	struct address_space *mmio = machine_mmio(device->machine);

	if (nvdimm->plugged)
		nvdimm_bus_unplug(machine_nvdimms(device->machine), &nvdimm->slot);
	if (nvdimm->hint_added) {
		address_space_remove(mmio, nvdimm->hint.base);
		address_space_quiesce(mmio);
	}
	device_memory_destroy(nvdimm->memory);
	pmem_file_close(nvdimm->file);
	free(nvdimm);
}

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct nvdimm_config *config = node->config;
	const uint64_t hint =
		LAYOUT_NVDIMM_FLUSH + (uint64_t)node->nvdimm_slot * LAYOUT_NVDIMM_FLUSH_SIZE;
	struct nvdimm *nvdimm = calloc(1, sizeof(*nvdimm));
	int r;

	if (!nvdimm)
		return -ENOMEM;
	device_init(&nvdimm->device, machine, node);
	nvdimm->slot = (struct nvdimm_slot){
		.dimm =
			{
				.slot = (unsigned)node->nvdimm_slot,
				.base = node->memory.base,
				.size = node->memory.size,
				.flush = hint,
				.read_only = config->read_only,
			},
		.device = &nvdimm->device,
		.label_size = (uint32_t)config->label_size,
		.read_label = read_label,
		.write_label = write_label,
		.opaque = nvdimm,
	};
	nvdimm->hint = (struct io_region){
		.name = "nvdimm flush hint",
		.base = hint,
		.size = LAYOUT_NVDIMM_FLUSH_SIZE,
		.ops = &hint_ops,
		.opaque = nvdimm,
	};
	r = open_file(nvdimm, node, diags);
	if (r >= 0)
		r = map_file(nvdimm, node, diags);
	if (r < 0) {
		destroy(&nvdimm->device);
		return r;
	}
	*ret_device = &nvdimm->device;
	return 0;
}

static int commit(struct device *device, struct diag_list *diags)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);
	int r = device_memory_plug(nvdimm->memory);

	if (r >= 0)
		r = address_space_add(machine_mmio(device->machine), &nvdimm->hint);
	if (r < 0)
		return r;
	nvdimm->hint_added = true;
	nvdimm_bus_plug(machine_nvdimms(device->machine), &nvdimm->slot);
	nvdimm->plugged = true;
	pmem_file_keep(nvdimm->file);
	return 0;
}

static int request_unplug(struct device *device)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);

	nvdimm_bus_request_unplug(machine_nvdimms(device->machine), &nvdimm->slot);
	return 0;
}

static void cancel_unplug(struct device *device)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);

	nvdimm_bus_cancel_unplug(machine_nvdimms(device->machine), &nvdimm->slot);
}

static void explain_unplug(struct device *device, struct strbuf *why)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);

	nvdimm_bus_explain(machine_nvdimms(device->machine), &nvdimm->slot, why);
}

static void explain_loss(struct device *device, struct strbuf *why)
{
	struct nvdimm *nvdimm = container_of(device, struct nvdimm, device);
	struct device_memory_loss loss;

	if (device_memory_lost(nvdimm->memory, &loss))
		pmem_file_explain_loss(nvdimm->file, loss.size, why);
}

static void needs(const struct graph_node *node, struct device_needs *needs, struct arena *arena)
{
	const struct nvdimm_config *config = node->config;

	needs->memory_slots = 1;
	needs->memory_size = config->size;
	if (config->read_only)
		return;
	needs->exclusive[needs->n_exclusive].key = arena_printf(arena, "write:%s", config->path);
	needs->exclusive[needs->n_exclusive++].property = "path";
}

const struct device_type device_nvdimm = {
	.name = "nvdimm",
	.bus = DEVICE_BUS_NVDIMM,
	.needs = needs,
	.prepare = prepare,
	.commit = commit,
	.request_unplug = request_unplug,
	.cancel_unplug = cancel_unplug,
	.explain_unplug = explain_unplug,
	.explain_loss = explain_loss,
	.destroy = destroy,
};
