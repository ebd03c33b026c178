/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/units.h"
#include "tests/unit/cu-tap.h"

typedef int (*parse_fn)(const char *, uint64_t *, struct unit_error *);
typedef char *(*format_fn)(uint64_t, char *);

static const struct {
	parse_fn parse;
	format_fn format;
	const char *text, *canonical; /* canonical NULL: refused */
	uint64_t value;
	const char *hint; /* of what is refused */
} cases[] = {
	{size_parse, size_format, "0", "0", 0, NULL},
	{size_parse, size_format, "512MiB", "512MiB", 512 * MiB, NULL},
	{size_parse, size_format, "512M", "512MiB", 512 * MiB, NULL},
	{size_parse, size_format, "1024K", "1MiB", MiB, NULL},
	{size_parse, size_format, "4GiB", "4GiB", 4 * GiB, NULL},
	{size_parse, size_format, "1536MiB", "1536MiB", 1536 * MiB, NULL},
	{size_parse, size_format, "1000", "1000", 1000, NULL},
	{size_parse, size_format, "1000B", "1000", 1000, NULL},
	{size_parse, size_format, "16383P", "16383PiB", 16383ULL << 50, NULL},
	{size_parse, size_format, "16384P", NULL, 0, NULL},
	{size_parse, size_format, "99999999999999999999", NULL, 0, NULL},
	{size_parse, size_format, "1.5GiB", NULL, 0, "write 1536MiB"},
	{size_parse, size_format, "0.1GiB", NULL, 0, "write for example 102MiB"},
	{size_parse, size_format, "1.5GB", NULL, 0, "write 1536MiB"},
	{size_parse, size_format, "1.5B", NULL, 0, "write a whole number with a smaller unit"},
	{size_parse, size_format, "1,024MiB", NULL, 0, "write 1024MiB"},
	{size_parse, size_format, "512MB", NULL, 0, "write 512MiB"},
	{size_parse, size_format, "512 MiB", NULL, 0, "write 512MiB"},
	{size_parse, size_format, "512m", NULL, 0, "write 512MiB"},
	{size_parse, size_format, "4gb", NULL, 0, "write 4GiB"},
	{size_parse, size_format, "-1", NULL, 0, NULL},
	{size_parse, size_format, "MiB", NULL, 0, NULL},
	{size_parse, size_format, "", NULL, 0, NULL},
	{size_parse, size_format, "12abc", NULL, 0, NULL},
	{size_parse, size_format, "1_000", NULL, 0, NULL},
	{size_parse, size_format, "1e6", NULL, 0, NULL},
	{size_parse, size_format, "1.99999999999999999999999G", NULL, 0, NULL},
	{duration_parse, duration_format, "10s", "10s", 10000000000, NULL},
	{duration_parse, duration_format, "250ms", "250ms", 250000000, NULL},
	{duration_parse, duration_format, "1000ms", "1s", 1000000000, NULL},
	{duration_parse, duration_format, "90m", "90m", 5400000000000, NULL},
	{duration_parse, duration_format, "48h", "2d", 172800000000000, NULL},
	{duration_parse, duration_format, "0", "0s", 0, NULL},
	{duration_parse, duration_format, "10", NULL, 0, "add a unit, as in 10s or 250ms"},
	{duration_parse, duration_format, "5min", NULL, 0, "write 5m"},
	{duration_parse, duration_format, "5 s", NULL, 0, "write 5s"},
	{duration_parse, duration_format, "1.5s", NULL, 0, "write 1500ms"},
	{duration_parse, duration_format, "1m30s", NULL, 0,
	 "write one number and one unit, as in 90s"},
	{duration_parse, duration_format, "99999999999h9999999999999h", NULL, 0, NULL},
	{duration_parse, duration_format, "100msec", NULL, 0, "write 100ms"},
	{duration_parse, duration_format, "999999999999d", NULL, 0, NULL},
	{rate_parse, rate_format, "100MiB/s", "100MiB/s", 100 * MiB, NULL},
	{rate_parse, rate_format, "1Gbit/s", "1Gbit/s", 125000000, NULL},
	{rate_parse, rate_format, "8kbit/s", "1000", 1000, NULL},
	{rate_parse, rate_format, "100MiB", NULL, 0, "write 100MiB/s"},
	{rate_parse, rate_format, "1Gbit", NULL, 0, "write 1Gbit/s"},
	{rate_parse, rate_format, "1.5KiB/s", NULL, 0, "write 1536B/s"},
	{rate_parse, rate_format, "100Mbps", NULL, 0, "write 100Mbit/s"},
	{rate_parse, rate_format, "10mb/s", NULL, 0, "write 10Mbit/s"},
	{rate_parse, rate_format, "10MB/s", NULL, 0, "write 10MiB/s"},
};

