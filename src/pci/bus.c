/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root bus. One MMIO region is the whole ECAM window, one range of ports the older mechanism;
 * both come down to (slot, offset, size). One lock guards configuration space and the slots: such
 * accesses are rare, and a slot must not be emptied under one. An empty slot answers without the
 * lock, because a scan of the buses reads tens of thousands of them.
 */
#include <errno.h>
#include <pthread.h>

#include "base/log.h"
#include "machine/address-space.h"
#include "machine/machine.h"
#include "pci/bus.h"
#include "pci/function.h"

#define ECAM_BUS_SHIFT      20
#define ECAM_SLOT_SHIFT     15
#define ECAM_FUNCTION_SHIFT 12

#define PORT_ADDRESS   0 /* offsets into the ports at PORT_PCI_CONFIG */
#define PORT_DATA      4
#define PORTS          8
#define ADDRESS_ENABLE (1u << 31)

struct pci_bus {
	struct machine *machine;
	pthread_mutex_t lock;
	struct pci_function *slots[PCI_SLOTS]; /* written under the lock */
	struct pci_function bridge;
	uint32_t address; /* what the guest wrote to 0xcf8 */
	const struct pci_hotplug_ops *hotplug;
	void *hotplug_opaque;
};

static const struct pci_identity bridge_identity = {
	.vendor = 0x8086,
	.device = 0x0d57,
	.class = 0x060000,
};

static const struct pci_function_ops bridge_ops = {.config_read = NULL};

/* What a read gives when nobody answers. */
static uint64_t all_ones(unsigned size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

/* Returns with the bus locked, or NULL unlocked. @where: bus, slot, function as in ECAM. */
static struct pci_function *lock_function(struct pci_bus *bus, uint64_t where)
{
	unsigned slot = (where >> ECAM_SLOT_SHIFT) % PCI_SLOTS;
	struct pci_function *fn;

	if (where >> ECAM_BUS_SHIFT || (where >> ECAM_FUNCTION_SHIFT) % 8)
		return NULL;
	if (!__atomic_load_n(&bus->slots[slot], __ATOMIC_RELAXED))
		return NULL;
	pthread_mutex_lock(&bus->lock);
	fn = bus->slots[slot];
	if (!fn)
		pthread_mutex_unlock(&bus->lock);
	return fn;
}

static uint64_t config_read(struct pci_bus *bus, uint64_t where, unsigned size)
{
	unsigned offset = where % (1u << ECAM_FUNCTION_SHIFT);
	struct pci_function *fn;
	uint64_t value;

	if (offset + size > PCI_CONFIG_SIZE || !(fn = lock_function(bus, where)))
		return all_ones(size);
	value = pci_function_config_read(fn, offset, MIN(size, 4u));
	if (size == 8)
		value |= (uint64_t)pci_function_config_read(fn, offset + 4, 4) << 32;
	pthread_mutex_unlock(&bus->lock);
	return value;
}

/* A BAR left its place: those that wanted to be there, and were refused, try again. */
static void retry_refused(struct pci_bus *bus)
{
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		if (bus->slots[i])
			pci_function_update_bars(bus->slots[i]);
	}
}

static void config_write(struct pci_bus *bus, uint64_t where, unsigned size, uint64_t value)
{
	unsigned offset = where % (1u << ECAM_FUNCTION_SHIFT);
	struct pci_function *fn;

	if (offset + size > PCI_CONFIG_SIZE || !(fn = lock_function(bus, where)))
		return;
	pci_function_config_write(fn, offset, MIN(size, 4u), (uint32_t)value);
	if (size == 8)
		pci_function_config_write(fn, offset + 4, 4, (uint32_t)(value >> 32));
	if (pci_function_update_bars(fn))
		retry_refused(bus);
	pthread_mutex_unlock(&bus->lock);
}

static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned size)
{
	return config_read(opaque, offset, size);
}

static void ecam_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	config_write(opaque, offset, size, value);
}

static const struct io_ops ecam_ops = {.read = ecam_read, .write = ecam_write};

/*
 * Where an access to the data port goes, in ECAM's layout, or false: not enabled, or it leaves the
 * register. The address register has bus 23-16, slot 15-11, function 10-8, register 7-2.
 */
static bool port_target(struct pci_bus *bus, uint64_t port, unsigned size, uint64_t *ret_where)
{
	uint32_t address = __atomic_load_n(&bus->address, __ATOMIC_RELAXED);
	unsigned byte = (unsigned)(port - PORT_DATA);

	if (port < PORT_DATA || byte + size > 4 || !(address & ADDRESS_ENABLE))
		return false;
	*ret_where = (uint64_t)(address & 0xffff00) << 4 | (address & 0xfc) | byte;
	return true;
}

static uint64_t port_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_bus *bus = opaque;
	uint64_t where;

	if (offset + size <= PORT_DATA)
		return (__atomic_load_n(&bus->address, __ATOMIC_RELAXED) >> (8 * offset)) &
		       all_ones(size);
	if (!port_target(bus, offset, size, &where))
		return all_ones(size);
	return config_read(bus, where, size);
}

