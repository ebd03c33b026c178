/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of NVDIMMs. Each command is carried out on the vCPU that writes it, under the lock:
 * the longest is a write of 256 bytes of labels and a sync of them. A guest that breaks the
 * protocol reads zeros. Coming and going is left to hotplug-slots.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "base/strbuf.h"
#include "devices/platform/hotplug-slots.h"
#include "devices/platform/nvdimm-bus.h"
#include "loop/loop.h"
#include "machine/address-space.h"
#include "machine/machine.h"

struct nvdimm_bus {
	struct machine *machine;
	struct hotplug_slots *controller;
	struct loop_source *bell; /* rings when the guest is to be told; NULL before it starts */
	uint32_t untold;          /* slots that were filled since then, until it rings */

	pthread_mutex_t lock; /* of all below */
	const struct nvdimm_slot *slots[NVDIMM_SLOTS];
	uint8_t registers[NVDIMM_REGISTERS_SIZE];
};

static uint32_t get(const struct nvdimm_bus *bus, enum nvdimm_register reg)
{
	uint32_t value;

	memcpy(&value, bus->registers + reg, sizeof(value));
	return value;
}

static void set(struct nvdimm_bus *bus, enum nvdimm_register reg, uint32_t value)
{
	memcpy(bus->registers + reg, &value, sizeof(value));
}

/* The NVDIMM that the handle names, or NULL. */
static const struct nvdimm_slot *named(const struct nvdimm_bus *bus)
{
	uint32_t handle = get(bus, NVDIMM_HANDLE);

	for (unsigned i = 0; i < NVDIMM_SLOTS; i++)
		if (bus->slots[i] && nvdimm_handle(i) == handle)
			return bus->slots[i];
	return NULL;
}

static void read_fit(struct nvdimm_bus *bus)
{
	const struct nvdimm_slot *slot = named(bus);

	static_assert(NFIT_DIMM_SIZE <= NVDIMM_DATA_SIZE, "one command is enough");
	if (!slot)
		return;
	nfit_put_dimm(bus->registers + NVDIMM_DATA, &slot->dimm);
	set(bus, NVDIMM_SIZE, NFIT_DIMM_SIZE);
}

static enum nvdimm_status label_command(struct nvdimm_bus *bus, uint32_t command,
					uint8_t data[NVDIMM_DATA_SIZE])
{
	uint32_t offset = get(bus, NVDIMM_OFFSET), length = get(bus, NVDIMM_LENGTH);
	const struct nvdimm_slot *slot = named(bus);
	int r;

	if (!slot || !slot->label_size)
		return NVDIMM_FAILURE;
	if (command == NVDIMM_LABEL_INFO) {
		set(bus, NVDIMM_SIZE, slot->label_size);
		set(bus, NVDIMM_MAX_TRANSFER, NVDIMM_DATA_SIZE);
		return NVDIMM_SUCCESS;
	}
	if (length == 0 || length > NVDIMM_DATA_SIZE || offset > slot->label_size ||
	    length > slot->label_size - offset)
		return NVDIMM_INVALID;
	if (command == NVDIMM_LABEL_READ)
		r = slot->read_label(slot->opaque, offset, bus->registers + NVDIMM_DATA, length);
	else
		r = slot->write_label(slot->opaque, offset, data, length);
	return r < 0 ? NVDIMM_FAILURE : NVDIMM_SUCCESS;
}

/* What the last command left behind is gone before the next is carried out. */
static void obey(struct nvdimm_bus *bus, uint32_t command)
{
	uint8_t data[NVDIMM_DATA_SIZE];

	memcpy(data, bus->registers + NVDIMM_DATA, sizeof(data));
	memset(bus->registers + NVDIMM_DATA, 0, sizeof(data));
	set(bus, NVDIMM_SIZE, 0);
	set(bus, NVDIMM_MAX_TRANSFER, 0);
	set(bus, NVDIMM_STATUS, NVDIMM_INVALID);
	switch (command) {
	case NVDIMM_FIT:
		read_fit(bus);
		break;
	case NVDIMM_LABEL_INFO:
	case NVDIMM_LABEL_READ:
	case NVDIMM_LABEL_WRITE:
		set(bus, NVDIMM_STATUS, label_command(bus, command, data));
		break;
	}
}

static uint64_t bus_read(void *opaque, uint64_t offset, unsigned size)
{
	struct nvdimm_bus *bus = opaque;
	uint64_t value = 0;

	pthread_mutex_lock(&bus->lock);
	memcpy(&value, bus->registers + offset, size);
	pthread_mutex_unlock(&bus->lock);
	return value;
}

static void bus_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct nvdimm_bus *bus = opaque;

	pthread_mutex_lock(&bus->lock);
	if (offset == NVDIMM_COMMAND)
		obey(bus, (uint32_t)value);
	else
		memcpy(bus->registers + offset, &value, size);
	pthread_mutex_unlock(&bus->lock);
}

static const struct io_ops bus_ops = {
	.read = bus_read,
	.write = bus_write,
};

