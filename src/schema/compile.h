/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema compiler, a program of the build: reads schemas/ and writes the C structs, the
 * constant tables and the bundled JSON Schema. What is wrong with a schema is an error with file
 * and line, and no output. Its memory lives until it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "schema/schema.h"

/* A schema file's text as a tree (compile-read.c). */
enum yml_kind {
	YML_NULL,
	YML_BOOL,
	YML_INT,
	YML_STRING,
	YML_LIST,
	YML_MAP,
};

struct yml {
	enum yml_kind kind;
	const char *file; /* "devices/virtio-rng.yaml" */
	unsigned line;
	const char *text; /* of a scalar */
	size_t n;         /* of a list or map */
	struct yml **keys, **values;
};

extern struct arena *compile_arena;
extern unsigned compile_errors;

/* An error in a schema, with its place. */
void yml_error(const struct yml *at, const char *fmt, ...) printf_like(2, 3);
noreturn_fn void compile_die(const char *fmt, ...) printf_like(1, 2);

/* Reads DIRECTORY/NAME; ends the program when it cannot. */
struct yml *yml_read(const char *directory, const char *name);

/* The value of a key of a map, or NULL (also when @map is NULL or no map). */
struct yml *yml_get(const struct yml *map, const char *key);
const char *yml_text(const struct yml *map, const char *key);
bool yml_is(const struct yml *map, const char *key, const char *text);

/* The rules for schemas themselves (compile-lint.c). */
void lint_schema(const struct yml *schema);

/* A growing array: pushes one element of the array that @items points at. */
#define PUSH(items, n, item)                                            \
	do {                                                            \
		(items) = compile_grow((items), (n), sizeof(*(items))); \
		(items)[(n)++] = (item);                                \
	} while (0)
void *compile_grow(void *items, size_t n, size_t size);

/* The model (compile-model.c): what the outputs are made from. */
struct property {
	const char *name;   /* "triple-fault" */
	const char *c_name; /* "triple_fault" */
	struct yml *schema; /* with its annotations */
	struct type *type;
	enum schema_change change;
	enum schema_access access;
	bool required, discriminator, document, pointer, has_member;
	struct yml *default_value; /* or NULL */
};

struct variant {
	const char *name, *c_name; /* of a union: the word of its type */
	struct type *type;         /* the object; shared by the words of one alternative */
	bool shorthand, member;    /* whether its struct is a member of the union */
};

struct group {
	const char *key; /* NULL: exactly one of @keys; otherwise @key needs all of them */
	size_t n;
	const char **keys;
};

struct type {
	enum schema_kind kind;
	struct yml *schema, *target; /* where it stands, and what its $ref leads to */
	const char *c_tag;           /* of its struct or enum */
	const char *doc_name;        /* of a type with a file of its own */
	unsigned flags;              /* enum schema_type_flag */
	uint64_t min, max, multiple;
	uint64_t min_length, max_length, min_items, max_items;
	size_t n_properties;
	struct property *properties; /* in the order of the file */
	size_t n_words;
	const char **words;
	uint64_t *numbers; /* of an integer that is one of a list */
	size_t n_variants;
	struct variant *variants;
	size_t n_groups;
	struct group *groups;
	struct type *items;
	const struct yml *pattern; /* or NULL */
	const struct yml *pattern_hint;
	uint16_t index; /* in the tables */
	bool building, left_out;
	bool document; /* of a property that the document stage takes away: it has no struct */
};

struct model {
	const char *directory;
	struct type *root;
	size_t n_types;
	struct type **types; /* each after those it holds */
	size_t n_devices;
	const char **devices; /* every device type that has a schema, sorted */
	bool *built_in;
	size_t json_defs; /* where the definitions begin in what emit_json() wrote */
	size_t n_files;
	struct {
		const char *name;
		struct yml *root;
	} * files;
};

/* A tree as YAML on one line. */
const char *yml_flow(const struct yml *yml);

/* A C string literal, cut at newlines. */
void emit_c_string(FILE *out, const char *text, size_t size);

/* A key of a schema: its own, or else of what its $ref leads to. */
struct yml *schema_key(struct model *model, struct yml *schema, const char *key);
/* What a $ref leads to; ends the program when that is nowhere. */
struct yml *schema_resolve(struct model *model, const struct yml *ref);
struct yml *model_file(struct model *model, const char *name);

void model_build(struct model *model, const char **built_in, size_t n_built_in);

/* Whether its struct is not empty. */
bool type_has_members(const struct type *type);

/* "a-b" to "a_b", and to "A_B". */
const char *c_lower(const char *name);
const char *c_upper(const char *name);

void emit_header(FILE *out, struct model *model);
void emit_tables(FILE *out, struct model *model);
void emit_json(FILE *out, struct model *model);

/* A pattern's automaton (compile-pattern.c). */
struct pattern {
	unsigned n;
	uint64_t first, last, follow[64];
	struct schema_charset sets[64];
	bool empty;
};

/* Reads the subset of ECMA-262 that schemas may use; false with an error at @at. */
bool pattern_compile(const struct yml *at, struct pattern *ret);
