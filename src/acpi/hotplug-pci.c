/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI hotplug for the operating system (ACPI 6.4 §6.3): a device for each slot, which can be
 * ejected, and PCNT, which tells of what happened to them. The registers are those of
 * devices/platform/pci-hotplug.c.
 *
 * A method's body costs nothing while the tables are loaded, a named object does. So a slot has no
 * _SUN (Linux counts the slots, which comes to the same), and tests of single bits stand in one
 * method.
 */
#include <stdio.h>

#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "machine/layout.h"

#define DEVICE_CHECK    1
#define EJECT_REQUEST   3
#define SLOTS_OF_A_TEST 8u

static void slot_name(unsigned slot, char name[8])
{
	snprintf(name, 8, "S%03u", slot);
}

static void add_slot(struct aml *a, unsigned slot)
{
	char name[8];

	slot_name(slot, name);
	aml_device(a, name);
	aml_name_integer(a, "_ADR", (uint64_t)slot << 16);
	aml_method(a, "_EJ0", 1);
	aml_op(a, AML_STORE);
	aml_integer(a, 1u << slot);
	aml_path(a, "B0EJ");
	aml_end(a);
	aml_end(a);
}

/* If (Arg0 & BITS) { … */
static void if_any(struct aml *a, uint32_t bits)
{
	aml_if(a);
	aml_op(a, AML_AND);
	aml_op(a, AML_ARG0);
	aml_integer(a, bits);
	aml_op(a, AML_NOTHING);
}

/* DVNT (SLOTS, EVENT): Notify each of them. */
static void add_notify(struct aml *a)
{
	char name[8];

	aml_method(a, "DVNT", 2);
	for (unsigned first = 0; first < PCI_SLOTS; first += SLOTS_OF_A_TEST) {
		if_any(a, ((1u << SLOTS_OF_A_TEST) - 1) << first);
		for (unsigned slot = MAX(first, 1u); slot < first + SLOTS_OF_A_TEST; slot++) {
			slot_name(slot, name);
			if_any(a, 1u << slot);
			aml_op(a, AML_NOTIFY);
			aml_path(a, name);
			aml_op(a, AML_ARG1);
			aml_end(a);
		}
		aml_end(a);
	}
	aml_end(a);
}

/* Takes the events of a register, then tells of them: one that comes now is in the register again.
 */
static void add_scan(struct aml *a, const char *reg, uint64_t event)
{
	aml_op(a, AML_STORE);
	aml_path(a, reg);
	aml_op(a, AML_LOCAL0);
	aml_if(a);
	aml_op(a, AML_LOCAL0);
	aml_op(a, AML_STORE);
	aml_op(a, AML_LOCAL0);
	aml_path(a, reg);
	aml_path(a, "DVNT");
	aml_op(a, AML_LOCAL0);
	aml_integer(a, event);
	aml_end(a);
}

void dsdt_add_pci_hotplug(struct aml *a)
{
	aml_region(a, "PCST", AML_SYSTEM_MEMORY, LAYOUT_PCI_HOTPLUG, ACPI_PCI_HOTPLUG_SIZE);
	aml_field(a, "PCST", AML_ACCESS_DWORD | AML_WRITE_AS_ZEROS);
	aml_field_unit(a, "PCIU", 32);
	aml_field_unit(a, "PCID", 32);
	aml_field_unit(a, "B0EJ", 32);
	aml_end(a);
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
		add_slot(a, slot);
	add_notify(a);
	aml_method(a, "PCNT", 0);
	add_scan(a, "PCIU", DEVICE_CHECK);
	add_scan(a, "PCID", EJECT_REQUEST);
	aml_end(a);
}
