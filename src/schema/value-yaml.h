/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole description as a person writes it: YAML that weft reads again, to the same machine.
 */
#pragma once

#include <stdbool.h>

struct json_t;
struct strbuf;
struct value;

/**
 * value_yaml() - the effective description
 * @root: the values of a description
 * @origins: whether each line ends with a comment on where its value comes from
 * @out: gets the text
 *
 * In blocks, keys in the order of the schema, maps in the order of their keys, every default there,
 * every unit as people write it, paths absolute: wherever the text is kept, it is the same machine.
 */
void value_yaml(const struct value *root, bool origins, struct strbuf *out);

/* The same as JSON, which weft reads as well; units are strings. A new reference. */
struct json_t *value_json(const struct value *root);

/* {path: {file, line, column} or {default: true}} for every scalar below @root. A new reference. */
struct json_t *value_json_origins(const struct value *root);
