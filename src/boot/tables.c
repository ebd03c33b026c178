/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory map as e820 and as PVH have it; boot_params (Documentation/arch/x86/boot.rst,
 * zero-page.rst) and hvm_start_info (Xen, docs/misc/pvh.pandoc).
 */
#include <errno.h>
#include <string.h>

#include <asm/bootparam.h>

#include "boot/bzimage.h"
#include "boot/tables.h"
#include "machine/layout.h"
#include "machine/memory.h"

enum map_type {
	MAP_RAM = 1,
	MAP_RESERVED = 2,
	MAP_ACPI = 3,
};

struct map_entry {
	uint64_t base, size;
	enum map_type type;
};

/* RAM in so many ranges, and what is said of the holes. */
#define MAP_MAX 64

static size_t memory_map(const struct boot_machine *machine, struct map_entry *map)
{
	size_t n = 0;

	for (size_t i = 0; i < machine->n_ram && n < MAP_MAX - 4; i++) {
		struct boot_ram ram = machine->ram[i];

		if (ram.base == 0) {
			uint64_t end = ram.size;

			map[n++] = (struct map_entry){0, LAYOUT_LOW_RAM_END, MAP_RAM};
			map[n++] = (struct map_entry){LAYOUT_ACPI, LAYOUT_ACPI_END - LAYOUT_ACPI,
						      MAP_ACPI};
			map[n++] = (struct map_entry){
				LAYOUT_SMBIOS, LAYOUT_HIGH_RAM - LAYOUT_SMBIOS, MAP_RESERVED};
			if (end <= LAYOUT_HIGH_RAM)
				continue;
			ram = (struct boot_ram){LAYOUT_HIGH_RAM, end - LAYOUT_HIGH_RAM};
		}
		map[n++] = (struct map_entry){ram.base, ram.size, MAP_RAM};
	}
	/* Linux takes ECAM only where the map says that nothing else is. */
	map[n++] = (struct map_entry){LAYOUT_ECAM, LAYOUT_ECAM_SIZE, MAP_RESERVED};
	return n;
}

/* Xen's public/arch-x86/hvm/start_info.h, version 1. */
#define PVH_MAGIC 0x336ec578u

struct pvh_start_info {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules, cmdline, rsdp, memory_map;
	uint32_t n_memory_map, reserved;
};

struct pvh_module {
	uint64_t base, size, cmdline, reserved;
};

struct pvh_memory {
	uint64_t base, size;
	uint32_t type, reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "hvm_start_info");
_Static_assert(sizeof(struct pvh_memory) == 24, "hvm_memmap_table_entry");

int boot_write_pvh(const struct boot_machine *machine, const struct boot_tables *tables)
{
	struct {
		struct pvh_start_info info;
		uint64_t pad;
		struct pvh_module module;
	} start = {
		.info =
			{
				.magic = PVH_MAGIC,
				.version = 1,
				.n_modules = tables->initramfs_size ? 1 : 0,
				.modules = tables->initramfs_size ? LAYOUT_PVH_START_INFO + 64 : 0,
				.cmdline = tables->has_cmdline ? LAYOUT_CMDLINE : 0,
				.rsdp = machine->rsdp,
				.memory_map = LAYOUT_ZERO_PAGE,
			},
		.module = {.base = tables->initramfs, .size = tables->initramfs_size},
	};
	struct pvh_memory memory[MAP_MAX] = {0};
	struct map_entry map[MAP_MAX];
	size_t n = memory_map(machine, map);

	_Static_assert(sizeof(start.info) + sizeof(start.pad) == 64, "modules follow at 64");
	for (size_t i = 0; i < n; i++)
		memory[i] = (struct pvh_memory){map[i].base, map[i].size, map[i].type, 0};
	start.info.n_memory_map = (uint32_t)n;
	if (guest_memory_write(machine->memory, LAYOUT_ZERO_PAGE, memory, n * sizeof(memory[0])) <
	    0)
		return -EFAULT;
	return guest_memory_write(machine->memory, LAYOUT_PVH_START_INFO, &start, sizeof(start));
}

int boot_write_linux(const struct boot_machine *machine, const struct boot_tables *tables)
{
	struct boot_params bp;
	struct map_entry map[MAP_MAX];
	size_t n = memory_map(machine, map);

	_Static_assert(MAP_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "the map fits");
	_Static_assert(offsetof(struct boot_params, hdr) == BZIMAGE_HEADER_OFFSET, "zero page");
	memset(&bp, 0, sizeof(bp));
	if (tables->setup_header) {
		memcpy((uint8_t *)&bp + BZIMAGE_HEADER_OFFSET, tables->setup_header,
		       BZIMAGE_HEADER_MAX);
	} else {
		bp.hdr.boot_flag = 0xaa55;
		bp.hdr.header = 0x53726448;
		bp.hdr.version = 0x020c;
		bp.hdr.loadflags = LOADED_HIGH;
		bp.hdr.kernel_alignment = 2 * MiB;
	}
	bp.hdr.type_of_loader = 0xff; /* none that has a number */
	bp.hdr.cmd_line_ptr = tables->has_cmdline ? (uint32_t)LAYOUT_CMDLINE : 0;
	bp.hdr.ramdisk_image = (uint32_t)tables->initramfs;
	bp.hdr.ramdisk_size = (uint32_t)tables->initramfs_size;
	bp.ext_ramdisk_image = (uint32_t)(tables->initramfs >> 32);
	bp.ext_ramdisk_size = (uint32_t)(tables->initramfs_size >> 32);
	bp.acpi_rsdp_addr = machine->rsdp;
	for (size_t i = 0; i < n; i++)
		bp.e820_table[i] = (struct boot_e820_entry){map[i].base, map[i].size, map[i].type};
	bp.e820_entries = (uint8_t)n;
	return guest_memory_write(machine->memory, LAYOUT_ZERO_PAGE, &bp, sizeof(bp));
}
