/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of diagnostics: bounded, without duplicates, its texts safe to print.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "base/utf8.h"

#define DIAG_MAX_TEXT    600 /* bytes of a message or a hint */
#define DIAG_MAX_RELATED 8

struct diag_list {
	struct arena *arena;
	struct diag **items;
	size_t n, room;
	size_t errors, warnings;
	struct diag scratch; /* given out for what is not kept */
};

struct diag_list *diag_list_create(struct arena *arena)
{
	struct diag_list *list = arena_new(arena, struct diag_list);

	list->arena = arena;
	return list;
}

/*
 * Formats a text for people. A name out of a hostile file may hold escape sequences, line breaks,
 * marks that turn the direction of writing, or be 64 KiB long.
 */
static const char *printf_like(2, 0) clean_text(struct arena *arena, const char *fmt, va_list ap)
{
	char raw[DIAG_MAX_TEXT], clean[DIAG_MAX_TEXT * 2];
	size_t size, at = 0, fill = 0;
	bool cut;
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);

	invariant(n >= 0);
	cut = (size_t)n >= sizeof(raw);
	size = MIN((size_t)n, sizeof(raw) - 1);
	while (at < size && fill < sizeof(clean) - 16) {
		uint32_t c;
		size_t bytes = utf8_decode(raw + at, size - at, &c);

		if (bytes == 0 && cut && size - at < 4)
			break; /* the cut went through a character */
		if (bytes == 0) {
			fill += (size_t)snprintf(clean + fill, 8, "\\x%02x", raw[at] & 0xff);
			bytes = 1;
		} else if (c == '\n') {
			fill += (size_t)snprintf(clean + fill, 8, "\\n");
		} else if (utf8_is_control(c)) {
			fill += (size_t)snprintf(clean + fill, 12,
						 c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		} else {
			memcpy(clean + fill, raw + at, bytes);
			fill += bytes;
		}
		at += bytes;
	}
	if (cut || at < size)
		fill += (size_t)snprintf(clean + fill, 8, "…");
	return arena_strndup(arena, clean, fill);
}

static bool same_span(const struct span *a, const struct span *b)
{
	return a->source == b->source && a->line == b->line && a->column == b->column;
}

static bool is_known(const struct diag_list *list, const char *code, const struct span *span,
		     const char *message)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct diag *d = list->items[i];

		if (same_span(&d->span, span) && strcmp(d->code, code) == 0 &&
		    strcmp(d->message, message) == 0)
			return true;
	}
	return false;
}

static void keep(struct diag_list *list, struct diag *diag)
{
	if (list->n == list->room) {
		struct diag **items;

		list->room = MAX(list->room * 2, (size_t)16);
		items = arena_new_array(list->arena, list->room, struct diag *);
		if (list->n)
			memcpy(items, list->items, list->n * sizeof(struct diag *));
		list->items = items;
	}
	list->items[list->n++] = diag;
}

struct diag *diag_add(struct diag_list *list, const char *code, enum diag_severity severity,
		      struct span span, const char *fmt, ...)
{
	const char *message = "";
	struct diag *diag;
	bool known = false;
	va_list ap;

	if (list->n < DIAG_MAX_KEPT) {
		va_start(ap, fmt);
		message = clean_text(list->arena, fmt, ap);
		va_end(ap);
		known = is_known(list, code, &span, message);
	}
	if (!known && severity == DIAG_ERROR)
		list->errors++;
	if (!known && severity == DIAG_WARNING)
		list->warnings++;
	if (known || list->n == DIAG_MAX_KEPT) {
		list->scratch = (struct diag){
			.code = code, .severity = severity, .span = span, .message = message};
		return &list->scratch;
	}
	diag = arena_new(list->arena, struct diag);
	*diag = (struct diag){.code = code, .severity = severity, .span = span, .message = message};
	keep(list, diag);
	return diag;
}

void diag_hint(struct diag_list *list, struct diag *diag, const char *fmt, ...)
{
	va_list ap;

	if (diag == &list->scratch)
		return;
	va_start(ap, fmt);
	diag->hint = clean_text(list->arena, fmt, ap);
	va_end(ap);
}

void diag_relate(struct diag_list *list, struct diag *diag, struct span span, const char *fmt, ...)
{
	struct diag_related *related;
	va_list ap;

	if (diag == &list->scratch || diag->n_related == DIAG_MAX_RELATED)
		return;
	related = arena_new_array(list->arena, diag->n_related + 1, struct diag_related);
	if (diag->n_related)
		memcpy(related, diag->related, diag->n_related * sizeof(*related));
	va_start(ap, fmt);
	related[diag->n_related] =
		(struct diag_related){.span = span, .message = clean_text(list->arena, fmt, ap)};
	va_end(ap);
	diag->related = related;
	diag->n_related++;
}

static const char *clean_printf(struct arena *arena, const char *fmt, ...) printf_like(2, 3);
static const char *clean_printf(struct arena *arena, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = clean_text(arena, fmt, ap);
	va_end(ap);
	return text;
}

void diag_set_path(struct diag_list *list, struct diag *diag, const char *path)
{
	if (diag != &list->scratch)
		diag->path = clean_printf(list->arena, "%s", path);
}

size_t diag_errors(const struct diag_list *list)
{
	return list->errors;
}

size_t diag_warnings(const struct diag_list *list)
{
	return list->warnings;
}

size_t diag_count(const struct diag_list *list)
{
	return list->n;
}

const struct diag *diag_get(const struct diag_list *list, size_t i)
{
	invariant(i < list->n);
	return list->items[i];
}

bool diag_is_full(const struct diag_list *list)
{
	return list->n == DIAG_MAX_KEPT;
}

static int compare(const struct diag *a, const struct diag *b)
{
	const struct source *x = a->span.source, *y = b->span.source;

	if (x != y) {
		int order = strcmp(x ? x->name : "", y ? y->name : "");

		if (order)
			return order;
	}
	if (a->span.line != b->span.line)
		return a->span.line < b->span.line ? -1 : 1;
	if (a->span.column != b->span.column)
		return a->span.column < b->span.column ? -1 : 1;
	return 0;
}

/* Merges the sorted halves of items[0..n) through @spare; stable. */
static void merge_sort(struct diag **items, size_t n, struct diag **spare)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	merge_sort(items, half, spare);
	merge_sort(items + half, n - half, spare);
	while (i < half || j < n)
		spare[k++] = j == n || (i < half && compare(items[i], items[j]) <= 0) ? items[i++]
										      : items[j++];
	memcpy(items, spare, n * sizeof(*items));
}

void diag_sort(struct diag_list *list)
{
	struct diag *spare[DIAG_MAX_KEPT];

	merge_sort(list->items, list->n, spare);
}
