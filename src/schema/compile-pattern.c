/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns to Glushkov automata: one state a character of the pattern, so that matching needs no
 * memory, no backtracking and no libc. The subset is what ECMA-262 and everyone else agree on:
 * characters, classes, groups, `|` in groups, `* + ? {m,n}`, between `^` and `$`.
 */
#include <string.h>

#include "schema/compile.h"

struct parser {
	const struct yml *at;
	const char *p;
	struct pattern *out;
	bool failed;
	unsigned depth;
};

/* A part of the pattern: where it can start and end, and whether it can be nothing. */
struct part {
	uint64_t first, last;
	bool empty;
};

static struct part parse_choice(struct parser *parser);

static void fail(struct parser *parser, const char *why)
{
	if (!parser->failed)
		yml_error(parser->at, "pattern: %s", why);
	parser->failed = true;
}

static void follow(struct parser *parser, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < parser->out->n; i++)
		if (from >> i & 1)
			parser->out->follow[i] |= to;
}

static struct part join(struct parser *parser, struct part a, struct part b)
{
	follow(parser, a.last, b.first);
	return (struct part){
		.first = a.first | (a.empty ? b.first : 0),
		.last = b.last | (b.empty ? a.last : 0),
		.empty = a.empty && b.empty,
	};
}

static void set_add(struct schema_charset *set, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to && c < 128; c++)
		set->bits[c / 64] |= 1ULL << (c % 64);
}

static unsigned char class_char(struct parser *parser)
{
	if (*parser->p == '\\')
		parser->p++;
	if (!*parser->p)
		fail(parser, "a class without its ]");
	if ((unsigned char)*parser->p > 127)
		fail(parser, "characters beyond ASCII only by a negated class");
	return (unsigned char)*parser->p++;
}

static void parse_class(struct parser *parser, struct schema_charset *set)
{
	bool negated = *parser->p == '^';

	parser->p += negated;
	while (!parser->failed && *parser->p != ']') {
		unsigned char from = class_char(parser), to = from;

		if (parser->p[0] == '-' && parser->p[1] != ']') {
			parser->p++;
			to = class_char(parser);
		}
		if (to < from)
			fail(parser, "a range that goes backwards");
		set_add(set, from, to);
	}
	parser->p += *parser->p == ']';
	if (negated) {
		set->bits[0] = ~set->bits[0];
		set->bits[1] = ~set->bits[1];
		set->others = true;
	}
}

/* One character of the pattern, which is one state. */
static struct part parse_character(struct parser *parser)
{
	struct schema_charset set = {0};
	char c = *parser->p++;
	uint64_t bit;

	if (c == '[') {
		parse_class(parser, &set);
	} else if (c == '.') {
		set = (struct schema_charset){{UINT64_MAX, UINT64_MAX}, true};
	} else if (c == '\\' && *parser->p == 'd') {
		parser->p++;
		set_add(&set, '0', '9');
	} else if (c == '\\' && *parser->p && strchr(".^$|()[]{}*+?/\\-", *parser->p)) {
		set_add(&set, (unsigned char)*parser->p, (unsigned char)*parser->p);
		parser->p++;
	} else if (c && !strchr("\\*+?{}^$)|]", c) && !(c & 0x80)) {
		set_add(&set, (unsigned char)c, (unsigned char)c);
	} else {
		fail(parser, "not in the subset that weft knows");
	}
	if (parser->out->n == 64) {
		fail(parser, "more than 64 characters with repetitions written out; use maxLength");
		return (struct part){0};
	}
	bit = 1ULL << parser->out->n;
	parser->out->sets[parser->out->n++] = set;
	return (struct part){.first = bit, .last = bit};
}

static struct part parse_atom(struct parser *parser)
{
	struct part part;

	if (*parser->p != '(')
		return parse_character(parser);
	parser->p++;
	if (!strncmp(parser->p, "?:", 2))
		parser->p += 2;
	if (++parser->depth > 8)
		fail(parser, "groups too deep");
	part = parse_choice(parser);
	parser->depth--;
	if (*parser->p != ')')
		fail(parser, "a group without its )");
	else
		parser->p++;
	return part;
}

/* {m}, {m,} or {m,n}; @ret_max 0 means without end. */
static bool parse_counts(struct parser *parser, unsigned *ret_min, unsigned *ret_max)
{
	int length = 0;

	if (sscanf(parser->p, "{%2u}%n", ret_min, &length) == 1 && length)
		*ret_max = *ret_min;
	else if (sscanf(parser->p, "{%2u,%2u}%n", ret_min, ret_max, &length) != 2 || !length) {
		*ret_max = 0;
		if (sscanf(parser->p, "{%2u,}%n", ret_min, &length) != 1 || !length)
			return false;
	}
	parser->p += length;
	return true;
}

static struct part repeat(struct parser *parser, struct part part)
{
	follow(parser, part.last, part.first);
	return part;
}

/* Writes the atom that starts at @atom out between @min and @max times. */
static struct part expand(struct parser *parser, const char *atom, unsigned min, unsigned max)
{
	const char *after = parser->p;
	struct part all = {.empty = true};

	for (unsigned i = 0; !parser->failed && (i < min || i < max || (!max && i == min)); i++) {
		struct part one;

		parser->p = atom;
		one = parse_atom(parser);
		if (i >= min)
			one.empty = true;
		if (i == min && !max)
			one = repeat(parser, one);
		all = join(parser, all, one);
	}
	parser->p = after;
	return all;
}

static struct part parse_piece(struct parser *parser)
{
	const char *atom = parser->p;
	unsigned before = parser->out->n, min, max;
	struct part part = parse_atom(parser);

	switch (*parser->p) {
	case '*':
	case '+':
		part = repeat(parser, part);
		part.empty = part.empty || *parser->p == '*';
		parser->p++;
		break;
	case '?':
		part.empty = true;
		parser->p++;
		break;
	case '{':
		if (!parse_counts(parser, &min, &max)) {
			fail(parser, "a { that counts nothing");
			break;
		}
		/* The states of the first reading are taken back. */
		while (parser->out->n > before) {
			parser->out->n--;
			parser->out->follow[parser->out->n] = 0;
		}
		part = expand(parser, atom, min, max);
		break;
	default:
		break;
	}
	return part;
}

static struct part parse_choice(struct parser *parser)
{
	struct part all = {0};

	do {
		struct part one = {.empty = true};

		parser->p += *parser->p == '|';
		while (!parser->failed && *parser->p && *parser->p != '|' && *parser->p != ')')
			one = join(parser, one, parse_piece(parser));
		all.first |= one.first;
		all.last |= one.last;
		all.empty = all.empty || one.empty;
		if (*parser->p == '|' && !parser->depth)
			fail(parser, "| only in a group");
	} while (!parser->failed && *parser->p == '|');
	return all;
}

bool pattern_compile(const struct yml *at, struct pattern *ret)
{
	size_t size = strlen(at->text);
	struct parser parser = {.at = at, .out = ret};
	struct part part;

	*ret = (struct pattern){0};
	if (size < 2 || at->text[0] != '^' || at->text[size - 1] != '$') {
		fail(&parser, "starts with ^ and ends with $");
		return false;
	}
	parser.p = arena_strndup(compile_arena, at->text + 1, size - 2);
	part = parse_choice(&parser);
	if (*parser.p)
		fail(&parser, "a ) without its (");
	ret->first = part.first;
	ret->last = part.last;
	ret->empty = part.empty;
	return !parser.failed;
}
