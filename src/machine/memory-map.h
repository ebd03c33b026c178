/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map behind guest memory: which guest-physical ranges are RAM. It grows by pointer swap, so
 * that readers on any thread take no lock. Only the machine changes it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct guest_memory;

/* Empty. NULL when memory is short. */
struct guest_memory *guest_memory_create(void);

/* Takes NULL. Returns NULL. The host's side of the regions stays the caller's. */
struct guest_memory *guest_memory_destroy(struct guest_memory *mem);

/*
 * Makes [gpa, gpa + size) RAM, at @host. Main thread; readers go on meanwhile. Return: 0, -EEXIST
 * (overlaps), -EINVAL (nothing, or up to the end of 64 bits), -ENOMEM.
 */
int guest_memory_add(struct guest_memory *mem, uint64_t gpa, uint64_t size, void *host) must_use;

/*
 * The same for memory of a device: buffers may lie in it, rings may not; nor may buffers to write
 * when it is @read_only.
 */
int guest_memory_add_device(struct guest_memory *mem, uint64_t gpa, uint64_t size, void *host,
			    bool read_only) must_use;

/*
 * Takes the region that begins at @gpa out. Main thread; readers go on meanwhile, with the old map
 * or the new one. Return: 0, -ENOENT, -ENOMEM.
 */
int guest_memory_remove(struct guest_memory *mem, uint64_t gpa) must_use;

/* Frees the maps that were replaced. Main thread; whoever read one then has ended since. */
void guest_memory_reclaim(struct guest_memory *mem);
