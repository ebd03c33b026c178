/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemas as one JSON Schema of what people write: every file and definition that is referred
 * to becomes one of $defs, and the devices become a choice by `type` that editors follow and
 * validators explain well. ${name} may stand for any value that is not a map or a list.
 *
 * What a file says with others that it includes is not known from the file. It is a layer, of which
 * all shapes are there a second time: nothing is required, and null takes away what a lower layer
 * says.
 */
#include <string.h>

#include "schema/compile.h"

struct bundle {
	struct model *model;
	FILE *out;
	/* What was referred to, in the order of $defs. */
	size_t n;
	struct target {
		struct yml *schema;
		bool layer;
	} * targets;
	bool layer,
		document; /* what is being written: a layer's; what the document stage takes away */
};

/* A reference to ${name}; $${ is a plain ${. */
static const char variable[] =
	"{\n   \"description\": \"A variable in the place of the value.\",\n"
	"   \"type\": \"string\",\n"
	"   \"pattern\": \"(^|[^$])\\\\$\\\\{[a-zA-Z_][a-zA-Z0-9_-]*\\\\}\"\n  }";

static void emit_value(struct bundle *b, const struct yml *value, unsigned indent);
static void emit_place(struct bundle *b, struct yml *schema, unsigned indent, bool removable);

static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void newline(FILE *out, unsigned indent)
{
	fprintf(out, "\n%*s", (int)indent, "");
}

/* "cpus", "units-size", "device-virtio-rng". */
static const char *definition_name(struct bundle *b, const struct yml *target)
{
	const struct yml *root = model_file(b->model, target->file);
	const struct yml *defs = yml_get(root, "$defs");
	const char *slash = strchr(target->file, '/');
	const char *stem = slash ? slash + 1 : target->file;
	const char *name = arena_printf(compile_arena, "%s%.*s", slash ? "device-" : "",
					(int)strcspn(stem, "."), stem);

	for (size_t i = 0; defs && i < defs->n; i++)
		if (defs->values[i] == target)
			return arena_printf(compile_arena, "%s-%s", name, defs->keys[i]->text);
	return name;
}

/* Whether what a schema leads to is one value, and not a map, a list or a choice of them. */
static bool is_scalar(struct bundle *b, struct yml *schema)
{
	const struct yml *type = schema_key(b->model, schema, "type");

	return !schema_key(b->model, schema, "oneOf") &&
	       !schema_key(b->model, schema, "properties") && !yml_get(schema, "x-variants") &&
	       !(type && type->text &&
		 (!strcmp(type->text, "array") || !strcmp(type->text, "object")));
}

static void emit_reference(struct bundle *b, struct yml *schema)
{
	struct target target = {schema, b->layer && !is_scalar(b, schema)};
	size_t i = 0;

	while (i < b->n && (b->targets[i].schema != schema || b->targets[i].layer != target.layer))
		i++;
	if (i == b->n)
		PUSH(b->targets, b->n, target);
	json_string(b->out, arena_printf(compile_arena, "#/$defs/%s%s",
					 target.layer ? "layer-" : "", definition_name(b, schema)));
}

/* Keys that mean nothing outside the file they stand in. */
static bool is_private(const char *key)
{
	return !strcmp(key, "$schema") || !strcmp(key, "$defs") || !strcmp(key, "x-struct") ||
	       !strcmp(key, "$comment");
}

/* Keys that tell people and editors something, and refuse nothing. */
static bool is_annotation(const char *key)
{
	return !strncmp(key, "x-", 2) || !strcmp(key, "title") || !strcmp(key, "description") ||
	       !strcmp(key, "default") || !strcmp(key, "examples");
}

/* What a layer leaves to the others: which keys are there, and which of them together. */
static bool is_of_whole(const struct yml *schema, const char *key)
{
	return !strcmp(key, "required") || !strcmp(key, "dependentRequired") ||
	       !strcmp(key, "minProperties") ||
	       (!strcmp(key, "oneOf") && yml_get(schema, "properties"));
}

