/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema in words: for `weft explain`, the manual page and completion, which all say the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "schema/schema.h"

struct strbuf;

/* A place in the schema: `devices.virtio-blk.path`. */
struct schema_place {
	const struct schema_type *type;
	const struct schema_property *property; /* NULL of the root, a variant, an item */
	const struct schema_type *parent;       /* where an unknown name was looked for */
};

/**
 * schema_place_find() - find what a path stands for
 * @path: names with dots between; of a device its type ("devices.virtio-blk"), of a variant its
 * word
 *        ("devices.virtio-net.backend.tap"); lists and maps are stepped through by any name or none
 * @ret: the place; when nothing is found, how far the path led
 * @ret_unknown: the part that is not known, in @path
 *
 * A path may begin with a device type. Return: whether there is such a place.
 */
bool schema_place_find(const char *path, struct schema_place *ret, const char **ret_unknown);

/* One name below a type; false when there is none such. */
bool schema_place_step(const struct schema_type *type, const char *name, struct schema_place *ret);

/* The names that may follow a place, in the order of the schema; at most @max. Returns how many. */
size_t schema_place_names(const struct schema_type *type, const char **names, size_t max);

/* The device types that are built in; at most @max. Returns how many. */
size_t schema_device_names(const char **names, size_t max);

/* "integer, 1 to 255", "one of auto, pvh or linux64", "list of strings". */
void schema_describe_type(const struct schema_type *type, struct strbuf *out);

/* What an edit takes: "applied while the machine runs". */
const char *schema_change_words(enum schema_change change);
const char *schema_change_name(enum schema_change change);

/* The n-th property of an object in the order of its schema file. */
const struct schema_property *schema_property_in_order(const struct schema_type *type, size_t n);

/* Every path that schema_place_find() knows, by a function called with each. */
void schema_each_path(void (*call)(const char *path, const struct schema_property *property,
				   void *data),
		      void *data);

/* weft.yaml(5) in man's roff. */
void schema_manual(struct strbuf *out);
