/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing strings; the room doubles, so that appending is linear in all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"

#define STRBUF_FIRST_ROOM 256

void strbuf_fini(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

static void make_room(struct strbuf *buf, size_t more)
{
	size_t wanted, room = MAX(buf->room, (size_t)STRBUF_FIRST_ROOM);

	invariant(!__builtin_add_overflow(buf->size, more, &wanted) && wanted < SIZE_MAX / 4);
	if (wanted < buf->room)
		return;
	while (room <= wanted)
		room *= 2;
	buf->text = realloc(buf->text, room);
	invariant(buf->text != NULL);
	buf->room = room;
}

void strbuf_add(struct strbuf *buf, const char *text, size_t size)
{
	make_room(buf, size);
	memcpy(buf->text + buf->size, text, size);
	buf->size += size;
	buf->text[buf->size] = '\0';
}

void strbuf_puts(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_fill(struct strbuf *buf, char c, size_t n)
{
	make_room(buf, n);
	memset(buf->text + buf->size, c, n);
	buf->size += n;
	buf->text[buf->size] = '\0';
}

void strbuf_vprintf(struct strbuf *buf, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	invariant(n >= 0);
	make_room(buf, (size_t)n);
	vsnprintf(buf->text + buf->size, (size_t)n + 1, fmt, ap);
	buf->size += (size_t)n;
}

void strbuf_printf(struct strbuf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(buf, fmt, ap);
	va_end(ap);
}

void strbuf_clear(struct strbuf *buf)
{
	buf->size = 0;
	if (buf->text)
		buf->text[0] = '\0';
}

int strbuf_write(struct strbuf *buf, int fd)
{
	size_t done = 0;

	while (done < buf->size) {
		ssize_t n = write(fd, buf->text + done, buf->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	strbuf_clear(buf);
	return 0;
}
