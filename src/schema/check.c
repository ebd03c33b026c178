/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects, lists, maps and variants against the schema. A fault makes its value NULL and the check
 * goes on beside it, so that one run finds them all.
 */
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "schema/check-internal.h"
#include "schema/check.h"

static struct value *check_value(struct check *check, const struct place *place,
				 const struct schema_type *type);

static void write_path(struct strbuf *out, const struct place *place)
{
	if (!place->up)
		return;
	write_path(out, place->up);
	if (out->size)
		strbuf_puts(out, ".");
	if (place->name)
		strbuf_printf(out, "%.128s", place->name);
	else
		strbuf_printf(out, "%zu", place->index);
}

struct diag *check_fault(struct check *check, const struct place *place, const char *code,
			 const char *fmt, ...)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT;
	cleanup_strbuf struct strbuf message = STRBUF_INIT;
	struct diag *diag;
	va_list ap;

	if (diag_is_full(check->diags)) /* only counted */
		return diag_add(check->diags, code, DIAG_ERROR, place->span, "%s", code);
	va_start(ap, fmt);
	strbuf_vprintf(&message, fmt, ap);
	va_end(ap);
	diag = diag_add(check->diags, code, DIAG_ERROR, place->span, "%s", message.text);
	write_path(&path, place);
	if (path.size)
		diag_set_path(check->diags, diag, path.text);
	node_entry_relate(place->entry, check->diags, diag);
	return diag;
}

const char *check_subject(struct check *check, const struct place *place)
{
	if (!place->up)
		return "the description";
	if (!place->name)
		return arena_printf(check->arena, "item %zu", place->index + 1);
	return arena_printf(check->arena, "'%.64s'", place->name);
}

const char *check_list(struct check *check, const char *const *words, size_t n, const char *last)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		strbuf_printf(&text, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : last, words[i]);
	return arena_strdup(check->arena, text.text ? text.text : "");
}

void check_wrong_kind(struct check *check, const struct place *place,
		      const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	struct diag *diag = check_fault(check, place, "E0203", "%s takes %s, not %s",
					check_subject(check, place), schema_type_words(type),
					node_kind_name(node->kind));

	check_hint_kind(check, diag, place, type);
}

struct value *check_new_value(struct check *check, const struct place *place,
			      const struct schema_type *type)
{
	struct value *value = arena_new(check->arena, struct value);

	value->type = type;
	value->property = place->property;
	value->name = place->name;
	value->span = place->span;
	value->key_span =
		place->entry->key && !check->defaulting ? place->entry->key->span : place->span;
	value->written = !check->defaulting;
	value->origin = place->entry->value->origin;
	return value;
}

size_t check_known_keys(const struct schema_type *type, const char **known)
{
	size_t n = 0;

	for (size_t order = 0; order < type->parts.n && n < CHECK_MAX_KNOWN; order++)
		for (size_t i = 0; i < type->parts.n; i++) {
			const struct schema_property *p = &schema_properties[type->parts.first + i];

			if (p->order == order &&
			    strcmp(schema_text(p->name), SCHEMA_EXTENSION_NAME) != 0)
				known[n++] = schema_text(p->name);
		}
	return n;
}

/* Return: the property that is meant, or NULL. */
static const struct schema_property *unknown_key(struct check *check, const struct place *place,
						 const struct schema_type *type,
						 const struct node_entry *entry)
{
	struct place at = {
		.up = place, .name = entry->key->text, .entry = entry, .span = entry->key->span};
	const char *meant, *known[CHECK_MAX_KNOWN];
	struct diag *diag;

	if (entry->key->refused) {
		meant = check_word_meant(entry->key->text, known, check_known_keys(type, known));
	} else {
		diag = check_fault(check, &at, "E0201", "unknown key '%.64s'", entry->key->text);
		if (diag_is_full(check->diags))
			return NULL;
		meant = check_hint_unknown(check, diag, place, type, entry);
	}
	return meant ? schema_property_find(type, meant) : NULL;
}

