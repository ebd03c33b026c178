/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taken ranges are kept sorted in one array: a machine has tens of them.
 */
#include <string.h>

#include "base/arena.h"
#include "graph/ranges.h"

struct range {
	uint64_t base, end;
};

struct ranges {
	struct arena *arena;
	uint64_t first, end;
	struct range *taken; /* sorted, no two touch the same number */
	size_t n, room;
};

struct ranges *ranges_create(struct arena *arena, uint64_t first, uint64_t end)
{
	struct ranges *ranges = arena_new(arena, struct ranges);

	invariant(first <= end);
	ranges->arena = arena;
	ranges->first = first;
	ranges->end = end;
	return ranges;
}

static void insert(struct ranges *ranges, size_t at, uint64_t base, uint64_t end)
{
	if (ranges->n == ranges->room) {
		size_t room = MAX(ranges->room * 2, (size_t)8);
		struct range *more = arena_new_array(ranges->arena, room, struct range);

		if (ranges->n)
			memcpy(more, ranges->taken, ranges->n * sizeof(*more));
		ranges->taken = more;
		ranges->room = room;
	}
	memmove(&ranges->taken[at + 1], &ranges->taken[at],
		(ranges->n - at) * sizeof(*ranges->taken));
	ranges->taken[at] = (struct range){base, end};
	ranges->n++;
}

bool ranges_take(struct ranges *ranges, uint64_t base, uint64_t size)
{
	uint64_t end;
	size_t i;

	if (size == 0 || __builtin_add_overflow(base, size, &end))
		return false;
	if (base < ranges->first || end > ranges->end)
		return false;
	for (i = 0; i < ranges->n && ranges->taken[i].base < end; i++)
		if (ranges->taken[i].end > base)
			return false;
	insert(ranges, i, base, end);
	return true;
}

bool ranges_alloc(struct ranges *ranges, uint64_t size, uint64_t align, uint64_t *ret_base)
{
	uint64_t candidate = ranges->first, base, end;
	size_t i;

	invariant(IS_POWER_OF_2(align));
	if (size == 0)
		return false;
	for (i = 0; i <= ranges->n; i++) {
		uint64_t limit = i < ranges->n ? ranges->taken[i].base : ranges->end;

		if (__builtin_add_overflow(candidate, align - 1, &base))
			return false;
		base = ALIGN_DOWN(base, align);
		if (!__builtin_add_overflow(base, size, &end) && end <= limit) {
			insert(ranges, i, base, end);
			*ret_base = base;
			return true;
		}
		if (i < ranges->n)
			candidate = ranges->taken[i].end;
	}
	return false;
}
