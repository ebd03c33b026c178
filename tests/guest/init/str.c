/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, numbers, formatted output and whole files, for a program without a C library. */
#include <fcntl.h>

#include "sys.h"

int out_fd = 1;
static char out_buf[8192];
static size_t out_len;

/*
 * The compiler may call these by itself, so they must not be turned into calls of themselves; clang
 * knows them by their names.
 */
#ifdef __clang__
#define PLAIN_LOOP
#else
#define PLAIN_LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

PLAIN_LOOP void *memcpy(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

PLAIN_LOOP void *memset(void *to, int c, size_t n)
{
	unsigned char *t = to;

	while (n--)
		*t++ = (unsigned char)c;
	return to;
}

PLAIN_LOOP size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool str_eq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool str_starts(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

const char *str_find(const char *s, const char *needle)
{
	for (; *s; s++)
		if (str_starts(s, needle))
			return s;
	return NULL;
}

bool parse_u64(const char *s, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned base = 10;
	const char *start;

	if (str_starts(s, "0x")) {
		base = 16;
		s += 2;
	}
	for (start = s;; s++) {
		char c = *s | 0x20;
		unsigned digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			break;
		value = value * base + digit;
	}
	if (s == start)
		return false;
	switch (*s) {
	case 'K':
		value <<= 10, s++;
		break;
	case 'M':
		value <<= 20, s++;
		break;
	case 'G':
		value <<= 30, s++;
		break;
	}
	*ret = value;
	return !*s;
}

bool parse_ip(const char *s, uint32_t *ret)
{
	uint32_t ip = 0;

	for (int i = 0; i < 4; i++) {
		unsigned part = 0;
		const char *start = s;

		while (*s >= '0' && *s <= '9' && part < 256)
			part = part * 10 + (unsigned)(*s++ - '0');
		if (s == start || part > 255 || *s++ != (i < 3 ? '.' : '\0'))
			return false;
		ip |= part << (8 * i);
	}
	*ret = ip;
	return true;
}

void out_flush(void)
{
	size_t done = 0;

	while (done < out_len) {
		long n = sys(write, out_fd, out_buf + done, out_len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	out_len = 0;
}

void out_bytes(const void *buf, size_t n)
{
	const char *p = buf;

	while (n) {
		size_t chunk = sizeof(out_buf) - out_len;

		if (chunk > n)
			chunk = n;
		memcpy(out_buf + out_len, p, chunk);
		out_len += chunk;
		p += chunk;
		n -= chunk;
		if (out_len == sizeof(out_buf))
			out_flush();
	}
}

struct sink {
	char *buf; /* NULL: the console */
	size_t size, len;
};

static void sink_put(struct sink *sink, const char *s, size_t n)
{
	if (!sink->buf) {
		out_bytes(s, n);
		return;
	}
	while (n-- && sink->len + 1 < sink->size)
		sink->buf[sink->len++] = *s++;
}

static void sink_number(struct sink *sink, uint64_t value, unsigned base, int width)
{
	char digits[24];
	int n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
		width--;
	} while (value || (width > 0 && n > 0));
	sink_put(sink, digits + n, sizeof(digits) - (size_t)n);
}

static void sink_format(struct sink *sink, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		int width = 0;
		bool wide = false;

		if (*fmt != '%') {
			sink_put(sink, fmt, 1);
			continue;
		}
		for (fmt++; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (*fmt - '0');
		for (; *fmt == 'l'; fmt++)
			wide = true;
		switch (*fmt) {
		case 's': {
			const char *s = va_arg(ap, const char *);

			sink_put(sink, s, strlen(s));
			break;
		}
		case 'c': {
			char c = (char)va_arg(ap, int);

			sink_put(sink, &c, 1);
			break;
		}
		case 'd': {
			long v = wide ? va_arg(ap, long) : va_arg(ap, int);

			if (v < 0)
				sink_put(sink, "-", 1);
			sink_number(sink, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width);
			break;
		}
		case 'u':
		case 'x': {
			uint64_t v = wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned);

			sink_number(sink, v, *fmt == 'x' ? 16 : 10, width);
			break;
		}
		default:
			sink_put(sink, "%", 1);
		}
	}
}

void out(const char *fmt, ...)
{
	struct sink sink = {0};
	va_list ap;

	va_start(ap, fmt);
	sink_format(&sink, fmt, ap);
	va_end(ap);
}

void format(char *buf, size_t size, const char *fmt, ...)
{
	struct sink sink = {.buf = buf, .size = size};
	va_list ap;

	va_start(ap, fmt);
	sink_format(&sink, fmt, ap);
	va_end(ap);
	buf[sink.len] = '\0';
}

long read_file(const char *path, char *buf, size_t size)
{
	long fd = sys(open, path, O_RDONLY), n;
	size_t len = 0;

	buf[0] = '\0';
	if (fd < 0)
		return fd;
	do {
		n = sys(read, fd, buf + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	sys(close, fd);
	buf[len] = '\0';
	return n < 0 ? n : (long)len;
}

long write_file(const char *path, const char *text)
{
	long fd = sys(open, path, O_WRONLY | O_CREAT, 0644), n;
	size_t len = strlen(text);

	if (fd < 0)
		return fd;
	n = sys(write, fd, text, len);
	sys(close, fd);
	return n;
}
