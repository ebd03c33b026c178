/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest starts with: the kernel or firmware, its initramfs and command line, the tables of
 * the boot protocol, and the state of the first vCPU. Preparing opens and checks the files; loading
 * fills guest memory, at power-on and again at every reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct boot;
struct diag_list;
struct graph_node;
struct guest_memory;
struct kvm_regs;
struct kvm_sregs;

/* How the kernel is entered. */
enum boot_protocol {
	BOOT_PROTOCOL_AUTO,    /* PVH if the kernel has the note, else its 64-bit entry */
	BOOT_PROTOCOL_PVH,     /* 32-bit protected mode, hvm_start_info in rbx */
	BOOT_PROTOCOL_LINUX64, /* long mode, boot_params in rsi */
	BOOT_PROTOCOL_BZIMAGE, /* the bzImage unpacks itself: its own 64-bit entry at +0x200 */
};

/**
 * struct boot_source - what the description's `boot` object says
 * @node: its graph node, for the place of diagnostics
 * @kernel: path, or NULL; exactly one of @kernel and @firmware is given
 * @firmware: path of an ELF with a PVH note, or NULL
 * @initramfs: path, or NULL
 * @cmdline: the kernel's command line, or NULL
 * @protocol: how to enter
 */
struct boot_source {
	const struct graph_node *node;
	const char *kernel;
	const char *firmware;
	const char *initramfs;
	const char *cmdline;
	enum boot_protocol protocol;
};

/* One range of RAM that the guest has at power-on. */
struct boot_ram {
	uint64_t base, size;
};

/**
 * struct boot_machine - what loading needs to know of the machine
 * @memory: guest memory
 * @ram: the ranges of RAM in rising order, apart; the first one starts at 0
 * @n_ram: how many
 * @rsdp: guest-physical address of the ACPI RSDP, 0 for none
 * @memory_is_zero: RAM was never written (the first power-on): nothing needs to be cleared
 * @node: the graph node of `boot`, for the place of diagnostics
 */
struct boot_machine {
	struct guest_memory *memory;
	const struct boot_ram *ram;
	size_t n_ram;
	uint64_t rsdp;
	bool memory_is_zero;
	const struct graph_node *node;
};

/* The state in which the first vCPU starts. */
struct boot_entry {
	enum boot_protocol protocol; /* the one chosen, never AUTO */
	bool long_mode;              /* else 32-bit protected mode without paging */
	uint64_t rip, rsp;
	uint64_t rbx; /* PVH: hvm_start_info */
	uint64_t rsi; /* Linux: boot_params */
	uint64_t cr3; /* of long mode */
	uint64_t gdt; /* 4 descriptors: null, code, data, TSS */
};

/**
 * boot_prepare() - open and check the files
 * @source: what to start; nothing of it is kept but copies
 * @ret: the caller owns it, boot_destroy()
 * @diags: what a person can mend, at the property that asks for it
 *
 * The kinds of files are told by their content, not by their names. Main thread.
 *
 * Return: 0, or a negative errno with a diagnostic.
 */
int boot_prepare(const struct boot_source *source, struct boot **ret,
		 struct diag_list *diags) must_use;

/* Closes the files. Takes NULL. Returns NULL. */
struct boot *boot_destroy(struct boot *boot);

/**
 * boot_load() - put everything into guest memory
 * @boot: what was prepared; may be loaded any number of times
 * @machine: where to
 * @ret_entry: how the first vCPU starts
 * @diags: as for boot_prepare()
 *
 * No vCPU runs. The files are read again every time: what was checked may have changed since, and
 * is checked again. Main thread.
 *
 * Return: 0, or a negative errno with a diagnostic.
 */
int boot_load(struct boot *boot, const struct boot_machine *machine, struct boot_entry *ret_entry,
	      struct diag_list *diags) must_use;

/**
 * boot_entry_apply() - the registers of an entry state
 * @entry: from boot_load()
 * @regs: overwritten as a whole
 * @sregs: as KVM gave them for a new vCPU; segments, control registers, EFER and GDT are set
 */
void boot_entry_apply(const struct boot_entry *entry, struct kvm_regs *regs,
		      struct kvm_sregs *sregs);
