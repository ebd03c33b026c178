/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.c: the constant tables of schema/schema.h. Offsets and sizes of members are written as
 * offsetof and sizeof, so the C compiler fills them in and they cannot be wrong.
 */
#include <inttypes.h>
#include <string.h>

#include "schema/compile.h"

/* The tables while they are made: what each has so far, as text. */
struct table {
	char *text;
	size_t size;
	FILE *out;
	unsigned n;
};

struct tables {
	struct table types, properties, words, variants, groups, group_keys, patterns, follow, sets;
	/* Strings that are there already are used again. */
	size_t n_strings;
	const char **strings;
	uint32_t *offsets;
	uint32_t pool;
	/* Patterns likewise. */
	size_t n_patterns;
	const struct yml **pattern_of;
};

static uint32_t intern(struct tables *t, const char *text)
{
	uint32_t offset = t->pool;

	if (!text)
		return 0;
	for (size_t i = 0; i < t->n_strings; i++)
		if (!strcmp(t->strings[i], text))
			return t->offsets[i];
	t->offsets = compile_grow(t->offsets, t->n_strings, sizeof(*t->offsets));
	t->offsets[t->n_strings] = offset;
	PUSH(t->strings, t->n_strings, text);
	t->pool += (uint32_t)strlen(text) + 1;
	return offset;
}

static uint16_t emit_pattern(struct tables *t, const struct yml *at, const struct yml *hint)
{
	struct pattern pattern;

	if (!at)
		return SCHEMA_NONE;
	for (size_t i = 0; i < t->n_patterns; i++)
		if (!strcmp(t->pattern_of[i]->text, at->text))
			return (uint16_t)i;
	if (!pattern_compile(at, &pattern))
		return SCHEMA_NONE;
	fprintf(t->patterns.out,
		"\t{ 0x%" PRIx64 ", 0x%" PRIx64 ", %u, %u, %d, %" PRIu32 ", %" PRIu32 " },\n",
		pattern.first, pattern.last, t->follow.n, pattern.n, pattern.empty,
		intern(t, hint ? hint->text : NULL), intern(t, at->text));
	for (unsigned i = 0; i < pattern.n; i++) {
		fprintf(t->follow.out, "\t0x%" PRIx64 ",\n", pattern.follow[i]);
		fprintf(t->sets.out, "\t{ { 0x%" PRIx64 ", 0x%" PRIx64 " }, %d },\n",
			pattern.sets[i].bits[0], pattern.sets[i].bits[1], pattern.sets[i].others);
	}
	t->follow.n += pattern.n;
	PUSH(t->pattern_of, t->n_patterns, at);
	return (uint16_t)(t->n_patterns - 1);
}

static const char *default_text(const struct property *p)
{
	if (!p->default_value)
		return NULL;
	if (p->default_value->kind == YML_MAP)
		return "{}";
	if (p->default_value->kind == YML_LIST)
		return "[]";
	return p->default_value->kind == YML_NULL ? "null" : p->default_value->text;
}

static void emit_property(struct tables *t, const struct type *type, const struct property *p,
			  unsigned order)
{
	const struct yml *examples = yml_get(p->schema, "examples");
	unsigned flags =
		(p->required ? SCHEMA_REQUIRED : 0) | (p->default_value ? SCHEMA_HAS_DEFAULT : 0) |
		(p->pointer ? SCHEMA_POINTER : 0) | (p->has_member ? SCHEMA_HAS_MEMBER : 0) |
		(p->discriminator ? SCHEMA_DISCRIMINATOR : 0) | (p->document ? SCHEMA_DOCUMENT : 0);
	bool member = !p->discriminator && !p->document && !type->document;
	FILE *out = t->properties.out;

	fprintf(out, "\t{ %u, %u, %u, %u, %u, %u, %u, ", intern(t, p->name),
		intern(t, yml_text(p->schema, "description")), intern(t, default_text(p)),
		intern(t, examples && examples->n ? yml_flow(examples->values[0]) : NULL),
		intern(t, yml_text(p->schema, "x-since")),
		intern(t, yml_text(p->schema, "x-deprecated")), p->type->index);
	if (!member)
		fputs("0, 0, ", out);
	else
		fprintf(out, "offsetof(struct %s, %s), ", type->c_tag, p->c_name);
	if (member && p->has_member)
		fprintf(out, "offsetof(struct %s, has_%s), ", type->c_tag, p->c_name);
	else if (member)
		fputs("0, ", out);
	fprintf(out, "%u, %u, %u, %u }, /* %s */\n", flags, p->change, p->access, order, p->name);
	t->properties.n++;
}

