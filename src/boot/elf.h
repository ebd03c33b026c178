/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF64 kernels and firmware: which bytes go where, and where they are entered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "boot/image.h"

struct guest_memory;

/* A kernel has 4 to 6 program headers. */
#define ELF_MAX_PROGRAM_HEADERS 32

struct elf_segment {
	uint64_t offset, file_size; /* in the file */
	uint64_t base, size;        /* guest-physical; size >= file_size, the rest is zero */
	uint64_t virtual_base;
};

/* A checked ELF file: every segment lies in the file; they are apart, and sorted by @base. */
struct elf_kernel {
	struct elf_segment segments[ELF_MAX_PROGRAM_HEADERS];
	size_t n_segments;
	uint64_t entry; /* physical address of the 64-bit entry */
	bool has_entry; /* @entry lies in a segment */
	uint32_t pvh_entry;
	bool has_pvh; /* there is a PVH note, and its entry lies in a segment */
};

/* Whether @head starts an ELF file of any kind. */
bool elf_recognise(const uint8_t *head, size_t len);

/**
 * elf_parse() - check an ELF file and find its segments and entries
 * @image: the file
 * @head: its first @head_len bytes, already read
 * @ret: the result
 * @problem: what is wrong, on error
 *
 * Return: 0, -ENOEXEC for a file that cannot be booted, or an error of reading.
 */
int elf_parse(const struct boot_image *image, const uint8_t *head, size_t head_len,
	      struct elf_kernel *ret, struct boot_problem *problem) must_use;

/**
 * elf_load() - read the segments into guest memory
 * @kernel: from elf_parse()
 * @image: the file that was parsed
 * @memory: guest memory; every segment must lie in RAM at or above 1 MiB
 * @memory_is_zero: what follows a segment's bytes needs not be cleared
 *
 * Return: 0, -ENOEXEC for a segment outside of RAM, or an error of reading.
 */
int elf_load(const struct elf_kernel *kernel, const struct boot_image *image,
	     const struct guest_memory *memory, bool memory_is_zero,
	     struct boot_problem *problem) must_use;

/* The end of the highest segment: an initramfs must be above. */
uint64_t elf_end(const struct elf_kernel *kernel);
