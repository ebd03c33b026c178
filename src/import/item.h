/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree that every source of a machine is read into, whatever its syntax: named values with
 * their places, and whether a mapper took them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct arena;

#define ITEM_MAX_DEPTH 64
#define ITEM_MAX_COUNT 20000
#define ITEM_MAX_TEXT  (64 * 1024) /* bytes, as in a description */

enum item_kind {
	ITEM_ELEMENT,   /* of XML: attributes and elements below it, and text */
	ITEM_ATTRIBUTE, /* of XML */
	ITEM_MAP,
	ITEM_LIST,
	ITEM_STRING,
	ITEM_NUMBER,
	ITEM_SWITCH, /* true or false */
	ITEM_NOTHING,
};

struct item {
	enum item_kind kind;
	const char *name; /* tag, attribute or key; of what is in a list its index */
	const char *text; /* of a scalar or an element; never NULL */
	struct span span;
	struct item *parent, *first, *last, *next;
	bool taken;
};

/* A new item at the end of @parent, which may be NULL. The strings are not copied. */
struct item *item_add(struct arena *arena, struct item *parent, enum item_kind kind,
		      const char *name, const char *text, struct span span);

/* The first item below @parent of that name that is no attribute; NULL, also when @parent is NULL.
 */
struct item *item_find(const struct item *parent, const char *name);

/* The attribute of that name, without taking it, or NULL. */
const struct item *item_attribute(const struct item *element, const char *name);

/* The next one of the name of @item beside it, or NULL. */
struct item *item_again(const struct item *item);

/*
 * Taking: what was taken is mapped, or is known to be without a meaning for weft. Each takes NULL,
 * finds the scalar (or attribute, or the text of an element) @name below @parent, and marks it.
 */

/* The text, or NULL when there is none. */
const char *item_take(struct item *parent, const char *name);

/* The item, for its place; NULL when there is none. Empty scalars and null count as none. */
struct item *item_take_item(struct item *parent, const char *name);

/* Marks an item and all below it. Takes NULL. */
void item_ignore(struct item *item);

/* The same of what is called @name below @parent, all of it. */
void item_ignore_named(struct item *parent, const char *name);

/* Whether an item says that something is there: it is not null, false, 0, [] or {}. */
bool item_means(const struct item *item);

/* Whether one is called @name below @parent and means something. */
bool item_is_set(const struct item *parent, const char *name);

/* Whether the text of an item is one of these words: "on", "yes", "true", "1". */
bool item_is_on(const struct item *item);

/* Whether an item says @word, letter case not counting. False for NULL. */
bool item_is(const struct item *item, const char *word);

/**
 * item_label() - how a person calls the item
 * @arena: holds the result
 * @item: the item
 *
 * Return: "<graphics type='vnc'>", "the attribute 'io' of <driver>", "'disks.0.iommu'".
 */
const char *item_label(struct arena *arena, const struct item *item);

/* What the item's tags or keys are from the root on, without lists: "devices/graphics",
 * "disks/iommu". */
const char *item_path(struct arena *arena, const struct item *item);
