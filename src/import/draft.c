/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering a description. Its texts come from a hostile file: names are made anew, values are
 * quoted, and comments are taken from diagnostics, which hold no line breaks.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/label.h"
#include "base/source.h"
#include "base/units.h"
#include "document/quote.h"
#include "import/draft-internal.h"
#include "import/item.h"

struct draft *draft_create(struct arena *arena, const struct source *source,
			   struct diag_list *diags)
{
	static const char *const sections[] = {"cpus", "memory", "boot", "smbios", "lifecycle"};
	struct draft *draft = arena_new(arena, struct draft);

	*draft = (struct draft){.arena = arena, .source = source, .diags = diags};
	/* In their order: one of comments alone is not moved by the layout. */
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		draft_section(draft, sections[i]);
	return draft;
}

void draft_comment(struct draft *draft, struct draft_comments *list, const char *text)
{
	struct draft_comment *comment;

	if (draft->n_comments == DRAFT_MAX_COMMENTS) {
		draft->n_unwritten_comments++;
		return;
	}
	draft->n_comments++;
	comment = arena_new(draft->arena, struct draft_comment);
	comment->text = text;
	if (list->last)
		list->last->next = comment;
	else
		list->first = comment;
	list->last = comment;
}

static struct draft_comments *comments_of(struct draft *draft, struct draft_block *block)
{
	return block ? &block->comments : &draft->comments;
}

void draft_say(struct draft *draft, struct draft_block *block, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	draft_comment(draft, comments_of(draft, block), arena_vprintf(draft->arena, fmt, ap));
	va_end(ap);
}

void draft_name(struct draft *draft, const struct item *from, const char *text)
{
	draft->name = text ? label_from(draft->arena, text, strlen(text)) : NULL;
	if (draft->name && strcmp(draft->name, text) != 0)
		draft_remark(draft, NULL, DRAFT_NOTE, from, "the machine is called '%s' here",
			     draft->name);
	if (!draft->name && *draft->source->name != '<')
		draft->name = label_from_path(draft->arena, draft->source->name);
	if (!draft->name)
		draft->name = "machine";
}

const char *draft_machine(const struct draft *draft)
{
	return draft->name;
}

static struct draft_block *new_block(struct draft *draft, const char *name, const struct item *from)
{
	struct draft_block *block = arena_new(draft->arena, struct draft_block);

	*block = (struct draft_block){.draft = draft, .name = name, .from = from};
	return block;
}

struct draft_block *draft_section(struct draft *draft, const char *name)
{
	struct draft_block *block = draft->sections;

	while (block && strcmp(block->name, name) != 0)
		block = block->next;
	if (block)
		return block;
	block = new_block(draft, name, NULL);
	if (draft->last_section)
		draft->last_section->next = block;
	else
		draft->sections = block;
	return draft->last_section = block;
}

static bool is_name_taken(const struct draft *draft, const char *name)
{
	for (const struct draft_block *block = draft->devices; block; block = block->next)
		if (strcmp(block->name, name) == 0)
			return true;
	return false;
}

/* "disk0" is followed by "disk1", and "root" by "root-2". */
static const char *free_name(struct draft *draft, const char *wanted, const char *type)
{
	const char *label = wanted ? label_from(draft->arena, wanted, strlen(wanted)) : NULL;
	const char *name;
	size_t size;
	unsigned n;

	if (!label)
		label = type;
	name = label;
	size = strlen(label);
	while (size && label[size - 1] >= '0' && label[size - 1] <= '9')
		size--;
	n = size && strlen(label + size) < 4 ? (unsigned)strtoul(label + size, NULL, 10) : 0;
	while (is_name_taken(draft, name)) {
		if (label[size] && size && strlen(label + size) < 4)
			name = arena_printf(draft->arena, "%.*s%u",
					    (int)MIN(size, (size_t)LABEL_SIZE_MAX - 8), label, ++n);
		else
			name = arena_printf(draft->arena, "%.*s-%u", LABEL_SIZE_MAX - 8, label,
					    ++n + 1);
	}
	return name;
}

struct draft_block *draft_device(struct draft *draft, const char *type, const char *name,
				 const struct item *from)
{
	struct draft_block *block;

	if (draft->n_devices == DRAFT_MAX_DEVICES) {
		draft_remark(draft, NULL, DRAFT_UNMAPPED, from,
			     "this device is left out: there are more than %d", DRAFT_MAX_DEVICES);
		return new_block(draft, type, from);
	}
	draft->n_devices++;
	block = new_block(draft, free_name(draft, name, type), from);
	if (draft->last_device)
		draft->last_device->next = block;
	else
		draft->devices = block;
	draft->last_device = block;
	draft_put(block, NULL, "type", from, type);
	return block;
}

