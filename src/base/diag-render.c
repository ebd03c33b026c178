/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three forms of a diagnostic. Nothing of a source line reaches a terminal raw: controls are
 * replaced, tabs expanded, long lines shown through a window around the place.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag-render-internal.h"
#include "base/diag-render.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#define TAB_STOP      8
#define WINDOW        120 /* cells of a source line that are shown */
#define WINDOW_BEFORE 60  /* of which before the place, when it is far right */

const char *const diag_severity_names[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
	[DIAG_NOTE] = "note",
};

const char *const diag_severity_colors[] = {
	[DIAG_ERROR] = "\033[1;31m",
	[DIAG_WARNING] = "\033[1;35m",
	[DIAG_NOTE] = "\033[1;36m",
};

/* "web.yaml:12:9: " */
static void put_place(struct strbuf *out, const struct span *span)
{
	strbuf_puts(out, span->source ? span->source->name : "weft");
	if (span->source && span->line)
		strbuf_printf(out, ":%u:%u", span->line, span->column);
	strbuf_puts(out, ": ");
}

/* A line as it is shown: its cells, and where the marked part begins and ends among them. */
struct shown_line {
	struct strbuf text;
	size_t mark, mark_end;
};

size_t diag_put_char(struct strbuf *out, const char *bytes, size_t size, uint32_t c, size_t cell)
{
	if (size == 0 || (c != '\t' && utf8_is_control(c))) {
		strbuf_puts(out, "\xef\xbf\xbd");
		return 1;
	}
	if (c == '\t') {
		size_t n = TAB_STOP - cell % TAB_STOP;

		strbuf_fill(out, ' ', n);
		return n;
	}
	strbuf_add(out, bytes, size);
	return utf8_width(c);
}

/* How many characters of the line lie left of the window. */
static uint32_t window_start(const struct span *span)
{
	return span->column > WINDOW - WINDOW_BEFORE / 2 ? span->column - WINDOW_BEFORE : 1;
}

static void show_line(struct shown_line *shown, const struct span *span, const char *line,
		      size_t size)
{
	uint32_t column = 1, start = window_start(span);
	uint32_t end = span->end_line == span->line ? span->end_column : UINT32_MAX;
	size_t cell = 0, at = 0;

	shown->mark = shown->mark_end = 0;
	if (start > 1) {
		strbuf_puts(&shown->text, "…");
		cell = 1;
	}
	while (at < size && cell < WINDOW) {
		uint32_t c = 0;
		size_t bytes = utf8_decode(line + at, size - at, &c);

		if (column == span->column)
			shown->mark = cell;
		if (column >= start)
			cell += diag_put_char(&shown->text, line + at, bytes, c, cell);
		if (column >= span->column && column < end)
			shown->mark_end = cell;
		at += bytes ? bytes : 1;
		column++;
	}
	if (at < size)
		strbuf_puts(&shown->text, "…");
	if (column <= span->column) /* just past the end of the line */
		shown->mark = cell;
	shown->mark_end = MAX(shown->mark_end, shown->mark + 1);
}

/* The source line with a caret and an underline below it. */
static void put_source(struct strbuf *out, const struct span *span, const char *paint_mark,
		       bool color)
{
	struct shown_line shown = {.text = STRBUF_INIT};
	const char *line;
	size_t size = 0;

	if (!span->source || !span->line)
		return;
	line = source_line(span->source, span->line, &size);
	if (!line)
		return;
	show_line(&shown, span, line, size);
	while (shown.text.size && shown.text.text[shown.text.size - 1] == ' ' &&
	       shown.text.size > shown.mark_end)
		shown.text.text[--shown.text.size] = '\0';
	strbuf_printf(out, "%5u | %s\n", span->line, shown.text.text ? shown.text.text : "");
	strbuf_puts(out, "      | ");
	strbuf_fill(out, ' ', shown.mark);
	diag_paint(out, color, paint_mark);
	strbuf_putc(out, '^');
	strbuf_fill(out, '~', shown.mark_end - shown.mark - 1);
	diag_paint(out, color, "\033[0m");
	strbuf_putc(out, '\n');
	strbuf_fini(&shown.text);
}

