/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file behind persistent memory: it is opened and locked as a disk image is (block/block.h),
 * made when it is not there, and has a fixed size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "block/block.h"

struct pmem_file;
struct strbuf;

/**
 * struct pmem_file_options - the file that is wanted
 * @path: absolute; copied
 * @owner: the device
 * @size: bytes of memory, from the beginning of the file
 * @tail: bytes behind these that belong to the device, too
 * @read_only: it is neither made nor written
 */
struct pmem_file_options {
	const char *path, *owner;
	uint64_t size, tail;
	bool read_only;
};

/**
 * pmem_file_open() - open the file, or make one of zeros
 * @ret: for pmem_file_close()
 * @ret_failure: filled on failure
 *
 * A file that is there is never made longer or shorter; it may be longer than what is asked for.
 * For one that is made the space is taken from the host at once where its file system can do that:
 * memory cannot say that a disk is full. Main thread.
 *
 * Return: 0 or a negative errno.
 */
int pmem_file_open(const struct pmem_file_options *options, struct pmem_file **ret,
		   struct block_failure *ret_failure) must_use;

/* A file that was made here and of which pmem_file_keep() was not said is removed. Takes NULL. */
struct pmem_file *pmem_file_close(struct pmem_file *file);

/* It is in use now: what the guest puts there is to stay. */
void pmem_file_keep(struct pmem_file *file);

/* For mapping. */
int pmem_file_fd(const struct pmem_file *file);

/* For a queue that flushes (block_queue_create()). */
struct block_image *pmem_file_image(const struct pmem_file *file);

/*
 * Adds to @why, for people, what became of the file while it was used, and what can be done: it was
 * cut short to @size bytes of memory; or, with all of them there, pages of it could not be had.
 */
void pmem_file_explain_loss(const struct pmem_file *file, uint64_t size, struct strbuf *why);

/* Returns when all that was written, by mappings as well, is on the disk. Any thread. 0 or -errno.
 */
int pmem_file_sync(const struct pmem_file *file);

/* The tail, on the disk when it returns; the range is inside it. Any thread. 0 or a negative errno.
 */
int pmem_file_read_tail(const struct pmem_file *file, uint64_t offset, void *buf, size_t size);
int pmem_file_write_tail(const struct pmem_file *file, uint64_t offset, const void *buf,
			 size_t size);