/* The guest gave NVDIMMs back, or said how it went. */
static void on_changed(void *opaque)
{
	struct nvdimm_bus *bus = opaque;

	for (unsigned i = 0; i < NVDIMM_SLOTS; i++)
		if (bus->slots[i] && hotplug_slots_state(bus->controller, i) == HOTPLUG_GIVEN_BACK)
			machine_device_unplugged(bus->machine, bus->slots[i]->device);
}

static int add_controller(struct nvdimm_bus *bus, struct ged *ged)
{
	const struct hotplug_slots_params params = {
		.name = "NVDIMM slots",
		.base = LAYOUT_NVDIMM_SLOTS,
		.event = ACPI_EVENT_NVDIMM,
		.ged = ged,
		.n = NVDIMM_SLOTS,
		.changed = on_changed,
		.opaque = bus,
	};

	return hotplug_slots_create(bus->machine, &params, &bus->controller);
}

int nvdimm_bus_create(struct machine *machine, struct ged *ged, struct nvdimm_bus **ret)
{
	cleanup_free struct nvdimm_bus *bus = calloc(1, sizeof(*bus));
	struct io_region region = {
		.name = "nvdimm",
		.base = LAYOUT_NVDIMM,
		.size = NVDIMM_REGISTERS_SIZE,
		.ops = &bus_ops,
		.opaque = bus,
	};
	int r;

	if (!bus)
		return -ENOMEM;
	bus->machine = machine;
	pthread_mutex_init(&bus->lock, NULL);
	r = add_controller(bus, ged);
	if (r < 0)
		return r;
	r = address_space_add(machine_mmio(machine), &region);
	if (r < 0) {
		hotplug_slots_destroy(bus->controller);
		return r;
	}
	*ret = TAKE_PTR(bus);
	return 0;
}

struct nvdimm_bus *nvdimm_bus_destroy(struct nvdimm_bus *bus)
{
	if (!bus)
		return NULL;
	loop_source_remove(bus->bell);
	hotplug_slots_destroy(bus->controller);
	address_space_remove(machine_mmio(bus->machine), LAYOUT_NVDIMM);
	address_space_quiesce(machine_mmio(bus->machine));
	pthread_mutex_destroy(&bus->lock);
	free(bus);
	return NULL;
}

void nvdimm_bus_plug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	const unsigned i = slot->dimm.slot;

	invariant(i < NVDIMM_SLOTS && !bus->slots[i]);
	pthread_mutex_lock(&bus->lock);
	bus->slots[i] = slot;
	pthread_mutex_unlock(&bus->lock);
	if (!bus->bell) {
		hotplug_slots_found(bus->controller, i);
		return;
	}
	bus->untold |= 1u << i;
	loop_wake(bus->bell);
}

void nvdimm_bus_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	const unsigned i = slot->dimm.slot;

	pthread_mutex_lock(&bus->lock);
	if (bus->slots[i] == slot)
		bus->slots[i] = NULL;
	pthread_mutex_unlock(&bus->lock);
	bus->untold &= ~(1u << i);
	hotplug_slots_removed(bus->controller, i);
}

void nvdimm_bus_request_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	const unsigned i = slot->dimm.slot;

	/* What the guest has not been told of it does not have. */
	if (bus->untold & 1u << i)
		machine_device_unplugged(bus->machine, slot->device);
	else
		hotplug_slots_ask(bus->controller, i);
}

void nvdimm_bus_cancel_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	if (hotplug_slots_state(bus->controller, slot->dimm.slot) == HOTPLUG_LEAVING)
		hotplug_slots_insert(bus->controller, slot->dimm.slot);
}

void nvdimm_bus_explain(struct nvdimm_bus *bus, const struct nvdimm_slot *slot, struct strbuf *why)
{
	hotplug_slots_explain(bus->controller, slot->dimm.slot, why);
	strbuf_printf(why,
		      "; Linux does when it is told, in the guest: echo 0 > "
		      "/sys/bus/container/devices/ACPI0004:%02x/online",
		      slot->dimm.slot);
}

size_t nvdimm_bus_fit(struct nvdimm_bus *bus, uint8_t *to)
{
	size_t size = 0;

	pthread_mutex_lock(&bus->lock);
	for (unsigned i = 0; i < NVDIMM_SLOTS; i++) {
		if (!bus->slots[i])
			continue;
		nfit_put_dimm(to + size, &bus->slots[i]->dimm);
		size += NFIT_DIMM_SIZE;
	}
	pthread_mutex_unlock(&bus->lock);
	return size;
}

static void tell_guest(void *opaque)
{
	struct nvdimm_bus *bus = opaque;

	for (unsigned i = 0; i < NVDIMM_SLOTS; i++)
		if (bus->untold & 1u << i)
			hotplug_slots_insert(bus->controller, i);
	bus->untold = 0;
}

void nvdimm_bus_start(struct nvdimm_bus *bus)
{
	/* Without a bell the guest finds what is added when it is started again. */
	if (!bus->bell)
		(void)!loop_add_bell(machine_loop(bus->machine), tell_guest, bus, &bus->bell);
}