/* The properties of an object. The word that tells variants apart is no place for anything else. */
static void emit_properties(struct bundle *b, const struct yml *map, unsigned indent)
{
	fputc('{', b->out);
	for (size_t i = 0; i < map->n; i++) {
		struct yml *property = map->values[i];

		fputs(i ? "," : "", b->out);
		newline(b->out, indent + 1);
		json_string(b->out, map->keys[i]->text);
		fputs(": ", b->out);
		if (!strcmp(map->keys[i]->text, "type") && !yml_get(property, "x-change"))
			emit_value(b, property, indent + 1);
		else
			emit_place(b, property, indent + 1, true);
	}
	newline(b->out, indent);
	fputc('}', b->out);
}

/* Alternatives. Where a `type` tells them apart it may be a variable, too: then the rest is not
 * known. */
static void emit_alternatives(struct bundle *b, const struct yml *list, unsigned indent)
{
	bool variants = false;

	fputc('[', b->out);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : "", b->out);
		variants = variants || yml_get(yml_get(list->values[i], "properties"), "type");
		emit_place(b, list->values[i], indent + 1, false);
	}
	if (variants)
		fputs(", { \"type\": \"object\", \"required\": [\"type\"], "
		      "\"properties\": { \"type\": { \"$ref\": \"#/$defs/variable\" } } }",
		      b->out);
	fputc(']', b->out);
}

static void emit_pair(struct bundle *b, const struct yml *schema, size_t i, unsigned indent)
{
	const char *key = schema->keys[i]->text;
	struct yml *value = schema->values[i];
	bool alternatives = !strcmp(key, "oneOf") && !yml_get(schema, "properties") && !b->document;

	/* Of a layer's variants several can fit what it says. */
	json_string(b->out, alternatives && b->layer ? "anyOf" : key);
	fputs(": ", b->out);
	if (!strcmp(key, "$ref"))
		emit_reference(b, schema_resolve(b->model, value));
	else if (!strcmp(key, "properties"))
		emit_properties(b, value, indent);
	else if (alternatives)
		emit_alternatives(b, value, indent);
	else if (value->kind == YML_MAP &&
		 (!strcmp(key, "items") || !strcmp(key, "additionalProperties")))
		emit_place(b, value, indent, strcmp(key, "items") != 0);
	else
		emit_value(b, value, indent);
}

enum part {
	ALL,
	ANNOTATIONS,
	ASSERTIONS,
};

/* The keys of a schema. Returns whether there were any. */
static bool emit_pairs(struct bundle *b, const struct yml *schema, unsigned indent, enum part part,
		       bool first)
{
	bool started = !first;

	for (size_t i = 0; i < schema->n; i++) {
		const char *key = schema->keys[i]->text;

		if (is_private(key) ||
		    (part != ALL && is_annotation(key) != (part == ANNOTATIONS)) ||
		    (b->layer && is_of_whole(schema, key)))
			continue;
		fputs(started ? "," : "", b->out);
		started = true;
		newline(b->out, indent + 1);
		emit_pair(b, schema, i, indent + 1);
	}
	return started;
}

/* Whether any text with a variable in it is a value anyway. */
static bool takes_all_text(struct bundle *b, struct yml *schema)
{
	const struct yml *type = schema_key(b->model, schema, "type");

	return type && type->text && !strcmp(type->text, "string") &&
	       !schema_key(b->model, schema, "pattern") && !schema_key(b->model, schema, "enum") &&
	       !schema_key(b->model, schema, "maxLength");
}

/* Where a value stands: it may be a variable, and in a layer null when it is @removable. */
static void emit_place(struct bundle *b, struct yml *schema, unsigned indent, bool removable)
{
	bool document = b->document;
	bool variable_too, null_too;

	b->document = document || yml_get(schema, "x-document");
	variable_too = !b->document && is_scalar(b, schema) && !takes_all_text(b, schema);
	null_too = removable && b->layer && !yml_get(schema, "x-document");
	if (!variable_too && !null_too) {
		emit_value(b, schema, indent);
		b->document = document;
		return;
	}
	fputc('{', b->out);
	if (emit_pairs(b, schema, indent, ANNOTATIONS, true))
		fputc(',', b->out);
	newline(b->out, indent + 1);
	fputs("\"anyOf\": [", b->out);
	if (yml_get(schema, "x-variants")) {
		emit_value(b, schema, indent + 1);
	} else {
		fputc('{', b->out);
		emit_pairs(b, schema, indent + 1, ASSERTIONS, true);
		newline(b->out, indent + 1);
		fputc('}', b->out);
	}
	if (variable_too)
		fputs(", { \"$ref\": \"#/$defs/variable\" }", b->out);
	fputs(null_too ? ", { \"type\": \"null\" }]" : "]", b->out);
	newline(b->out, indent);
	fputc('}', b->out);
}

