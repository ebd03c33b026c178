/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of a fault: what the author may have meant, guessed from the schema and from mistakes
 * people make. A guess is only said when what it proposes would be valid in that place.
 */
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "schema/check-internal.h"

#define MAX_LABEL  64
#define MAX_LISTED 16 /* keys or words that a hint lists */

#define FULL_WIDTH_COLON "\xef\xbc\x9a"

/* `kernel:vmlinuz` below `boot:` is a text; with a space it were a map. */
static bool hint_space(struct check *check, struct diag *diag, const struct node *node)
{
	size_t word;

	if (node->kind != NODE_STRING || node_is_quoted(node))
		return false;
	word = strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (word && strncmp(node->text + word, FULL_WIDTH_COLON, strlen(FULL_WIDTH_COLON)) == 0) {
		diag_hint(check->diags, diag,
			  "this colon is a full-width one (U+FF1A): write ':' and a space");
		return true;
	}
	if (!word || node->text[word] != ':' || strncmp(node->text + word, "://", 3) == 0)
		return false;
	diag_hint(check->diags, diag, "a space is missing after the colon: write '%.*s: %.60s'",
		  (int)MIN(word, (size_t)60), node->text, node->text + word + 1);
	return true;
}

static const struct schema_property *find_in_variants(const struct schema_type *type,
						      const char *key)
{
	const struct schema_property *found = NULL;

	for (size_t i = 0; i < type->parts.n && !found; i++)
		found = schema_property_find(
			schema_type(schema_variants[type->parts.first + i].type), key);
	return found;
}

/* What stands where a device should, below the key @place->name. */
static bool hint_no_device(struct check *check, struct diag *diag, const struct place *place,
			   const struct schema_type *type, const struct node *node)
{
	const char *known[CHECK_MAX_KNOWN];

	if (!place->name)
		return false;
	if (strcmp(place->name, "include") == 0 || strcmp(place->name, "vars") == 0)
		diag_hint(check->diags, diag,
			  "'%s' is a key of the description itself: indent it less", place->name);
	else if (find_in_variants(type, place->name))
		diag_hint(check->diags, diag,
			  "'%s' is a key of a device: indent it below the name of the device",
			  place->name);
	else if (node->kind != NODE_NULL)
		return false;
	else if (schema_variant_find(type, place->name)) /* `virtio-rng:` */
		diag_hint(check->diags, diag, "write %s: { type: %s }", place->name, place->name);
	else
		diag_hint(check->diags, diag,
			  "indent the keys of '%s' below it; the first one is type, one of: %s",
			  place->name,
			  check_list(check, known, check_known_variants(type, known), " and "));
	return true;
}

static bool hint_united(struct check *check, struct diag *diag, const struct place *place,
			const struct schema_type *type, const struct node *node)
{
	if (type->kind == SCHEMA_DEVICES && hint_no_device(check, diag, place, type, node))
		return true;
	if (node->kind != NODE_STRING || !schema_variant_find(type, node->text))
		return false;
	if (place->name)
		diag_hint(check->diags, diag, "write %s: { type: %s }", place->name, node->text);
	else
		diag_hint(check->diags, diag, "write { type: %s }", node->text);
	return true;
}

/* `- name: root` or `- root: …` where a map of devices is. */
static bool hint_list(struct check *check, struct diag *diag, const struct schema_type *type,
		      const struct node *node)
{
	const struct node *item = node->n_entries ? node->entries[0].value : NULL, *name;
	const char *label = "root";

	if (schema_type(type->items)->kind != SCHEMA_DEVICES || !item || item->kind != NODE_MAP)
		return false;
	name = node_get(item, "name");
	if (name && name->kind == NODE_STRING)
		label = name->text;
	else if (item->n_entries == 1 && item->entries[0].value->kind == NODE_MAP)
		label = item->entries[0].key->text;
	diag_hint(
		check->diags, diag,
		"each device stands under its name and without a dash: '%.32s:', and its keys indented below",
		label);
	return true;
}

static bool hint_boolean(struct check *check, struct diag *diag, const struct node *node)
{
	static const char *const words[] = {"true", "false"};
	static const char *const yes[] = {"1", "enabled", "enable", "ro"};
	static const char *const no[] = {"0", "disabled", "disable", "none", "never", "rw"};
	const char *near = node->kind == NODE_STRING ? suggest(node->text, words, 2) : NULL;

	if (!node_is_scalar(node))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		near = strcmp(node->text, yes[i]) == 0 ? "true" : near;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		near = strcmp(node->text, no[i]) == 0 ? "false" : near;
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
	if (united && hint_united(check, diag, place, type, node))
		return;
	if (type->kind == SCHEMA_MAP && node->kind == NODE_SEQ &&
	    hint_list(check, diag, type, node))
		return;
	if (type->kind == SCHEMA_BOOLEAN && hint_boolean(check, diag, node))
		return;
	if (type->kind == SCHEMA_STRING && node_is_scalar(node) && node->kind != NODE_NULL)
		diag_hint(check->diags, diag, "write \"%.64s\" in quotes", node->text);
	else if (type->kind == SCHEMA_INTEGER && type->parts.n == 1 && place->name)
		diag_hint(check->diags, diag, "write %s: %s", place->name,
			  schema_text(schema_words[type->parts.first].name));
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
		diag_hint(check->diags, diag, "'%.64s' is a key of '%s': indent it below '%s:'",
			  key, schema_text(p->name), schema_text(p->name));
		return true;
	}
	return false;
}

