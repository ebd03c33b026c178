/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzImage files (Documentation/arch/x86/boot.rst of Linux): real-mode sectors with a setup header,
 * then the 64-bit code that unpacks its payload, an ELF vmlinux.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "boot/image.h"

struct guest_memory;

/* The setup header as it stands in the file and in boot_params, from 0x1f1 on. */
#define BZIMAGE_HEADER_OFFSET 0x1f1
#define BZIMAGE_HEADER_MAX    0x8f

struct bzimage {
	uint8_t header[BZIMAGE_HEADER_MAX]; /* to be copied into boot_params; zero past its end */
	uint64_t code_offset, code_size;    /* the protected-mode part of the file */
	uint64_t payload_offset, payload_size; /* the packed vmlinux in the file; size 0: unknown */
	uint64_t load_address;                 /* where the image unpacks itself */
	uint64_t init_size;                    /* memory that it needs there */
	uint32_t initrd_max;                   /* highest address of a byte of the initramfs */
	uint32_t cmdline_max;                  /* longest command line, without its NUL */
	bool has_entry64;
};

/* Whether @head starts a bzImage. */
bool bzimage_recognise(const uint8_t *head, size_t len);

/**
 * bzimage_parse() - check the setup header
 * @image: the file
 * @head: its first @head_len bytes, already read; bzimage_recognise() said yes
 *
 * Return: 0, or -ENOEXEC for one that cannot be booted.
 */
int bzimage_parse(const struct boot_image *image, const uint8_t *head, size_t head_len,
		  struct bzimage *ret, struct boot_problem *problem) must_use;

/**
 * bzimage_unpack() - unpack the vmlinux on the host
 * @bz: from bzimage_parse()
 * @image: the file that was parsed
 * @limit: bytes that the vmlinux may have: more would not fit into the guest
 * @ret: an image in memory; bzimage_unpack_free() frees it
 *
 * Return: 0; -EOPNOTSUPP when weft does not know the format (the image can still unpack itself);
 * -ENOEXEC with a problem for a damaged payload or one beyond @limit; or an error of reading.
 */
int bzimage_unpack(const struct bzimage *bz, const struct boot_image *image, uint64_t limit,
		   struct boot_image *ret, struct boot_problem *problem) must_use;
void bzimage_unpack_free(struct boot_image *image);

/* Loads the protected-mode part, to unpack itself. Return: as elf_load(). */
int bzimage_load(const struct bzimage *bz, const struct boot_image *image,
		 const struct guest_memory *memory, struct boot_problem *problem) must_use;