static void emit_properties(struct tables *t, const struct type *type)
{
	bool *done = arena_new_array(compile_arena, type->n_properties + 1, bool);

	for (size_t i = 0; i < type->n_properties; i++) {
		size_t least = SIZE_MAX;

		for (size_t j = 0; j < type->n_properties; j++)
			if (!done[j] &&
			    (least == SIZE_MAX ||
			     strcmp(type->properties[j].name, type->properties[least].name) < 0))
				least = j;
		done[least] = true;
		emit_property(t, type, &type->properties[least], (unsigned)least);
	}
}

static void emit_groups(struct tables *t, const struct type *type)
{
	for (size_t i = 0; i < type->n_groups; i++) {
		const struct group *group = &type->groups[i];

		fprintf(t->groups.out, "\t{ %u, { %u, %zu } },\n", intern(t, group->key),
			t->group_keys.n, group->n);
		for (size_t j = 0; j < group->n; j++)
			fprintf(t->group_keys.out, "\t%u,\n", intern(t, group->keys[j]));
		t->group_keys.n += (unsigned)group->n;
		t->groups.n++;
	}
}

/* Properties, words or variants of a type: returns how many, and in @first the first one's number.
 */
static unsigned emit_parts(struct tables *t, const struct type *type, unsigned *first)
{
	struct table *table = type->n_variants ? &t->variants
			      : type->n_words  ? &t->words
					       : &t->properties;

	*first = table->n;
	if (type->kind == SCHEMA_OBJECT)
		emit_properties(t, type);
	for (size_t i = 0; i < type->n_words; i++, t->words.n++)
		fprintf(t->words.out, "\t{ %u, UINT64_C(%" PRIu64 ") },\n",
			intern(t, type->words[i]), type->numbers ? type->numbers[i] : 0);
	for (size_t i = 0; i < type->n_variants; i++) {
		const struct variant *v = &type->variants[i];

		if (v->type->left_out)
			continue;
		fprintf(t->variants.out, "\t{ %u, %u, %d },\n", intern(t, v->name), v->type->index,
			v->shorthand);
		t->variants.n++;
	}
	return table->n - *first;
}

/* sizeof of what the builder allocates for a type, and the offset of what is inside. */
static void emit_layout(FILE *out, const struct type *type)
{
	const char *payload = "0", *size = "0";

	if (type->document) {
		fprintf(out, ".payload = 0, .struct_size = 0, ");
		return;
	}
	if (type->kind == SCHEMA_OBJECT && (type_has_members(type) || type->doc_name))
		size = arena_printf(compile_arena, "sizeof(struct %s)", type->c_tag);
	if (type->kind == SCHEMA_UNION || type->kind == SCHEMA_DEVICES)
		size = arena_printf(compile_arena, "sizeof(struct %s)", type->c_tag);
	if (type->kind == SCHEMA_ARRAY || type->kind == SCHEMA_MAP)
		size = arena_printf(compile_arena, "sizeof(*((struct %s *)0)->items)", type->c_tag);
	if (type->kind == SCHEMA_MAP)
		payload =
			arena_printf(compile_arena, "offsetof(struct %s_item, value)", type->c_tag);
	for (size_t i = 0; i < type->n_variants; i++)
		if (type->variants[i].member)
			payload = arena_printf(compile_arena, "offsetof(struct %s, %s)",
					       type->c_tag, type->variants[i].c_name);
	fprintf(out, ".payload = %s, .struct_size = %s, ", payload, size);
}

static void emit_type_row(struct tables *t, const struct type *type)
{
	FILE *out = t->types.out;
	unsigned first, n = emit_parts(t, type, &first), groups = t->groups.n;

	emit_groups(t, type);
	fprintf(out, "\t[%u] = { %u, %u, .pattern = %u, .items = %u, ", type->index, type->kind,
		type->flags, emit_pattern(t, type->pattern, type->pattern_hint),
		type->items ? type->items->index : SCHEMA_NONE);
	fprintf(out, ".max_length = %" PRIu64 ", .min_length = %" PRIu64 ", ", type->max_length,
		type->min_length);
	fprintf(out, ".min_items = %" PRIu64 ", .max_items = %" PRIu64 ", ", type->min_items,
		type->max_items);
	emit_layout(out, type);
	fprintf(out, ".parts = { %u, %u }, .groups = { %u, %u }, ", first, n, groups,
		t->groups.n - groups);
	fprintf(out,
		".min = UINT64_C(%" PRIu64 "), .max = UINT64_C(%" PRIu64
		"), .multiple = UINT64_C(%" PRIu64 "), ",
		type->min, type->max, type->multiple);
	fprintf(out, ".title = %u, .description = %u }, /* %s */\n",
		intern(t, yml_text(type->target, "title")),
		intern(t, yml_text(type->target, "description")), type->c_tag ? type->c_tag : "");
	t->types.n++;
}

