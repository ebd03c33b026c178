/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of document/: `vars:` at the top of a description, -D NAME=VALUE, and ${name} in values.
 */
#pragma once

#include "base/diag.h"
#include "document/node.h"

struct arena;

/**
 * vars_apply() - put the values of variables into a tree
 * @arena: holds the result
 * @root: the tree; `vars` is taken out of it
 * @defines: "name=value" from the command line
 * @n_defines: how many
 * @diags: gets what is wrong
 *
 * In a value, ${name} stands for the variable's and $${ for ${. A value that is ${name} alone, in
 * quotes or not, is what the variable is, an integer or a string; in a longer text it becomes text.
 * Keys are not touched. There is no environment and no expression.
 *
 * Return: the new root, or NULL when a variable is wrong or missing.
 */
struct node *vars_apply(struct arena *arena, struct node *root, const char *const *defines,
			size_t n_defines, struct diag_list *diags);