static void units_are_exact_and_round_trip(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buffer[UNITS_TEXT_MAX];
		struct unit_error error;
		uint64_t value = 12345;
		int r = cases[i].parse(cases[i].text, &value, &error);

		if (!cases[i].canonical) {
			CU_ASSERT(r < 0);
			CU_ASSERT_EQUAL(value, 12345);
			CU_ASSERT(error.message[0] != '\0');
			if (cases[i].hint)
				CU_ASSERT_STRING_EQUAL(error.hint, cases[i].hint);
			CU_ASSERT_EQUAL(cases[i].parse(cases[i].text, &value, NULL), r);
			continue;
		}
		CU_ASSERT_EQUAL(r, 0);
		CU_ASSERT_EQUAL(value, cases[i].value);
		cases[i].format(value, buffer);
		if (cases[i].parse != rate_parse || strchr(cases[i].canonical, '/'))
			CU_ASSERT_STRING_EQUAL(buffer, cases[i].canonical);
		CU_ASSERT_EQUAL(cases[i].parse(buffer, &value, &error), 0);
		CU_ASSERT_EQUAL(value, cases[i].value);
	}
}

static void every_value_survives_its_text(void)
{
	uint64_t value = 1;
	char buffer[UNITS_TEXT_MAX];

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t v = value >> (i % 60) << (i % 41), back;

		CU_ASSERT_EQUAL(size_parse(size_format(v, buffer), &back, NULL), 0);
		CU_ASSERT_EQUAL(back, v);
		CU_ASSERT_EQUAL(duration_parse(duration_format(v, buffer), &back, NULL), 0);
		CU_ASSERT_EQUAL(back, v);
		CU_ASSERT_EQUAL(rate_parse(rate_format(v, buffer), &back, NULL), 0);
		CU_ASSERT_EQUAL(back, v);
		value = value * 6364136223846793005 + 1442695040888963407;
	}
}

static void integers_are_decimal_or_0x(void)
{
	static const char *const bad[] = {
		"",     "-",  "0x", "010", "00",  "1_000", "1e3", "0b1",
		"0o17", " 1", "1 ", "+1",  "12a", "0X1",   "--1", "18446744073709551616"};
	struct unit_error error;
	uint64_t magnitude;
	bool negative;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT(integer_parse(bad[i], &negative, &magnitude, &error) < 0);
	CU_ASSERT_EQUAL(integer_parse("010", &negative, &magnitude, &error), -EINVAL);
	CU_ASSERT_STRING_EQUAL(error.hint, "write 10");
	CU_ASSERT_EQUAL(integer_parse("-0x1F", &negative, &magnitude, &error), 0);
	CU_ASSERT(negative && magnitude == 31);
	CU_ASSERT_EQUAL(integer_parse("-0", &negative, &magnitude, &error), 0);
	CU_ASSERT(!negative && magnitude == 0);
	CU_ASSERT_EQUAL(integer_parse("18446744073709551615", &negative, &magnitude, &error), 0);
	CU_ASSERT_EQUAL(magnitude, UINT64_MAX);
}

