/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values into the structs that are generated from the schemas (schema/config.h).
 */
#pragma once

struct arena;
struct config_machine;
struct value;

/**
 * schema_bind() - fill the structs of a description
 * @arena: holds the structs; strings are shared with the values, so it must not outlive them
 * @root: what schema_check() returned
 *
 * Also sets the bound pointer of every value.
 *
 * Return: the root struct, never NULL.
 */
const struct config_machine *schema_bind(struct arena *arena, const struct value *root);
