/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing files of users: whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct file_draft; /* a file beside another one, that may take its place */

/**
 * file_draft_create() - write a file beside the one it shall replace
 * @path: the file, which is there; symbolic links are followed
 * @data: its new content
 * @size: bytes of it
 * @ret: for file_draft_commit() or file_draft_discard()
 *
 * The draft has mode and owner of the file. Return: 0 or a negative errno, -EPERM when the owner
 * cannot be kept.
 */
int file_draft_create(const char *path, const void *data, size_t size,
		      struct file_draft **ret) must_use;

/* Its path, and that of the file it stands for, for who wants to compare them first. */
const char *file_draft_path(const struct file_draft *draft);
const char *file_draft_target(const struct file_draft *draft);

/* Puts it in the place of the file, at once and on the disk. Frees it. Return: 0 or a negative
 * errno. */
int file_draft_commit(struct file_draft *draft) must_use;

/* Removes and frees it. Takes NULL. Returns NULL. */
struct file_draft *file_draft_discard(struct file_draft *draft);

/* Makes a file; with @replace in the place of one that is there. Return: 0, -EEXIST, or another
 * errno. */
int file_create(const char *path, const void *data, size_t size, bool replace) must_use;
