/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the DSDT that every machine has.
 */
#include <config.h>

#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "machine/layout.h"

void dsdt_add_pci(struct aml *a, const struct acpi_machine *machine)
{
	if (!machine->pci)
		return;
	aml_device(a, "PCI0");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0A08");
	aml_name(a, "_CID");
	aml_eisa_id(a, "PNP0A03");
	aml_name_integer(a, "_UID", 0);
	aml_resources(a, "_CRS");
	aml_res_bus(a, 0, machine->pci_last_bus);
	aml_res_io(a, PORT_PCI_CONFIG, 8);
	aml_res_window_io(a, 0, PORT_PCI_CONFIG - 1);
	aml_res_window_io(a, PORT_PCI_CONFIG + 8, UINT16_MAX);
	aml_res_window32(a, LAYOUT_MMIO32, LAYOUT_MMIO32_END - 1);
	if (machine->mmio64_end > machine->mmio64_base)
		aml_res_window64(a, machine->mmio64_base, machine->mmio64_end - 1);
	aml_end_resources(a);
	/* Every interrupt is a message: no pin is routed. */
	aml_name(a, "_PRT");
	aml_package(a, 0);
	aml_end(a);
	if (PCI_HOTPLUG && machine->pci_hotplug)
		dsdt_add_pci_hotplug(a);
	aml_end(a);

	/* Linux uses ECAM only if ACPI says that it is nobody else's. */
	aml_device(a, "MBRD");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0C02");
	aml_resources(a, "_CRS");
	aml_res_memory32(a, LAYOUT_ECAM, LAYOUT_ECAM_SIZE);
	aml_end_resources(a);
	aml_end(a);
}

void dsdt_add_platform(struct aml *a, const struct acpi_machine *machine)
{
	if (machine->serial) {
		aml_device(a, "COM1");
		aml_name(a, "_HID");
		aml_eisa_id(a, "PNP0501");
		aml_name_integer(a, "_UID", 1);
		aml_resources(a, "_CRS");
		aml_res_io(a, PORT_COM1, 8);
		aml_res_interrupt(a, IRQ_COM1);
		aml_end_resources(a);
		aml_end(a);
	}
	if (machine->rtc) {
		aml_device(a, "RTC");
		aml_name(a, "_HID");
		aml_eisa_id(a, "PNP0B00");
		aml_resources(a, "_CRS");
		aml_res_io(a, PORT_CMOS, 2);
		aml_end_resources(a);
		aml_end(a);
	}
	aml_device(a, "PWRB");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0C0C");
	aml_end(a);
}

/* What _EVT does for a bit of the event register. */
struct ged_event {
	uint32_t bit;
	const char *notify; /* Notify (OBJECT, 0x80), or */
	const char *call;   /* METHOD () */
};

static void add_event(struct aml *a, const struct ged_event *event)
{
	aml_if(a);
	aml_op(a, AML_AND);
	aml_op(a, AML_LOCAL0);
	aml_integer(a, event->bit);
	aml_op(a, AML_NOTHING);
	if (event->notify) {
		aml_op(a, AML_NOTIFY);
		aml_path(a, event->notify);
		aml_integer(a, 0x80);
	} else {
		aml_path(a, event->call);
	}
	aml_end(a);
}

void dsdt_add_ged(struct aml *a, const struct acpi_machine *machine)
{
	static const struct ged_event pci = {ACPI_EVENT_PCI, NULL, "\\_SB.PCI0.PCNT"};
	static const struct ged_event nvdimm = {ACPI_EVENT_NVDIMM, NULL, "\\_SB.NVDS.SCAN"};
	static const struct ged_event power_button = {ACPI_EVENT_POWER_BUTTON, "\\_SB.PWRB", NULL};
	static const struct ged_event cpus = {ACPI_EVENT_CPU, NULL, "\\_SB.CPUS.SCAN"};
	static const struct ged_event dimms = {ACPI_EVENT_MEMORY, NULL, "\\_SB.MEMS.SCAN"};

	aml_device(a, "GED");
	aml_name(a, "_HID");
	aml_string(a, "ACPI0013");
	aml_resources(a, "_CRS");
	aml_res_interrupt(a, IRQ_GED);
	aml_end_resources(a);
	aml_region(a, "EVTR", AML_SYSTEM_MEMORY, LAYOUT_GED, 4);
	aml_field(a, "EVTR", AML_ACCESS_DWORD | AML_WRITE_AS_ZEROS);
	aml_field_unit(a, "EVTS", 32);
	aml_end(a);
	/* Reading takes the events away: they are read once. */
	aml_method(a, "_EVT", 1);
	aml_op(a, AML_STORE);
	aml_path(a, "EVTS");
	aml_op(a, AML_LOCAL0);
	if (PCI_HOTPLUG && machine->pci && machine->pci_hotplug)
		add_event(a, &pci);
	if (NVDIMM && machine->nvdimm)
		add_event(a, &nvdimm);
	add_event(a, &power_button);
	if (CPU_HOTPLUG && machine->cpu_hotplug)
		add_event(a, &cpus);
	if (MEMORY_HOTPLUG && machine->n_dimms)
		add_event(a, &dimms);
	aml_end(a);
	aml_end(a);
}

void dsdt_build(struct aml *a, const struct acpi_machine *machine)
{
	/* SLP_TYP of the two PM1 registers, and two that are reserved: some look for all four. */
	aml_name(a, "\\_S5");
	aml_package(a, 4);
	aml_integer(a, ACPI_SLEEP_TYPE_S5);
	aml_integer(a, ACPI_SLEEP_TYPE_S5);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_end(a);

	aml_scope(a, "\\_SB");
	dsdt_add_pci(a, machine);
	dsdt_add_platform(a, machine);
	if (CPU_HOTPLUG && machine->cpu_hotplug)
		dsdt_add_cpus(a, machine);
	if (MEMORY_HOTPLUG && machine->n_dimms)
		dsdt_add_dimms(a, machine);
	if (NVDIMM && machine->nvdimm)
		dsdt_add_nvdimm(a);
	dsdt_add_ged(a, machine);
	aml_end(a);
}
