/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars in schemas: numbers, and whether a default is a value of its type.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct type;
struct yml;

/* A decimal integer, negative ones in two's complement. */
bool scalar_integer(const char *text, uint64_t *ret);

/* Adds an error when @value is no value of @type. */
void check_default(const struct yml *value, const struct type *type);
