/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first vCPU's state: flat 32-bit protected mode for PVH, long mode with an identity map of the
 * first 4 GiB for Linux. The selectors are those of Linux's boot protocol.
 */
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include "boot/tables.h"
#include "machine/layout.h"
#include "machine/memory.h"

enum {
	GDT_NULL,
	GDT_TSS, /* loaded by KVM as registers: no one reads the descriptor */
	GDT_CODE,
	GDT_DATA,
	GDT_ENTRIES,
};

/* Types and attributes as the upper half of a descriptor has them. */
#define SEGMENT_CODE64 0xa09bu
#define SEGMENT_CODE32 0xc09bu
#define SEGMENT_DATA   0xc093u
#define SEGMENT_TSS    0x008bu
#define TSS_LIMIT      0x67u

#define PAGE_PRESENT 0x1u
#define PAGE_WRITE   0x2u
#define PAGE_LARGE   0x80u
#define PAGE_ENTRIES 512u
#define MAPPED_GIB   4u

#define CR0_PE   0x1u
#define CR0_ET   0x10u
#define CR0_PG   0x80000000u
#define CR4_PAE  0x20u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u

static uint64_t descriptor(unsigned flags, uint32_t limit)
{
	return (uint64_t)(limit & 0xffff) | (uint64_t)(flags & 0xf0ff) << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48;
}

static void make_gdt(bool long_mode, uint64_t gdt[GDT_ENTRIES])
{
	gdt[GDT_NULL] = 0;
	gdt[GDT_TSS] = descriptor(SEGMENT_TSS, TSS_LIMIT);
	gdt[GDT_CODE] = descriptor(long_mode ? SEGMENT_CODE64 : SEGMENT_CODE32, 0xfffff);
	gdt[GDT_DATA] = descriptor(SEGMENT_DATA, 0xfffff);
}

/* One PML4, one PDPT, and a page directory of 2 MiB pages for each GiB. */
static void make_page_tables(uint64_t tables[2 + MAPPED_GIB][PAGE_ENTRIES])
{
	const uint64_t flags = PAGE_PRESENT | PAGE_WRITE;

	memset(tables, 0, (2 + MAPPED_GIB) * PAGE_ENTRIES * sizeof(uint64_t));
	tables[0][0] = (LAYOUT_PML4 + 0x1000) | flags;
	for (unsigned gib = 0; gib < MAPPED_GIB; gib++) {
		tables[1][gib] = (LAYOUT_PML4 + 0x2000 + gib * 0x1000) | flags;
		for (unsigned i = 0; i < PAGE_ENTRIES; i++)
			tables[2 + gib][i] = (gib * GiB + i * 2 * MiB) | flags | PAGE_LARGE;
	}
}

int boot_write_entry(const struct boot_machine *machine, struct boot_entry *entry)
{
	uint64_t gdt[GDT_ENTRIES];

	make_gdt(entry->long_mode, gdt);
	entry->gdt = LAYOUT_GDT;
	entry->rsp = LAYOUT_BOOT_STACK;
	if (entry->long_mode) {
		uint64_t tables[2 + MAPPED_GIB][PAGE_ENTRIES];

		make_page_tables(tables);
		entry->cr3 = LAYOUT_PML4;
		if (guest_memory_write(machine->memory, LAYOUT_PML4, tables, sizeof(tables)) < 0)
			return -EFAULT;
	}
	return guest_memory_write(machine->memory, LAYOUT_GDT, gdt, sizeof(gdt));
}

static struct kvm_segment segment(unsigned index, unsigned flags, uint32_t limit)
{
	return (struct kvm_segment){
		.limit = limit,
		.selector = (uint16_t)(index * 8),
		.type = flags & 0xf,
		.s = flags >> 4 & 1,
		.dpl = flags >> 5 & 3,
		.present = flags >> 7 & 1,
		.avl = flags >> 12 & 1,
		.l = flags >> 13 & 1,
		.db = flags >> 14 & 1,
		.g = flags >> 15 & 1,
	};
}

void boot_entry_apply(const struct boot_entry *entry, struct kvm_regs *regs,
		      struct kvm_sregs *sregs)
{
	unsigned code = entry->long_mode ? SEGMENT_CODE64 : SEGMENT_CODE32;

	*regs = (struct kvm_regs){
		.rip = entry->rip,
		.rsp = entry->rsp,
		.rbx = entry->rbx,
		.rsi = entry->rsi,
		.rflags = 2, /* the bit that is always set; interrupts are off */
	};
	if (entry->long_mode)
		regs->rbp = entry->rsp;
	sregs->cs = segment(GDT_CODE, code, UINT32_MAX);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss =
		segment(GDT_DATA, SEGMENT_DATA, UINT32_MAX);
	sregs->tr = segment(GDT_TSS, SEGMENT_TSS, TSS_LIMIT);
	sregs->ldt = (struct kvm_segment){.type = 2, .unusable = 1};
	sregs->gdt.base = entry->gdt;
	sregs->gdt.limit = GDT_ENTRIES * 8 - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr2 = 0;
	sregs->cr3 = entry->cr3;
	sregs->cr8 = 0;
	sregs->cr0 = CR0_PE | CR0_ET | (entry->long_mode ? CR0_PG : 0);
	sregs->cr4 = entry->long_mode ? CR4_PAE : 0;
	sregs->efer = entry->long_mode ? EFER_LME | EFER_LMA : 0;
}
