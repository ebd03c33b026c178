/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules for schemas: only the part of JSON Schema that weft reads, only annotations it knows,
 * and every property says what it is and what an edit of it takes.
 */
#include <string.h>

#include "schema/compile.h"

static const char *const known_keys[] = {
	"$schema",
	"$ref",
	"$defs",
	"$comment",
	"title",
	"description",
	"type",
	"properties",
	"required",
	"additionalProperties",
	"patternProperties",
	"propertyNames",
	"oneOf",
	"items",
	"minItems",
	"maxItems",
	"minimum",
	"maximum",
	"multipleOf",
	"minLength",
	"maxLength",
	"pattern",
	"enum",
	"const",
	"default",
	"examples",
	"dependentRequired",
	"minProperties",
	"maxProperties",
	"x-change",
	"x-unit",
	"x-since",
	"x-deprecated",
	"x-pattern-hint",
	"x-struct",
	"x-variants",
	"x-document",
	"x-access",
};

static void lint(const struct yml *schema, unsigned depth);

static void lint_key(const struct yml *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++)
		if (key->text && !strcmp(key->text, known_keys[i]))
			return;
	yml_error(key, "'%s' is no keyword or annotation that weft's schemas use",
		  key->text ? key->text : "");
}

/* The word that tells variants apart needs neither description nor class. */
static bool is_discriminator(const struct yml *name, const struct yml *property)
{
	return !strcmp(name->text, "type") &&
	       (yml_get(property, "const") || yml_get(property, "enum")) &&
	       !yml_get(property, "x-change");
}

static void lint_property(const struct yml *name, const struct yml *property,
			  const struct yml *object)
{
	const char *description = yml_text(property, "description");
	size_t length;

	if (is_discriminator(name, property) || yml_get(object, "x-variants"))
		return;
	if (!yml_get(property, "x-change"))
		yml_error(name, "'%s' has no x-change", name->text);
	if (!description) {
		yml_error(name, "'%s' has no description", name->text);
		return;
	}
	length = strlen(description);
	if (length < 8 || description[length - 1] != '.' || strchr(description, '\n'))
		yml_error(name,
			  "the description of '%s' is no sentence on one line (fold it with >-)",
			  name->text);
}

static void lint_children(const struct yml *map, const struct yml *object, bool properties,
			  unsigned depth)
{
	for (size_t i = 0; map && i < map->n; i++) {
		if (properties)
			lint_property(map->keys[i], map->values[i], object);
		lint(map->values[i], depth + 1);
	}
}

static void lint(const struct yml *schema, unsigned depth)
{
	const struct yml *list = yml_get(schema, "oneOf");

	if (schema->kind != YML_MAP || depth > 16)
		return;
	for (size_t i = 0; i < schema->n; i++)
		lint_key(schema->keys[i]);
	lint_children(yml_get(schema, "properties"), schema, true, depth);
	lint_children(yml_get(schema, "$defs"), schema, false, depth);
	for (size_t i = 0; list && i < list->n; i++)
		lint(list->values[i], depth + 1);
	if (yml_get(schema, "items"))
		lint(yml_get(schema, "items"), depth + 1);
	if (yml_get(schema, "additionalProperties"))
		lint(yml_get(schema, "additionalProperties"), depth + 1);
	if (yml_get(schema, "propertyNames"))
		lint(yml_get(schema, "propertyNames"), depth + 1);
}

void lint_schema(const struct yml *schema)
{
	if (!yml_is(schema, "$schema", "https://json-schema.org/draft/2020-12/schema"))
		yml_error(schema, "$schema is https://json-schema.org/draft/2020-12/schema");
	lint(schema, 0);
}
