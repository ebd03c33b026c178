/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for unit tests and fuzz targets, without KVM: two regions of RAM that touch, address
 * spaces that can be asked who answers, interrupts that are counted, ioeventfds that are
 * remembered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "machine/device-memory.h"
#include "machine/irq.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define FAKE_RAM_SPLIT 0x80000ULL /* [0, split) and [split, size) are apart in host memory */
#define FAKE_RAM_SIZE  0x100000ULL
#define FAKE_GSIS      64

struct fake_ioeventfd {
	uint64_t gpa;
	unsigned size;
	int fd;
};

struct fake_machine {
	unsigned sent[FAKE_GSIS]; /* messages that reached the guest, by GSI */
	uint64_t last_address;    /* of the last message */
	uint32_t last_data;
	unsigned routes; /* calls of irq_message_set() */
	struct fake_ioeventfd ioeventfds[32];
	unsigned n_ioeventfds;
	bool refuse_ioeventfds;
	bool levels[IOAPIC_PINS]; /* of the pins */
	unsigned level_changes;
	unsigned n_events;          /* of machine_request() */
	enum machine_event event;   /* the last one */
	struct device *unplugged;   /* the last machine_device_unplugged() */
	struct pci_bus *pci;        /* set by the test */
	struct nvdimm_bus *nvdimms; /* set by the test */
	unsigned memories;          /* device_memory_create()d and not destroyed */
	unsigned plugged_memories;
	bool lost; /* what device_memory_lost() says */
	struct device_memory_loss loss;
	struct console_hub *consoles; /* set by the test */
	struct loop *loop;            /* the main loop; set by the test */
	struct io_thread *io_thread;  /* started at its first use, ended by fake_machine_fini() */
};

/* One machine a program; starts empty with zeroed RAM. */
struct machine *fake_machine_init(void);
void fake_machine_fini(void);
extern struct fake_machine fake;

/* RAM at @gpa; the whole range must be in one of the two regions. */
void *fake_ram(uint64_t gpa, uint64_t len);

/* Accesses as a vCPU makes them: all ones, and false, where nobody answers. */
bool fake_mmio_read(uint64_t gpa, unsigned size, uint64_t *ret);
bool fake_mmio_write(uint64_t gpa, unsigned size, uint64_t value);
uint64_t fake_pio_read(uint16_t port, unsigned size);
void fake_pio_write(uint16_t port, unsigned size, uint64_t value);
