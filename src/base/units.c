/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes, durations, rates, MAC addresses, CPU lists and integers: text to value and back.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/units.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first; in each table the first name of a factor is the one that is printed. */
static const struct unit size_units[] = {
	{"PiB", 1ULL << 50},
	{"P", 1ULL << 50},
	{"TiB", 1ULL << 40},
	{"T", 1ULL << 40},
	{"GiB", 1ULL << 30},
	{"G", 1ULL << 30},
	{"MiB", 1ULL << 20},
	{"M", 1ULL << 20},
	{"KiB", 1ULL << 10},
	{"K", 1ULL << 10},
	{"B", 1},
};

static const struct unit duration_units[] = {
	{"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000},
	{"ms", 1000000},       {"us", 1000},         {"ns", 1},
};

static const struct unit rate_units[] = {
	{"TiB/s", 1ULL << 40}, {"T/s", 1ULL << 40}, {"GiB/s", 1ULL << 30}, {"G/s", 1ULL << 30},
	{"MiB/s", 1ULL << 20}, {"M/s", 1ULL << 20}, {"KiB/s", 1ULL << 10}, {"K/s", 1ULL << 10},
	{"Gbit/s", 125000000}, {"Mbit/s", 125000},  {"kbit/s", 125},       {"B/s", 1},
};

/* @text may be of any length: messages show the beginning. */
#define SHOWN      "%.40s%s"
#define SHOW(text) (text), strlen(text) > 40 ? "…" : ""

static void printf_like(2, 3) hint(struct unit_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

static int printf_like(3, 4) fail(int error, struct unit_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return error;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return error;
}

static void forget(struct unit_error *err)
{
	if (err)
		err->message[0] = err->hint[0] = '\0';
}

/* Digits of @base from *@text on. Return: how many there were; *@ret_over: they pass 64 bits. */
static size_t digits(const char **text, unsigned base, uint64_t *ret, bool *ret_over)
{
	const char *s = *text;
	uint64_t value = 0;

	*ret_over = false;
	for (;; s++) {
		unsigned digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if (base == 16 && isxdigit((unsigned char)*s))
			digit = (unsigned)((*s | 0x20) - 'a') + 10;
		else
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			*ret_over = true;
	}
	*ret = value;
	base = (unsigned)(s - *text);
	*text = s;
	return base;
}

int integer_parse(const char *text, bool *ret_negative, uint64_t *ret_magnitude,
		  struct unit_error *reterr)
{
	const char *s = text, *start;
	bool negative, over;
	unsigned base = 10;
	uint64_t value;

	forget(reterr);
	negative = *s == '-';
	if (negative)
		s++;
	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	start = s;
	if (!digits(&s, base, &value, &over) || *s) {
		hint(reterr, "write a decimal number or 0x and hexadecimal digits");
		return fail(-EINVAL, reterr, "'" SHOWN "' is not an integer", SHOW(text));
	}
	if (over)
		return fail(-ERANGE, reterr, "'" SHOWN "' does not fit into 64 bits", SHOW(text));
	if (base == 10 && start[0] == '0' && start[1]) {
		hint(reterr, "write %s%" PRIu64, negative ? "-" : "", value);
		return fail(-EINVAL, reterr, "'" SHOWN "' has a leading zero: decimal or octal?",
			    SHOW(text));
	}
	*ret_negative = negative && value != 0;
	*ret_magnitude = value;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/*
 * "1.5GiB": fractions are refused, because most have no exact value; the hint says it in the next
 * smaller unit. @s is at the point.
 */
static int refuse_fraction(const char *text, const char *s, uint64_t whole,
			   const struct unit *units, size_t n, const char *what,
			   struct unit_error *err)
{
	const char *fraction = s + 1;
	const struct unit *unit, *smaller;
	uint64_t part, scale = 1;
	size_t n_digits;
	bool over;

	n_digits = digits(&fraction, 10, &part, &over);
	unit = find_unit(units, n, fraction);
	if (!unit && fraction[0] && strcasecmp(fraction + 1, "b") == 0) { /* 1.5GB */
		const char letter[] = {(char)toupper((unsigned char)fraction[0]), '\0'};

		unit = find_unit(units, n, letter);
	}
	smaller = unit;
	while (smaller && smaller < units + n &&
	       (smaller->factor >= unit->factor || unit->factor % smaller->factor))
		smaller++;
	hint(err, "write a whole number with a smaller unit");
	if (n_digits && n_digits < 7 && !over && smaller && smaller < units + n &&
	    whole < UINT32_MAX) {
		uint64_t times = unit->factor / smaller->factor;

		for (size_t i = 0; i < n_digits; i++)
			scale *= 10;
		hint(err, "write %s%" PRIu64 "%s", part * times % scale ? "for example " : "",
		     whole * times + (part * times + scale / 2) / scale, smaller->name);
	}
	return fail(-EINVAL, err, "'" SHOWN "' is not a %s: fractions are not taken", SHOW(text),
		    what);
}

/* A whole number and a unit; @s is past the number and any point was refused. */
static int parse_united(const char *text, const struct unit *units, size_t n, const char *what,
			const char *example, bool bare, uint64_t *ret, struct unit_error *err)
{
	const struct unit *unit;
	const char *s = text;
	uint64_t value;
	bool over;

	forget(err);
	if (*s == '-') {
		hint(err, "write a whole number and a unit, as in %s", example);
		return fail(-EINVAL, err, "'" SHOWN "' is not a %s: it is negative", SHOW(text),
			    what);
	}
	if (!digits(&s, 10, &value, &over)) {
		hint(err, "write a whole number and a unit, as in %s", example);
		return fail(-EINVAL, err, "'" SHOWN "' is not a %s", SHOW(text), what);
	}
	if (*s == '.')
		return refuse_fraction(text, s, value, units, n, what, err);
	if (over)
		return fail(-ERANGE, err, "'" SHOWN "' is too large", SHOW(text));
	if (!*s && (bare || value == 0)) {
		*ret = value;
		return 0;
	}
	if (!*s) {
		hint(err, "add a unit, as in %s", example);
		return fail(-EINVAL, err, "'" SHOWN "' has no unit", SHOW(text));
	}
	unit = find_unit(units, n, s);
	if (!unit)
		return -ENOENT; /* the caller knows the wrong ways to write its units */
	if (__builtin_mul_overflow(value, unit->factor, &value))
		return fail(-ERANGE, err, "'" SHOWN "' is too large", SHOW(text));
	*ret = value;
	return 0;
}

/* The unit part of "512 mb": what follows the digits and blanks. */
static const char *unit_part(const char *text, int *ret_digits)
{
	*ret_digits = (int)MIN(strspn(text, "0123456789"), (size_t)20);
	text += strspn(text, "0123456789");
	return text + strspn(text, " \t");
}

static int unknown_unit(const char *text, const char *part, const char *what, const char *units,
			struct unit_error *err)
{
	if (err && !err->hint[0])
		hint(err, "units are %s", units);
	return fail(-EINVAL, err, "'" SHOWN "' is not a %s: '%.20s' is not a unit", SHOW(text),
		    what, part);
}

/* "1,024MiB", "1_024MiB": people write thousands so. */
static void hint_separators(const char *text, const struct unit *units, size_t n,
			    struct unit_error *err)
{
	size_t size = strspn(text, "0123456789,_'"), fill = 0;
	char number[24];

	for (size_t i = 0; i < size && fill < sizeof(number) - 1; i++)
		if (text[i] >= '0' && text[i] <= '9')
			number[fill++] = text[i];
	number[fill] = '\0';
	if (fill < size && find_unit(units, n, text + size))
		hint(err, "write %s%.8s", number, text + size);
}

int size_parse(const char *text, uint64_t *ret, struct unit_error *reterr)
{
	static const char binary[] = "KMGTP";
	int r = parse_united(text, size_units, ARRAY_SIZE(size_units), "size", "512MiB or 4GiB",
			     true, ret, reterr);
	const char *part, *prefix;
	int n;

	if (r != -ENOENT)
		return r;
	part = unit_part(text, &n);
	hint_separators(text, size_units, ARRAY_SIZE(size_units), reterr);
	prefix = *part ? strchr(binary, toupper((unsigned char)*part)) : NULL;
	if (prefix && (!part[1] || strcasecmp(part + 1, "b") == 0 ||
		       strcasecmp(part + 1, "ib") == 0 || strcasecmp(part + 1, "i") == 0)) {
		hint(reterr, "write %.*s%ciB", n, text, *prefix);
		if (strcmp(part + 1, "B") == 0 || strcmp(part + 1, "b") == 0)
			return fail(-EINVAL, reterr,
				    "'" SHOWN "' could mean powers of 1000 or of 1024", SHOW(text));
	}
	return unknown_unit(text, part, "size", "KiB, MiB, GiB, TiB and PiB (or K, M, G, T, P)",
			    reterr);
}

/* "1m30s" is 90s. */
static void hint_sum(const char *text, struct unit_error *err)
{
	char buffer[UNITS_TEXT_MAX];
	uint64_t sum = 0;

	for (const char *s = text; *s;) {
		const struct unit *unit = NULL;
		uint64_t value;
		char name[3];
		bool over;

		if (!digits(&s, 10, &value, &over) || over)
			return;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(s, "0123456789"), s);
		unit = find_unit(duration_units, ARRAY_SIZE(duration_units), name);
		if (!unit || s[strlen(name)] == '.' ||
		    __builtin_mul_overflow(value, unit->factor, &value) ||
		    __builtin_add_overflow(sum, value, &sum))
			return;
		s += strlen(name);
	}
	hint(err, "write one number and one unit, as in %s", duration_format(sum, buffer));
}

int duration_parse(const char *text, uint64_t *ret, struct unit_error *reterr)
{
	static const struct unit wordy[] = {
		{"sec", 's'},  {"secs", 's'},   {"second", 's'},  {"seconds", 's'}, {"min", 'm'},
		{"mins", 'm'}, {"minute", 'm'}, {"minutes", 'm'}, {"hour", 'h'},    {"hours", 'h'},
		{"day", 'd'},  {"days", 'd'},   {"S", 's'},       {"M", 'm'},       {"H", 'h'},
		{"D", 'd'},    {"hr", 'h'},     {"hrs", 'h'},
	};
	static const struct unit small[] = {
		{"msec", 'm'}, {"usec", 'u'}, {"nsec", 'n'}, {"millis", 'm'}, {"µs", 'u'}};
	int r = parse_united(text, duration_units, ARRAY_SIZE(duration_units), "duration",
			     "10s or 250ms", false, ret, reterr);
	const struct unit *word;
	const char *part;
	int n;

	if (r != -ENOENT)
		return r;
	part = unit_part(text, &n);
	word = find_unit(wordy, ARRAY_SIZE(wordy), part);
	if (word)
		hint(reterr, "write %.*s%c", n, text, (char)word->factor);
	else if (find_unit(small, ARRAY_SIZE(small), part))
		hint(reterr, "write %.*s%cs", n, text,
		     (char)find_unit(small, ARRAY_SIZE(small), part)->factor);
	else if (find_unit(duration_units, ARRAY_SIZE(duration_units), part))
		hint(reterr, "write %.*s%.8s", n, text, part);
	else
		hint_sum(text, reterr);
	return unknown_unit(text, part, "duration", "ns, us, ms, s, m, h and d", reterr);
}

/* "100Mbps", "10MB/s", "1gbit/sec": bits have a b, bytes a B, and what is neither are bits. */
static void hint_rate(const char *text, int n, const char *part, struct unit_error *err)
{
	static const char *const bits[] = {"bps",   "b/s",     "bit",    "bits",
					   "bit/s", "bit/sec", "bits/s", "bits/sec"};
	static const char *const bytes[] = {"B", "B/s", "B/sec", "Bps", "iB/sec", "iBps"};
	const char *prefix = *part ? strchr("KMGTkmgt", *part) : NULL;

	for (size_t i = 0; prefix && i < ARRAY_SIZE(bytes); i++)
		if (strcmp(part + 1, bytes[i]) == 0) {
			hint(err, "write %.*s%ciB/s", n, text, toupper((unsigned char)*prefix));
			return;
		}
	for (size_t i = 0; prefix && i < ARRAY_SIZE(bits); i++)
		if (strcasecmp(part + 1, bits[i]) == 0) {
			char letter = (char)toupper((unsigned char)*prefix);

			hint(err, "write %.*s%cbit/s", n, text, letter == 'K' ? 'k' : letter);
			return;
		}
}

int rate_parse(const char *text, uint64_t *ret, struct unit_error *reterr)
{
	int r = parse_united(text, rate_units, ARRAY_SIZE(rate_units), "rate",
			     "100MiB/s or 1Gbit/s", false, ret, reterr);
	char with_time[24];
	const char *part;
	int n;

	if (r != -ENOENT)
		return r;
	part = unit_part(text, &n);
	snprintf(with_time, sizeof(with_time), "%.16s/s", part);
	if (find_unit(rate_units, ARRAY_SIZE(rate_units), with_time))
		hint(reterr, "write %.*s%s", n, text, with_time);
	else if (find_unit(rate_units, ARRAY_SIZE(rate_units), part))
		hint(reterr, "write %.*s%.16s", n, text, part);
	else
		hint_rate(text, n, part, reterr);
	return unknown_unit(text, part, "rate", "B/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s, Gbit/s",
			    reterr);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, struct mac_address *ret, struct unit_error *reterr)
{
	struct mac_address mac;
	const char *s = text;
	bool zero = true;

	forget(reterr);
	hint(reterr, "write six pairs of hexadecimal digits, as in 52:54:00:12:34:56");
	for (unsigned i = 0; i < sizeof(mac.bytes); i++, s += 3) {
		int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return fail(-EINVAL, reterr, "'" SHOWN "' is not a MAC address",
				    SHOW(text));
		mac.bytes[i] = (uint8_t)(high << 4 | low);
		zero = zero && mac.bytes[i] == 0;
	}
	if (mac.bytes[0] & 1) {
		hint(reterr, "make its first byte even: %02x:%.14s", mac.bytes[0] & 0xfe, text + 3);
		return fail(-EINVAL, reterr, "'%s' is a multicast address, not one of an interface",
			    text);
	}
	if (zero) {
		hint(reterr, "52:54:00:12:34:56 would do");
		return fail(-EINVAL, reterr, "'%s' is not the address of an interface", text);
	}
	forget(reterr);
	*ret = mac;
	return 0;
}

/* Dashes stand before these bytes. */
static bool uuid_dash(unsigned byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int uuid_parse(const char *text, struct uuid *ret, struct unit_error *reterr)
{
	struct uuid uuid;
	const char *s = text;
	bool same = true;

	forget(reterr);
	hint(reterr,
	     "uuidgen makes one: 8, 4, 4, 4 and 12 hexadecimal digits with '-' between them");
	for (unsigned i = 0; i < sizeof(uuid.bytes); i++, s += 2) {
		int high, low;

		if (uuid_dash(i) && *s++ != '-')
			return fail(-EINVAL, reterr, "'" SHOWN "' is not a UUID", SHOW(text));
		high = hex_digit(s[0]);
		low = high < 0 ? -1 : hex_digit(s[1]);
		if (low < 0)
			return fail(-EINVAL, reterr, "'" SHOWN "' is not a UUID", SHOW(text));
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
		same = same && uuid.bytes[i] == uuid.bytes[0];
	}
	if (*s)
		return fail(-EINVAL, reterr, "'" SHOWN "' is not a UUID", SHOW(text));
	if (same && (uuid.bytes[0] == 0 || uuid.bytes[0] == 0xff))
		return fail(-EINVAL, reterr, "'%s' stands for no UUID", text);
	forget(reterr);
	*ret = uuid;
	return 0;
}

/* One CPU number at *@text. */
static int parse_cpu(const char *whole, const char **text, uint64_t *ret, struct unit_error *err)
{
	bool over;

	if (!digits(text, 10, ret, &over)) {
		hint(err, "write CPU numbers and ranges, as in 0-3,8");
		return fail(-EINVAL, err, "'" SHOWN "' is not a list of CPUs", SHOW(whole));
	}
	if (over || *ret >= CPU_LIST_MAX)
		return fail(-ERANGE, err, "'" SHOWN "': CPU numbers go up to %u", SHOW(whole),
			    CPU_LIST_MAX - 1);
	return 0;
}

int cpu_list_parse(const char *text, struct cpu_list *ret, struct unit_error *reterr)
{
	struct cpu_list list = {0};
	const char *s = text;

	forget(reterr);
	for (;;) {
		uint64_t first, last;
		int r = parse_cpu(text, &s, &first, reterr);

		if (r < 0)
			return r;
		last = first;
		if (*s == '-') {
			s++;
			r = parse_cpu(text, &s, &last, reterr);
			if (r < 0)
				return r;
		}
		if (last < first) {
			hint(reterr, "write %" PRIu64 "-%" PRIu64, last, first);
			return fail(-EINVAL, reterr,
				    "'" SHOWN "': the range %" PRIu64 "-%" PRIu64 " runs backwards",
				    SHOW(text), first, last);
		}
		for (uint64_t cpu = first; cpu <= last; cpu++) {
			if (cpu_list_has(&list, (unsigned)cpu))
				return fail(-EINVAL, reterr,
					    "'" SHOWN "' names CPU %" PRIu64 " twice", SHOW(text),
					    cpu);
			list.words[cpu / 64] |= 1ULL << (cpu % 64);
		}
		if (!*s)
			break;
		if (*s != ',') {
			hint(reterr, "write CPU numbers and ranges, as in 0-3,8");
			return fail(-EINVAL, reterr, "'" SHOWN "' is not a list of CPUs",
				    SHOW(text));
		}
		s++;
	}
	*ret = list;
	return 0;
}

static char *format_united(uint64_t value, const struct unit *units, size_t n, const char *zero,
			   char *buffer)
{
	for (size_t i = 0; value && i < n; i++) {
		if (value % units[i].factor)
			continue;
		/* Bytes are printed bare: the unit of the smallest size is optional. */
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 "%s", value / units[i].factor,
			 strcmp(units[i].name, "B") == 0 ? "" : units[i].name);
		return buffer;
	}
	snprintf(buffer, UNITS_TEXT_MAX, "%s", zero);
	return buffer;
}

char *size_format(uint64_t bytes, char *buffer)
{
	return format_united(bytes, size_units, ARRAY_SIZE(size_units), "0", buffer);
}

char *duration_format(uint64_t nanoseconds, char *buffer)
{
	return format_united(nanoseconds, duration_units, ARRAY_SIZE(duration_units), "0s", buffer);
}

char *rate_format(uint64_t bytes_per_second, char *buffer)
{
	return format_united(bytes_per_second, rate_units, ARRAY_SIZE(rate_units), "0B/s", buffer);
}

char *mac_format(const struct mac_address *mac, char *buffer)
{
	const uint8_t *b = mac->bytes;

	snprintf(buffer, UNITS_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5]);
	return buffer;
}

char *uuid_format(const struct uuid *uuid, char *buffer)
{
	char *at = buffer;

	for (unsigned i = 0; i < sizeof(uuid->bytes); i++)
		at += sprintf(at, uuid_dash(i) ? "-%02x" : "%02x", uuid->bytes[i]);
	return buffer;
}

char *cpu_list_format(const struct cpu_list *list, char *buffer, size_t size)
{
	size_t fill = 0;

	invariant(size > 0);
	buffer[0] = '\0';
	for (unsigned cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		unsigned first = cpu;
		int n;

		if (!cpu_list_has(list, cpu)) {
			if (!list->words[cpu / 64])
				cpu |= 63; /* most of a list is nothing */
			continue;
		}
		while (cpu_list_has(list, cpu + 1))
			cpu++;
		n = snprintf(buffer + fill, size - fill, cpu > first ? "%s%u-%u" : "%s%u",
			     fill ? "," : "", first, cpu);
		if (n < 0 || (size_t)n >= size - fill)
			break;
		fill += (size_t)n;
	}
	return buffer;
}
