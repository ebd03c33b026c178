/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a description, and making it one that weft takes: it is read as weft would, and what is
 * refused becomes a comment, until nothing is.
 */
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/utf8.h"
#include "document/node.h"
#include "document/quote.h"
#include "graph/generation.h"
#include "import/draft-internal.h"
#include "import/item.h"
#include "schema/format.h"

#define COLUMNS     98
#define MAX_ROUNDS  40
#define REFUSED_MAX 200 /* bytes of a refused value that are shown */

/* What stands on a line of the text, to find it again by the place of an error. */
struct place {
	struct draft_block *block;
	struct draft_entry *entry; /* NULL: the block itself */
};

struct writing {
	struct draft *draft;
	struct strbuf text;
	struct place *places; /* by line, from 0 */
	size_t n_lines, room;
};

static void end_line(struct writing *w, struct draft_block *block, struct draft_entry *entry)
{
	strbuf_putc(&w->text, '\n');
	if (w->n_lines == w->room) {
		w->room = MAX(w->room * 2, (size_t)64);
		w->places = reallocarray(w->places, w->room, sizeof(*w->places));
		invariant(w->places != NULL);
	}
	w->places[w->n_lines++] = (struct place){.block = block, .entry = entry};
}

/* A word of a comment; what would end the line or mislead a reader is a question mark. */
static void put_word(struct strbuf *out, const char *word, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t c;
		size_t bytes = utf8_decode(word + at, size - at, &c);

		if (!bytes || utf8_is_control(c))
			strbuf_putc(out, '?');
		else
			strbuf_add(out, word + at, bytes);
		at += bytes ? bytes : 1;
	}
}

/* A comment, broken between words into lines; those that follow are indented two spaces more. */
static void put_comment(struct writing *w, const char *text, size_t indent)
{
	static const char spaces[] = " \t\r\n";
	size_t hang = strspn(text, " "), column = 0;

	do {
		size_t size;

		text += strspn(text, spaces);
		size = strcspn(text, spaces);
		if (column && column + 1 + size > COLUMNS) {
			end_line(w, NULL, NULL);
			column = 0;
		}
		if (!column) {
			strbuf_fill(&w->text, ' ', indent);
			strbuf_putc(&w->text, '#');
			strbuf_fill(&w->text, ' ', hang + 1);
			column = indent + hang + 2;
			hang = hang ? hang : 2;
		} else {
			strbuf_putc(&w->text, ' ');
			column++;
		}
		put_word(&w->text, text, size);
		column += size;
		text += size;
	} while (text[strspn(text, spaces)]);
	end_line(w, NULL, NULL);
}

static void put_comments(struct writing *w, const struct draft_comments *comments, size_t indent)
{
	for (const struct draft_comment *c = comments->first; c; c = c->next)
		put_comment(w, c->text, indent);
}

static void put_key(struct strbuf *out, const char *key)
{
	if (key[strspn(key, "0123456789")] == '\0')
		strbuf_puts(out, key);
	else
		quote_put(out, key);
	strbuf_putc(out, ':');
}

/* A value that is no value any more; what is long is cut. */
static void put_cut(struct strbuf *out, const char *value)
{
	size_t size = strlen(value);

	put_word(out, value, MIN(size, (size_t)REFUSED_MAX));
	if (size > REFUSED_MAX)
		strbuf_puts(out, "…");
}

static void put_refused(struct writing *w, const struct draft_entry *entry, size_t indent)
{
	strbuf_fill(&w->text, ' ', indent);
	strbuf_printf(&w->text, "# %s%s", entry->group ? entry->group : "",
		      entry->group ? "." : "");
	put_key(&w->text, entry->key);
	strbuf_putc(&w->text, ' ');
	put_cut(&w->text, entry->value);
	end_line(w, NULL, NULL);
	put_comment(w, entry->refused, indent);
}

static void put_entry(struct writing *w, struct draft_block *block, struct draft_entry *entry,
		      size_t indent)
{
	put_comments(w, &entry->comments, indent);
	strbuf_fill(&w->text, ' ', indent);
	put_key(&w->text, entry->key);
	strbuf_putc(&w->text, ' ');
	strbuf_puts(&w->text, entry->value);
	end_line(w, block, entry);
}

static void put_entries(struct writing *w, struct draft_block *block, size_t indent)
{
	const char *group = NULL;

	for (struct draft_entry *e = block->first; e; e = e->next) {
		if (e->refused) {
			put_refused(w, e, indent);
			continue;
		}
		if (e->group && (!group || strcmp(group, e->group) != 0)) {
			strbuf_fill(&w->text, ' ', indent);
			put_key(&w->text, e->group);
			end_line(w, block, e);
		}
		group = e->group;
		put_entry(w, block, e, indent + (group ? 2 : 0));
	}
}

static bool has_entries(const struct draft_block *block)
{
	for (const struct draft_entry *e = block->first; e; e = e->next)
		if (!e->refused)
			return true;
	return false;
}

