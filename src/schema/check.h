/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A located tree against the schema: every fault in one run, and the typed values.
 */
#pragma once

#include "base/compiler.h"

struct arena;
struct diag_list;
struct node;
struct value;

/**
 * schema_check() - check a description
 * @arena: holds the values; must outlive them
 * @root: the root of the document
 * @diags: gets every fault
 *
 * Makes no system call (but one getcwd() when there is a relative path and the file was named by
 * one). Main thread or any other: it keeps no state.
 *
 * Return: the values, or NULL when there was an error.
 */
const struct value *schema_check(struct arena *arena, const struct node *root,
				 struct diag_list *diags);