/* Numbers the types that a description can reach; a device that is left out is not. */
static void number_types(struct type *type, uint16_t *next, unsigned depth)
{
	if (type->index != SCHEMA_NONE || type->left_out)
		return;
	if (depth > 16)
		compile_die("types nest too deep");
	type->index = (*next)++;
	for (size_t i = 0; i < type->n_properties; i++)
		number_types(type->properties[i].type, next, depth + 1);
	for (size_t i = 0; i < type->n_variants; i++)
		number_types(type->variants[i].type, next, depth + 1);
	if (type->items)
		number_types(type->items, next, depth + 1);
}

static void table_open(struct table *table)
{
	table->out = open_memstream(&table->text, &table->size);
	if (!table->out)
		compile_die("out of memory");
}

static void table_write(FILE *out, struct table *table, const char *declaration)
{
	fclose(table->out);
	/* An empty table still has a row, as C wants it. */
	fprintf(out, "const %s[] = {\n%s};\n\n", declaration,
		table->size ? table->text : "\t{ 0 },\n");
	free(table->text);
}

void emit_c_string(FILE *out, const char *text, size_t size)
{
	fputs("\t\"", out);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			fputs(i + 1 < size ? "\\n\"\n\t\"" : "\\n", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputs("\"", out);
}

static void emit_strings(FILE *out, const struct tables *t)
{
	fputs("const char schema_strings[] =\n\t\"\\0\"\n", out);
	for (size_t i = 0; i < t->n_strings; i++) {
		emit_c_string(out, t->strings[i], strlen(t->strings[i]));
		fputs(" \"\\0\"\n", out);
	}
	fputs("\t;\n\n", out);
}

static void emit_bundle(FILE *out, struct model *model)
{
	char *text = NULL;
	size_t size = 0;
	FILE *json = open_memstream(&text, &size);

	if (!json)
		compile_die("out of memory");
	emit_json(json, model);
	fclose(json);
	fputs("const char schema_json[] =\n", out);
	emit_c_string(out, text, size);
	fprintf(out,
		";\nconst size_t schema_json_size = sizeof(schema_json) - 1, schema_json_defs = %zu;\n",
		model->json_defs);
	free(text);
}

void emit_tables(FILE *out, struct model *model)
{
	struct tables t = {.pool = 1};
	struct table *all[] = {&t.types,      &t.properties, &t.words,  &t.variants, &t.groups,
			       &t.group_keys, &t.patterns,   &t.follow, &t.sets};
	static const char *const declarations[] = {
		"struct schema_type schema_types",
		"struct schema_property schema_properties",
		"struct schema_word schema_words",
		"struct schema_variant schema_variants",
		"struct schema_group schema_groups",
		"schema_string schema_group_keys",
		"struct schema_pattern schema_patterns",
		"uint64_t schema_pattern_follow",
		"struct schema_charset schema_pattern_sets",
	};
	uint16_t n = 0;

	for (size_t i = 0; i < model->n_types; i++)
		model->types[i]->index = SCHEMA_NONE;
	number_types(model->root, &n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		table_open(all[i]);
	for (size_t i = 0; i < model->n_types; i++)
		if (model->types[i]->index != SCHEMA_NONE)
			emit_type_row(&t, model->types[i]);
	fputs("/* Made from schemas/ by src/schema/compile. */\n#include \"schema/config.h\"\n"
	      "#include \"schema/schema.h\"\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		table_write(out, all[i], declarations[i]);
	fprintf(out, "const uint16_t schema_root = %u;\nconst uint16_t schema_n_types = %u;\n\n",
		model->root->index, n);
	fputs("const schema_string schema_left_out[] = {\n", out);
	for (size_t i = 0; i < model->n_devices; i++)
		if (!model->built_in[i])
			fprintf(out, "\t%u,\n", intern(&t, model->devices[i]));
	fputs("\t0,\n};\n\n", out);
	emit_strings(out, &t);
	emit_bundle(out, model);
}
