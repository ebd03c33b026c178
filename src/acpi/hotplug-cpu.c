/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors that come and go (ACPI 6.4 §8.4). Each possible one has a device; _MAT is its entry of
 * the MADT with the enabled bit, by which the operating system finds the local APIC.
 */
#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "acpi/hotplug-slots.h"
#include "acpi/madt.h"
#include "machine/layout.h"

static void add_cpu(struct aml *a, const struct acpi_machine *machine, unsigned number)
{
	uint8_t entry[MADT_CPU_MAX];
	char name[5];

	aml_slot_name('C', number, name);
	aml_device(a, name);
	aml_name(a, "_HID");
	aml_string(a, "ACPI0007");
	aml_name_integer(a, "_UID", number);
	aml_name(a, "_MAT");
	aml_buffer(a, entry, madt_cpu(number, machine->apic_ids[number], MADT_ENABLED, entry));
	/* The processor that starts the machine never leaves. */
	aml_slot_methods(a, number, number > 0);
	aml_end(a);
}

void dsdt_add_cpus(struct aml *a, const struct acpi_machine *machine)
{
	aml_device(a, "CPUS");
	aml_name(a, "_HID");
	aml_string(a, "ACPI0010");
	aml_slots_registers(a, LAYOUT_CPU_HOTPLUG, machine->max_cpus);
	for (unsigned i = 0; i < machine->max_cpus; i++)
		add_cpu(a, machine, i);
	aml_slots_scan(a, 'C', machine->max_cpus);
	aml_end(a);
}
