/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The located tree of a description: what its author wrote, typed by the YAML 1.2 core schema, each
 * node with its place. It knows nothing of what a machine is.
 *
 * An alias or a merge key does not copy: nodes are shared, the tree is a directed graph without
 * cycles. Nobody need fear to walk it as a tree: document_load() refuses a description that would
 * be more than DOCUMENT_MAX_NODES nodes, DOCUMENT_MAX_DEPTH deep or DOCUMENT_MAX_BYTES of text when
 * every alias is followed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Budgets of one description; document_load() says which one was passed, and where. */
#define DOCUMENT_MAX_FILE    (1024 * 1024)     /* bytes in one file */
#define DOCUMENT_MAX_BYTES   (4 * 1024 * 1024) /* bytes of scalars with every alias followed */
#define DOCUMENT_MAX_DEPTH   64
#define DOCUMENT_MAX_NODES   50000
#define DOCUMENT_MAX_ALIASES 1000
#define DOCUMENT_MAX_SCALAR  (64 * 1024)

enum node_kind {
	NODE_NULL, /* `~`, `null` or nothing at all */
	NODE_BOOL, /* `true`, `false`; `yes` and `on` are strings */
	NODE_INT,  /* decimal or 0x */
	NODE_FLOAT,
	NODE_STRING,
	NODE_SEQ,
	NODE_MAP,
};

enum node_style {
	NODE_PLAIN,
	NODE_SINGLE_QUOTED,
	NODE_DOUBLE_QUOTED,
	NODE_LITERAL, /* | */
	NODE_FOLDED,  /* > */
	NODE_BLOCK,   /* of a sequence or map: by indentation */
	NODE_FLOW,    /* [] {} */
};

struct node;

/* An item of a sequence or a pair of a map, in the order of the file. */
struct node_entry {
	const struct node *key;   /* a scalar; NULL in a sequence */
	const struct node *value; /* shared when it came by an alias or a merge key */
	struct span alias;        /* where `*name` was written; line 0 when the value stands here */
	bool merged;              /* came through `<<`: key and value stand elsewhere */
};

struct node {
	enum node_kind kind;
	enum node_style style;
	struct span span;   /* of the value itself */
	const char *tag;    /* as resolved: "tag:yaml.org,2002:str"; NULL when none was written */
	const char *anchor; /* NULL when there is none */
	bool refused;       /* what is wrong with it was told: no later stage says more of it */

	/* Scalars: the text after quotes, escapes and folding, ended by NUL; holds no other NUL. */
	const char *text;
	uint32_t size; /* bytes of text */

	union {
		bool boolean;
		struct {
			bool negative;
			uint64_t magnitude; /* the integer without its sign */
		} integer;
		struct { /* of sequences and maps */
			const struct node_entry *entries;
			uint32_t n_entries;
			const uint32_t *by_key; /* of large maps: entries in the order of keys */
		};
	};

	/* With every alias followed: how many nodes, how many bytes of scalars, how many levels. */
	uint32_t tree_nodes, tree_bytes;
	uint16_t tree_depth;

	/* What gave a value that is not the author's own text: a variable, an override. Or NULL. */
	const struct node *origin;
};

static inline bool node_is_scalar(const struct node *node)
{
	return node->kind < NODE_SEQ;
}

/* Whether the author wrote the scalar in quotes or as a block: then it is a string. */
static inline bool node_is_quoted(const struct node *node)
{
	return node->style != NODE_PLAIN;
}

/**
 * node_entry_span() - the place to show for the value of an entry
 * @entry: the entry
 *
 * Return: where the alias stands if the value came by one, otherwise the place of the value.
 */
static inline struct span node_entry_span(const struct node_entry *entry)
{
	return entry->alias.line ? entry->alias : entry->value->span;
}

/**
 * node_entry_relate() - tell where the value of an entry was really written
 * @entry: the entry a diagnostic points at with node_entry_span()
 * @diags: the list @diag belongs to
 * @diag: the diagnostic
 *
 * Adds "the value is written here" when the value came by an alias or a variable; otherwise
 * nothing.
 */
void node_entry_relate(const struct node_entry *entry, struct diag_list *diags, struct diag *diag);

/* The entry of a map whose key is @key, or NULL; also NULL when @node is no map. */
const struct node_entry *node_find(const struct node *node, const char *key);

/* The value of node_find(), or NULL. */
const struct node *node_get(const struct node *node, const char *key);

/* The value at a dotted path, "devices.root.path" or "a.items.0", or NULL. */
const struct node *node_at(const struct node *root, const char *path);

/* What a node is, as a person says it: "a string", "an integer", "a list", "a map", "nothing". */
const char *node_kind_name(enum node_kind kind);