static void warn_deprecated(struct check *check, const struct place *place)
{
	const char *instead = schema_text(place->property->deprecated);
	struct diag *diag;

	if (!instead || check->defaulting)
		return;
	diag = diag_add(check->diags, "E0214", DIAG_WARNING, place->entry->key->span,
			"'%s' is deprecated", place->name);
	diag_hint(check->diags, diag, "%s", instead);
}

/* What nobody wrote, as if the author had written the schema's default. */
static struct value *default_value(struct check *check, const struct place *up,
				   const struct schema_property *p)
{
	const struct schema_type *type = schema_type(p->type);
	const char *text = schema_text(p->default_text);
	struct node node = {.span = up->span, .text = text, .size = (uint32_t)strlen(text)};
	struct node_entry entry = {.value = &node};
	struct place place = {.up = up,
			      .name = schema_text(p->name),
			      .entry = &entry,
			      .span = up->span,
			      .property = p};
	bool before = check->defaulting;
	struct value *value;

	node.kind = NODE_STRING;
	if (!strcmp(text, "{}"))
		node.kind = NODE_MAP;
	else if (!strcmp(text, "[]"))
		node.kind = NODE_SEQ;
	else if (!strcmp(text, "null"))
		node.kind = NODE_NULL;
	if (type->kind == SCHEMA_BOOLEAN || type->kind == SCHEMA_SWITCH) {
		node.kind = NODE_BOOL;
		node.boolean = !strcmp(text, "true");
	} else if (type->kind == SCHEMA_INTEGER) {
		node.kind = NODE_INT;
		integer_parse(text, &node.integer.negative, &node.integer.magnitude, NULL);
	} else if (!node_is_scalar(&node)) {
		node.entries = NULL;
		node.n_entries = 0;
	}
	check->defaulting = true;
	value = check_value(check, &place, type);
	check->defaulting = before;
	return value;
}

static void missing_key(struct check *check, const struct place *place,
			const struct schema_property *p)
{
	struct diag *diag = check_fault(check, place, "E0202", "%s has no '%s'",
					check_subject(check, place), schema_text(p->name));

	if (p->example)
		diag_hint(check->diags, diag, "add it, for example %s: %s", schema_text(p->name),
			  schema_text(p->example));
	else if (p->flags & SCHEMA_DISCRIMINATOR && schema_type(p->type)->parts.n == 1)
		diag_hint(check->diags, diag, "add %s: %s", schema_text(p->name),
			  schema_text(schema_words[schema_type(p->type)->parts.first].name));
}

/* The keys of an object that are there, under their names or such that they were meant. */
struct keys {
	const struct schema_type *type;
	const struct node *node;
	bool *meant; /* by property */
};

static bool has_key(const struct keys *keys, schema_string key)
{
	const struct schema_property *p;

	if (node_find(keys->node, schema_text(key)))
		return true;
	p = schema_property_find(keys->type, schema_text(key));
	return p && keys->meant[p - &schema_properties[keys->type->parts.first]];
}

static void check_one_of(struct check *check, const struct place *place, const struct keys *keys,
			 const struct schema_group *group)
{
	const char *known[CHECK_MAX_KNOWN], *first = NULL;
	const struct schema_property *p;
	size_t n = 0, found = 0;
	struct diag *diag;

	for (size_t i = 0; i < group->keys.n && n < CHECK_MAX_KNOWN; i++) {
		schema_string key = schema_group_keys[group->keys.first + i];
		const struct node_entry *entry = node_find(keys->node, schema_text(key));

		if (!entry && has_key(keys, key))
			return;
		known[n++] = arena_printf(check->arena, "'%s'", schema_text(key));
		if (entry && ++found > 1) {
			struct place at = {.up = place,
					   .name = schema_text(key),
					   .entry = entry,
					   .span = entry->key->span};

			check_fault(check, &at, "E0210", "'%s' cannot be together with '%s'",
				    schema_text(key), first);
		}
		if (entry && !first)
			first = schema_text(key);
	}
	if (found)
		return;
	diag = check_fault(check, place, "E0202",
			   n == 2 ? "%s has neither %s" : "%s has none of %s",
			   check_subject(check, place),
			   check_list(check, known, n, n == 2 ? " nor " : " and "));
	p = schema_property_find(keys->type, schema_text(schema_group_keys[group->keys.first]));
	if (p && p->example)
		diag_hint(check->diags, diag, "add one of them, for example %s: %s",
			  schema_text(p->name), schema_text(p->example));
}

