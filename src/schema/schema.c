/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in the constant tables.
 */
#include <string.h>

#include "schema/schema.h"

const struct schema_property *schema_property_find(const struct schema_type *type, const char *name)
{
	size_t low = 0, high = type->kind == SCHEMA_OBJECT ? type->parts.n : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct schema_property *p = &schema_properties[type->parts.first + middle];
		int order = strcmp(name, schema_text(p->name));

		if (order == 0)
			return p;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct schema_variant *schema_variant_find(const struct schema_type *type, const char *name)
{
	if (type->kind != SCHEMA_UNION && type->kind != SCHEMA_DEVICES)
		return NULL;
	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_variant *v = &schema_variants[type->parts.first + i];

		if (!strcmp(name, schema_text(v->name)))
			return v;
	}
	return NULL;
}

bool schema_is_left_out(const char *name)
{
	for (size_t i = 0; schema_left_out[i]; i++)
		if (!strcmp(name, schema_text(schema_left_out[i])))
			return true;
	return false;
}

static bool charset_has(const struct schema_charset *set, unsigned char c)
{
	return c < 128 ? set->bits[c / 64] >> (c % 64) & 1 : set->others;
}

bool schema_pattern_matches(const struct schema_pattern *pattern, const char *text, size_t size)
{
	uint64_t expected = pattern->first, taken;
	bool complete = pattern->empty;

	for (size_t i = 0; i < size; i++) {
		taken = 0;
		for (uint64_t rest = expected; rest; rest &= rest - 1) {
			unsigned state = (unsigned)__builtin_ctzll(rest);

			if (charset_has(&schema_pattern_sets[pattern->follow + state],
					(unsigned char)text[i]))
				taken |= 1ULL << state;
		}
		if (!taken)
			return false;
		complete = taken & pattern->last;
		expected = 0;
		for (uint64_t rest = taken; rest; rest &= rest - 1)
			expected |= schema_pattern_follow[pattern->follow + __builtin_ctzll(rest)];
	}
	return complete;
}
