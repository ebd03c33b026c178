/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a source.
 */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "import/item.h"

#define LABEL_MAX 40 /* bytes of a value or name that a label shows */

struct item *item_add(struct arena *arena, struct item *parent, enum item_kind kind,
		      const char *name, const char *text, struct span span)
{
	struct item *item = arena_new(arena, struct item);

	*item = (struct item){
		.kind = kind,
		.name = name,
		.text = text ? text : "",
		.span = span,
		.parent = parent,
	};
	if (!parent)
		return item;
	if (parent->last)
		parent->last->next = item;
	else
		parent->first = item;
	parent->last = item;
	return item;
}

static struct item *find_from(struct item *item, const char *name)
{
	while (item && (item->kind == ITEM_ATTRIBUTE || strcmp(item->name, name) != 0))
		item = item->next;
	return item;
}

struct item *item_find(const struct item *parent, const char *name)
{
	return parent ? find_from(parent->first, name) : NULL;
}

const struct item *item_attribute(const struct item *element, const char *name)
{
	for (const struct item *item = element ? element->first : NULL; item; item = item->next)
		if (item->kind == ITEM_ATTRIBUTE && strcmp(item->name, name) == 0)
			return item;
	return NULL;
}

struct item *item_again(const struct item *item)
{
	return find_from(item->next, item->name);
}

struct item *item_take_item(struct item *parent, const char *name)
{
	for (struct item *item = parent ? parent->first : NULL; item; item = item->next) {
		if (strcmp(item->name, name) != 0 || item->kind == ITEM_MAP ||
		    item->kind == ITEM_LIST)
			continue;
		item->taken = true;
		return *item->text ? item : NULL;
	}
	return NULL;
}

const char *item_take(struct item *parent, const char *name)
{
	struct item *item = item_take_item(parent, name);

	return item ? item->text : NULL;
}

void item_ignore(struct item *item)
{
	if (!item)
		return;
	item->taken = true;
	for (struct item *below = item->first; below; below = below->next)
		item_ignore(below);
}

void item_ignore_named(struct item *parent, const char *name)
{
	for (struct item *item = parent ? parent->first : NULL; item; item = item->next)
		if (strcmp(item->name, name) == 0)
			item_ignore(item);
}

bool item_means(const struct item *item)
{
	switch (item->kind) {
	case ITEM_ELEMENT:
	case ITEM_ATTRIBUTE:
		return true;
	case ITEM_MAP:
	case ITEM_LIST:
		for (const struct item *below = item->first; below; below = below->next)
			if (item_means(below))
				return true;
		return false;
	case ITEM_SWITCH:
		return item_is_on(item);
	case ITEM_NUMBER:
		return strcmp(item->text, "0") != 0;
	default:
		return *item->text != '\0';
	}
}

bool item_is_set(const struct item *parent, const char *name)
{
	for (const struct item *item = parent ? parent->first : NULL; item; item = item->next)
		if (strcmp(item->name, name) == 0 && item_means(item))
			return true;
	return false;
}

bool item_is(const struct item *item, const char *word)
{
	return item && strcasecmp(item->text, word) == 0;
}

bool item_is_on(const struct item *item)
{
	return item_is(item, "true") || item_is(item, "on") || item_is(item, "yes") ||
	       item_is(item, "1");
}

/* What tells one element from others of its name. */
static const struct item *telling_attribute(const struct item *element)
{
	static const char *const names[] = {"type", "model", "name", "mode", "unit"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (item_attribute(element, names[i]))
			return item_attribute(element, names[i]);
	return NULL;
}

static const char *label_of_element(struct arena *arena, const struct item *item)
{
	const struct item *attribute = telling_attribute(item);

	if (attribute)
		return arena_printf(arena, "<%.*s %s='%.*s'>", LABEL_MAX, item->name,
				    attribute->name, LABEL_MAX, attribute->text);
	return arena_printf(arena, "<%.*s>", LABEL_MAX, item->name);
}

static const char *dotted(struct arena *arena, const struct item *item)
{
	if (!item->parent || !item->parent->parent)
		return arena_printf(arena, "%.*s", LABEL_MAX, item->name);
	return arena_printf(arena, "%s.%.*s", dotted(arena, item->parent), LABEL_MAX, item->name);
}

const char *item_label(struct arena *arena, const struct item *item)
{
	if (item->kind == ITEM_ELEMENT)
		return label_of_element(arena, item);
	if (item->kind == ITEM_ATTRIBUTE)
		return arena_printf(arena, "%.*s='%.*s' of <%.*s>", LABEL_MAX, item->name,
				    LABEL_MAX, item->text, LABEL_MAX, item->parent->name);
	return arena_printf(arena, "'%s'", dotted(arena, item));
}

const char *item_path(struct arena *arena, const struct item *item)
{
	const char *above;

	if (!item->parent)
		return "";
	above = item_path(arena, item->parent);
	if (item->parent->kind == ITEM_LIST)
		return above;
	return arena_printf(arena, *above ? "%s/%.*s" : "%s%.*s", above, LABEL_MAX, item->name);
}