static void put_head(struct strbuf *out, const struct span *span, enum diag_severity severity,
		     const char *message, const char *code, bool color)
{
	diag_paint(out, color, "\033[1m");
	put_place(out, span);
	diag_paint(out, color, diag_severity_colors[severity]);
	strbuf_printf(out, "%s:", diag_severity_names[severity]);
	diag_paint(out, color, "\033[0m\033[1m");
	strbuf_printf(out, " %s", message);
	diag_paint(out, color, "\033[0m");
	if (code)
		strbuf_printf(out, " [%s]", code);
	strbuf_putc(out, '\n');
}

void diag_put(struct strbuf *out, const struct diag *diag, bool color)
{
	put_head(out, &diag->span, diag->severity, diag->message, diag->code, color);
	put_source(out, &diag->span, diag_severity_colors[diag->severity], color);
	if (diag->hint) {
		strbuf_puts(out, "      ");
		diag_paint(out, color, "\033[1;32m");
		strbuf_puts(out, "hint:");
		diag_paint(out, color, "\033[0m");
		strbuf_printf(out, " %s\n", diag->hint);
	}
	for (size_t i = 0; i < diag->n_related; i++) {
		const struct diag_related *related = &diag->related[i];

		put_head(out, &related->span, DIAG_NOTE, related->message, NULL, color);
		put_source(out, &related->span, diag_severity_colors[DIAG_NOTE], color);
	}
}

void diag_render_text(struct strbuf *out, struct diag_list *list, bool color)
{
	size_t n = diag_count(list), total = diag_errors(list) + diag_warnings(list);
	size_t shown = MIN(n, (size_t)DIAG_MAX_SHOWN);

	diag_sort(list);
	for (size_t i = 0; i < shown; i++)
		diag_put(out, diag_get(list, i), color);
	if (total > shown)
		strbuf_printf(out, "… and %zu more\n", total - shown);
}

void diag_render_gcc(struct strbuf *out, struct diag_list *list)
{
	diag_sort(list);
	for (size_t i = 0; i < diag_count(list); i++) {
		const struct diag *diag = diag_get(list, i);

		put_place(out, &diag->span);
		strbuf_printf(out, "%s: %s", diag_severity_names[diag->severity], diag->message);
		if (diag->hint)
			strbuf_printf(out, " (%s)", diag->hint);
		strbuf_printf(out, " [%s]\n", diag->code);
		for (size_t j = 0; j < diag->n_related; j++) {
			put_place(out, &diag->related[j].span);
			strbuf_printf(out, "note: %s\n", diag->related[j].message);
		}
	}
}

static void set_span(json_t *object, const struct span *span)
{
	if (!span->source)
		return;
	json_object_set_new(object, "file", json_string(span->source->name));
	if (!span->line)
		return;
	json_object_set_new(object, "line", json_integer(span->line));
	json_object_set_new(object, "column", json_integer(span->column));
	json_object_set_new(object, "end_line", json_integer(span->end_line));
	json_object_set_new(object, "end_column", json_integer(span->end_column));
}

json_t *diag_render_json(struct diag_list *list)
{
	json_t *array = json_array();

	diag_sort(list);
	for (size_t i = 0; i < diag_count(list); i++) {
		const struct diag *diag = diag_get(list, i);
		json_t *object = json_object(), *related = json_array();

		json_object_set_new(object, "code", json_string(diag->code));
		json_object_set_new(object, "severity",
				    json_string(diag_severity_names[diag->severity]));
		set_span(object, &diag->span);
		if (diag->path)
			json_object_set_new(object, "path", json_string(diag->path));
		json_object_set_new(object, "message", json_string(diag->message));
		if (diag->hint)
			json_object_set_new(object, "hint", json_string(diag->hint));
		for (size_t j = 0; j < diag->n_related; j++) {
			json_t *place = json_object();

			set_span(place, &diag->related[j].span);
			json_object_set_new(place, "message",
					    json_string(diag->related[j].message));
			json_array_append_new(related, place);
		}
		if (json_array_size(related))
			json_object_set(object, "related", related);
		json_decref(related);
		json_array_append_new(array, object);
	}
	return array;
}

bool diag_color(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return !(no_color && *no_color) && isatty(fd);
}

void diag_print(struct diag_list *list, int fd)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	if (!diag_count(list))
		return;
	diag_render_text(&out, list, diag_color(fd));
	/* What cannot be printed has nowhere to be told. */
	(void)!strbuf_write(&out, fd);
}
