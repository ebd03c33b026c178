/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI function: 256 bytes of configuration space with write masks, capabilities, and memory BARs
 * that follow what the guest programs (PCI Local Bus 3.0 §6). The bus routes accesses to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "graph/device-type.h"
#include "machine/address-space.h"

struct graph_bar;
struct msix;
struct pci_bus;
struct pci_function;

#define PCI_CONFIG_SIZE 256

/* All optional, all under the bus's lock: never wait for a thread that may access config space. */
struct pci_function_ops {
	/* Before a read, and after a write, of [offset, offset + size) in fn->config. */
	void (*config_read)(struct pci_function *fn, unsigned offset, unsigned size);
	void (*config_written)(struct pci_function *fn, unsigned offset, unsigned size);

	/* A BAR answers at fn->bars[bar].base from now on; or is about to leave it. */
	void (*bar_mapped)(struct pci_function *fn, unsigned bar);
	void (*bar_unmapped)(struct pci_function *fn, unsigned bar);
};

struct pci_bar {
	uint64_t home, size; /* where it is after power-on; size 0: no such BAR */
	const struct io_ops *ops;
	void *opaque;
	uint64_t base; /* where it answers, while @mapped */
	bool mapped;
	bool refused; /* the guest put it where something else is; logged once */
};

/* Who the function is: constant. */
struct pci_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint32_t class; /* 24 bits: class, subclass, interface */
	uint8_t revision;
};

/* Embedded in what implements it. */
struct pci_function {
	const char *name;      /* for the log and the address space; outlives the function */
	struct device *device; /* told when the guest ejects the slot; NULL for the host bridge */
	const struct pci_function_ops *ops;
	struct pci_bus *bus; /* while plugged */
	unsigned slot;
	struct msix *msix; /* or NULL */
	struct pci_bar bars[DEVICE_MAX_BARS];
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE]; /* bits that the guest may set and clear */
	uint8_t last_cap;                  /* offset of the newest capability, 0 for none */
	unsigned caps_end;
};

/**
 * pci_function_init() - an unplugged function with a header of type 0
 * @fn: zeroed or garbage
 * @name: outlives the function
 * @ops: outlive the function
 */
void pci_function_init(struct pci_function *fn, const char *name,
		       const struct pci_identity *identity, const struct pci_function_ops *ops);

/**
 * pci_function_add_bar() - give the function a 64-bit memory BAR
 * @bar: its index, even: it takes two registers
 * @place: the address after power-on and the size, a power of two of at least 16
 * @io, @opaque: who answers; accesses of 1, 2, 4 or 8 bytes, on vCPU threads without any lock
 */
void pci_function_add_bar(struct pci_function *fn, unsigned bar, const struct graph_bar *place,
			  const struct io_ops *io, void *opaque);

/**
 * pci_function_add_cap() - append a capability
 * @id: the capability's id
 * @len: its bytes, with the two of the header
 *
 * The body is zero and read-only: the caller fills fn->config and fn->writable.
 *
 * Return: its offset in configuration space.
 */
unsigned pci_function_add_cap(struct pci_function *fn, uint8_t id, unsigned len);

/*
 * Back to the state after power-on: no decoding, BARs at home, MSI-X off. Main thread, vCPUs
 * stopped.
 */
void pci_function_reset(struct pci_function *fn);

/* Little-endian access to fn->config, past all masks. */
uint16_t pci_get16(const struct pci_function *fn, unsigned offset);
uint32_t pci_get32(const struct pci_function *fn, unsigned offset);
void pci_set16(struct pci_function *fn, unsigned offset, uint16_t value);
void pci_set32(struct pci_function *fn, unsigned offset, uint32_t value);

/*
 * What the guest sees and does; for the bus, under its lock. @offset + @size is inside the
 * configuration space.
 */
uint32_t pci_function_config_read(struct pci_function *fn, unsigned offset, unsigned size);
void pci_function_config_write(struct pci_function *fn, unsigned offset, unsigned size,
			       uint32_t value);

/*
 * Makes the BARs answer where the registers say. Return: true when one left its place, so that
 * another function's BAR that was refused may find room now. For the bus, under its lock.
 */
bool pci_function_update_bars(struct pci_function *fn);

/* Takes all BARs out of the address space; for the bus, under its lock. */
void pci_function_unmap_bars(struct pci_function *fn);
