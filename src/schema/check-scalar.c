/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars against their types: kinds, words, ranges, units, lengths and patterns.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/suggest.h"
#include "base/units.h"
#include "schema/check-internal.h"

#define MAX_WORDS 64

const char *schema_type_words(const struct schema_type *type)
{
	static const char *const words[] = {
		[SCHEMA_BOOLEAN] = "true or false",
		[SCHEMA_INTEGER] = "an integer",
		[SCHEMA_STRING] = "a string",
		[SCHEMA_ENUM] = "a word",
		[SCHEMA_SIZE] = "a size such as 512MiB",
		[SCHEMA_DURATION] = "a duration such as 10s",
		[SCHEMA_RATE] = "a rate such as 100MiB/s",
		[SCHEMA_PATH] = "a path",
		[SCHEMA_MAC] = "a MAC address such as 52:54:00:12:34:56",
		[SCHEMA_UUID] = "a UUID such as 8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11",
		[SCHEMA_CPU_LIST] = "a list of CPUs such as 0-3,8",
		[SCHEMA_SWITCH] = "on or off",
		[SCHEMA_VALUE] = "a value",
		[SCHEMA_ARRAY] = "a list",
		[SCHEMA_OBJECT] = "a map",
		[SCHEMA_MAP] = "a map",
		[SCHEMA_UNION] = "a map with a type",
		[SCHEMA_DEVICES] = "a map with a type",
	};

	return words[type->kind];
}

static const struct node *node_of(const struct place *place)
{
	return place->entry->value;
}

static void out_of_range(struct check *check, const struct place *place,
			 const struct schema_type *type, const char *shown,
			 char *(*format)(uint64_t, char *))
{
	const char *subject = check_subject(check, place);
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	bool has_min = type->flags & SCHEMA_HAS_MIN, has_max = type->flags & SCHEMA_HAS_MAX;
	struct diag *diag;

	format(type->min, min);
	format(type->max, max);
	if (has_min && has_max)
		diag = check_fault(check, place, "E0204",
				   "%s is %s, but it has to be between %s and %s", subject, shown,
				   min, max);
	else if (has_max)
		diag = check_fault(check, place, "E0204", "%s is %s, but it has to be at most %s",
				   subject, shown, max);
	else
		diag = check_fault(check, place, "E0204", "%s is %s, but it has to be at least %s",
				   subject, shown, has_min ? min : "0");
	if (format == size_format)
		check_hint_bytes(check, diag, place, type);
}

static char *format_unsigned(uint64_t number, char *buffer)
{
	snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64, number);
	return buffer;
}

static char *format_signed(uint64_t number, char *buffer)
{
	snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64, (int64_t)number);
	return buffer;
}

static bool multiple_fits(struct check *check, const struct place *place,
			  const struct schema_type *type, uint64_t number, const char *shown,
			  char *(*format)(uint64_t, char *))
{
	char text[UNITS_TEXT_MAX];
	uint64_t rest, up;
	struct diag *diag;

	if (!type->multiple || number % type->multiple == 0)
		return true;
	rest = type->multiple - number % type->multiple;
	diag = check_fault(check, place, "E0204", "%s is %s, but it has to be a multiple of %s",
			   check_subject(check, place), shown, format(type->multiple, text));
	if (!__builtin_add_overflow(number, rest, &up) && up <= type->max)
		diag_hint(check->diags, diag, "the next one is %s", format(up, text));
	return false;
}

static bool range_fits(struct check *check, const struct place *place,
		       const struct schema_type *type, uint64_t number, const char *shown,
		       char *(*format)(uint64_t, char *))
{
	if (number < type->min || number > type->max) {
		out_of_range(check, place, type, shown, format);
		return false;
	}
	return multiple_fits(check, place, type, number, shown, format);
}

/* An integer that is one of a list. */
static bool number_known(struct check *check, const struct place *place,
			 const struct schema_type *type, uint64_t number)
{
	const char *words[MAX_WORDS];
	size_t n = 0;

	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_word *word = &schema_words[type->parts.first + i];

		if (word->number == number)
			return true;
		if (n < MAX_WORDS)
			words[n++] = schema_text(word->name);
	}
	if (!type->parts.n)
		return true;
	check_fault(check, place, "E0205", "%s is %s, but it has to be %s",
		    check_subject(check, place), node_of(place)->text,
		    check_list(check, words, n, " or "));
	return false;
}