static void port_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_bus *bus = opaque;
	uint64_t where;

	/* Only a write of the whole address register is one; others are for devices behind it. */
	if (offset == PORT_ADDRESS && size == 4)
		__atomic_store_n(&bus->address, (uint32_t)value, __ATOMIC_RELAXED);
	else if (port_target(bus, offset, size, &where))
		config_write(bus, where, size, value);
}

static const struct io_ops port_ops = {.read = port_read, .write = port_write};

int pci_bus_create(struct machine *machine, struct pci_bus **ret)
{
	struct pci_bus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return -ENOMEM;
	bus->machine = machine;
	pthread_mutex_init(&bus->lock, NULL);
	pci_function_init(&bus->bridge, "pci-host-bridge", &bridge_identity, &bridge_ops);
	bus->bridge.bus = bus;
	bus->slots[0] = &bus->bridge;

	r = address_space_add(machine_mmio(machine), &(struct io_region){.name = "pci-ecam",
									 .base = LAYOUT_ECAM,
									 .size = LAYOUT_ECAM_SIZE,
									 .ops = &ecam_ops,
									 .opaque = bus});
	if (r < 0)
		goto free;
	r = address_space_add(machine_pio(machine), &(struct io_region){.name = "pci-config",
									.base = PORT_PCI_CONFIG,
									.size = PORTS,
									.ops = &port_ops,
									.opaque = bus});
	if (r < 0)
		goto remove_ecam;
	*ret = bus;
	return 0;
remove_ecam:
	address_space_remove(machine_mmio(machine), LAYOUT_ECAM);
free:
	pthread_mutex_destroy(&bus->lock);
	free(bus);
	return r;
}

struct pci_bus *pci_bus_destroy(struct pci_bus *bus)
{
	if (!bus)
		return NULL;
	for (unsigned i = 1; i < PCI_SLOTS; i++)
		invariant(!bus->slots[i]);
	address_space_remove(machine_pio(bus->machine), PORT_PCI_CONFIG);
	address_space_remove(machine_mmio(bus->machine), LAYOUT_ECAM);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
	return NULL;
}

int pci_bus_plug(struct pci_bus *bus, unsigned slot, struct pci_function *fn)
{
	int r = 0;

	if (slot < 1 || slot >= PCI_SLOTS)
		return -EINVAL;
	invariant(!fn->bus);
	pthread_mutex_lock(&bus->lock);
	if (bus->slots[slot]) {
		r = -EBUSY;
	} else {
		fn->bus = bus;
		fn->slot = slot;
		__atomic_store_n(&bus->slots[slot], fn, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&bus->lock);
	if (r == 0 && bus->hotplug)
		bus->hotplug->plugged(bus->hotplug_opaque, slot);
	return r;
}

void pci_bus_unplug(struct pci_bus *bus, struct pci_function *fn)
{
	if (!fn->bus)
		return;
	pthread_mutex_lock(&bus->lock);
	__atomic_store_n(&bus->slots[fn->slot], NULL, __ATOMIC_RELAXED);
	pci_function_unmap_bars(fn);
	fn->bus = NULL;
	retry_refused(bus);
	pthread_mutex_unlock(&bus->lock);
	if (fn->device)
		machine_device_forget(bus->machine, fn->device);
	/* A vCPU may have been on its way into a BAR, now or before the guest itself moved it. */
	address_space_quiesce(machine_mmio(bus->machine));
}

void pci_bus_set_hotplug(struct pci_bus *bus, const struct pci_hotplug_ops *ops, void *opaque)
{
	bus->hotplug = ops;
	bus->hotplug_opaque = opaque;
}

int pci_bus_request_unplug(struct pci_bus *bus, unsigned slot)
{
	/* Slots change on this thread only. */
	if (slot < 1 || slot >= PCI_SLOTS || !bus->slots[slot])
		return -ENOENT;
	if (!bus->hotplug)
		return -EOPNOTSUPP;
	bus->hotplug->unplug_requested(bus->hotplug_opaque, slot);
	return 0;
}

void pci_bus_cancel_unplug(struct pci_bus *bus, unsigned slot)
{
	if (slot >= 1 && slot < PCI_SLOTS && bus->slots[slot] && bus->hotplug)
		bus->hotplug->unplug_cancelled(bus->hotplug_opaque, slot);
}

void pci_bus_ejected(struct pci_bus *bus, unsigned slot)
{
	if (slot < 1 || slot >= PCI_SLOTS)
		return;
	pthread_mutex_lock(&bus->lock);
	if (bus->slots[slot] && bus->slots[slot]->device)
		machine_device_unplugged(bus->machine, bus->slots[slot]->device);
	pthread_mutex_unlock(&bus->lock);
}

int pci_bus_add_region(struct pci_bus *bus, const struct io_region *region)
{
	return address_space_add(machine_mmio(bus->machine), region);
}

void pci_bus_remove_region(struct pci_bus *bus, uint64_t base)
{
	address_space_remove(machine_mmio(bus->machine), base);
}
