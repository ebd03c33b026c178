/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of a fault: what the author may have meant, guessed from the schema and from mistakes
 * people make. A guess is only said when what it proposes would be valid in that place.
 */
#include <string.h>

#include "base/arena.h"
#include "base/suggest.h"
#include "base/units.h"
#include "schema/check-internal.h"

#define MAX_LABEL 64

/* `kernel:vmlinuz` below `boot:` is a text; with a space it were a map. */
static bool hint_space(struct check *check, struct diag *diag, const struct node *node)
{
	size_t word;

	if (node->kind != NODE_STRING || node_is_quoted(node))
		return false;
	word = strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (!word || node->text[word] != ':' || strncmp(node->text + word, "://", 3) == 0)
		return false;
	diag_hint(check->diags, diag, "a space is missing after the colon: write '%.*s: %.60s'",
		  (int)MIN(word, (size_t)60), node->text, node->text + word + 1);
	return true;
}

static bool hint_variant(struct check *check, struct diag *diag, const struct place *place,
			 const struct schema_type *type, const struct node *node)
{
	if (node->kind != NODE_STRING || !schema_variant_find(type, node->text))
		return false;
	if (place->name)
		diag_hint(check->diags, diag, "write %s: { type: %s }", place->name, node->text);
	else
		diag_hint(check->diags, diag, "write { type: %s }", node->text);
	return true;
}

static bool hint_boolean(struct check *check, struct diag *diag, const struct node *node)
{
	static const char *const words[] = { "true", "false" };
	const char *near = node->kind == NODE_STRING ? suggest(node->text, words, 2) : NULL;

	if (near)
		diag_hint(check->diags, diag, "did you mean %s?", near);
	return near;
}

void check_hint_kind(struct check *check, struct diag *diag, const struct place *place,
		     const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	bool united = type->kind == SCHEMA_UNION || type->kind == SCHEMA_DEVICES;

	if ((united || type->kind == SCHEMA_OBJECT || type->kind == SCHEMA_MAP) &&
	    hint_space(check, diag, node))
		return;
	if (united && hint_variant(check, diag, place, type, node))
		return;
	if (type->kind == SCHEMA_BOOLEAN && hint_boolean(check, diag, node))
		return;
	if (type->kind == SCHEMA_STRING && node_is_scalar(node) && node->kind != NODE_NULL)
		diag_hint(check->diags, diag, "write \"%.64s\" in quotes", node->text);
	else if (node->kind == NODE_STRING && node_is_quoted(node) && type->kind == SCHEMA_INTEGER)
		diag_hint(check->diags, diag, "write it without quotes");
	else if (place->property && place->property->example)
		diag_hint(check->diags, diag, "for example %s: %s", place->name,
			  schema_text(place->property->example));
}

/* The type of the object at @place, or NULL where the chain does not tell it. */
static const struct schema_type *type_at(const struct place *place)
{
	if (!place->up)
		return schema_type(schema_root);
	return place->property ? schema_type(place->property->type) : NULL;
}

/* A key that stands too far left: one of the objects beside it has it. */
static bool hint_below(struct check *check, struct diag *diag, const struct schema_type *type,
		       const char *key)
{
	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_property *p = &schema_properties[type->parts.first + i];
		const struct schema_type *inner = schema_type(p->type);

		if (inner->kind != SCHEMA_OBJECT || !schema_property_find(inner, key))
			continue;
		diag_hint(check->diags, diag, "'%.64s' is a key of '%s': indent it below '%s:'", key,
			  schema_text(p->name), schema_text(p->name));
		return true;
	}
	return false;
}

bool check_hint_misplaced(struct check *check, struct diag *diag, const struct place *place,
			  const struct schema_type *type, const char *key)
{
	if (type->kind == SCHEMA_OBJECT && hint_below(check, diag, type, key))
		return true;
	for (const struct place *up = place->up; up; up = up->up) {
		const struct schema_type *outer = type_at(up);

		if (!outer || outer->kind != SCHEMA_OBJECT || !schema_property_find(outer, key))
			continue;
		if (up->up)
			diag_hint(check->diags, diag, "'%.64s' is a key of '%s': indent it less", key,
				  up->name ? up->name : "");
		else
			diag_hint(check->diags, diag,
				  "'%.64s' is a key of the description itself: indent it less", key);
		return true;
	}
	return false;
}

void check_hint_label(struct check *check, struct diag *diag, const char *text,
		      const struct schema_pattern *pattern)
{
	char label[MAX_LABEL];
	size_t size = strlen(text), fill = 0;

	if (size >= sizeof(label))
		return;
	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (c == '_' || c == ' ' || c == '.')
			c = '-';
		label[fill++] = c;
	}
	label[fill] = '\0';
	if (fill && strcmp(label, text) != 0 && schema_pattern_matches(pattern, label, fill))
		diag_hint(check->diags, diag, "write %s", label);
}

void check_hint_bytes(struct check *check, struct diag *diag, const struct place *place,
		      const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	uint64_t bytes;

	if (node->kind != NODE_INT || node->integer.negative ||
	    node->integer.magnitude == 0 ||
	    __builtin_mul_overflow(node->integer.magnitude, (uint64_t)MiB, &bytes))
		return;
	if (bytes >= type->min && (!(type->flags & SCHEMA_HAS_MAX) || bytes <= type->max))
		diag_hint(check->diags, diag,
			  "a size without a unit is in bytes; did you mean %sMiB?", node->text);
}