static struct value *check_integer(struct check *check, const struct place *place,
				   const struct schema_type *type)
{
	const struct node *node = node_of(place);
	uint64_t number = node->integer.magnitude;
	struct value *value;

	if (node->kind != NODE_INT) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (type->flags & SCHEMA_SIGNED) {
		int64_t n = (int64_t)(node->integer.negative ? -number : number);
		bool fits = node->integer.negative ? number <= 1ULL << 63 : number <= INT64_MAX;

		if (!fits || n < (int64_t)type->min || n > (int64_t)type->max) {
			out_of_range(check, place, type, node->text, format_signed);
			return NULL;
		}
		number = (uint64_t)n;
	} else if (node->integer.negative) {
		out_of_range(check, place, type, node->text, format_unsigned);
		return NULL;
	} else if (!range_fits(check, place, type, number, node->text, format_unsigned)) {
		return NULL;
	}
	if (!number_known(check, place, type, number))
		return NULL;
	value = check_new_value(check, place, type);
	value->number = number;
	return value;
}

static void unit_fault(struct check *check, const struct place *place,
		       const struct unit_error *error)
{
	struct diag *diag = check_fault(check, place, "E0207", "%s: %s",
					check_subject(check, place), error->message);

	if (error->hint[0])
		diag_hint(check->diags, diag, "%s", error->hint);
}

/* Sizes may be plain integers; durations and rates need their unit. */
static struct value *check_quantity(struct check *check, const struct place *place,
				    const struct schema_type *type)
{
	const struct node *node = node_of(place);
	int (*parse)(const char *, uint64_t *, struct unit_error *) =
		type->kind == SCHEMA_SIZE       ? size_parse
		: type->kind == SCHEMA_DURATION ? duration_parse
						: rate_parse;
	char *(*format)(uint64_t, char *) = type->kind == SCHEMA_SIZE       ? size_format
					    : type->kind == SCHEMA_DURATION ? duration_format
									    : rate_format;
	struct unit_error error = {0};
	struct value *value;
	uint64_t number;

	if (node->kind == NODE_INT && !node->integer.negative && type->kind == SCHEMA_SIZE) {
		number = node->integer.magnitude;
	} else if (node->kind != NODE_STRING && node->kind != NODE_INT &&
		   node->kind != NODE_FLOAT) {
		check_wrong_kind(check, place, type);
		return NULL;
	} else if (parse(node->text, &number, &error) < 0) {
		unit_fault(check, place, &error);
		return NULL;
	} else if (node->kind != NODE_STRING) {
		/* A bare 0: the schema wants the unit even there. */
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (type->kind != SCHEMA_SIZE && !node->text[strspn(node->text, "0")]) {
		check_fault(check, place, "E0207", "%s: '%s' has no unit",
			    check_subject(check, place), node->text);
		return NULL;
	}
	if (!range_fits(check, place, type, number, node->text, format))
		return NULL;
	value = check_new_value(check, place, type);
	value->number = number;
	return value;
}

/* A MAC address or a UUID. */
static struct value *check_identifier(struct check *check, const struct place *place,
				      const struct schema_type *type)
{
	const struct node *node = node_of(place);
	struct unit_error error = {0};
	struct value *value;
	int r;

	if (node->kind != NODE_STRING) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	value = check_new_value(check, place, type);
	r = type->kind == SCHEMA_MAC ? mac_parse(node->text, &value->mac, &error)
				     : uuid_parse(node->text, &value->uuid, &error);
	if (r < 0) {
		unit_fault(check, place, &error);
		return NULL;
	}
	return value;
}

static struct value *check_cpu_list(struct check *check, const struct place *place,
				    const struct schema_type *type)
{
	const struct node *node = node_of(place);
	struct unit_error error = {0};
	char text[UNITS_TEXT_MAX];
	struct cpu_list *cpus;
	struct value *value;

	if (node->kind != NODE_STRING && node->kind != NODE_INT) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	cpus = arena_new(check->arena, struct cpu_list);
	if (node->kind == NODE_INT && !node->integer.negative)
		format_unsigned(node->integer.magnitude, text);
	if (cpu_list_parse(node->kind == NODE_INT && !node->integer.negative ? text : node->text,
			   cpus, &error) < 0) {
		unit_fault(check, place, &error);
		return NULL;
	}
	value = check_new_value(check, place, type);
	value->cpus = cpus;
	return value;
}

static struct value *check_boolean(struct check *check, const struct place *place,
				   const struct schema_type *type)
{
	static const char *const yes[] = {"true", "yes", "on", "y",  "True",
					  "TRUE", "Yes", "On", "ON", "YES"};
	static const char *const no[] = {"false", "no", "off", "n",   "False",
					 "FALSE", "No", "Off", "OFF", "NO"};
	_Static_assert(ARRAY_SIZE(yes) == ARRAY_SIZE(no), "they are walked together");
	const struct node *node = node_of(place);
	const char *meant = NULL;
	struct value *value;
	struct diag *diag;

	if (node->kind == NODE_BOOL ||
	    (type->kind == SCHEMA_SWITCH && node->kind == NODE_STRING &&
	     (!strcmp(node->text, "on") || !strcmp(node->text, "off")))) {
		value = check_new_value(check, place, type);
		value->boolean =
			node->kind == NODE_BOOL ? node->boolean : !strcmp(node->text, "on");
		return value;
	}
	for (size_t i = 0; node->kind == NODE_STRING && i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(node->text, yes[i]))
			meant = type->kind == SCHEMA_SWITCH ? "on" : "true";
		if (!strcmp(node->text, no[i]))
			meant = type->kind == SCHEMA_SWITCH ? "off" : "false";
	}
	if (!meant) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	diag = check_fault(check, place, "E0203", "%s takes %s, not '%s'",
			   check_subject(check, place), schema_type_words(type), node->text);
	diag_hint(check->diags, diag, "write %s%s", meant,
		  node_is_quoted(node) ? " without quotes" : "");
	return NULL;
}