static void check_groups(struct check *check, const struct place *place, const struct keys *keys)
{
	for (size_t i = 0; i < keys->type->groups.n; i++) {
		const struct schema_group *group = &schema_groups[keys->type->groups.first + i];
		const struct node_entry *entry;

		if (!group->key) {
			check_one_of(check, place, keys, group);
			continue;
		}
		entry = node_find(keys->node, schema_text(group->key));
		for (size_t j = 0; entry && j < group->keys.n; j++) {
			schema_string key = schema_group_keys[group->keys.first + j];
			struct place at = {.up = place,
					   .name = schema_text(group->key),
					   .entry = entry,
					   .span = entry->key->span};

			if (!has_key(keys, key))
				check_fault(check, &at, "E0210", "'%s' needs '%s' beside it",
					    schema_text(group->key), schema_text(key));
		}
	}
}

/* The keys that are there. */
static bool check_entries(struct check *check, const struct place *place, struct keys *keys,
			  struct value **slots)
{
	const struct schema_type *type = keys->type;
	bool good = true;

	for (uint32_t i = 0; i < keys->node->n_entries; i++) {
		const struct node_entry *entry = &keys->node->entries[i];
		const struct schema_property *p = schema_property_find(type, entry->key->text);
		struct place at = {.up = place,
				   .name = entry->key->text,
				   .entry = entry,
				   .span = node_entry_span(entry),
				   .property = p};
		struct value *value;

		if (type->flags & SCHEMA_EXTENSIONS && !strncmp(entry->key->text, "x-", 2))
			continue;
		if (!p || p->flags & SCHEMA_DOCUMENT) {
			p = unknown_key(check, place, type, entry);
			if (p)
				keys->meant[p - &schema_properties[type->parts.first]] = true;
			good = false;
			continue;
		}
		at.name = schema_text(p->name);
		warn_deprecated(check, &at);
		value = check_value(check, &at, schema_type(p->type));
		good = good && value;
		slots[p - &schema_properties[type->parts.first]] = value;
	}
	return good;
}

static struct value *check_object(struct check *check, const struct place *place,
				  const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	size_t n = type->parts.n, errors = diag_errors(check->diags);
	struct keys keys = {.type = type, .node = node};
	struct value **children, *value;
	bool good;

	if (node->kind != NODE_MAP) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	children = arena_new_array(check->arena, n, struct value *);
	keys.meant = arena_new_array(check->arena, n, bool);
	good = check_entries(check, place, &keys, children);
	for (size_t i = 0; i < n; i++) {
		const struct schema_property *p = &schema_properties[type->parts.first + i];

		if (children[i] || has_key(&keys, p->name))
			continue;
		if (p->flags & SCHEMA_REQUIRED)
			missing_key(check, place, p);
		else if (p->flags & SCHEMA_HAS_DEFAULT)
			children[i] = default_value(check, place, p);
	}
	check_groups(check, place, &keys);
	if (!good || diag_errors(check->diags) != errors)
		return NULL;
	value = check_new_value(check, place, type);
	for (size_t i = 0; i < n; i++)
		if (children[i])
			children[value->n++] = children[i];
	value->children = (const struct value *const *)children;
	return value;
}

static bool count_fits(struct check *check, const struct place *place,
		       const struct schema_type *type, size_t n, const char *what)
{
	if (n < type->min_items)
		check_fault(check, place, "E0209", "%s has %zu %s, but it needs at least %u",
			    check_subject(check, place), n, what, type->min_items);
	else if (type->max_items && n > type->max_items)
		check_fault(check, place, "E0209", "%s has %zu %s, but it can have at most %u",
			    check_subject(check, place), n, what, type->max_items);
	else
		return true;
	return false;
}

