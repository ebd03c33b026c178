/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of an image (a file, or what was unpacked of one) and the sentence that says what is
 * wrong with it. All of it is hostile, and a file may change while it is read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Bytes at the start of an image in which its kind and its program headers are looked for. */
#define BOOT_IMAGE_HEAD 4096

/* An open file, or memory when @bytes is not NULL; owns neither. */
struct boot_image {
	int fd;
	const uint8_t *bytes;
	uint64_t size;
};

/* What is wrong with an image: the second half of a sentence, "is cut off at …". */
struct boot_problem {
	char text[200];
};

/**
 * boot_image_read() - read exactly @len bytes
 *
 * A file is read straight into @buf, which may be guest memory; no more than one copy is made.
 *
 * Return: 0, -ENODATA past the end (also of a file that shrank), or what pread(2) says.
 */
int boot_image_read(const struct boot_image *image, uint64_t offset, void *buf,
		    size_t len) must_use;

/* Says what is wrong. Return: @error, to be passed on. */
int boot_problem_set(struct boot_problem *problem, int error, const char *fmt, ...)
	printf_like(3, 4);

/* As boot_problem_set(), for boot_image_read() of @what: cut off, or unreadable. */
int boot_problem_read(struct boot_problem *problem, int error, const char *what);

/**
 * boot_image_kind() - what a file is, when it is nothing that boots
 * @head: its first bytes
 * @len: how many, at most BOOT_IMAGE_HEAD
 *
 * Return: "a gzip file", "an EFI program", …, or NULL for what is not known.
 */
const char *boot_image_kind(const uint8_t *head, size_t len);