/* 2M and 2MiB */
static bool same_size(const char *a, const char *b)
{
	uint64_t bytes, others;

	return size_parse(a, &bytes, NULL) == 0 && size_parse(b, &others, NULL) == 0 &&
	       bytes == others;
}

static struct value *check_enum(struct check *check, const struct place *place,
				const struct schema_type *type)
{
	const struct node *node = node_of(place);
	const char *words[MAX_WORDS] = {NULL}, *near;
	struct diag *diag;
	size_t n = 0;

	for (size_t i = 0; i < type->parts.n; i++) {
		const char *word = schema_text(schema_words[type->parts.first + i].name);
		bool null = !strcmp(word, "null");

		if (null ? node->kind == NODE_NULL
			 : node->kind == NODE_STRING && !strcmp(word, node->text)) {
			struct value *value = check_new_value(check, place, type);

			value->word = (unsigned)i;
			return value;
		}
		if (n < MAX_WORDS)
			words[n++] = word;
	}
	if (!node_is_scalar(node) || node->kind == NODE_NULL) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	diag = check_fault(check, place, "E0205", "%s is '%.64s', but it has to be %s",
			   check_subject(check, place), node->text,
			   check_list(check, words, n, " or "));
	near = check_word_meant(node->text, words, n);
	for (size_t i = 0; i < n && !near; i++)
		near = same_size(node->text, words[i]) ? words[i] : NULL;
	if (near)
		diag_hint(check->diags, diag, "did you mean '%s'?", near);
	return NULL;
}

