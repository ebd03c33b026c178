/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units people write, each parsed and printed in one place: sizes, durations, rates, MAC addresses,
 * CPU lists, integers. Every parser says in a sentence what is wrong. A value printed and parsed
 * again is the same value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Long enough for every formatter but cpu_list_format(). */
#define UNITS_TEXT_MAX 40

/* What is wrong with a text, and what to write; strings ended by NUL, the hint may be empty. */
struct unit_error {
	char message[160];
	char hint[96];
};

struct mac_address {
	uint8_t bytes[6];
};

struct uuid {
	uint8_t bytes[16]; /* in the order they are written in text */
};

#define CPU_LIST_MAX 4096 /* CPUs are numbered below */

struct cpu_list {
	uint64_t words[CPU_LIST_MAX / 64];
};

/*
 * The parsers: 0, or -EINVAL (not of that form) or -ERANGE (does not fit) with @reterr filled in
 * (which may be NULL). @ret is set on success only.
 */

/* An integer: decimal or 0x, with an optional minus sign; no leading zeros. */
int integer_parse(const char *text, bool *ret_negative, uint64_t *ret_magnitude,
		  struct unit_error *reterr);

/* Bytes: "512MiB", "4G" (= 4GiB), "1048576"; K, M, G, T, P are powers of 1024. */
int size_parse(const char *text, uint64_t *ret, struct unit_error *reterr);

/* Nanoseconds: "10s", "250ms"; ns, us, ms, s, m, h, d. A bare number other than 0 is refused. */
int duration_parse(const char *text, uint64_t *ret, struct unit_error *reterr);

/* Bytes a second: "100MiB/s", "1Gbit/s" (decimal bits: kbit, Mbit, Gbit). */
int rate_parse(const char *text, uint64_t *ret, struct unit_error *reterr);

/* "52:54:00:12:34:56"; an address of one interface: neither all zeros nor multicast. */
int mac_parse(const char *text, struct mac_address *ret, struct unit_error *reterr);

/* "8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11"; neither all zeros nor all ones, which stand for none. */
int uuid_parse(const char *text, struct uuid *ret, struct unit_error *reterr);

/* "0-3,8"; at least one CPU, each below CPU_LIST_MAX and named once. */
int cpu_list_parse(const char *text, struct cpu_list *ret, struct unit_error *reterr);

/*
 * The formatters print the canonical form: the largest unit that divides the value. They return the
 * buffer. @buffer holds UNITS_TEXT_MAX bytes; of a CPU list as many as @size says, cut if too few.
 */
char *size_format(uint64_t bytes, char *buffer);
char *duration_format(uint64_t nanoseconds, char *buffer);
char *rate_format(uint64_t bytes_per_second, char *buffer);
char *mac_format(const struct mac_address *mac, char *buffer);
char *uuid_format(const struct uuid *uuid, char *buffer);
char *cpu_list_format(const struct cpu_list *list, char *buffer, size_t size);

static inline bool cpu_list_has(const struct cpu_list *list, unsigned cpu)
{
	return cpu < CPU_LIST_MAX && (list->words[cpu / 64] >> (cpu % 64) & 1);
}
