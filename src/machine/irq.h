/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts into the guest: pins of the IOAPIC, and messages (MSI, MSI-X) by irqfd.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct machine;

/* Sets the level of an IOAPIC pin (0-23). Any thread. Edge pins are raised by true then false. */
void irq_set_level(struct machine *machine, unsigned pin, bool level);

/*
 * One message: a GSI, its route and, once the guest has unmasked it, its irqfd. Nothing is asked of
 * KVM before that, so a device that the guest does not use costs no system call.
 */
struct irq_message {
	struct machine *machine;
	uint32_t gsi;
	int fd; /* eventfd, -1 until it is first unmasked */
	uint64_t address;
	uint32_t data;
	bool masked, pending;
};

void irq_message_init(struct irq_message *msg, struct machine *machine, uint32_t gsi);

/* Takes the route and the irqfd away. Any thread, no one else using @msg. */
void irq_message_fini(struct irq_message *msg);

/*
 * Sets address, data and mask, as the guest wrote them into its MSI-X table. A pending message is
 * sent when the mask goes. Thread: the one that holds the device's lock.
 */
int irq_message_set(struct irq_message *msg, uint64_t address, uint32_t data, bool masked);

/*
 * Sends the message, or makes it pending while it is masked. Any thread, also beside
 * irq_message_set().
 */
void irq_message_send(struct irq_message *msg);
