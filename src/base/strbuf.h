/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string that grows: what is printed is made whole here and written with one call.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

struct strbuf {
	char *text; /* ended by NUL; NULL while empty */
	size_t size, room;
};

#define STRBUF_INIT        \
	{                  \
		NULL, 0, 0 \
	}

/* Frees the text; the buffer is empty and usable again. */
void strbuf_fini(struct strbuf *buf);

#define cleanup_strbuf cleanup(strbuf_fini)

/* Each appends. Memory that cannot be had ends the program. */
void strbuf_add(struct strbuf *buf, const char *text, size_t size);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_fill(struct strbuf *buf, char c, size_t n);
void strbuf_printf(struct strbuf *buf, const char *fmt, ...) printf_like(2, 3);
void strbuf_vprintf(struct strbuf *buf, const char *fmt, va_list ap) printf_like(2, 0);

static inline void strbuf_putc(struct strbuf *buf, char c)
{
	strbuf_fill(buf, c, 1);
}

/* Empties the buffer and keeps its memory. */
void strbuf_clear(struct strbuf *buf);

/* Writes all of it to @fd and empties it. Return: 0 or a negative errno. */
int strbuf_write(struct strbuf *buf, int fd);
