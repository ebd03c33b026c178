/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AML of slots. Every slot has a register of its own, so no method has to select one first, and
 * none needs a mutex.
 */
#include <stdio.h>

#include "acpi/aml.h"
#include "acpi/hotplug-slots.h"

#define ACCESS        (AML_ACCESS_DWORD | AML_WRITE_AS_ZEROS)
#define REGISTER_BITS 32
#define GIVEN_BACK    0x80000000u

void aml_slots_registers(struct aml *a, uint64_t base, unsigned n)
{
	aml_region(a, "REGS", AML_SYSTEM_MEMORY, base, 4 * (1 + n));
	aml_field(a, "REGS", ACCESS);
	aml_field_unit(a, "EVNT", REGISTER_BITS);
	aml_end(a);
}

void aml_slot_name(char letter, unsigned slot, char *ret)
{
	snprintf(ret, 5, "%c%03X", letter, slot & 0xfff);
}

void aml_slot_methods(struct aml *a, unsigned slot, bool ejectable)
{
	aml_field(a, "REGS", ACCESS);
	aml_field_unit(a, NULL, REGISTER_BITS * (1 + slot));
	aml_field_unit(a, "SLOT", REGISTER_BITS);
	aml_end(a);

	aml_method(a, "_STA", 0);
	aml_op(a, AML_RETURN);
	aml_path(a, "SLOT");
	aml_end(a);

	if (ejectable) {
		aml_method(a, "_EJ0", 1);
		aml_op(a, AML_STORE);
		aml_integer(a, GIVEN_BACK);
		aml_path(a, "SLOT");
		aml_end(a);
	}

	/* Or (ShiftLeft (And (Arg0, 0x7fff), 16), And (Arg1, 0xffff), SLOT) */
	aml_method(a, "_OST", 3);
	aml_op(a, AML_OR);
	aml_op(a, AML_SHIFT_LEFT);
	aml_op(a, AML_AND);
	aml_op(a, AML_ARG0);
	aml_integer(a, 0x7fff);
	aml_op(a, AML_NOTHING);
	aml_integer(a, 16);
	aml_op(a, AML_NOTHING);
	aml_op(a, AML_AND);
	aml_op(a, AML_ARG0 + 1);
	aml_integer(a, 0xffff);
	aml_op(a, AML_NOTHING);
	aml_path(a, "SLOT");
	aml_end(a);
}

/* TELL (event): Notify needs a name, so there is a comparison for each slot. */
static void add_tell(struct aml *a, char letter, unsigned n)
{
	char name[5];

	aml_method(a, "TELL", 1);
	aml_op(a, AML_AND);
	aml_op(a, AML_ARG0);
	aml_integer(a, 0xffff);
	aml_op(a, AML_LOCAL0);
	for (unsigned i = 0; i < n; i++) {
		aml_slot_name(letter, i, name);
		aml_if(a);
		aml_op(a, AML_EQUAL);
		aml_op(a, AML_LOCAL0);
		aml_integer(a, i);
		aml_op(a, AML_NOTIFY);
		aml_path(a, name);
		aml_op(a, AML_SHIFT_RIGHT);
		aml_op(a, AML_ARG0);
		aml_integer(a, 16);
		aml_op(a, AML_NOTHING);
		aml_op(a, AML_RETURN);
		aml_integer(a, 0);
		aml_end(a);
	}
	aml_op(a, AML_RETURN);
	aml_integer(a, 0);
	aml_end(a);
}

void aml_slots_scan(struct aml *a, char letter, unsigned n)
{
	add_tell(a, letter, n);

	/* Reading an event takes it away; 0 is none. */
	aml_method(a, "SCAN", 0);
	aml_op(a, AML_STORE);
	aml_path(a, "EVNT");
	aml_op(a, AML_LOCAL0);
	aml_while(a);
	aml_op(a, AML_LOCAL0);
	aml_path(a, "TELL");
	aml_op(a, AML_LOCAL0);
	aml_op(a, AML_STORE);
	aml_path(a, "EVNT");
	aml_op(a, AML_LOCAL0);
	aml_end(a);
	aml_end(a);
}
