/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a text that may be no YAML, looked at as a person does: where it begins, where its
 * colon is. Inside of document/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct source;

struct line {
	uint32_t number;  /* from 1; 0: there is none */
	const char *text; /* not ended by NUL; never NULL */
	size_t size;
	size_t indent; /* bytes of blanks before the first other character */
};

struct line line_get(const struct source *source, uint32_t number);

/* The nearest one above @number that is neither blank nor a comment. */
struct line line_above(const struct source *source, uint32_t number);

/* Columns are characters from 1 on, bytes are counted from 0. */
size_t line_byte(const struct line *line, uint32_t column);
uint32_t line_column(const struct line *line, size_t byte);

/* Where the colon of `key: value` or `key:` stands, or the line's size when there is none. */
size_t line_colon(const struct line *line);

/* The first byte of the value behind the colon at @colon; the line's size when there is none. */
size_t line_value(const struct line *line, size_t colon);
