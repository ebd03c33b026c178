/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena is a chain of blocks; an allocation is a bump of the newest block's fill mark. Blocks
 * double up to a limit, so a small description costs one page or two and a large one few calls.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

#define ARENA_FIRST_BLOCK (4 * KiB)
#define ARENA_MAX_BLOCK   (256 * KiB)
#define ARENA_ALIGN       _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t size, fill;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct arena_block *newest;
	size_t used;
};

static void add_block(struct arena *arena, size_t at_least)
{
	size_t size = arena->newest ? MIN(arena->newest->size * 2, (size_t)ARENA_MAX_BLOCK)
				    : (size_t)ARENA_FIRST_BLOCK;
	struct arena_block *block;

	size = MAX(size, at_least);
	block = calloc(1, sizeof(*block) + size);
	invariant(block != NULL);
	block->size = size;
	block->next = arena->newest;
	arena->newest = block;
}

struct arena *arena_create(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	invariant(arena != NULL);
	return arena;
}

struct arena *arena_destroy(struct arena *arena)
{
	struct arena_block *block, *next;

	if (!arena)
		return NULL;
	for (block = arena->newest; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
	return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block;
	void *p;

	invariant(size <= SIZE_MAX / 2);
	size = ALIGN_UP(MAX(size, (size_t)1), ARENA_ALIGN);
	block = arena->newest;
	if (!block || block->size - block->fill < size) {
		add_block(arena, size);
		block = arena->newest;
	}
	p = block->bytes + block->fill;
	block->fill += size;
	arena->used += size;
	return p;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t bytes;

	invariant(!__builtin_mul_overflow(n, size, &bytes));
	return arena_alloc(arena, bytes);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	invariant(n >= 0);
	s = arena_alloc(arena, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return s;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