static struct value *check_array(struct check *check, const struct place *place,
				 const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	bool single = node->kind != NODE_SEQ && type->flags & SCHEMA_SINGLE_OK, good = true;
	size_t n = single ? 1 : node->n_entries;
	struct value **children, *value;

	if (node->kind != NODE_SEQ && !single) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (!single && !count_fits(check, place, type, n, "items"))
		return NULL;
	children = arena_new_array(check->arena, n, struct value *);
	for (size_t i = 0; i < n; i++) {
		const struct node_entry *entry = single ? place->entry : &node->entries[i];
		struct place at = {.up = place,
				   .index = i,
				   .entry = entry,
				   .span = single ? place->span : node_entry_span(entry)};

		/* One item that stands for the list has the list's place. */
		if (single)
			at = *place;
		children[i] = check_value(check, &at, schema_type(type->items));
		if (children[i] && single) {
			children[i]->name = NULL;
			children[i]->property = NULL;
		}
		good = good && children[i];
	}
	if (!good)
		return NULL;
	value = check_new_value(check, place, type);
	value->children = (const struct value *const *)children;
	value->n = n;
	return value;
}

static bool check_key(struct check *check, const struct place *place,
		      const struct schema_type *type)
{
	const struct node *key = place->entry->key;
	struct place at = *place;
	struct diag *diag;

	at.span = key->span;
	if (!check_length(check, &at, arena_printf(check->arena, "the key '%.64s'", key->text),
			  key->text, key->size, type))
		return false;
	if (type->pattern == SCHEMA_NONE ||
	    schema_pattern_matches(&schema_patterns[type->pattern], key->text, key->size))
		return true;
	if (key->refused)
		return false;
	diag = check_fault(check, &at, "E0213",
			   "the key '%.64s' is not allowed here: it has to be %s", key->text,
			   schema_text(schema_patterns[type->pattern].hint));
	if (strstr(key->text, "${"))
		diag_hint(check->diags, diag, "variables are not put into keys");
	else
		check_hint_label(check, diag, key->text, &schema_patterns[type->pattern]);
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct value *const *)a)->name,
		      (*(const struct value *const *)b)->name);
}

static struct value *check_map(struct check *check, const struct place *place,
			       const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	struct value **children, *value;
	bool good = true;

	if (node->kind != NODE_MAP) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (!count_fits(check, place, type, node->n_entries, "keys"))
		return NULL;
	children = arena_new_array(check->arena, node->n_entries, struct value *);
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct node_entry *entry = &node->entries[i];
		struct place at = {.up = place,
				   .name = entry->key->text,
				   .entry = entry,
				   .span = node_entry_span(entry)};

		good = check_key(check, &at, type) && good;
		children[i] = check_value(check, &at, schema_type(type->items));
		good = good && children[i];
	}
	if (!good)
		return NULL;
	if (node->n_entries > 1)
		qsort(children, node->n_entries, sizeof(*children), by_name);
	value = check_new_value(check, place, type);
	value->children = (const struct value *const *)children;
	value->n = node->n_entries;
	return value;
}

size_t check_known_variants(const struct schema_type *type, const char **known)
{
	size_t n = 0;

	for (size_t i = 0; i < type->parts.n && n < CHECK_MAX_KNOWN; i++)
		known[n++] = schema_text(schema_variants[type->parts.first + i].name);
	return n;
}

static void unknown_variant(struct check *check, const struct place *place,
			    const struct schema_type *type, const char *word)
{
	const char *known[CHECK_MAX_KNOWN];
	const char *what = type->kind == SCHEMA_DEVICES ? "device type" : "type";
	size_t n = check_known_variants(type, known);

	if (type->kind == SCHEMA_DEVICES && schema_is_left_out(word)) {
		check_fault(check, place, "E0212",
			    "this weft was built without the device type '%s'", word);
		return;
	}
	check_hint_word(check,
			check_fault(check, place, "E0211", "there is no %s '%.64s'", what, word),
			word, known, n, arena_printf(check->arena, "the %ss are", what));
}

/* The word of a variant: a string, or null where that is one. */
static const char *variant_word(const struct node *node)
{
	if (node->kind == NODE_NULL)
		return "null";
	return node->kind == NODE_STRING ? node->text : NULL;
}

/* The word null is the one that means something else in quotes. */
static void quoted_null(struct check *check, const struct place *place)
{
	diag_hint(check->diags,
		  check_fault(check, place, "E0205", "%s is the text 'null', but it has to be null",
			      check_subject(check, place)),
		  "write null without quotes");
}