static void put_section(struct writing *w, struct draft_block *block)
{
	end_line(w, NULL, NULL);
	put_comments(w, &block->comments, 0);
	if (!has_entries(block)) {
		for (const struct draft_entry *e = block->first; e; e = e->next)
			put_refused(w, e, 0);
		return;
	}
	put_key(&w->text, block->name);
	end_line(w, block, NULL);
	put_entries(w, block, 2);
}

static void put_refused_device(struct writing *w, const struct draft_block *block)
{
	strbuf_printf(&w->text, "  # %s:", block->name);
	end_line(w, NULL, NULL);
	for (const struct draft_entry *e = block->first; e; e = e->next) {
		strbuf_printf(&w->text, "  #   %s%s", e->group ? e->group : "",
			      e->group ? "." : "");
		put_key(&w->text, e->key);
		strbuf_putc(&w->text, ' ');
		put_cut(&w->text, e->value);
		end_line(w, NULL, NULL);
	}
}

static void put_devices(struct writing *w)
{
	const struct draft *draft = w->draft;
	bool any = false;

	for (struct draft_block *block = draft->devices; block; block = block->next)
		any |= !block->refused;
	if (!draft->devices)
		return;
	end_line(w, NULL, NULL);
	if (any) {
		strbuf_puts(&w->text, "devices:");
		end_line(w, NULL, NULL);
	}
	for (struct draft_block *block = draft->devices; block; block = block->next) {
		put_comments(w, &block->comments, 2);
		if (block->refused) {
			put_comment(w, block->refused, 2);
			put_refused_device(w, block);
			continue;
		}
		strbuf_puts(&w->text, "  ");
		put_key(&w->text, block->name);
		end_line(w, block, NULL);
		put_entries(w, block, 4);
	}
}

static void put_description(struct writing *w)
{
	struct draft *draft = w->draft;

	put_comments(w, &draft->comments, 0);
	if (draft->n_unwritten_comments)
		put_comment(
			w,
			arena_printf(draft->arena, "… and %zu more", draft->n_unwritten_comments),
			0);
	end_line(w, NULL, NULL);
	strbuf_puts(&w->text, "version: 1");
	end_line(w, NULL, NULL);
	strbuf_puts(&w->text, "name: ");
	quote_put(&w->text, draft->name);
	end_line(w, NULL, NULL);
	for (struct draft_block *block = draft->sections; block; block = block->next)
		put_section(w, block);
	put_devices(w);
}

/* Whether the keys of a group make sense one without another. */
static bool is_loose(const char *group)
{
	return strcmp(group, "features") == 0 || strcmp(group, "affinity") == 0;
}

static void remark_refused(struct draft *draft, const struct item *from, const char *what,
			   const char *why)
{
	struct span span = from ? from->span : (struct span){.source = draft->source};

	diag_add(draft->diags, "E0510", DIAG_WARNING, span, "%s is left out: %s", what, why);
}

static void refuse_device(struct draft *draft, struct draft_block *block, const char *why)
{
	block->refused = arena_printf(draft->arena, "weft refuses this device: %s", why);
	remark_refused(draft, block->from,
		       arena_printf(draft->arena, "the device '%s'", block->name), why);
}

static void refuse_entry(struct draft *draft, struct draft_block *block, struct draft_entry *entry,
			 const char *why)
{
	bool whole = entry->group && !is_loose(entry->group);
	const char *text = arena_printf(draft->arena, "  weft refuses this: %s", why);

	for (struct draft_entry *e = block->first; e; e = e->next)
		if (e == entry || (whole && e->group && strcmp(e->group, entry->group) == 0))
			e->refused = text;
	remark_refused(draft, entry->from,
		       arena_printf(draft->arena, "'%s' of '%s'", whole ? entry->group : entry->key,
				    block->name),
		       why);
}

/* What a device cannot be without. */
static bool is_vital(const struct draft_entry *entry)
{
	if (entry->group)
		return strcmp(entry->group, "backend") == 0;
	return !strcmp(entry->key, "type") || !strcmp(entry->key, "path");
}

static bool is_device(const struct draft *draft, const struct draft_block *block)
{
	for (const struct draft_block *b = draft->devices; b; b = b->next)
		if (b == block)
			return true;
	return false;
}

/* Takes what @diag points at out of the description. Return: whether there is such a thing. */
static bool refuse(struct writing *w, const struct diag *diag)
{
	const struct place *place;
	const char *why;

	uint32_t line = diag->span.line;

	/* Memory that does not fit its pages: the pages can go. */
	if (!strcmp(diag->code, "E0304") && diag->n_related)
		line = diag->related[0].span.line;
	if (line == 0 || line > w->n_lines)
		return false;
	place = &w->places[line - 1];
	if (!place->block || place->block->refused || (place->entry && place->entry->refused))
		return false;
	why = arena_strdup(w->draft->arena, diag->message);
	if (is_device(w->draft, place->block) && (!place->entry || is_vital(place->entry)))
		refuse_device(w->draft, place->block, why);
	else if (place->entry)
		refuse_entry(w->draft, place->block, place->entry, why);
	else
		return false;
	return true;
}

