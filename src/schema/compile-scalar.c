/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "schema/compile-scalar.h"
#include "schema/compile.h"

bool scalar_integer(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = *text == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
	return errno == 0 && end != text && !*end;
}

static bool number_in_range(const struct yml *value, const struct type *type, uint64_t number)
{
	if (type->flags & SCHEMA_SIGNED)
		return (int64_t)number >= (int64_t)type->min &&
		       (int64_t)number <= (int64_t)type->max;
	if (value->text[0] == '-')
		return false;
	return number >= type->min && number <= type->max &&
	       (!type->multiple || number % type->multiple == 0);
}

static bool word_known(const struct yml *value, const struct type *type)
{
	const char *word = value->kind == YML_NULL ? "null" : value->text;

	for (size_t i = 0; i < type->n_words; i++)
		if (!strcmp(type->words[i], word))
			return true;
	return type->n_words == 0;
}

static bool default_fits(const struct yml *value, const struct type *type)
{
	uint64_t number;

	switch (type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		return value->kind == YML_BOOL;
	case SCHEMA_INTEGER:
		return value->kind == YML_INT && scalar_integer(value->text, &number) &&
		       number_in_range(value, type, number) && word_known(value, type);
	case SCHEMA_SIZE:
		return value->text && size_parse(value->text, &number, NULL) == 0 &&
		       number_in_range(value, type, number);
	case SCHEMA_DURATION:
		return value->kind == YML_STRING &&
		       duration_parse(value->text, &number, NULL) == 0 &&
		       number_in_range(value, type, number);
	case SCHEMA_RATE:
		return value->text && rate_parse(value->text, &number, NULL) == 0 &&
		       number_in_range(value, type, number);
	case SCHEMA_ENUM:
		return word_known(value, type);
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		return value->kind == YML_STRING;
	case SCHEMA_UNION:
		for (size_t i = 0; value->kind != YML_MAP && i < type->n_variants; i++)
			if (type->variants[i].shorthand &&
			    !strcmp(type->variants[i].name, value->text ? value->text : "null"))
				return true;
		return false;
	case SCHEMA_ARRAY:
		if (value->kind == YML_LIST)
			return value->n == 0;
		return type->flags & SCHEMA_SINGLE_OK && default_fits(value, type->items);
	case SCHEMA_OBJECT:
	case SCHEMA_MAP:
		return value->kind == YML_MAP && value->n == 0;
	default:
		return false;
	}
}

void check_default(const struct yml *value, const struct type *type)
{
	if (!default_fits(value, type))
		yml_error(value,
			  "the default is no value of this property (of objects, maps and lists "
			  "only the empty one can be a default)");
}