/* A word alone, which stands for {type: WORD}. */
static struct value *check_shorthand(struct check *check, const struct place *place,
				     const struct schema_type *type)
{
	const char *word = variant_word(place->entry->value);
	const struct schema_variant *variant = word ? schema_variant_find(type, word) : NULL;
	struct node_entry entries[1];
	struct node key = {
		.kind = NODE_STRING, .text = "type", .size = 4, .span = place->entry->value->span};
	struct node map = {.kind = NODE_MAP, .span = place->entry->value->span};
	struct node_entry entry = *place->entry;
	struct place at = *place;
	struct value *value;
	struct diag *diag;

	if (word && !variant && place->entry->value->kind == NODE_STRING) {
		unknown_variant(check, place, type, word);
		return NULL;
	}
	if (variant && place->entry->value->kind == NODE_STRING && strcmp(word, "null") == 0) {
		quoted_null(check, place);
		return NULL;
	}
	if (!variant) {
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (!variant->shorthand) {
		diag = check_fault(check, place, "E0202", "type '%s' needs more than its name",
				   word);
		check_hint_variant(check, diag, variant);
		return NULL;
	}
	entries[0] = (struct node_entry){.key = &key, .value = place->entry->value};
	map.entries = entries;
	map.n_entries = 1;
	entry.value = &map;
	at.entry = &entry;
	value = check_object(check, &at, schema_type(variant->type));
	if (value) {
		value->variant = variant;
		value->type = type;
	}
	return value;
}

static struct value *check_union(struct check *check, const struct place *place,
				 const struct schema_type *type)
{
	const struct node *node = place->entry->value;
	const struct node_entry *entry = node_find(node, "type");
	const struct schema_variant *variant;
	const char *word;
	struct value *value;
	struct place at;

	if (node->kind != NODE_MAP) {
		if (type->kind == SCHEMA_UNION && node_is_scalar(node))
			return check_shorthand(check, place, type);
		check_wrong_kind(check, place, type);
		return NULL;
	}
	if (!entry) {
		struct diag *diag = check_fault(check, place, "E0202", "%s has no 'type'",
						check_subject(check, place));

		check_hint_no_type(check, diag, place, type);
		return NULL;
	}
	at = (struct place){
		.up = place, .name = "type", .entry = entry, .span = node_entry_span(entry)};
	word = variant_word(entry->value);
	if (entry->value->refused)
		return NULL;
	if (!word) {
		check_hint_no_type(check,
				   check_fault(check, &at, "E0203", "'type' takes a word, not %s",
					       node_kind_name(entry->value->kind)),
				   place, type);
		return NULL;
	}
	variant = schema_variant_find(type, word);
	if (!variant) {
		unknown_variant(check, &at, type, word);
		return NULL;
	}
	if (entry->value->kind == NODE_STRING && strcmp(word, "null") == 0) {
		quoted_null(check, &at);
		return NULL;
	}
	value = check_object(check, place, schema_type(variant->type));
	if (value) {
		value->variant = variant;
		value->type = type;
	}
	return value;
}

static struct value *check_value(struct check *check, const struct place *place,
				 const struct schema_type *type)
{
	if (place->entry->value->refused)
		return NULL;
	switch (type->kind) {
	case SCHEMA_ARRAY:
		return check_array(check, place, type);
	case SCHEMA_OBJECT:
		return check_object(check, place, type);
	case SCHEMA_MAP:
		return check_map(check, place, type);
	case SCHEMA_UNION:
	case SCHEMA_DEVICES:
		return check_union(check, place, type);
	default:
		return check_scalar(check, place, type);
	}
}

const struct value *schema_check(struct arena *arena, const struct node *root,
				 struct diag_list *diags)
{
	struct check check = {.arena = arena, .diags = diags};
	struct node_entry entry = {.value = root};
	struct place place = {.entry = &entry, .span = root->span};
	size_t errors = diag_errors(diags);
	const struct value *value = check_value(&check, &place, schema_type(schema_root));

	return diag_errors(diags) == errors ? value : NULL;
}