/* A machine starts with something, whatever was refused. */
static void ensure_boot(struct draft *draft)
{
	struct draft_block *boot = draft_section(draft, "boot");
	struct draft_entry *kernel = draft_entry_find(boot, NULL, "kernel");
	struct draft_entry *firmware = draft_entry_find(boot, NULL, "firmware");

	if ((kernel && !kernel->refused) || (firmware && !firmware->refused))
		return;
	if (kernel) {
		kernel->refused = NULL;
		kernel->value = DRAFT_KERNEL_PLACEHOLDER;
		return;
	}
	draft_put(boot, NULL, "kernel", NULL, DRAFT_KERNEL_PLACEHOLDER);
}

static void refuse_all(struct draft *draft)
{
	struct draft_block *boot = draft_section(draft, "boot");

	for (struct draft_block *block = draft->devices; block; block = block->next)
		if (!block->refused)
			refuse_device(draft, block, "it does not fit the others");
	for (struct draft_block *block = draft->sections; block; block = block->next)
		for (struct draft_entry *e = block->first; e; e = e->next)
			if (!e->refused && (block != boot || strcmp(e->key, "kernel") != 0))
				refuse_entry(draft, block, e, "it does not fit the others");
}

/* Reads the text as weft would. Return: whether it took it; otherwise what it refused is marked. */
static bool try(struct writing *w)
{
	cleanup_generation struct generation *generation =
		generation_parse(w->draft->source->name, w->text.text, w->text.size);
	bool any = false;

	if (generation->graph)
		return true;
	diag_sort(generation->diags);
	for (size_t i = 0; i < diag_count(generation->diags); i++) {
		const struct diag *diag = diag_get(generation->diags, i);

		if (diag->severity == DIAG_ERROR)
			any |= refuse(w, diag);
	}
	if (!any)
		refuse_all(w->draft);
	return false;
}

/* In the order of their names devices get their slots, and disks and cards their names in Linux. */
static bool is_in_order(const struct draft *draft, const char *type)
{
	const char *before = "";

	for (const struct draft_block *block = draft->devices; block; block = block->next) {
		if (strcmp(block->first->value, type) != 0)
			continue;
		if (strcmp(before, block->name) > 0)
			return false;
		before = block->name;
	}
	return true;
}

static void keep_order(struct draft *draft)
{
	static const char *const types[] = {"virtio-blk", "virtio-net", "virtio-console",
					    "virtio-pmem"};
	unsigned slot = 1;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (is_in_order(draft, types[i]))
			continue;
		for (struct draft_block *b = draft->devices; b; b = b->next)
			if (strcmp(b->first->value, types[i]) == 0)
				draft_put_number(b, NULL, "slot", b->from, slot++);
	}
	if (slot > 1)
		draft_say(
			draft, NULL,
			"Slots keep the order of the source: the first disk is /dev/vda in Linux.");
}

static bool has_relative(const struct draft_block *blocks)
{
	static const char *const keys[] = {"kernel", "firmware", "initramfs", "path"};

	for (const struct draft_block *b = blocks; b; b = b->next)
		for (const struct draft_entry *e = b->first; e; e = e->next)
			for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
				if (!e->group && !strcmp(e->key, keys[i]) &&
				    e->value[*e->value == '"'] != '/' &&
				    strcmp(e->value, DRAFT_KERNEL_PLACEHOLDER) != 0)
					return true;
	return false;
}

/* Other programs take them from where they were started. */
static void say_relative(struct draft *draft)
{
	if (has_relative(draft->sections) || has_relative(draft->devices))
		draft_say(draft, NULL,
			  "Relative paths are meant from this file on; they were from where the "
			  "machine was started.");
}

static void lay_out(struct draft *draft, const struct strbuf *text, struct strbuf *out)
{
	struct diag_list *diags = diag_list_create(draft->arena);
	struct source *source =
		source_from_text(draft->arena, draft->source->name, text->text, text->size);

	invariant(format_source(draft->arena, source, diags, out) == 0);
}

void draft_finish(struct draft *draft, struct strbuf *out)
{
	struct writing w = {.draft = draft, .text = STRBUF_INIT};
	bool good = false;

	keep_order(draft);
	say_relative(draft);
	for (unsigned round = 0; !good; round++) {
		invariant(round < 2 * MAX_ROUNDS);
		if (round == MAX_ROUNDS)
			refuse_all(draft);
		ensure_boot(draft);
		strbuf_clear(&w.text);
		w.n_lines = 0;
		put_description(&w);
		if (w.text.size > DOCUMENT_MAX_FILE)
			refuse_all(draft);
		else
			good = try(&w);
	}
	lay_out(draft, &w.text, out);
	strbuf_fini(&w.text);
	free(w.places);
}
