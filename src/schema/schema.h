/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a description may say, as constant tables that src/schema/compile makes from schemas/ when
 * weft is built. The tables hold no pointers: strings are offsets into one pool and types are
 * numbers, so that they are shared pages of the file that no relocation touches.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_kind {
	SCHEMA_BOOLEAN,
	SCHEMA_INTEGER,
	SCHEMA_STRING,
	SCHEMA_ENUM,
	SCHEMA_SIZE,     /* bytes */
	SCHEMA_DURATION, /* nanoseconds */
	SCHEMA_RATE,     /* bytes a second */
	SCHEMA_PATH,
	SCHEMA_MAC,
	SCHEMA_UUID,
	SCHEMA_CPU_LIST,
	SCHEMA_SWITCH, /* a boolean that may be written on and off */
	SCHEMA_VALUE,  /* any value, of what the document stage takes away */
	SCHEMA_ARRAY,
	SCHEMA_OBJECT,
	SCHEMA_MAP,
	SCHEMA_UNION,   /* an object whose properties depend on its `type` */
	SCHEMA_DEVICES, /* a union whose variants are the device types */
};

enum schema_change {
	SCHEMA_CHANGE_NONE, /* of a type's discriminator */
	SCHEMA_CHANGE_LIVE,
	SCHEMA_CHANGE_REPLUG,
	SCHEMA_CHANGE_RESTART,
	SCHEMA_CHANGE_FIXED,
};

/* What a machine does with a path; it only reads when `read-only` beside it is true. */
enum schema_access {
	SCHEMA_ACCESS_READ,
	SCHEMA_ACCESS_WRITE, /* and reads */
	SCHEMA_ACCESS_MAKE,  /* makes it, or writes what is there */
};

enum schema_type_flag {
	SCHEMA_HAS_MIN = 1,
	SCHEMA_HAS_MAX = 2,
	SCHEMA_SIGNED = 4, /* min and max are int64_t */
	SCHEMA_SINGLE_OK =
		8, /* an array of one item may be written as the item, an object as one value */
	SCHEMA_EXTENSIONS = 16, /* keys that start with x- are passed over */
};

enum schema_property_flag {
	SCHEMA_REQUIRED = 1,
	SCHEMA_HAS_DEFAULT = 2,
	SCHEMA_POINTER = 4,        /* the member is a pointer to the object, NULL when absent */
	SCHEMA_HAS_MEMBER = 8,     /* there is a bool has_NAME beside the member */
	SCHEMA_DISCRIMINATOR = 16, /* the `type` of a variant: not a member of its struct */
	SCHEMA_DOCUMENT = 32,      /* the document stage takes it away: no value, no member */
};

#define SCHEMA_NONE UINT16_MAX

/* The property that stands for all keys of an object with SCHEMA_EXTENSIONS that are passed over.
 */
#define SCHEMA_EXTENSION_NAME "x-*"

/* A string: its offset in schema_strings; 0 is no string. */
typedef uint32_t schema_string;

/* Which slots of the other tables belong to a type: [first, first + n). */
struct schema_range {
	uint16_t first, n;
};

struct schema_type {
	uint8_t kind;        /* enum schema_kind */
	uint8_t flags;       /* enum schema_type_flag */
	uint16_t pattern;    /* of a string, or of the keys of a map; SCHEMA_NONE for none */
	uint16_t items;      /* the type of an array's items, a map's values */
	uint16_t max_length; /* of a string or a key, in characters; 0 for no limit */
	uint16_t min_length;
	uint16_t min_items, max_items; /* of an array or map; 0 for no limit */
	uint16_t payload;            /* of a union: offset of the variants' members in the struct */
	struct schema_range parts;   /* properties, enum values or variants */
	struct schema_range groups;  /* of an object: rules about which keys go together */
	uint32_t struct_size;        /* of an object, of one item of an array or map; bytes */
	uint64_t min, max, multiple; /* of an integer, size or duration; multiple 0 for none */
	schema_string title, description;
};

struct schema_property {
	schema_string name, description, default_text, example, since, deprecated;
	uint16_t type;
	uint16_t offset;     /* of the member in the struct */
	uint16_t has_offset; /* of has_NAME */
	uint8_t flags;       /* enum schema_property_flag */
	uint8_t change;      /* enum schema_change */
	uint8_t access;      /* enum schema_access, of a path */
	uint16_t order;      /* in the schema, for people: the table is sorted by name */
};

/* A word of an enum; its number is that of the C enum. */
struct schema_word {
	schema_string name;
	uint64_t number; /* of an integer that is one of a list; otherwise 0 */
};

/* A variant of a union: the word of its type, and the object. */
struct schema_variant {
	schema_string name;
	uint16_t type;
	uint8_t shorthand; /* `terminal` may stand for {type: terminal} */
};

/* Keys that go together: exactly one of @keys (when @key is 0), or @key needs all of @keys. */
struct schema_group {
	schema_string key;
	struct schema_range keys; /* in schema_group_keys */
};

/*
 * A pattern as a Glushkov automaton: position i of at most 64 takes the bytes of set[i]; follow[i]
 * are the positions that may come after it.
 */
struct schema_pattern {
	uint64_t first, last;
	uint16_t follow; /* the first of its words in schema_pattern_follow */
	uint16_t n;
	bool empty; /* takes the empty string */
	schema_string hint, text;
};

struct schema_charset {
	uint64_t bits[2]; /* ASCII */
	bool others;      /* whether bytes above 127 are in it */
};

extern const char schema_strings[];
extern const struct schema_type schema_types[];
extern const struct schema_property schema_properties[];
extern const struct schema_word schema_words[];
extern const struct schema_variant schema_variants[];
extern const struct schema_group schema_groups[];
extern const schema_string schema_group_keys[];
extern const struct schema_pattern schema_patterns[];
extern const uint64_t schema_pattern_follow[];
extern const struct schema_charset schema_pattern_sets[];
extern const uint16_t schema_root; /* the type of a description */
extern const uint16_t schema_n_types;
extern const schema_string
	schema_left_out[];       /* device types that exist and are not built in; ends with 0 */
extern const char schema_json[]; /* all of it as one JSON Schema */
extern const size_t schema_json_size, schema_json_defs; /* bytes; those before its $defs */

static inline const char *schema_text(schema_string s)
{
	return s ? schema_strings + s : NULL;
}

static inline const struct schema_type *schema_type(uint16_t index)
{
	return index == SCHEMA_NONE ? NULL : &schema_types[index];
}

/* The property called @name of an object type, or NULL. */
const struct schema_property *schema_property_find(const struct schema_type *type,
						   const char *name);

/* The variant called @name of a union, or NULL. */
const struct schema_variant *schema_variant_find(const struct schema_type *type, const char *name);

/* Whether a device type called @name exists but was not built in. */
bool schema_is_left_out(const char *name);

/* Whether @text, of @size bytes, matches. Linear in @size. */
bool schema_pattern_matches(const struct schema_pattern *pattern, const char *text, size_t size);