static void emit_list(struct bundle *b, const struct yml *list, unsigned indent)
{
	fputc('[', b->out);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : "", b->out);
		emit_value(b, list->values[i], indent + 1);
	}
	fputc(']', b->out);
}

static void emit_value(struct bundle *b, const struct yml *value, unsigned indent)
{
	switch (value->kind) {
	case YML_NULL:
		fputs("null", b->out);
		break;
	case YML_BOOL:
	case YML_INT:
		fputs(value->text, b->out);
		break;
	case YML_STRING:
		json_string(b->out, value->text);
		break;
	case YML_LIST:
		emit_list(b, value, indent);
		break;
	case YML_MAP:
		if (yml_get(value, "x-variants")) {
			fprintf(b->out, "{ \"$ref\": \"#/$defs/%sdevice\" }",
				b->layer ? "layer-" : "");
			break;
		}
		fputc('{', b->out);
		if (emit_pairs(b, value, indent, ALL, true))
			newline(b->out, indent);
		fputc('}', b->out);
		break;
	}
}

static void emit_devices(struct bundle *b)
{
	const struct model *m = b->model;
	bool first = true;

	fprintf(b->out,
		",\n  \"%sdevice\": {\n   \"description\": \"A device. Its type says which other "
		"properties it has.\",\n   \"type\": \"object\",%s\n   \"properties\": {\n"
		"    \"type\": {\n     \"description\": \"The type of the device.\",\n"
		"     \"anyOf\": [{ \"enum\": [",
		b->layer ? "layer-" : "", b->layer ? "" : "\n   \"required\": [\"type\"],");
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->built_in[i]) {
			fprintf(b->out, "%s\"%s\"", first ? "" : ", ", m->devices[i]);
			first = false;
		}
	fputs("] }, { \"$ref\": \"#/$defs/variable\" }]\n    }\n   },\n   \"allOf\": [", b->out);
	first = true;
	for (size_t i = 0; i < m->n_devices; i++) {
		if (!m->built_in[i])
			continue;
		fprintf(b->out,
			"%s\n    {\n     \"if\": { \"properties\": { \"type\": { \"const\": \"%s\" "
			"} }, "
			"\"required\": [\"type\"] },\n     \"then\": { \"$ref\": ",
			first ? "" : ",", m->devices[i]);
		emit_reference(b,
			       model_file(b->model, arena_printf(compile_arena, "devices/%s.yaml",
								 m->devices[i])));
		fputs(" }\n    }", b->out);
		first = false;
	}
	fputs("\n   ]\n  }", b->out);
}

void emit_json(FILE *out, struct model *model)
{
	struct bundle b = {.model = model, .out = out};
	struct yml *machine = model_file(model, "machine.yaml");

	fputs("{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	      " \"$id\": \"urn:weft:description:1\"",
	      out);
	emit_pairs(&b, machine, 0, ANNOTATIONS, false);
	fputs(",\n \"if\": { \"required\": [\"include\"] },\n \"then\": { \"$ref\": ", out);
	b.layer = true;
	emit_reference(&b, machine);
	fputs(" },\n \"else\": { \"$ref\": ", out);
	b.layer = false;
	emit_reference(&b, machine);
	fputs(" }", out);
	fflush(out);
	model->json_defs = (size_t)ftello(out);
	fprintf(out, ",\n \"$defs\": {\n  \"variable\": %s", variable);
	emit_devices(&b);
	b.layer = true;
	emit_devices(&b);
	/* Definitions refer to more of them, which come after. */
	for (size_t i = 0; i < b.n; i++) {
		struct target target = b.targets[i];

		fputc(',', out);
		newline(out, 2);
		json_string(out, arena_printf(compile_arena, "%s%s", target.layer ? "layer-" : "",
					      definition_name(&b, target.schema)));
		fputs(": ", out);
		b.layer = target.layer;
		emit_value(&b, target.schema, 2);
	}
	fputs("\n }\n}\n", out);
}