static void macs_are_of_one_interface(void)
{
	static const char *const bad[] = {"",
					  "52:54:00:12:34",
					  "52:54:00:12:34:5",
					  "52-54-00-12-34-56",
					  "52:54:00:12:34:56:",
					  "52:54:00:12:34:5g",
					  "525400123456",
					  "00:00:00:00:00:00",
					  "01:00:5e:00:00:01",
					  "ff:ff:ff:ff:ff:ff",
					  "5",
					  "52:",
					  "52:54:00:12:34:5\xe9"};
	char buffer[UNITS_TEXT_MAX];
	struct unit_error error;
	struct mac_address mac;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(mac_parse(bad[i], &mac, &error), -EINVAL);
		CU_ASSERT(error.message[0] && error.hint[0]);
	}
	CU_ASSERT_EQUAL(mac_parse("52:54:00:AB:cd:Ef", &mac, &error), 0);
	CU_ASSERT_STRING_EQUAL(mac_format(&mac, buffer), "52:54:00:ab:cd:ef");
}

static void uuids_are_as_uuidgen_makes_them(void)
{
	static const char good[] = "8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11";
	static const char *const bad[] = {"",
					  "8f5b3a52",
					  "8f5b3a526b1e4c399a3b2f1d7f7e4c11",
					  "8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c1",
					  "8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c111",
					  "8f5b3a52-6b1e-4c39-9a3b2f1d7f7e4c11-",
					  "8f5b3a5g-6b1e-4c39-9a3b-2f1d7f7e4c11",
					  "{8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11}",
					  "00000000-0000-0000-0000-000000000000",
					  "ffffffff-ffff-ffff-ffff-FFFFFFFFFFFF"};
	char buffer[UNITS_TEXT_MAX], cut[sizeof(good)];
	struct unit_error error;
	struct uuid uuid;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(uuid_parse(bad[i], &uuid, &error), -EINVAL);
		CU_ASSERT(error.message[0] && error.hint[0]);
	}
	for (size_t n = 0; n < strlen(good); n++) {
		memcpy(cut, good, n);
		cut[n] = '\0';
		CU_ASSERT_EQUAL(uuid_parse(cut, &uuid, &error), -EINVAL);
	}
	CU_ASSERT_EQUAL(uuid_parse("8F5B3A52-6b1e-4C39-9a3b-2f1d7f7e4c11", &uuid, &error), 0);
	CU_ASSERT(uuid.bytes[0] == 0x8f && uuid.bytes[4] == 0x6b && uuid.bytes[15] == 0x11);
	CU_ASSERT_STRING_EQUAL(uuid_format(&uuid, buffer), good);
}

static void cpu_lists_name_each_cpu_once(void)
{
	static const char *const bad[] = {"",
					  "a",
					  "1,",
					  ",1",
					  "3-1",
					  "1-",
					  "0-3,2",
					  "4096",
					  "1 2",
					  "-1",
					  "1--2",
					  "1;2",
					  "99999999999999999999"};
	static const struct {
		const char *text, *canonical;
	} good[] = {{"0", "0"},         {"0-3,8", "0-3,8"}, {"8,0,1,2,3", "0-3,8"}, {"5-5", "5"},
		    {"63,64", "63-64"}, {"4095", "4095"},   {"0-4095", "0-4095"}};
	struct unit_error error;
	struct cpu_list list;
	char buffer[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT(cpu_list_parse(bad[i], &list, &error) < 0);
		CU_ASSERT(error.message[0] != '\0');
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT_EQUAL(cpu_list_parse(good[i].text, &list, &error), 0);
		CU_ASSERT_STRING_EQUAL(cpu_list_format(&list, buffer, sizeof(buffer)),
				       good[i].canonical);
	}
	CU_ASSERT_EQUAL(cpu_list_parse("1,3,5,7,9", &list, NULL), 0);
	cpu_list_format(&list, buffer, 6);
	CU_ASSERT(strlen(buffer) < 6);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"units are exact and round-trip", units_are_exact_and_round_trip},
		{"every value survives its text", every_value_survives_its_text},
		{"integers are decimal or 0x", integers_are_decimal_or_0x},
		{"MAC addresses are of one interface", macs_are_of_one_interface},
		{"UUIDs are as uuidgen makes them", uuids_are_as_uuidgen_makes_them},
		{"CPU lists name each CPU once", cpu_lists_name_each_cpu_once},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"units", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
