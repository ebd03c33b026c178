/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of document/: laying one tree over another. An include, the file that includes it and the
 * overrides of the command line all meet by the same rule: maps merge key by key and all the way
 * down, anything else replaces, a null removes.
 */
#pragma once

#include "document/node.h"

struct arena;

/**
 * overlay() - lay a tree over another
 * @arena: holds the result
 * @base: what lies below
 * @top: what lies above and wins
 *
 * Neither is changed; what they do not disagree on is shared. A null in @top removes the key; where
 * there was nothing to remove, it stays, so that the schema can judge it.
 *
 * Return: the result.
 */
struct node *overlay(struct arena *arena, const struct node *base, const struct node *top);

/**
 * overlay_set() - lay one override of the command line over a tree
 * @arena: holds the result
 * @root: the tree, a map
 * @set: "cpus.count=4": a path of keys and a value in YAML
 * @diags: gets what is wrong; its places are in the override
 *
 * Return: the new root, or NULL when the override cannot be read.
 */
struct node *overlay_set(struct arena *arena, struct node *root, const char *set,
			 struct diag_list *diags);
