/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator of ranges of numbers: PCI slots, GSIs, memory slots and guest-physical addresses are
 * all given out by it. Lowest fit first, so the outcome depends on what is asked for, not on
 * history.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct arena;
struct ranges;

/* Everything from @first up to, not including, @end is free. Lives in @arena. */
struct ranges *ranges_create(struct arena *arena, uint64_t first, uint64_t end);

/* Takes exactly [@base, @base + @size). Return: false if any of it is taken or outside. */
bool ranges_take(struct ranges *ranges, uint64_t base, uint64_t size) must_use;

/*
 * Takes the lowest free range of @size numbers whose base is a multiple of @align (a power of two).
 * Return: false if there is none.
 */
bool ranges_alloc(struct ranges *ranges, uint64_t size, uint64_t align,
		  uint64_t *ret_base) must_use;
