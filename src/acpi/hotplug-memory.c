/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that comes and goes (ACPI 6.4 §9.11). All blocks have the same size and lie one behind the
 * other, so the range of each is known when the tables are made: _CRS computes nothing.
 */
#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "acpi/hotplug-slots.h"
#include "machine/layout.h"

static void add_dimm(struct aml *a, const struct acpi_machine *machine, unsigned slot)
{
	uint64_t base = machine->dimm_base + slot * machine->dimm_size;
	char name[5];

	aml_slot_name('M', slot, name);
	aml_device(a, name);
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0C80");
	aml_name_integer(a, "_UID", slot);
	aml_resources(a, "_CRS");
	aml_res_memory64(a, base, base + machine->dimm_size - 1);
	aml_end_resources(a);
	aml_slot_methods(a, slot, true);
	aml_end(a);
}

void dsdt_add_dimms(struct aml *a, const struct acpi_machine *machine)
{
	aml_device(a, "MEMS");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0A06");
	aml_slots_registers(a, LAYOUT_MEMORY_HOTPLUG, machine->n_dimms);
	for (unsigned i = 0; i < machine->n_dimms; i++)
		add_dimm(a, machine, i);
	aml_slots_scan(a, 'M', machine->n_dimms);
	aml_end(a);
}
