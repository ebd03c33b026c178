/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls and the few string functions that the guest's init needs. It has no C library: each
 * page that a program touches and each call that it makes costs milliseconds where the guest's
 * kernel is emulated.
 */
#pragma once

#include <asm/unistd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define sys_6(n, a, b, c, d, e, f, ...) \
	sys6(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* sys(read, fd, buf, len): a system call by name; a negative errno on failure. */
#define sys(...) sys_6(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline long sleep_ms(uint64_t ms)
{
	long time[2] = {(long)(ms / 1000), (long)(ms % 1000) * 1000000};

	return sys(nanosleep, time, NULL);
}

/* str.c */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
size_t strlen(const char *s);
bool str_eq(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
const char *str_find(const char *s, const char *needle);

/* A number with an optional 0x and an optional suffix K, M or G; false when it is none. */
bool parse_u64(const char *s, uint64_t *ret);
/* a.b.c.d, in network order. */
bool parse_ip(const char *s, uint32_t *ret);

/* Output is gathered and written to the console in one piece: out_flush(), or the end of a command.
 */
extern int out_fd;
void out(const char *format, ...); /* %s %d %u %x %lu %lx %02x-like widths, %c %% */
void out_bytes(const void *buf, size_t n);
void out_flush(void);

/* @format as for out(), into @buf, always terminated. */
void format(char *buf, size_t size, const char *format, ...);

/* Reads up to size - 1 bytes of a file and ends them with NUL; the length or a negative errno. */
long read_file(const char *path, char *buf, size_t size);
long write_file(const char *path, const char *text);