/* A key of an object around this one. */
static bool hint_around(struct check *check, struct diag *diag, const struct place *place,
			const char *key)
{
	for (const struct place *up = place->up; up; up = up->up) {
		const struct schema_type *outer = type_at(up);

		if (!outer || outer->kind != SCHEMA_OBJECT || !schema_property_find(outer, key))
			continue;
		if (up->up)
			diag_hint(check->diags, diag, "'%.64s' is a key of '%s': indent it less",
				  key, up->name ? up->name : "");
		else
			diag_hint(check->diags, diag,
				  "'%.64s' is a key of the description itself: indent it less",
				  key);
		return true;
	}
	return false;
}

/* `{ cmdline: a,b }`: the comma ends the value, and b is a key without one. */
static bool hint_comma(struct check *check, struct diag *diag, const struct node *map,
		       const struct node_entry *entry)
{
	const struct node_entry *before = entry - 1;
	const struct node *value;

	if (map->style != NODE_FLOW || entry == map->entries || entry->merged ||
	    entry->value->kind != NODE_NULL || entry->value->size)
		return false;
	value = before->value;
	if (!node_is_scalar(value) || node_is_quoted(value) || before->alias.line ||
	    value->span.end_line != entry->key->span.line)
		return false;
	diag_hint(check->diags, diag,
		  "a comma ends a value in braces: if this belongs to '%.32s', write "
		  "%.32s: \"%.60s,%.60s\"",
		  before->key->text, before->key->text, value->text, entry->key->text);
	return true;
}

/* What cannot be a key of the description, but is a device or a list of them. */
static bool hint_device(struct check *check, struct diag *diag, const struct schema_type *devices,
			const struct node_entry *entry)
{
	const char *known[CHECK_MAX_KNOWN], *key = entry->key->text, *meant = NULL;
	const struct node *type = node_get(entry->value, "type");
	size_t n = check_known_variants(devices, known);

	if (type && type->kind == NODE_STRING && schema_variant_find(devices, type->text)) {
		diag_hint(check->diags, diag,
			  "a device stands below 'devices:': indent '%.64s' there", key);
		return true;
	}
	meant = check_word_meant(key, known, n);
	if (!meant || !schema_variant_find(devices, meant))
		return false;
	diag_hint(check->diags, diag, "it is a device: write devices: { NAME: { type: %s, … } }",
		  meant);
	return true;
}

/* Of the top of the description. */
static bool hint_top(struct check *check, struct diag *diag, const struct schema_type *type,
		     const struct node_entry *entry)
{
	const struct schema_property *devices = schema_property_find(type, "devices");

	if (!entry->value->anchor)
		return devices &&
		       hint_device(check, diag, schema_type(schema_type(devices->type)->items),
				   entry);
	diag_hint(check->diags, diag, "if it only holds the anchor &%.32s, call it 'x-%.64s'",
		  entry->value->anchor, entry->key->text);
	return true;
}

static void hint_meant(struct check *check, struct diag *diag, const struct schema_type *type,
		       const char *meant, const struct node *value)
{
	const struct schema_property *p = schema_property_find(type, meant);

	/* Something larger has another form than what was written. */
	if (p && p->example && schema_type(p->type)->kind >= SCHEMA_ARRAY &&
	    value->kind != NODE_MAP)
		diag_hint(check->diags, diag, "did you mean '%s'? for example %s: %s", meant, meant,
			  schema_text(p->example));
	else
		diag_hint(check->diags, diag, "did you mean '%s'?", meant);
}

