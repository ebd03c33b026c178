/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a machine is put together: for the builder, and for the command that runs it. Everything here
 * is called on the main thread. A failure that a person can mend is a diagnostic, and nothing is
 *left behind by the call that failed; machine_destroy() takes a machine in any state. Pausing and
 *stopping wait for vCPU threads to leave devices, so no callback of a device may wait for the main
 *thread.
 *
 *	machine_create → machine_add_memory → machine_add_vcpus → devices, boot →
 *	machine_get_boot_registers, boot_entry_apply, machine_set_boot_registers →
 *	machine_start → (machine_pause → machine_resume)* → machine_stop → machine_destroy
 *
 * A reset of the guest is a new machine: stop and destroy this one, and create it again. KVM has no
 * other way to give all of a vCPU its power-on state, and the description may have changed
 *meanwhile.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/diag.h"
#include "machine/machine.h"
#include "machine/topology.h"

struct cpu_list;

/* What a machine tells its owner; on the main thread. */
struct machine_handlers {
	/*
	 * The first event since the last one was taken. The vCPU that caused it has stopped and
	 * stays so. It may destroy the machine.
	 */
	void (*event)(void *opaque, enum machine_event event);
	/* The guest let go of @device. Optional. */
	void (*unplugged)(void *opaque, struct device *device);
	/* The file behind memory of a device has lost pages (device_memory_lost()). Optional. */
	void (*lost)(void *opaque);
};

/**
 * machine_create() - open KVM and make a machine without memory and vCPUs
 * @loop: the main loop; outlives the machine
 * @consoles: the hub, or NULL; outlives the machine
 * @handlers: outlive the machine
 * @opaque: given to the handlers
 * @ret: the machine, for machine_destroy()
 * @diags: what is wrong with the host
 *
 * Return: 0 or a negative errno with a diagnostic.
 */
int machine_create(struct loop *loop, struct console_hub *consoles,
		   const struct machine_handlers *handlers, void *opaque, struct machine **ret,
		   struct diag_list *diags) must_use;

/* Stops it, and frees everything; the devices are gone by now. Takes NULL. Returns NULL. */
struct machine *machine_destroy(struct machine *machine);

/* The bus, for machine_pci(): the builder makes and destroys it. */
void machine_set_pci(struct machine *machine, struct pci_bus *bus);

/* The same for machine_nvdimms(). */
void machine_set_nvdimms(struct machine *machine, struct nvdimm_bus *bus);

/**
 * struct machine_ram - one range of RAM, or all of it at power-on
 * @size: bytes, a multiple of 4 KiB, and of @hugepage_size
 * @hugepage_size: 0, 2 MiB or 1 GiB: taken from the host's reserved pages
 * @shared: other processes may map it (vhost-user): a memfd
 * @prefault: all pages are taken from the host now
 * @mergeable: the host may merge equal pages (KSM)
 * @thp: the host may use transparent huge pages
 * @span: where the description asks for it
 */
struct machine_ram {
	uint64_t size;
	uint64_t hugepage_size;
	bool shared, prefault, mergeable, thp;
	struct span span;
};

/* KVM memory slots 0 and 1 hold the RAM of power-on; the graph gives out the others. */
#define MACHINE_RAM_SLOTS 2

/**
 * machine_add_memory() - the RAM the machine has at power-on
 * @ram: what to take; split at LAYOUT_RAM_SPLIT, the rest goes to LAYOUT_RAM_HIGH
 *
 * Return: 0 or a negative errno with a diagnostic.
 */
int machine_add_memory(struct machine *machine, const struct machine_ram *ram,
		       struct diag_list *diags) must_use;

/**
 * machine_plug_memory() - one more range of RAM, while the guest runs or before
 * @gpa: where; -EEXIST when it overlaps RAM
 * @slot: KVM memory slot, MACHINE_RAM_SLOTS or above, not in use
 */
int machine_plug_memory(struct machine *machine, uint64_t gpa, uint32_t slot,
			const struct machine_ram *ram, struct diag_list *diags) must_use;

/*
 * Takes the range at @gpa back, which was plugged and which the guest no longer uses. Requests of
 * devices that still use it do no harm but to the guest. Return: 0, -ENOENT or -ENOMEM.
 */
int machine_unplug_memory(struct machine *machine, uint64_t gpa);

/* One feature of the processor that the description turns on or off. */
struct machine_cpu_feature {
	const char *name; /* one that cpu_feature_find() knows */
	bool enabled;
	struct span span;
};

/**
 * struct machine_cpus - the processors
 * @count: vCPUs at power-on
 * @max: vCPUs there can ever be: the product of the topology
 * @topology: how they are arranged
 * @affinity: host CPUs of each vCPU, @n_affinity of them; a NULL entry or none: any
 * @features: masks over what the host has
 * @nested: the guest may run virtual machines, if the host can
 * @phys_bits: width of guest-physical addresses, 0 for the host's
 * @span: where the description asks for it
 */
struct machine_cpus {
	unsigned count, max;
	struct cpu_topology topology;
	const struct cpu_list *const *affinity;
	size_t n_affinity;
	const struct machine_cpu_feature *features;
	size_t n_features;
	bool nested;
	uint8_t phys_bits;
	struct span span;
};

/* Nothing of @cpus is kept but copies. Return: 0 or a negative errno with a diagnostic. */
int machine_add_vcpus(struct machine *machine, const struct machine_cpus *cpus,
		      struct diag_list *diags) must_use;

/*
 * While the guest runs: one more vCPU, @index below the maximum and not there. It waits for the
 * guest to start it. Return: 0 or a negative errno with a diagnostic that points to where the
 * description asked for processors at the start.
 */
int machine_plug_vcpu(struct machine *machine, unsigned index, struct diag_list *diags) must_use;

/* Ends a vCPU that the guest let go of, but the first; machine_plug_vcpu() may start it anew. */
void machine_unplug_vcpu(struct machine *machine, unsigned index);

/*
 * The registers in which the first vCPU starts: as KVM made them, to be changed for the boot
 * protocol (boot_entry_apply()) and given back. The other vCPUs wait for the guest to start them.
 * Both before machine_start(). Return: 0 or a negative errno.
 */
int machine_get_boot_registers(struct machine *machine, struct kvm_regs *ret_regs,
			       struct kvm_sregs *ret_sregs) must_use;
int machine_set_boot_registers(struct machine *machine, const struct kvm_regs *regs,
			       const struct kvm_sregs *sregs) must_use;

/* Starts a thread for each vCPU, and the guest. Return: 0 or a negative errno with a diagnostic. */
int machine_start(struct machine *machine, struct diag_list *diags) must_use;

/* Takes every vCPU out of the guest and out of devices, and lets them go on. Pauses nest. */
void machine_pause(struct machine *machine);
void machine_resume(struct machine *machine);

/* Before the last machine_resume() after a pause that a person would notice: the guest's watchdogs
 * are told. */
void machine_note_pause(struct machine *machine);

/* Takes every vCPU out of the guest for good, and ends its thread. Harmless when not started. */
void machine_stop(struct machine *machine);

/* The width of guest-physical addresses in bits, after machine_add_vcpus(). */
unsigned machine_phys_bits(const struct machine *machine);

/* The widest guest-physical address this host gives a guest, for allocators; before KVM is open. */
unsigned machine_host_phys_bits(void);
