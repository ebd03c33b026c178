/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number of equal things in slots (CPUs, DIMMs) that follows a wanted number: what is missing is
 * made and offered to the guest; of what is too many the guest is asked to let go, the last first.
 * What the guest gives back is unmade, and made again if it is wanted by then.
 */
#pragma once

#include <stdbool.h>

#include "base/compiler.h"

struct diag_list;
struct hotplug_slots;
struct parts;
struct strbuf;

struct slot_ops {
	const char *noun; /* "CPU" */
	/* Makes what belongs into a slot, unknown to the guest; a diagnostic and a negative errno.
	 */
	int (*plug)(void *opaque, unsigned slot, struct diag_list *diags);
	/* Unmakes it; a negative errno when it has to be tried again later. */
	int (*unplug)(void *opaque, unsigned slot);
};

struct parts_slots {
	const struct slot_ops *ops;
	void *opaque; /* given to the ops */
	struct parts *parts;
	struct hotplug_slots *controller; /* NULL: nothing comes or goes */
	unsigned first;                   /* those below never go */
	unsigned n, wanted;
};

/*
 * Makes the controller; @slots is set but for it. At @base, for the ACPI_EVENT_* bit @event;
 * @wanted slots are there. Return: 0 or a negative errno.
 */
int parts_slots_create(struct parts_slots *slots, uint64_t base, uint32_t event) must_use;
void parts_slots_destroy(struct parts_slots *slots);

/* Sets how many there should be, or on failure as many as before. Return: 0 or a negative errno. */
int parts_slots_set(struct parts_slots *slots, unsigned wanted, struct diag_list *diags) must_use;

/* For struct part_ops. */
bool parts_slots_settled(const struct parts_slots *slots, struct strbuf *why);
void parts_slots_ask_again(struct parts_slots *slots);
