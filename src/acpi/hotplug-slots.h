/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AML of things that come and go in slots: the twin of devices/platform/hotplug-slots.c, whose
 * registers are described there.
 *
 *	Device (CPUS) {
 *	    OperationRegion, Field {EVNT}
 *	    Device (C000) {… _STA, _EJ0, _OST}	for each slot
 *	    Method (SCAN) {…}			called by the Generic Event Device
 *	}
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct aml;

/* Inside the container: the registers at @base, of @n slots. */
void aml_slots_registers(struct aml *a, uint64_t base, unsigned n);

/* The name of the device in a slot, "C01F"; @ret has 5 bytes. */
void aml_slot_name(char letter, unsigned slot, char *ret);

/* Inside the device of a slot: its _STA and _OST, and _EJ0 if it can go. */
void aml_slot_methods(struct aml *a, unsigned slot, bool ejectable);

/* Inside the container: SCAN, which tells the operating system of every event. */
void aml_slots_scan(struct aml *a, char letter, unsigned n);
