/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema/config.h: the C structs and enums of a description.
 */
#include <string.h>

#include "schema/compile.h"

/* The first sentence of a description, as a comment; nothing may end the comment early. */
static void emit_comment(FILE *out, const char *indent, const char *text)
{
	const char *end;

	if (!text)
		return;
	end = strstr(text, ". ");
	if (strstr(text, "*/"))
		return;
	fprintf(out, "%s/* %.*s */\n", indent, (int)(end ? (size_t)(end + 1 - text) : strlen(text)),
		text);
}

static const char *c_type(const struct type *type)
{
	switch (type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		return "bool ";
	case SCHEMA_INTEGER:
		return type->flags & SCHEMA_SIGNED ? "int64_t " : "uint64_t ";
	case SCHEMA_SIZE:
	case SCHEMA_DURATION:
	case SCHEMA_RATE:
		return "uint64_t ";
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		return "const char *";
	case SCHEMA_MAC:
		return "struct mac_address ";
	case SCHEMA_UUID:
		return "struct uuid ";
	case SCHEMA_CPU_LIST:
		return "struct cpu_list ";
	case SCHEMA_ENUM:
		return arena_printf(compile_arena, "enum %s ", type->c_tag);
	default:
		return arena_printf(compile_arena, "struct %s ", type->c_tag);
	}
}

static void emit_enum(FILE *out, const struct type *type)
{
	fprintf(out, "enum %s {\n", type->c_tag);
	for (size_t i = 0; i < type->n_words; i++)
		fprintf(out, "\t%s_%s,\n", c_upper(type->c_tag), c_upper(type->words[i]));
	fputs("};\n\n", out);
}

static const char *unit_comment(const struct type *type)
{
	switch (type->kind) {
	case SCHEMA_SIZE:
		return " /* bytes */";
	case SCHEMA_DURATION:
		return " /* nanoseconds */";
	case SCHEMA_RATE:
		return " /* bytes a second */";
	case SCHEMA_PATH:
		return " /* absolute */";
	default:
		return "";
	}
}

bool type_has_members(const struct type *type)
{
	for (size_t i = 0; i < type->n_properties; i++)
		if (!type->properties[i].discriminator && !type->properties[i].document)
			return true;
	return false;
}

static void emit_object(FILE *out, const struct type *type, const char *description)
{
	if (!type_has_members(type) && !type->doc_name)
		return;
	emit_comment(out, "", description);
	fprintf(out, "struct %s {\n", type->c_tag);
	for (size_t i = 0; i < type->n_properties; i++) {
		const struct property *p = &type->properties[i];

		if (p->discriminator || p->document)
			continue;
		emit_comment(out, "\t", yml_text(p->schema, "description"));
		if (p->has_member)
			fprintf(out, "\tbool has_%s;\n", p->c_name);
		fprintf(out, "\t%s%s%s;%s\n", c_type(p->type), p->pointer ? "*" : "", p->c_name,
			unit_comment(p->type));
	}
	if (!type_has_members(type))
		fputs("\tchar none; /* it has no properties */\n", out);
	fputs("};\n\n", out);
}

static void emit_union(FILE *out, const struct type *type)
{
	size_t members = 0;

	fprintf(out, "enum %s_type {\n", type->c_tag);
	for (size_t i = 0; i < type->n_variants; i++)
		fprintf(out, "\t%s_TYPE_%s,\n", c_upper(type->c_tag),
			c_upper(type->variants[i].name));
	fprintf(out, "};\n\nstruct %s {\n\tenum %s_type type;\n", type->c_tag, type->c_tag);
	for (size_t i = 0; i < type->n_variants; i++) {
		const struct variant *v = &type->variants[i];

		if (v->member && !members++)
			fputs("\tunion {\n", out);
		if (v->member)
			fprintf(out, "\t\tstruct %s %s;\n", v->type->c_tag, v->c_name);
	}
	fputs(members ? "\t};\n};\n\n" : "};\n\n", out);
}

static void emit_type(FILE *out, const struct type *type)
{
	switch (type->kind) {
	case SCHEMA_ENUM:
		emit_enum(out, type);
		break;
	case SCHEMA_OBJECT:
		emit_object(out, type, yml_text(type->target, "description"));
		break;
	case SCHEMA_UNION:
		emit_union(out, type);
		break;
	case SCHEMA_ARRAY:
		fprintf(out, "struct %s {\n\tsize_t n;\n\t%s*items;\n};\n\n", type->c_tag,
			c_type(type->items));
		break;
	case SCHEMA_MAP:
		fprintf(out,
			"struct %s {\n\tsize_t n;\n\tstruct %s_item {\n\t\tconst char *key;\n"
			"\t\t%svalue;\n\t} *items; /* sorted by key */\n};\n\n",
			type->c_tag, type->c_tag, c_type(type->items));
		break;
	case SCHEMA_DEVICES:
		fprintf(out,
			"struct %s {\n\tconst char *type;   /* \"virtio-blk\" */\n"
			"\tconst void *config; /* struct virtio_blk_config and so on */\n};\n\n",
			type->c_tag);
		break;
	default:
		break;
	}
}

/* The only word of a discriminator needs no C enum. */
static bool is_discriminator_type(const struct model *model, const struct type *type)
{
	for (size_t i = 0; i < model->n_types; i++)
		for (size_t j = 0; j < model->types[i]->n_properties; j++)
			if (model->types[i]->properties[j].type == type &&
			    model->types[i]->properties[j].discriminator)
				return true;
	return false;
}

void emit_header(FILE *out, struct model *model)
{
	fputs("/* Made from schemas/ by src/schema/compile; CONTRIBUTING.md says by which rules. */\n"
	      "#pragma once\n\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
	      "#include \"base/units.h\"\n\n",
	      out);
	for (size_t i = 0; i < model->n_types; i++)
		if (!model->types[i]->document && !is_discriminator_type(model, model->types[i]))
			emit_type(out, model->types[i]);
}
