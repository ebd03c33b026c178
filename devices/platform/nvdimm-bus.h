/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of NVDIMMs (acpi/nvdimm.h), and the NVDIMMs that are there. The AML is
 * acpi/nvdimm.c, the NVDIMMs are devices/nvdimm.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/nvdimm.h"
#include "base/compiler.h"

struct device;
struct ged;
struct machine;
struct nvdimm_bus;
struct strbuf;

/**
 * struct nvdimm_slot - an NVDIMM, as its model gives it to the bus
 * @dimm: what the table says of it
 * @device: whose it is
 * @label_size: bytes of its label area; 0: it has none
 * @read_label, @write_label: the range is inside the area. vCPU threads, one at a time. 0 or a
 *	negative errno; what has been written stays, whatever happens to the host
 */
struct nvdimm_slot {
	struct nfit_dimm dimm;
	struct device *device;
	uint32_t label_size;
	int (*read_label)(void *opaque, uint32_t offset, void *buf, uint32_t size);
	int (*write_label)(void *opaque, uint32_t offset, const void *buf, uint32_t size);
	void *opaque;
};

/* Puts the registers at LAYOUT_NVDIMM. @ged outlives the bus. 0 or a negative errno. Main thread.
 */
int nvdimm_bus_create(struct machine *machine, struct ged *ged, struct nvdimm_bus **ret) must_use;

/* Takes them out, with vCPUs stopped and every slot empty. Takes NULL. Returns NULL. */
struct nvdimm_bus *nvdimm_bus_destroy(struct nvdimm_bus *bus);

/*
 * Puts an NVDIMM into its slot; @slot stays the caller's. A guest that runs is told of it when the
 * main loop is next idle, that is, not before the whole apply has succeeded. Main thread.
 */
void nvdimm_bus_plug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot);

/* Takes it out; when it returns no vCPU is in its functions. Harmless if it is not there. Main
 * thread. */
void nvdimm_bus_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot);

/*
 * Asks the guest for it, again if it was asked before: machine_device_unplugged() is called when it
 * has let go, or at once when it was never told. Linux keeps an NVDIMM until its container is taken
 * offline in the guest. Main thread.
 */
void nvdimm_bus_request_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot);

/* It is wanted again. Main thread. */
void nvdimm_bus_cancel_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot);

/* Adds why it is still there, and what to do. Main thread. */
void nvdimm_bus_explain(struct nvdimm_bus *bus, const struct nvdimm_slot *slot, struct strbuf *why);

/* The structures of the NFIT, at most NFIT_MAX_SIZE bytes. Return: their size. Main thread. */
size_t nvdimm_bus_fit(struct nvdimm_bus *bus, uint8_t *to);

/* From now on the guest is told of what is plugged; before it starts. Main thread. */
void nvdimm_bus_start(struct nvdimm_bus *bus);
