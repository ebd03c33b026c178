/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOAPIC, in user space: 24 pins whose redirection entries become interrupt messages (82093AA
 * data sheet; version 0x20 with the EOI register of later chipsets).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "machine/address-space.h"

struct ioapic;

/* Where its messages go. Called under the IOAPIC's lock, on any thread. */
struct ioapic_ops {
	/* Sends a message now. */
	void (*deliver)(void *opaque, unsigned pin, uint64_t address, uint32_t data);
	/*
	 * The message of a level-triggered pin became this: from now on the end of its interrupts
	 * must come back to ioapic_eoi().
	 */
	void (*route)(void *opaque, unsigned pin, uint64_t address, uint32_t data);
};

/* As after power-on: every pin masked. NULL when memory is short. */
struct ioapic *ioapic_create(const struct ioapic_ops *ops, void *opaque);
struct ioapic *ioapic_destroy(struct ioapic *ioapic); /* takes NULL */

/* Drives a pin; a pin that does not exist is ignored. Any thread. */
void ioapic_set_level(struct ioapic *ioapic, unsigned pin, bool level);

/* The guest ended an interrupt of this vector that was level-triggered. Any thread. */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

/* Its registers; the opaque is the IOAPIC. */
extern const struct io_ops ioapic_io_ops;
