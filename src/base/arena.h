/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: many allocations, one free. A generation (tree, graph, diagnostics) lives in one.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

struct arena;

/**
 * arena_create() - make an empty arena
 *
 * Memory that cannot be had ends the program: a description is bounded (document/), so an arena is.
 *
 * Return: the arena; the caller owns it and gives it to arena_destroy().
 */
struct arena *arena_create(void);

/* Frees the arena and all that was allocated in it. Takes NULL. Returns NULL. */
struct arena *arena_destroy(struct arena *arena);

static inline void arena_destroy_ptr(struct arena **arena)
{
	*arena = arena_destroy(*arena);
}

#define cleanup_arena cleanup(arena_destroy_ptr)

/* @size bytes, zeroed, aligned for any type; lives as long as the arena. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* An array of @n zeroed elements of @size bytes; the product is checked. */
void *arena_array(struct arena *arena, size_t n, size_t size);

#define arena_new(arena, type)          ((type *)arena_alloc(arena, sizeof(type)))
#define arena_new_array(arena, n, type) ((type *)arena_array(arena, n, sizeof(type)))

/* Copies of strings, ended by NUL. */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) printf_like(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap) printf_like(2, 0);

/* Bytes handed out so far, for budgets and tests. */
size_t arena_used(const struct arena *arena);
