/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the language lacks: cleanup attributes, ownership transfer, alignment, container_of.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define cleanup(fn)       __attribute__((cleanup(fn)))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define unused            __attribute__((unused))
#define noreturn_fn       __attribute__((noreturn))
#define must_use          __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b)                                  \
	({                                         \
		__auto_type min_a_ = (a);          \
		__auto_type min_b_ = (b);          \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__auto_type max_a_ = (a);          \
		__auto_type max_b_ = (b);          \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

/* @align is a power of two. */
#define ALIGN_UP(x, align)   (((x) + ((__typeof__(x))(align)-1)) & ~((__typeof__(x))(align)-1))
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)
#define IS_POWER_OF_2(x)     ((x) != 0 && ((x) & ((x)-1)) == 0)

#define KiB (1ULL << 10)
#define MiB (1ULL << 20)
#define GiB (1ULL << 30)

/* Gives the pointer away: the variable no longer owns it. */
#define TAKE_PTR(p)                        \
	({                                 \
		__auto_type take_p_ = (p); \
		(p) = NULL;                \
		take_p_;                   \
	})

/* A broken invariant is a bug in weft: it ends the program in every build. */
#define invariant(cond) ((cond) ? (void)0 : invariant_failed(#cond, __FILE__, __LINE__))
noreturn_fn void invariant_failed(const char *cond, const char *file, int line);

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

/* Frees a heap pointer at the end of its scope. */
#define cleanup_free cleanup(free_ptr)
