/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: look-ups by path, the canonical form, and scalars as a person writes them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "document/quote.h"
#include "schema/value.h"

static bool is_list(const struct value *value)
{
	return value->type->kind == SCHEMA_ARRAY;
}

static bool is_scalar(const struct value *value)
{
	return value->type->kind < SCHEMA_ARRAY;
}

/* The child whose name is the @size bytes at @name; lists take a decimal number. */
static const struct value *child_named(const struct value *value, const char *name, size_t size)
{
	size_t low = 0, high, index = 0;

	if (is_scalar(value))
		return NULL;
	high = value->n;
	if (is_list(value)) {
		if (!size || size > 6 || strspn(name, "0123456789") < size)
			return NULL;
		for (size_t i = 0; i < size; i++)
			index = index * 10 + (size_t)(name[i] - '0');
		return index < value->n ? value->children[index] : NULL;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *other = value->children[middle]->name;
		int order = strncmp(name, other, size);

		if (order == 0 && other[size])
			order = -1;
		if (order == 0)
			return value->children[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct value *value_child(const struct value *value, const char *name)
{
	return child_named(value, name, strlen(name));
}

/* The value at @path, or in @ret_nearest the one closest to it. */
static const struct value *walk(const struct value *value, const char *path,
				const struct value **ret_nearest)
{
	*ret_nearest = value;
	while (path && *path) {
		size_t size = strcspn(path, ".");

		value = child_named(value, path, size);
		if (!value)
			return NULL;
		*ret_nearest = value;
		path += size;
		path += *path == '.';
	}
	return value;
}

const struct value *value_find(const struct value *value, const char *path)
{
	const struct value *nearest;

	return walk(value, path, &nearest);
}

struct span value_span(const struct value *value, const char *path)
{
	const struct value *nearest;

	walk(value, path, &nearest);
	return nearest->span;
}

static void json_string(struct strbuf *out, const char *text)
{
	strbuf_puts(out, "\"");
	for (; *text; text++) {
		size_t plain = 0;

		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
		       text[plain] != '\\')
			plain++;
		strbuf_add(out, text, plain);
		text += plain;
		if (!*text)
			break;
		if (*text == '"' || *text == '\\')
			strbuf_printf(out, "\\%c", *text);
		else
			strbuf_printf(out, "\\u%04x", (unsigned char)*text);
	}
	strbuf_puts(out, "\"");
}

static void number(const struct value *value, struct strbuf *out)
{
	if (value->type->flags & SCHEMA_SIGNED)
		strbuf_printf(out, "%" PRId64, (int64_t)value->number);
	else
		strbuf_printf(out, "%" PRIu64, value->number);
}

const char *value_word(const struct value *value)
{
	return schema_text(schema_words[value->type->parts.first + value->word].name);
}

static void canonical_cpus(const struct value *value, struct strbuf *out)
{
	/* Every CPU may be a range of its own: at most five bytes each. */
	char text[5 * CPU_LIST_MAX + 1];

	json_string(out, cpu_list_format(value->cpus, text, sizeof(text)));
}

static void canonical_scalar(const struct value *value, struct strbuf *out)
{
	char text[UNITS_TEXT_MAX];

	switch (value->type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		strbuf_puts(out, value->boolean ? "true" : "false");
		break;
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		json_string(out, value->string);
		break;
	case SCHEMA_ENUM:
		json_string(out, value_word(value));
		break;
	case SCHEMA_MAC:
		json_string(out, mac_format(&value->mac, text));
		break;
	case SCHEMA_UUID:
		json_string(out, uuid_format(&value->uuid, text));
		break;
	case SCHEMA_CPU_LIST:
		canonical_cpus(value, out);
		break;
	default:
		number(value, out);
		break;
	}
}

void value_canonical(const struct value *value, struct strbuf *out)
{
	bool list = is_list(value);

	if (is_scalar(value)) {
		canonical_scalar(value, out);
		return;
	}
	strbuf_puts(out, list ? "[" : "{");
	for (size_t i = 0; i < value->n; i++) {
		if (i)
			strbuf_puts(out, ",");
		if (!list) {
			json_string(out, value->children[i]->name);
			strbuf_puts(out, ":");
		}
		value_canonical(value->children[i], out);
	}
	strbuf_puts(out, list ? "]" : "}");
}

void value_print(const struct value *value, struct strbuf *out)
{
	char text[UNITS_TEXT_MAX];

	switch (value->type->kind) {
	case SCHEMA_SIZE:
		strbuf_puts(out, size_format(value->number, text));
		break;
	case SCHEMA_DURATION:
		strbuf_puts(out, duration_format(value->number, text));
		break;
	case SCHEMA_RATE:
		strbuf_puts(out, rate_format(value->number, text));
		break;
	case SCHEMA_ENUM:
		strbuf_puts(out, value_word(value));
		break;
	case SCHEMA_SWITCH:
		strbuf_puts(out, value->boolean ? "on" : "off");
		break;
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		quote_put(out, value->string);
		break;
	default:
		value_canonical(value, out);
		break;
	}
}
