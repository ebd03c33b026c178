/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the NVDIMM root device. Each command is carried out on the vCPU that writes it,
 * under the lock: the longest is a write of 256 bytes of labels and a sync of them. A guest that
 * breaks the protocol reads zeros.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "devices/platform/ged.h"
#include "devices/platform/nvdimm-bus.h"
#include "loop/loop.h"
#include "machine/address-space.h"
#include "machine/machine.h"

struct nvdimm_bus {
	struct machine *machine;
	struct ged *ged;
	struct loop_source *bell; /* rings when the guest is to be told; NULL before it starts */

	pthread_mutex_t lock; /* of all below */
	const struct nvdimm_slot *slots[NVDIMM_SLOTS];
	uint8_t registers[NVDIMM_REGISTERS_SIZE];
	uint8_t latched[NFIT_MAX_SIZE]; /* what _FIT reads, piece by piece */
	uint32_t latched_size;
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

static size_t write_fit(const struct nvdimm_bus *bus, uint8_t *to)
{
	size_t size = 0;

	for (unsigned i = 0; i < NVDIMM_SLOTS; i++) {
		if (!bus->slots[i])
			continue;
		nfit_put_dimm(to + size, &bus->slots[i]->dimm);
		size += NFIT_DIMM_SIZE;
	}
	return size;
}

static void read_fit(struct nvdimm_bus *bus)
{
	uint32_t offset = get(bus, NVDIMM_OFFSET);

	if (offset < bus->latched_size)
		memcpy(bus->registers + NVDIMM_DATA, bus->latched + offset,
		       MIN(bus->latched_size - offset, NVDIMM_DATA_SIZE));
}

/* The NVDIMM with labels that the handle names, or NULL. */
static const struct nvdimm_slot *labelled(const struct nvdimm_bus *bus)
{
	uint32_t handle = get(bus, NVDIMM_HANDLE);

	for (unsigned i = 0; i < NVDIMM_SLOTS; i++)
		if (bus->slots[i] && bus->slots[i]->label_size &&
		    nvdimm_handle(bus->slots[i]->dimm.slot) == handle)
			return bus->slots[i];
	return NULL;
}

static enum nvdimm_status label_command(struct nvdimm_bus *bus, uint32_t command,
					uint8_t data[NVDIMM_DATA_SIZE])
{
	uint32_t offset = get(bus, NVDIMM_OFFSET), length = get(bus, NVDIMM_LENGTH);
	const struct nvdimm_slot *slot = labelled(bus);
	int r;

	if (!slot)
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
	case NVDIMM_FIT_LATCH:
		bus->latched_size = (uint32_t)write_fit(bus, bus->latched);
		set(bus, NVDIMM_SIZE, bus->latched_size);
		break;
	case NVDIMM_FIT_READ:
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
	bus->ged = ged;
	pthread_mutex_init(&bus->lock, NULL);
	r = address_space_add(machine_mmio(machine), &region);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

struct nvdimm_bus *nvdimm_bus_destroy(struct nvdimm_bus *bus)
{
	if (!bus)
		return NULL;
	loop_source_remove(bus->bell);
	address_space_remove(machine_mmio(bus->machine), LAYOUT_NVDIMM);
	address_space_quiesce(machine_mmio(bus->machine));
	pthread_mutex_destroy(&bus->lock);
	free(bus);
	return NULL;
}

void nvdimm_bus_plug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	invariant(slot->dimm.slot < NVDIMM_SLOTS && !bus->slots[slot->dimm.slot]);
	pthread_mutex_lock(&bus->lock);
	bus->slots[slot->dimm.slot] = slot;
	pthread_mutex_unlock(&bus->lock);
	if (bus->bell)
		loop_wake(bus->bell);
}

void nvdimm_bus_unplug(struct nvdimm_bus *bus, const struct nvdimm_slot *slot)
{
	pthread_mutex_lock(&bus->lock);
	if (bus->slots[slot->dimm.slot] == slot)
		bus->slots[slot->dimm.slot] = NULL;
	pthread_mutex_unlock(&bus->lock);
}

size_t nvdimm_bus_fit(struct nvdimm_bus *bus, uint8_t *to)
{
	size_t size;

	pthread_mutex_lock(&bus->lock);
	size = write_fit(bus, to);
	pthread_mutex_unlock(&bus->lock);
	return size;
}

static void tell_guest(void *opaque)
{
	struct nvdimm_bus *bus = opaque;

	ged_raise(bus->ged, ACPI_EVENT_NVDIMM);
}

void nvdimm_bus_start(struct nvdimm_bus *bus)
{
	/* Without a bell the guest finds what is added when it is started again. */
	if (!bus->bell)
		(void)!loop_add_bell(machine_loop(bus->machine), tell_guest, bus, &bus->bell);
}
