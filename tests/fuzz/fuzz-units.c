/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a size, duration, rate, MAC address, list of CPUs or integer, and any number printed
 * as each: what is printed and read again is the same value, what is refused has a message, and the
 * value agrees with one that is calculated in another way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/units.h"
#include "tests/fuzz/fuzz.h"

#define MAX_TEXT 256

typedef int (*parse_fn)(const char *, uint64_t *, struct unit_error *);
typedef char *(*format_fn)(uint64_t, char *);

static const struct {
	parse_fn parse;
	format_fn format;
} quantities[] = {
	{size_parse, size_format},
	{duration_parse, duration_format},
	{rate_parse, rate_format},
};

unsigned long fuzz_goal; /* texts that were taken */

/* What is refused says why, in words that end; @untouched: nothing was written. */
static void expect_refused(int r, const struct unit_error *error, bool untouched)
{
	invariant(r == -EINVAL || r == -ERANGE);
	invariant(error->message[0] && memchr(error->message, '\0', sizeof(error->message)));
	invariant(memchr(error->hint, '\0', sizeof(error->hint)));
	invariant(untouched);
}

static void check_number(uint64_t value)
{
	char text[UNITS_TEXT_MAX];
	uint64_t again;

	for (unsigned i = 0; i < ARRAY_SIZE(quantities); i++) {
		invariant(quantities[i].format(value, text) == text);
		invariant(quantities[i].parse(text, &again, NULL) == 0 && again == value);
	}
}

/* The number in front times a factor of 128 bits: the product fits, or the text was refused. */
static void check_overflow(const char *text, uint64_t value)
{
	unsigned __int128 number = 0;
	const char *s = text;

	for (; *s >= '0' && *s <= '9'; s++)
		number = number > UINT64_MAX ? number : number * 10 + (unsigned)(*s - '0');
	invariant(number <= UINT64_MAX);
	/* Every unit is at least one, but for bits, of which there are eight in a byte. */
	invariant(value >= number || strstr(s, "bit/s"));
	invariant(number == 0 ? value == 0 : value % number == 0);
}

static void check_quantity(unsigned i, const char *text)
{
	struct unit_error error;
	uint64_t value = 0x5a5a, again;
	char printed[UNITS_TEXT_MAX];
	int r;

	memset(&error, 0xff, sizeof(error));
	r = quantities[i].parse(text, &value, &error);
	invariant(quantities[i].parse(text, &again, NULL) == r);
	if (r < 0) {
		expect_refused(r, &error, value == 0x5a5a);
		return;
	}
	fuzz_goal++;
	check_overflow(text, value);
	check_number(value);
	quantities[i].format(value, printed);
	invariant(strlen(printed) < sizeof(printed));
}

static void check_mac(const char *text)
{
	struct mac_address mac = {{1, 2, 3, 4, 5, 6}}, again, before = mac;
	char printed[UNITS_TEXT_MAX];
	struct unit_error error;
	int r = mac_parse(text, &mac, &error);

	if (r < 0) {
		expect_refused(r, &error, !memcmp(&mac, &before, sizeof(mac)));
		return;
	}
	fuzz_goal++;
	invariant(!(mac.bytes[0] & 1));
	invariant(!mac_parse(mac_format(&mac, printed), &again, NULL) &&
		  !memcmp(&mac, &again, sizeof(mac)));
	invariant(strcasecmp(printed, text) == 0);
}

static void check_uuid(const char *text)
{
	struct uuid uuid = {{1, 2, 3}}, again, before = uuid;
	char printed[UNITS_TEXT_MAX];
	struct unit_error error;
	int r = uuid_parse(text, &uuid, &error);

	if (r < 0) {
		expect_refused(r, &error, !memcmp(&uuid, &before, sizeof(uuid)));
		return;
	}
	fuzz_goal++;
	invariant(!uuid_parse(uuid_format(&uuid, printed), &again, NULL) &&
		  !memcmp(&uuid, &again, sizeof(uuid)));
	invariant(strcasecmp(printed, text) == 0);
}

static void check_cpus(const char *text)
{
	static char printed[CPU_LIST_MAX * 5];
	struct cpu_list cpus = {{7}}, again, before = cpus;
	struct unit_error error;
	char little[5];
	int r = cpu_list_parse(text, &cpus, &error);

	if (r < 0) {
		expect_refused(r, &error, !memcmp(&cpus, &before, sizeof(cpus)));
		return;
	}
	fuzz_goal++;
	cpu_list_format(&cpus, printed, sizeof(printed));
	invariant(printed[0] && strlen(printed) <= strlen(text));
	invariant(!cpu_list_parse(printed, &again, NULL) && !memcmp(&cpus, &again, sizeof(cpus)));
	invariant(strlen(cpu_list_format(&cpus, little, sizeof(little))) < sizeof(little));
}

static void check_integer(const char *text)
{
	uint64_t magnitude = 0x5a5a, again;
	char printed[UNITS_TEXT_MAX];
	struct unit_error error;
	bool negative, sign;
	int r = integer_parse(text, &negative, &magnitude, &error);

	if (r < 0) {
		expect_refused(r, &error, magnitude == 0x5a5a);
		return;
	}
	fuzz_goal++;
	invariant(!negative || magnitude);
	snprintf(printed, sizeof(printed), "%s%" PRIu64, negative ? "-" : "", magnitude);
	invariant(!integer_parse(printed, &sign, &again, NULL) && sign == negative &&
		  again == magnitude);
	snprintf(printed, sizeof(printed), "%s0x%" PRIx64, negative ? "-" : "", magnitude);
	invariant(!integer_parse(printed, &sign, &again, NULL) && sign == negative &&
		  again == magnitude);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[MAX_TEXT] = "";
	uint64_t number = 0;
	struct mac_address mac;

	memcpy(&number, data, MIN(size, sizeof(number)));
	check_number(number);
	memcpy(mac.bytes, &number, sizeof(mac.bytes));
	mac_format(&mac, text);
	check_mac(text);
	memset(text, 0, sizeof(text));
	memcpy(text, data, MIN(size, sizeof(text) - 1));
	for (unsigned i = 0; i < ARRAY_SIZE(quantities); i++)
		check_quantity(i, text);
	check_mac(text);
	check_uuid(text);
	check_cpus(text);
	check_integer(text);
	return 0;
}