const char *check_hint_unknown(struct check *check, struct diag *diag, const struct place *place,
			       const struct schema_type *type, const struct node_entry *entry)
{
	const char *key = entry->key->text, *meant, *known[CHECK_MAX_KNOWN];
	size_t n = check_known_keys(type, known);

	if (schema_property_find(type, key)) { /* taken away before, where it is in a file */
		diag_hint(check->diags, diag,
			  "write it into the file, which is read before options are looked at");
		return NULL;
	}
	meant = check_word_meant(key, known, n);
	if (hint_comma(check, diag, place->entry->value, entry) ||
	    (!place->up && (!meant || strcmp(meant, "devices") != 0) &&
	     hint_top(check, diag, type, entry)))
		return NULL;
	if (strncmp(key, "x-", 2) == 0)
		diag_hint(check->diags, diag,
			  "keys that begin with x- stand at the top of the description");
	else if (meant)
		hint_meant(check, diag, type, meant, entry->value);
	else if (!(type->kind == SCHEMA_OBJECT && hint_below(check, diag, type, key)) &&
		 !hint_around(check, diag, place, key) && n <= MAX_LISTED)
		diag_hint(check->diags, diag, "the keys here are: %s",
			  check_list(check, known, n, " and "));
	return meant;
}

void check_hint_word(struct check *check, struct diag *diag, const char *word,
		     const char *const *known, size_t n, const char *what)
{
	const char *meant = check_word_meant(word, known, n);
	bool file = false;

	for (size_t i = 0; i < n; i++)
		file = file || strcmp(known[i], "file") == 0;
	if (file && !meant && strpbrk(word, "./"))
		diag_hint(check->diags, diag, "for a file write { type: file, path: %.64s }", word);
	else if (meant)
		diag_hint(check->diags, diag, "did you mean '%s'?", meant);
	else if (n && n <= MAX_LISTED)
		diag_hint(check->diags, diag, "%s: %s", what, check_list(check, known, n, " and "));
}

void check_hint_no_type(struct check *check, struct diag *diag, const struct place *place,
			const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	const char *known[CHECK_MAX_KNOWN];
	size_t n = check_known_variants(type, known);

	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct node_entry *entry = &node->entries[i];
		const char *key = entry->key->text, *text = entry->value->text;

		if (schema_variant_find(type, key)) /* `{ file: console.log }` */
			diag_hint(check->diags, diag, "write type: %s", key);
		else if (entry->value->kind == NODE_STRING && schema_variant_find(type, text))
			diag_hint(check->diags, diag, "write type: %s in the place of %.64s: %s",
				  text, key, text);
		else
			continue;
		return;
	}
	if (place->name && schema_variant_find(type, place->name))
		diag_hint(check->diags, diag,
			  "write type: %s, and give the device a name of its own if you like",
			  place->name);
	else if (n && n <= MAX_LISTED)
		diag_hint(check->diags, diag, "the types are: %s",
			  check_list(check, known, n, " and "));
}

void check_hint_variant(struct check *check, struct diag *diag,
			const struct schema_variant *variant)
{
	const struct schema_type *type = schema_type(variant->type);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "{ type: %s", schema_text(variant->name));
	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_property *p = &schema_properties[type->parts.first + i];

		if (p->flags & SCHEMA_REQUIRED && !(p->flags & SCHEMA_DISCRIMINATOR) && p->example)
			strbuf_printf(&text, ", %s: %s", schema_text(p->name),
				      schema_text(p->example));
	}
	for (size_t i = 0; i < type->groups.n; i++) { /* exactly one of several: the first */
		const struct schema_group *group = &schema_groups[type->groups.first + i];
		const struct schema_property *p = schema_property_find(
			type, schema_text(schema_group_keys[group->keys.first]));

		if (!group->key && p && p->example)
			strbuf_printf(&text, ", %s: %s", schema_text(p->name),
				      schema_text(p->example));
	}
	diag_hint(check->diags, diag, "write %s }", text.text);
}

void check_hint_label(struct check *check, struct diag *diag, const char *text,
		      const struct schema_pattern *pattern)
{
	char label[MAX_LABEL];
	size_t size = strlen(text), fill = 0;
	const char *spaces = " \t\n";

	if (size >= sizeof(label))
		return;
	while (size && strchr(spaces, text[size - 1]))
		size--;
	while (size && strchr(spaces, *text)) {
		text++;
		size--;
	}
	if (size && schema_pattern_matches(pattern, text, size)) {
		diag_hint(check->diags, diag, "write %.*s", (int)size, text);
		return;
	}
	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (c == '_' || c == ' ' || c == '.')
			c = '-';
		label[fill++] = c;
	}
	label[fill] = '\0';
	if (fill && schema_pattern_matches(pattern, label, fill))
		diag_hint(check->diags, diag, "write %s", label);
}

void check_hint_bytes(struct check *check, struct diag *diag, const struct place *place,
		      const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	uint64_t bytes;

	if (node->kind != NODE_INT || node->integer.negative || node->integer.magnitude == 0 ||
	    __builtin_mul_overflow(node->integer.magnitude, (uint64_t)MiB, &bytes))
		return;
	if (bytes >= type->min && (!(type->flags & SCHEMA_HAS_MAX) || bytes <= type->max))
		diag_hint(check->diags, diag,
			  "a size without a unit is in bytes; did you mean %sMiB?", node->text);
}
