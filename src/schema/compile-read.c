/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema files to trees, by libyaml's own document loader: they are the project's files and not a
 * user's, and the compiler must not need the front end that it is built for.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "schema/compile.h"

struct arena *compile_arena;
unsigned compile_errors;

static const char *schema_directory;

void yml_error(const struct yml *at, const char *fmt, ...)
{
	va_list ap;

	compile_errors++;
	fprintf(stderr, "%s/%s:%u: error: ", schema_directory, at->file, at->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void compile_die(const char *fmt, ...)
{
	va_list ap;

	fputs("schema compiler: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *compile_grow(void *items, size_t n, size_t size)
{
	void *more;

	/* Doubles at powers of two; the arena never takes the old array back. */
	if (n && (n < 4 || !IS_POWER_OF_2(n)))
		return items;
	more = arena_array(compile_arena, n < 4 ? 4 : 2 * n, size);
	if (n)
		memcpy(more, items, n * size);
	return more;
}

static enum yml_kind scalar_kind(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return YML_STRING;
	if (!strcmp(text, "") || !strcmp(text, "null") || !strcmp(text, "~"))
		return YML_NULL;
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return YML_BOOL;
	if (*text == '-')
		text++;
	return *text && strspn(text, "0123456789") == strlen(text) ? YML_INT : YML_STRING;
}

static struct yml *convert(yaml_document_t *document, int index, const char *file)
{
	yaml_node_t *node = yaml_document_get_node(document, index);
	struct yml *yml = arena_new(compile_arena, struct yml);

	yml->file = file;
	yml->line = (unsigned)node->start_mark.line + 1;
	if (node->type == YAML_SCALAR_NODE) {
		yml->kind = scalar_kind(node);
		yml->text = arena_strdup(compile_arena, (const char *)node->data.scalar.value);
	} else if (node->type == YAML_SEQUENCE_NODE) {
		yaml_node_item_t *first = node->data.sequence.items.start;

		yml->kind = YML_LIST;
		yml->n = (size_t)(node->data.sequence.items.top - first);
		yml->values = arena_new_array(compile_arena, yml->n, struct yml *);
		for (size_t i = 0; i < yml->n; i++)
			yml->values[i] = convert(document, first[i], file);
	} else {
		yaml_node_pair_t *first = node->data.mapping.pairs.start;

		yml->kind = YML_MAP;
		yml->n = (size_t)(node->data.mapping.pairs.top - first);
		yml->keys = arena_new_array(compile_arena, yml->n, struct yml *);
		yml->values = arena_new_array(compile_arena, yml->n, struct yml *);
		for (size_t i = 0; i < yml->n; i++) {
			yml->keys[i] = convert(document, first[i].key, file);
			yml->values[i] = convert(document, first[i].value, file);
			if (yml_get(&(struct yml){.kind = YML_MAP,
						  .n = i,
						  .keys = yml->keys,
						  .values = yml->values},
				    yml->keys[i]->text))
				yml_error(yml->keys[i], "'%s' is there twice", yml->keys[i]->text);
		}
	}
	return yml;
}

struct yml *yml_read(const char *directory, const char *name)
{
	const char *path = arena_printf(compile_arena, "%s/%s", directory, name);
	yaml_document_t document;
	yaml_parser_t parser;
	struct yml *root;
	FILE *in = fopen(path, "re");

	schema_directory = directory;
	if (!in)
		compile_die("%s: %s", path, strerror(errno));
	if (!yaml_parser_initialize(&parser))
		compile_die("out of memory");
	yaml_parser_set_input_file(&parser, in);
	if (!yaml_parser_load(&parser, &document))
		compile_die("%s:%zu: %s", path, parser.problem_mark.line + 1, parser.problem);
	if (!yaml_document_get_root_node(&document))
		compile_die("%s: the file is empty", path);
	/* The root node is the first. */
	root = convert(&document, 1, arena_strdup(compile_arena, name));
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	fclose(in);
	return root;
}

struct yml *yml_get(const struct yml *map, const char *key)
{
	if (!map || map->kind != YML_MAP || !key)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (map->keys[i]->text && !strcmp(map->keys[i]->text, key))
			return map->values[i];
	return NULL;
}

const char *yml_text(const struct yml *map, const char *key)
{
	const struct yml *value = yml_get(map, key);

	return value ? value->text : NULL;
}

bool yml_is(const struct yml *map, const char *key, const char *text)
{
	const char *value = yml_text(map, key);

	return value && !strcmp(value, text);
}

/* Whether a string would be read as something else when it is written plain. */
static bool needs_quotes(const struct yml *yml)
{
	static const char *const words[] = {"", "null", "~", "true", "false"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(yml->text, words[i]))
			return true;
	return strspn(yml->text, "0123456789.-+") == strlen(yml->text) ||
	       strpbrk(yml->text, "{}[],#&*!|>'\"%@`:");
}

static void write_flow(FILE *out, const struct yml *yml)
{
	if (yml->kind == YML_LIST || yml->kind == YML_MAP) {
		fputc(yml->kind == YML_LIST ? '[' : '{', out);
		for (size_t i = 0; i < yml->n; i++) {
			fputs(i ? ", " : yml->kind == YML_MAP ? " " : "", out);
			if (yml->kind == YML_MAP)
				fprintf(out, "%s: ", yml->keys[i]->text);
			write_flow(out, yml->values[i]);
		}
		fputs(yml->kind == YML_LIST ? "]" : yml->n ? " }" : "}", out);
	} else if (yml->kind == YML_NULL) {
		fputs("null", out);
	} else {
		const char *quote = yml->kind == YML_STRING && needs_quotes(yml) ? "\"" : "";

		fprintf(out, "%s%s%s", quote, yml->text, quote);
	}
}

const char *yml_flow(const struct yml *yml)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *copy;

	if (!out)
		compile_die("out of memory");
	write_flow(out, yml);
	fclose(out);
	copy = arena_strdup(compile_arena, text);
	free(text);
	return copy;
}
