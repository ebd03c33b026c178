/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind guest memory that lose pages while they are mapped. What is lost is replaced by
 * zeros that nobody keeps, so that the guest and the threads of devices go on, and the machine's
 * owner hears of it (struct machine_handlers). Inside src/machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct backing;

/**
 * backing_add() - watch over a mapping
 * @host, @size: where a file is mapped, from its first byte on, shared
 * @gpa: where the guest finds it
 * @fd: the file; stays open until backing_remove()
 * @read_only: it is mapped without write access
 * @wake_fd: an eventfd to write to when pages were lost
 * @ret: for backing_remove()
 *
 * Main thread. Return: 0 or a negative errno.
 */
int backing_add(void *host, uint64_t size, uint64_t gpa, int fd, bool read_only, int wake_fd,
		struct backing **ret) must_use;

/* When something else is mapped there. Takes NULL. Returns NULL. Main thread. */
struct backing *backing_remove(struct backing *backing);

/*
 * Looks at every file: KVM says only that it could not have a page. Return: a number that has
 * grown since the last call if it is worth another try. Any thread.
 */
unsigned backing_mend_all(void);

/* Tries the page at a guest-physical address, as its first use would; the same number. Any thread.
 */
unsigned backing_mend_at(uint64_t gpa);

/*
 * What is left where KVM does not say which: pages that files do not have yet, and that their file
 * system has no room for; the same number. Any thread.
 */
unsigned backing_mend_holes(void);

/* How much of the file was there when it was shortest, and whether pages in that part were lost. */
uint64_t backing_size(const struct backing *backing);
bool backing_has_holes(const struct backing *backing);
