/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running machine: the VM, its vCPUs, memory, address spaces and interrupts, and what its
 * devices may ask of it. The builder makes one from a plan; nobody else changes it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct address_space;
struct console_hub;
struct device;
struct guest_memory;
struct io_thread;
struct loop;
struct machine;
struct nvdimm_bus;
struct pci_bus;

/* Why the machine should stop or change; set by devices, vCPUs and signals, acted on by the main
 * thread. */
enum machine_event {
	MACHINE_POWER_OFF,    /* the guest powered itself off (S5) */
	MACHINE_RESET,        /* the guest asked for a reset */
	MACHINE_TRIPLE_FAULT, /* KVM_EXIT_SHUTDOWN */
	MACHINE_FAILED,       /* a vCPU cannot go on: it has been logged */
};

/* Any thread; the first event wins until the main thread has taken it. */
void machine_request(struct machine *machine, enum machine_event event);

struct guest_memory *machine_memory(struct machine *machine);
struct address_space *machine_pio(struct machine *machine);
struct address_space *machine_mmio(struct machine *machine);
struct pci_bus *machine_pci(struct machine *machine);        /* NULL before the bus is built */
struct nvdimm_bus *machine_nvdimms(struct machine *machine); /* NULL: not built in */
struct console_hub *machine_consoles(struct machine *machine);
struct loop *machine_loop(struct machine *machine); /* the main loop */

/* The I/O thread that owns queues by default; started at its first use. Any thread. */
struct io_thread *machine_io_thread(struct machine *machine);

/*
 * An eventfd that KVM signals when the guest writes to an address (KVM_IOEVENTFD), without an exit
 * to user space. @size 0 matches any size. Any thread. Return: 0 or a negative errno.
 */
int machine_ioeventfd_add(struct machine *machine, uint64_t gpa, unsigned size, int fd) must_use;
int machine_ioeventfd_remove(struct machine *machine, uint64_t gpa, unsigned size, int fd);

/* The guest let go of a device after request_unplug. Any thread. */
void machine_device_unplugged(struct machine *machine, struct device *device);

/* @device is about to be freed, and nobody can say any more that it was let go. Any thread. */
void machine_device_forget(struct machine *machine, const struct device *device);
