/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical layout of a description: keys in the order of the schema, two spaces for each
 * level, comments kept. What the text means is never changed.
 */
#pragma once

struct arena;
struct diag_list;
struct source;
struct strbuf;

/**
 * format_source() - lay out the text of a description, or of a part that others include
 * @arena: for what is needed meanwhile; must outlive @diags
 * @source: the text
 * @diags: gets why it cannot be done
 * @out: gets the new text; nothing on failure
 *
 * The result is read again, and is refused unless it is the same tree with the same comments.
 * Laying out the result again gives the same text.
 *
 * The choice between blocks and braces, how scalars are quoted and broken, and the order of what
 * the author named (devices, variables) stay.
 *
 * Return: 0; -EINVAL when the text is no YAML, or has what cannot be laid out (directives).
 */
int format_source(struct arena *arena, const struct source *source, struct diag_list *diags,
		  struct strbuf *out);
