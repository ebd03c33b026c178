/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port I/O and MMIO address spaces: who answers which address. Exits are dispatched through an
 * immutable sorted table that is replaced by pointer swap, so plugging takes no lock on the exit
 * path.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct address_space;

/*
 * Accesses of 1, 2, 4 or 8 bytes at @offset into the region, never past its end; @value is the low
 * @size bytes. Called on vCPU threads, several at a time: the device takes its own lock.
 */
struct io_ops {
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
	void (*write)(void *opaque, uint64_t offset, unsigned size, uint64_t value);
};

struct io_region {
	const char *name; /* outlives the region; for the log */
	uint64_t base, size;
	const struct io_ops *ops;
	void *opaque;
};

/* Main thread, or a vCPU thread for PCI BARs. -EEXIST: overlaps another region. */
int address_space_add(struct address_space *as, const struct io_region *region) must_use;

/*
 * Takes the region at @base away. Return: 0, or -ENOENT. After address_space_quiesce() no vCPU is
 * in its callbacks any more; the opaque may be freed then, not before.
 */
int address_space_remove(struct address_space *as, uint64_t base);

/* Waits until every vCPU that was in a callback has left it. Main thread only, never from a
 * callback. */
void address_space_quiesce(struct address_space *as);
