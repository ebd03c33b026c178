/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemas as one JSON Schema: every file and definition that is referred to becomes one of $defs,
 * and the devices become a choice by `type` that editors follow and validators explain well.
 */
#include <string.h>

#include "schema/compile.h"

struct bundle {
	struct model *model;
	FILE *out;
	/* What was referred to, in the order of $defs. */
	size_t n;
	struct yml **targets;
	bool devices; /* whether the choice of devices is one */
};

static void emit_value(struct bundle *b, const struct yml *value, unsigned indent);

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

static void emit_reference(struct bundle *b, struct yml *target)
{
	size_t i = 0;

	while (i < b->n && b->targets[i] != target)
		i++;
	if (i == b->n)
		PUSH(b->targets, b->n, target);
	json_string(b->out, arena_printf(compile_arena, "#/$defs/%s", definition_name(b, target)));
}

/* Keys that mean nothing outside the file they stand in. */
static bool is_private(const char *key)
{
	return !strcmp(key, "$schema") || !strcmp(key, "$defs") || !strcmp(key, "x-struct") ||
	       !strcmp(key, "$comment");
}

static void emit_pairs(struct bundle *b, const struct yml *map, unsigned indent, bool first,
		       bool is_schema)
{
	for (size_t i = 0; i < map->n; i++) {
		if (is_schema && is_private(map->keys[i]->text))
			continue;
		if (!first)
			fputc(',', b->out);
		first = false;
		newline(b->out, indent + 1);
		json_string(b->out, map->keys[i]->text);
		fputs(": ", b->out);
		if (is_schema && !strcmp(map->keys[i]->text, "$ref"))
			emit_reference(b, schema_resolve(b->model, map->values[i]));
		else
			emit_value(b, map->values[i], indent + 1);
	}
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
		fputc('[', b->out);
		for (size_t i = 0; i < value->n; i++) {
			if (i)
				fputs(", ", b->out);
			emit_value(b, value->values[i], indent + 1);
		}
		fputc(']', b->out);
		break;
	case YML_MAP:
		if (yml_get(value, "x-variants")) {
			b->devices = true;
			fputs("{ \"$ref\": \"#/$defs/device\" }", b->out);
			break;
		}
		fputc('{', b->out);
		emit_pairs(b, value, indent, true, true);
		if (value->n)
			newline(b->out, indent);
		fputc('}', b->out);
		break;
	}
}

static void emit_devices(struct bundle *b)
{
	const struct model *m = b->model;
	bool first = true;

	fputs("\n  \"device\": {\n   \"description\": \"A device. Its type says which other properties it has.\","
	      "\n   \"type\": \"object\",\n   \"required\": [\"type\"],\n   \"properties\": {\n"
	      "    \"type\": {\n     \"description\": \"The type of the device.\",\n     \"enum\": [",
	      b->out);
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->built_in[i]) {
			fprintf(b->out, "%s\"%s\"", first ? "" : ", ", m->devices[i]);
			first = false;
		}
	fputs("]\n    }\n   },\n   \"allOf\": [", b->out);
	first = true;
	for (size_t i = 0; i < m->n_devices; i++) {
		if (!m->built_in[i])
			continue;
		fprintf(b->out,
			"%s\n    {\n     \"if\": { \"properties\": { \"type\": { \"const\": \"%s\" } }, "
			"\"required\": [\"type\"] },\n     \"then\": { \"$ref\": ",
			first ? "" : ",", m->devices[i]);
		emit_reference(b, model_file(b->model, arena_printf(compile_arena, "devices/%s.yaml",
								    m->devices[i])));
		fputs(" }\n    }", b->out);
		first = false;
	}
	fputs("\n   ]\n  }", b->out);
}

void emit_json(FILE *out, struct model *model)
{
	struct bundle b = { .model = model, .out = out };

	fputs("{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	      " \"$id\": \"urn:weft:description:1\"",
	      out);
	emit_pairs(&b, model_file(model, "machine.yaml"), 0, false, true);
	fputs(",\n \"$defs\": {", out);
	if (b.devices)
		emit_devices(&b);
	/* Definitions refer to more of them, which come after. */
	for (size_t i = 0; i < b.n; i++) {
		fputs(i || b.devices ? "," : "", out);
		newline(out, 2);
		json_string(out, definition_name(&b, b.targets[i]));
		fputs(": ", out);
		emit_value(&b, b.targets[i], 2);
	}
	fputs("\n }\n}\n", out);
}
