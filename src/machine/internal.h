/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine from the inside: shared by the files of src/machine only.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "kvm/kvm-vcpu.h"
#include "kvm/kvm.h"
#include "machine/address-space-internal.h"
#include "machine/build.h"
#include "machine/ioapic.h"
#include "machine/machine.h"

struct loop_source;

#define MACHINE_NO_EVENT -1

/* Devices whose unplug the main thread has not heard of yet: at most every slot. */
#define MACHINE_UNPLUGGED_MAX 64

/* RAM taken from the host, behind one or two regions of guest memory. */
struct ram {
	struct list link; /* machine.ram */
	uint64_t gpa;     /* of its first region */
	uint32_t slot;    /* of its first region */
	uint64_t size;
	uint8_t *host;
	void *mapping; /* what is given back: @host lies in it */
	size_t mapping_size;
	int fd; /* memfd of shared RAM, or -1 */
};

struct vcpu {
	struct machine *machine;
	unsigned index;
	struct kvm_vcpu kvm;
	struct io_reader reader;
	pthread_t thread;
	struct cpu_list *affinity; /* or NULL */
	struct kvm_sregs power_on_sregs;
	struct kvm_lapic_state power_on_lapic;

	/* Under machine.run_lock. */
	bool running; /* the thread is there */
	bool parked;  /* it waits, out of the guest and of devices */
	bool leaving; /* the thread is to end */

	/* Set on its own thread, for good: it failed, or caused an event. */
	bool held;

	unsigned
		mends; /* backing_mend_all() when it last failed for want of a page; its thread's */
};

struct machine {
	struct kvm kvm;
	struct loop *loop;
	struct console_hub *consoles;
	const struct machine_handlers *handlers;
	void *opaque;

	struct guest_memory *memory;
	struct list ram, retired_ram;
	/* device-memory.c */
	struct list retired_memory; /* of devices that have gone */
	struct loop_source *loss;   /* hears of @loss_fd; NULL when nothing can be lost */
	int loss_fd;
	struct io_domain domain;
	struct address_space *pio, *mmio;
	struct ioapic *ioapic;
	struct pci_bus *pci;
	struct nvdimm_bus *nvdimms;

	/* Some that KVM has made may have left again: it cannot unmake them, so they wait for
	 * reuse. */
	struct vcpu *vcpus; /* max_vcpus of them; those that KVM has not made have no descriptor */
	unsigned max_vcpus;
	struct cpu_topology topology;
	struct kvm_cpuid2 *cpuid; /* what they have in common */
	struct span cpus_span;
	bool started;
	uint8_t phys_bits;

	/* vCPU threads wait on @unpark while they are not to run, and say so on @parked. */
	pthread_mutex_t run_lock;
	pthread_cond_t unpark, parked;
	unsigned pauses;
	bool stopping;

	/* What the main thread has to hear of. */
	struct loop_source *bell;
	int event;            /* enum machine_event or MACHINE_NO_EVENT; atomic */
	pthread_mutex_t lock; /* below */
	struct device *unplugged[MACHINE_UNPLUGGED_MAX];
	unsigned n_unplugged;
	struct io_thread *io_thread;

	bool routes_failed; /* logged once */
};

/* Gives back all RAM; no vCPU runs. */
void machine_free_memory(struct machine *machine);

/*
 * After a change of the memory map: waits until no vCPU and no I/O thread can be reading an old
 * one, and frees those.
 */
void machine_settle_memory(struct machine *machine);
void machine_say_losses(struct machine *machine);
void machine_free_device_memory(struct machine *machine);

/* vcpu.c: the signal that takes a vCPU out of the guest. */
int vcpu_install_signal(void) must_use;
void machine_free_vcpus(struct machine *machine);

/* Starts the thread of a vCPU, under the lock. Return: 0 or a negative errno. */
int vcpu_start(struct vcpu *vcpu) must_use;
/* Ends it, and waits for that. */
void vcpu_stop(struct vcpu *vcpu);

static inline bool vcpu_is_made(const struct vcpu *vcpu)
{
	return vcpu->kvm.run != NULL;
}

/* The vCPU of the calling thread, or NULL. */
struct vcpu *vcpu_current(void);

/*
 * On its own thread: the vCPU does not enter the guest again, but completes the access that it came
 * out with.
 */
void vcpu_hold(struct vcpu *vcpu);

/* exit.c: deals with what kvm_vcpu_run() returned for. On the vCPU's thread. */
void vcpu_handle_exit(struct vcpu *vcpu);
void vcpu_handle_run_error(struct vcpu *vcpu, int error);

/* report.c: the state of a vCPU that cannot go on, for people. On its thread. */
void vcpu_report(struct vcpu *vcpu);

/* The same for an emulation failure, whose instruction bytes KVM may know. */
void vcpu_report_internal_error(struct vcpu *vcpu);
