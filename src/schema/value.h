/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description after the schema: a tree of typed values, every default filled in, each with the
 * place that says it. The generated structs (schema/config.h) hold the same, for code; this tree is
 * for what goes over a description as a whole: places, differences, the canonical form.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/units.h"
#include "schema/schema.h"

struct node;
struct strbuf;

struct value {
	const struct schema_type *type;
	const struct schema_property
		*property; /* which one of its parent it is; NULL in a list or map */
	const char *name;  /* its key in the parent; NULL in a list and of the root */
	struct span span;  /* where it is written; of a default, the place of what it belongs to */
	struct span key_span;      /* where its key is written */
	bool written;              /* false: the default */
	const struct node *origin; /* what else gave it, a variable; or NULL */
	union {
		bool boolean;       /* SCHEMA_BOOLEAN, SCHEMA_SWITCH */
		uint64_t number;    /* SCHEMA_INTEGER (two's complement), SIZE, DURATION, RATE */
		unsigned word;      /* SCHEMA_ENUM: the C enum's number */
		const char *string; /* SCHEMA_STRING, SCHEMA_PATH (absolute) */
		struct mac_address mac;
		struct uuid uuid;
		const struct cpu_list *cpus;
		struct { /* objects, maps, unions and lists; but for lists sorted by name */
			const struct value *const *children;
			size_t n;
			const struct schema_variant *variant; /* of a union or device; else NULL */
		};
	};
	/* Its place in the struct of its parent (of the root: the struct), or NULL. */
	const void *bound;
};

/**
 * value_find() - a value below another
 * @value: where to start
 * @path: "backend.tap", "output.0.path"; NULL or "" is @value itself
 *
 * Return: the value, or NULL when there is none (an absent property without a default).
 */
const struct value *value_find(const struct value *value, const char *path);

/* The same of one name, of any letters ('.' included). */
const struct value *value_child(const struct value *value, const char *name);

/* Where the value at @path is written; where nothing is, the place of the nearest value above it.
 */
struct span value_span(const struct value *value, const char *path);

/**
 * value_canonical() - the value in one and only one form
 * @value: the value
 * @out: gets the text
 *
 * JSON without spaces, keys sorted, integers and units as plain numbers, every default there: two
 * descriptions that mean the same give the same bytes.
 */
void value_canonical(const struct value *value, struct strbuf *out);

/* The value of a scalar as a person writes it: "512MiB", "off", "52:54:00:…"; quotes as YAML needs.
 */
void value_print(const struct value *value, struct strbuf *out);

/* The word of a SCHEMA_ENUM. */
const char *value_word(const struct value *value);
