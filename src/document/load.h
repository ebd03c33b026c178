/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of document/: from the text of one source to its tree, before anything is merged into it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "base/diag.h"
#include "document/node.h"

struct arena;

/* Where a text stands in its source, and which part of the source it is. */
struct load_origin {
	size_t offset;   /* bytes of the source's text that come before it, all on its first line */
	uint32_t column; /* characters of them */
};

/**
 * load_tree() - parse the text of a source
 * @arena: holds the nodes
 * @source: the text
 * @origin: what of the text to skip; NULL: nothing
 * @diags: gets what is wrong
 *
 * Return: the root, of any kind; NULL when the text is empty, no YAML, or means nothing certain.
 */
struct node *load_tree(struct arena *arena, const struct source *source,
		       const struct load_origin *origin, struct diag_list *diags);

/* Tells in words of its own why libyaml stopped. @last_scalar: the newest scalar before, or NULL.
 */
void syntax_error(const yaml_parser_t *parser, const struct source *source,
		  const struct load_origin *origin, const struct node *last_scalar,
		  struct diag_list *diags);

/* What to do with a line that belongs to another format, or NULL when it may be YAML. @text:
 * without its indentation. */
const char *foreign_line(const char *text, size_t size);

/* Looks for bytes that are no text. Return: false, with a diagnostic, when there are. */
bool text_check(const struct source *source, struct diag_list *diags);

/*
 * Looks in a plain scalar for characters that were taken for others: typographic quotes around it,
 * blanks that are none. Adds a diagnostic.
 */
void text_check_plain(const struct node *node, struct diag_list *diags);

/* Types a plain scalar by the YAML 1.2 core schema; adds a diagnostic to a number that cannot be
 * told. */
void scalar_resolve(struct node *node, struct diag_list *diags);

/* Fills in tree_nodes, tree_bytes and tree_depth. Return: the first entry that passes a budget, or
 * NULL. */
const struct node_entry *node_weigh(struct node *node);

/* Orders the keys of a map with many, for node_find(). */
void node_index(struct arena *arena, struct node *node);