const char *draft_block_name(const struct draft_block *block)
{
	return block->name;
}

struct draft_block *draft_find(const struct draft *draft, const char *type)
{
	struct draft_block *found = NULL;

	for (struct draft_block *block = draft->devices; block; block = block->next)
		if (strcmp(block->first->value, type) == 0)
			found = block;
	return found;
}

struct draft_block *draft_block_of(const struct draft *draft, const struct item *item)
{
	for (; item; item = item->parent)
		for (struct draft_block *block = draft->devices; block; block = block->next)
			if (block->from == item)
				return block;
	return NULL;
}

static bool same_group(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

struct draft_entry *draft_entry_find(const struct draft_block *block, const char *group,
				     const char *key)
{
	struct draft_entry *entry = block->first;

	while (entry && (!same_group(entry->group, group) || strcmp(entry->key, key) != 0))
		entry = entry->next;
	return entry;
}

void draft_put(struct draft_block *block, const char *group, const char *key,
	       const struct item *from, const char *value)
{
	struct draft_entry *entry, *before = block->last;

	if (block->n > DRAFT_MAX_ENTRIES || draft_entry_find(block, group, key))
		return;
	if (block->n++ == DRAFT_MAX_ENTRIES) {
		draft_remark(block->draft, block, DRAFT_UNMAPPED, from,
			     "'%s' of '%s' and what comes after is left out: it is too much", key,
			     block->name);
		return;
	}
	entry = arena_new(block->draft->arena, struct draft_entry);
	entry->group = group;
	entry->key = key;
	entry->from = from;
	entry->value = arena_strdup(block->draft->arena, value);
	/* What belongs to one map stands together. */
	if (group)
		for (struct draft_entry *e = block->first; e; e = e->next)
			if (same_group(e->group, group))
				before = e;
	if (!before) {
		block->first = block->last = entry;
		return;
	}
	entry->next = before->next;
	before->next = entry;
	if (block->last == before)
		block->last = entry;
}

void draft_put_string(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, const char *text)
{
	cleanup_strbuf struct strbuf value = STRBUF_INIT, quoted = STRBUF_INIT;

	quote_variables(&value, text);
	quote_put(&quoted, value.text ? value.text : "");
	draft_put(block, group, key, from, quoted.text);
}

void draft_put_number(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, uint64_t number)
{
	char text[UNITS_TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	draft_put(block, group, key, from, text);
}

void draft_put_size(struct draft_block *block, const char *group, const char *key,
		    const struct item *from, uint64_t bytes)
{
	char text[UNITS_TEXT_MAX];

	draft_put(block, group, key, from, size_format(bytes, text));
}

void draft_put_switch(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, bool on)
{
	draft_put(block, group, key, from, on ? "true" : "false");
}

void draft_remark(struct draft *draft, struct draft_block *block, enum draft_remark remark,
		  const struct item *from, const char *fmt, ...)
{
	static const char *const codes[] = {
		[DRAFT_NOTE] = "E0505",    [DRAFT_CHANGED] = "E0506", [DRAFT_UNMAPPED] = "E0507",
		[DRAFT_MISSING] = "E0508", [DRAFT_UNREAD] = "E0509",
	};
	struct span span = from ? from->span : (struct span){.source = draft->source};
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(draft->arena, fmt, ap);
	va_end(ap);
	draft->last_diag =
		diag_add(draft->diags, codes[remark],
			 remark == DRAFT_NOTE ? DIAG_NOTE : DIAG_WARNING, span, "%s", text);
	draft->last_remarked = comments_of(draft, block);
	text = draft->last_diag->message ? draft->last_diag->message : "…";
	if (span.line)
		text = arena_printf(draft->arena, "line %u: %s", span.line, text);
	draft_comment(draft, draft->last_remarked, text);
}

void draft_advise(struct draft *draft, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(draft->arena, fmt, ap);
	va_end(ap);
	diag_hint(draft->diags, draft->last_diag, "%s", text);
	if (draft->last_diag->hint)
		draft_comment(draft, draft->last_remarked,
			      arena_printf(draft->arena, "  %s", draft->last_diag->hint));
}

void draft_unmapped(struct draft *draft, struct draft_block *block, const struct item *item,
		    const char *advice)
{
	draft_remark(draft, block, DRAFT_UNMAPPED, item, "%s is left out",
		     item_label(draft->arena, item));
	if (advice)
		draft_advise(draft, "%s", advice);
}
