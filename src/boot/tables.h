/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two boot protocols want in low memory: the memory map, boot_params or hvm_start_info,
 * page tables and descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "boot/boot.h"

/**
 * struct boot_tables - what was loaded, for the tables
 * @setup_header: of a bzImage, BZIMAGE_HEADER_MAX bytes for boot_params; NULL for an ELF file
 * @has_cmdline: there is a command line at LAYOUT_CMDLINE, ended by NUL
 * @initramfs, @initramfs_size: where it is; size 0 for none
 */
struct boot_tables {
	const uint8_t *setup_header;
	bool has_cmdline;
	uint64_t initramfs, initramfs_size;
};

/* Write the tables of a protocol. Return: 0, or -EFAULT when there is no RAM in low memory. */
int boot_write_pvh(const struct boot_machine *machine, const struct boot_tables *tables) must_use;
int boot_write_linux(const struct boot_machine *machine, const struct boot_tables *tables) must_use;

/* Writes GDT and page tables, and sets what is common in @entry (long_mode is set already). */
int boot_write_entry(const struct boot_machine *machine, struct boot_entry *entry) must_use;
