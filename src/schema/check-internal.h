/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What check.c (objects, lists, maps, variants) and check-scalar.c share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "document/node.h"
#include "schema/schema.h"
#include "schema/value.h"

struct arena;

struct check {
	struct arena *arena;
	struct diag_list *diags;
	const char *cwd; /* asked for once, when a relative path needs it */
	bool defaulting; /* what is checked now nobody wrote */
};

/* Where the check is: the chain up to the root makes the path of a diagnostic. */
struct place {
	const struct place *up;
	const char *name; /* NULL in a list */
	size_t index;     /* in a list */
	const struct node_entry *entry;
	struct span span;
	const struct schema_property *property; /* or NULL */
};

/* A fault at @place, with its path and, when the value stands elsewhere, where that is. */
struct diag *check_fault(struct check *check, const struct place *place, const char *code,
			 const char *fmt, ...) printf_like(4, 5);

/* "'count'", "item 2" or "the description": how a message begins. */
const char *check_subject(struct check *check, const struct place *place);

/* Words as a person lists them: "a, b or c" when @last is " or ". */
const char *check_list(struct check *check, const char *const *words, size_t n, const char *last);

/* "'x' takes WANTED, not a string". */
void check_wrong_kind(struct check *check, const struct place *place,
		      const struct schema_type *type);

/* What a type takes, as a person says it: "an integer", "a size such as 512MiB". */
const char *schema_type_words(const struct schema_type *type);

struct value *check_new_value(struct check *check, const struct place *place,
			      const struct schema_type *type);

/* A scalar; NULL when there was a fault. */
struct value *check_scalar(struct check *check, const struct place *place,
			   const struct schema_type *type);

/* The length of a text in characters, 0 for no limit in @min and @max; false with a fault. */
bool check_length(struct check *check, const struct place *place, const char *what,
		  const char *text, size_t size, const struct schema_type *type);

/* The keys of an object, and the words of a union, in the order of the schema. Return: how many. */
size_t check_known_keys(const struct schema_type *type, const char **known);
size_t check_known_variants(const struct schema_type *type, const char **known);
#define CHECK_MAX_KNOWN 64

/*
 * The one of @known that is meant by @word, which is nearly it or what other programs call it; NULL
 * when none is. check-words.c.
 */
const char *check_word_meant(const char *word, const char *const *known, size_t n);

/* The ways out, check-hint.c: of a value of the wrong kind; */
void check_hint_kind(struct check *check, struct diag *diag, const struct place *place,
		     const struct schema_type *type);

/* of a key that is not known in the object at @place. Return: the key that is meant, or NULL; */
const char *check_hint_unknown(struct check *check, struct diag *diag, const struct place *place,
			       const struct schema_type *type, const struct node_entry *entry);

/* of a word that is not known; @what: "the types are"; */
void check_hint_word(struct check *check, struct diag *diag, const char *word,
		     const char *const *known, size_t n, const char *what);

/* of a map that does not say which variant of a union it is; */
void check_hint_no_type(struct check *check, struct diag *diag, const struct place *place,
			const struct schema_type *type);

/* of a variant that needs more than its name; */
void check_hint_variant(struct check *check, struct diag *diag,
			const struct schema_variant *variant);

/* of a name with capitals, blanks or underscores; */
void check_hint_label(struct check *check, struct diag *diag, const char *text,
		      const struct schema_pattern *pattern);

/* and of a size that is too small because it has no unit. */
void check_hint_bytes(struct check *check, struct diag *diag, const struct place *place,
		      const struct schema_type *type);
