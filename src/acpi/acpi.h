/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI: the tables that tell the guest what it runs on. The machine is described by a plain
 * structure, filled by the builder from the graph. Hardware-reduced ACPI 6.4: no PM timer, no SCI;
 * events come through the Generic Event Device.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct guest_memory;

/* Bits of the Generic Event Device's register: what the guest should look at. */
#define ACPI_EVENT_CPU          0x01u
#define ACPI_EVENT_MEMORY       0x02u
#define ACPI_EVENT_PCI          0x04u
#define ACPI_EVENT_POWER_BUTTON 0x08u
#define ACPI_EVENT_NVDIMM       0x10u

/* Bytes of the registers at LAYOUT_PCI_HOTPLUG; see devices/platform/pci-hotplug.c. */
#define ACPI_PCI_HOTPLUG_SIZE 12u

/* SLP_TYP of S5 in `_S5_`, as the guest writes it into the sleep control register. */
#define ACPI_SLEEP_TYPE_S5 5u

/* What the guest writes into the reset register. */
#define ACPI_RESET_VALUE 1u

/**
 * struct acpi_machine - what the tables say
 * @apic_ids: APIC id of each possible vCPU, by its number
 * @n_cpus: vCPUs present at power-on
 * @max_cpus: possible vCPUs, at least @n_cpus
 * @cpu_hotplug: vCPUs come and go while the guest runs, by the controller at LAYOUT_CPU_HOTPLUG
 * @dimm_base, @dimm_size, @n_dimms: where blocks of memory may come and go, by the controller at
 *	LAYOUT_MEMORY_HOTPLUG; none is there at power-on
 * @mmio64_base, @mmio64_end: window of 64-bit BARs, the end excluded; equal: none
 * @pci: there is a PCI host bridge
 * @pci_last_bus: the last bus that can exist. Linux looks at every slot of every bus up to it
 * @pci_hotplug: slots are filled and emptied while the guest runs
 * @nvdimm: there can be NVDIMMs
 * @nfit, @nfit_size: structures of the NVDIMMs that are there at power-on
 * @serial: there is a 16550 at PORT_COM1
 * @rtc: there is a CMOS clock
 */
struct acpi_machine {
	const uint32_t *apic_ids;
	unsigned n_cpus, max_cpus;
	bool cpu_hotplug;
	uint64_t dimm_base, dimm_size;
	unsigned n_dimms;
	uint64_t mmio64_base, mmio64_end;
	bool pci;
	uint8_t pci_last_bus;
	bool pci_hotplug;
	bool nvdimm;
	const uint8_t *nfit;
	size_t nfit_size;
	bool serial;
	bool rtc;
};

/**
 * acpi_write() - build the tables and write them to LAYOUT_ACPI
 * @machine: what to say
 * @memory: guest memory
 * @ret_rsdp: address of the RSDP, for the boot protocol
 *
 * Return: 0, -EFAULT when there is no RAM there, -E2BIG when the tables do not fit.
 */
int acpi_write(const struct acpi_machine *machine, struct guest_memory *memory,
	       uint64_t *ret_rsdp) must_use;
