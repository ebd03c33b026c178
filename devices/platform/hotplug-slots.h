/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUs, memory and NVDIMMs have in common when they are plugged: a controller with one
 *register for each slot, which the guest's ACPI methods (src/acpi/hotplug-slots.c) use to see what
 *is there, to learn what changed, to give a slot back, and to say how it went.
 *
 *	offset	access
 *	0	read	takes the next event away: the Notify code in bits 31:16 (1: look at this
 *			slot, 3: please let go of it), the slot in bits 15:0; 0: there is no event
 *	4+4n	read	what _STA of slot n says: 0xf, or 0
 *		write	bit 31: slot n is given back (_EJ0); else the event and the status of _OST
 *in bits 30:16 and 15:0
 *
 * What was given back reads as absent until the guest has said by _OST how that went, even if
 *something is in the slot again: events about it wait until then.
 *
 * Registers are 4 bytes wide; other accesses read 0 and are ignored.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

struct ged;
struct hotplug_slots;
struct machine;
struct strbuf;

#define HOTPLUG_SLOT_PRESENT    0xfu
#define HOTPLUG_SLOT_GIVEN_BACK (1u << 31)

/* The registers of so many slots fit into the controller's page of the platform window. */
#define HOTPLUG_SLOTS_MAX 1023u

enum hotplug_slot_state {
	HOTPLUG_ABSENT,
	HOTPLUG_INSERTED, /* there; the guest has not said that it uses it */
	HOTPLUG_PRESENT,
	HOTPLUG_LEAVING,    /* the guest was asked to let go */
	HOTPLUG_GIVEN_BACK, /* it did; the owner has not taken it out yet */
};

/**
 * struct hotplug_slots_params - one controller
 * @name: for the log and threads; static
 * @base: where its registers are
 * @event: the ACPI_EVENT_* bit
 * @ged: what tells the guest of it; outlives the controller
 * @n: slots, at most HOTPLUG_SLOTS_MAX
 * @n_present: so many, from slot 0 on, are there at power-on
 * @changed: the guest gave slots back or said how it went: look at the states. On the main thread
 * @opaque: given to @changed
 */
struct hotplug_slots_params {
	const char *name;
	uint64_t base;
	uint32_t event;
	struct ged *ged;
	unsigned n, n_present;
	void (*changed)(void *opaque);
	void *opaque;
};

/* Return: 0 or a negative errno; the caller owns @ret. All functions are called on the main thread.
 */
int hotplug_slots_create(struct machine *machine, const struct hotplug_slots_params *params,
			 struct hotplug_slots **ret) must_use;

/* With vCPUs stopped. Takes NULL. Returns NULL. */
struct hotplug_slots *hotplug_slots_destroy(struct hotplug_slots *slots);

enum hotplug_slot_state hotplug_slots_state(struct hotplug_slots *slots, unsigned slot);

/* Something was in @slot at power-on; the guest finds it by itself. Before the guest starts. */
void hotplug_slots_found(struct hotplug_slots *slots, unsigned slot);

/*
 * What should be there: something is in @slot now that was absent (or is still there, and stays:
 * what was asked of the guest is taken back); the guest is told.
 */
void hotplug_slots_insert(struct hotplug_slots *slots, unsigned slot);

/* Asks the guest to let go of what is in @slot, if there is something; again if it was asked
 * before. */
void hotplug_slots_ask(struct hotplug_slots *slots, unsigned slot);

/* What was given back, or was never seen by the guest, is out. */
void hotplug_slots_removed(struct hotplug_slots *slots, unsigned slot);

/* Adds why @slot is not as it should be, "the guest has not let go of it yet", for people. */
void hotplug_slots_explain(struct hotplug_slots *slots, unsigned slot, struct strbuf *why);