static size_t characters(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

bool check_length(struct check *check, const struct place *place, const char *what,
		  const char *text, size_t size, const struct schema_type *type)
{
	size_t n;

	/* Bytes are at least as many as characters. */
	if ((!type->max_length || size <= type->max_length) && !type->min_length)
		return true;
	n = characters(text, size);
	if (n < type->min_length) {
		if (n == 0)
			check_fault(check, place, "E0208", "%s is empty", what);
		else
			check_fault(check, place, "E0208",
				    "%s has %zu characters, but it needs at least %u", what, n,
				    type->min_length);
		return false;
	}
	if (type->max_length && n > type->max_length) {
		check_fault(check, place, "E0208",
			    "%s has %zu characters, but it can have at most %u", what, n,
			    type->max_length);
		return false;
	}
	return true;
}

static const char *working_directory(struct check *check)
{
	char *cwd;

	if (check->cwd)
		return check->cwd;
	cwd = getcwd(NULL, 0);
	/* Where there is no working directory the path stays as it was said. */
	check->cwd = cwd ? arena_printf(check->arena, "%s/", cwd[1] ? cwd : "") : "";
	free(cwd);
	return check->cwd;
}

/* What a shell, a browser or another system would take for a path. */
static bool check_path(struct check *check, const struct place *place, const struct node *node)
{
	const char *text = node->text, *url = strstr(text, "://");
	const char *subject = check_subject(check, place);
	struct diag *diag;

	for (const char *s = text; *s; s++) {
		if ((unsigned char)*s >= 0x20)
			continue;
		diag = check_fault(check, place, "E0215", "%s holds %s", subject,
				   *s == '\n'   ? "a line break"
				   : *s == '\t' ? "a tab"
						: "a control character");
		diag_hint(
			check->diags, diag,
			node->style == NODE_DOUBLE_QUOTED
				? "a backslash in double quotes is written \\\\; or use single quotes"
				: "write it on the line of its key");
		return false;
	}
	if (text[0] == '~' && (text[1] == '/' || !text[1])) {
		diag = check_fault(check, place, "E0215",
				   "%s begins with '~', which only a shell knows", subject);
		diag_hint(check->diags, diag, "write the whole path; ./~ is a file of that name");
	} else if (text[0] == '$' && ((text[1] >= 'A' && text[1] <= 'Z') || text[1] == '(')) {
		diag = check_fault(check, place, "E0215",
				   "%s begins with '%.2s…', which only a shell knows", subject,
				   text);
		diag_hint(check->diags, diag,
			  "write the whole path, or ${name} with a variable of 'vars:'");
	} else if (strncmp(text, "file://", 7) == 0) {
		diag = check_fault(check, place, "E0215", "%s is a URL, not a path", subject);
		diag_hint(check->diags, diag, "write %.100s", text + 7);
	} else if (url && url > text && url == text + strspn(text, "abcdefghijklmnopqrstuvwxyz")) {
		diag = check_fault(check, place, "E0215", "%s is a URL, not a path", subject);
		diag_hint(check->diags, diag, "download it first, and write where the file is");
	} else if (((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z') && text[1] == ':' &&
		   (text[2] == '\\' || text[2] == '/')) {
		diag = check_fault(check, place, "E0215", "%s is a path of Windows", subject);
		diag_hint(check->diags, diag, "write a path of this host, with '/'");
	} else {
		return true;
	}
	return false;
}

/* Absolute, without "./" and doubled slashes; ".." stays, it may follow a symbolic link. */
static const char *absolute_path(struct check *check, const struct node *node)
{
	const struct source *source = node->span.source;
	const char *directory = "", *cwd = "", *in;
	char *path, *out;

	if (node->text[0] != '/') {
		directory = source && source->directory ? source->directory : "";
		if (directory[0] != '/')
			cwd = working_directory(check);
	}
	path = arena_printf(check->arena, "%s%s%s", cwd, directory, node->text);
	for (in = out = path; *in;) {
		bool start = out == path || out[-1] == '/';

		if (start && out != path && *in == '/')
			in++;
		else if (start && in[0] == '.' && in[1] == '/')
			in += 2;
		else
			*out++ = *in++;
	}
	*out = '\0';
	return path;
}

static struct value *check_string(struct check *check, const struct place *place,
				  const struct schema_type *type)
{
	const struct node *node = node_of(place);
	const char *subject;
	struct value *value;

	if (node->kind != NODE_STRING) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	subject = type->min_length || node->size > type->max_length ? check_subject(check, place)
								    : NULL;
	if (!check_length(check, place, subject, node->text, node->size, type))
		return NULL;
	if (type->pattern != SCHEMA_NONE &&
	    !schema_pattern_matches(&schema_patterns[type->pattern], node->text, node->size)) {
		check_hint_label(check,
				 check_fault(check, place, "E0206",
					     "%s is '%.64s', but it has to be %s",
					     check_subject(check, place), node->text,
					     schema_text(schema_patterns[type->pattern].hint)),
				 node->text, &schema_patterns[type->pattern]);
		return NULL;
	}
	if (type->kind == SCHEMA_PATH && !check_path(check, place, node))
		return NULL;
	value = check_new_value(check, place, type);
	value->string = type->kind == SCHEMA_PATH ? absolute_path(check, node) : node->text;
	return value;
}

struct value *check_scalar(struct check *check, const struct place *place,
			   const struct schema_type *type)
{
	switch (type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		return check_boolean(check, place, type);
	case SCHEMA_INTEGER:
		return check_integer(check, place, type);
	case SCHEMA_SIZE:
	case SCHEMA_DURATION:
	case SCHEMA_RATE:
		return check_quantity(check, place, type);
	case SCHEMA_MAC:
	case SCHEMA_UUID:
		return check_identifier(check, place, type);
	case SCHEMA_CPU_LIST:
		return check_cpu_list(check, place, type);
	case SCHEMA_ENUM:
		return check_enum(check, place, type);
	default:
		return check_string(check, place, type);
	}
}
