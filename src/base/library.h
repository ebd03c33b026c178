/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared libraries that few runs need: they are opened then, so that the others neither wait for
 * them nor carry them.
 */
#pragma once

#include <stddef.h>

#include "base/compiler.h"

/* One function of a library, and the member of a table of pointers where its address belongs. */
struct library_function {
	size_t offset;
	const char *name;
};

#define LIBRARY_FUNCTION(table, member, name)        \
	{                                            \
		offsetof(struct table, member), name \
	}

/**
 * library_open() - a library's functions
 * @soname: as the dynamic linker finds it, "libexpat.so.1"
 * @functions: those that are needed, @n of them
 * @table: the pointers to them; good on success only
 * @ret_why: what is wrong, without a full stop; it stays until the next call
 *
 * The library stays to the end of the process. Not for a static weft, where there is no linker to
 * ask. For one thread at a time.
 *
 * Return: 0, or -ENOENT: the library, or one of the functions, is not there.
 */
must_use int library_open(const char *soname, const struct library_function *functions, size_t n,
			  void *table, const char **ret_why);
