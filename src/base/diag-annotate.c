/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file with its diagnostics in place, as comments. What is printed is for people: tabs are spaces
 * and controls are replaced, as in every other form.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag-render-internal.h"
#include "base/diag-render.h"
#include "base/source.h"
#include "base/utf8.h"

struct annotation {
	struct strbuf *out;
	const struct source *source;
	struct diag_list *list;
	bool color;
};

/* A line of the file. Return: the cell in which @column begins. */
static size_t put_line(struct strbuf *out, const char *line, size_t size, uint32_t column)
{
	size_t cell = 0, at = 0, found = 0;

	for (uint32_t i = 1; at < size; i++) {
		uint32_t c = 0;
		size_t bytes = utf8_decode(line + at, size - at, &c);

		if (i == column)
			found = cell;
		cell += diag_put_char(out, line + at, bytes, c, cell);
		at += bytes ? bytes : 1;
		if (i + 1 == column)
			found = cell;
	}
	return found;
}

/* "#       ^~~~ ": the mark of a comment stands in the first cell, so a caret there moves by one.
 */
static size_t put_mark(const struct annotation *a, const struct span *span, const char *paint)
{
	cleanup_strbuf struct strbuf ignored = STRBUF_INIT;
	uint32_t end = span->end_line == span->line ? span->end_column : UINT32_MAX;
	size_t size = 0, from, to;
	const char *line = source_line(a->source, span->line, &size);

	from = put_line(&ignored, line, size, span->column);
	to = end == UINT32_MAX ? 0 : put_line(&ignored, line, size, end);
	from = MAX(from, (size_t)1);
	strbuf_putc(a->out, '#');
	strbuf_fill(a->out, ' ', from - 1);
	diag_paint(a->out, a->color, paint);
	strbuf_putc(a->out, '^');
	strbuf_fill(a->out, '~', to > from + 1 ? to - from - 1 : 0);
	diag_paint(a->out, a->color, "\033[0m");
	return from;
}

static void put_words(const struct annotation *a, const struct diag *diag)
{
	strbuf_putc(a->out, ' ');
	diag_paint(a->out, a->color, diag_severity_colors[diag->severity]);
	strbuf_printf(a->out, "%s:", diag_severity_names[diag->severity]);
	diag_paint(a->out, a->color, "\033[0m");
	strbuf_printf(a->out, " %s [%s]\n", diag->message, diag->code);
}

static void put_hint(const struct annotation *a, const struct diag *diag, size_t indent)
{
	if (!diag->hint)
		return;
	strbuf_putc(a->out, '#');
	strbuf_fill(a->out, ' ', indent);
	strbuf_printf(a->out, " hint: %s\n", diag->hint);
}

/* What @diag says of line @line; 0: of the whole file. */
static void put_diag(const struct annotation *a, const struct diag *diag, uint32_t line)
{
	if (diag->span.source == a->source && diag->span.line == line) {
		size_t from = 0;

		if (line)
			from = put_mark(a, &diag->span, diag_severity_colors[diag->severity]);
		else
			strbuf_putc(a->out, '#');
		put_words(a, diag);
		put_hint(a, diag, from);
	}
	for (size_t i = 0; line && i < diag->n_related; i++) {
		const struct diag_related *related = &diag->related[i];

		if (related->span.source != a->source || related->span.line != line)
			continue;
		put_mark(a, &related->span, diag_severity_colors[DIAG_NOTE]);
		strbuf_printf(a->out, " note: %s [%s of line %u]\n", related->message, diag->code,
			      diag->span.line);
	}
}

/* A diagnostic of another file, each of its lines a comment. */
static void put_other(const struct annotation *a, const struct diag *diag)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const char *line;

	diag_put(&text, diag, a->color);
	line = text.text;
	while (*line) {
		size_t size = strcspn(line, "\n");

		strbuf_printf(a->out, "# %.*s\n", (int)size, line);
		line += size + (line[size] == '\n');
	}
}

static int by_line(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

/* The lines that something is said of, in their order: a file may have many more. The caller frees
 * them. */
static uint32_t *find_lines(const struct annotation *a, size_t n, size_t *ret_n)
{
	size_t room = n, fill = 0;
	uint32_t *lines;

	for (size_t i = 0; i < n; i++)
		room += diag_get(a->list, i)->n_related;
	lines = calloc(room + 1, sizeof(*lines));
	invariant(lines != NULL);
	for (size_t i = 0; i < n; i++) {
		const struct diag *diag = diag_get(a->list, i);

		if (diag->span.source == a->source)
			lines[fill++] = diag->span.line;
		for (size_t j = 0; j < diag->n_related; j++)
			if (diag->related[j].span.source == a->source)
				lines[fill++] = diag->related[j].span.line;
	}
	qsort(lines, fill, sizeof(*lines), by_line);
	*ret_n = fill;
	return lines;
}

void diag_render_annotated(struct strbuf *out, const struct source *source, struct diag_list *list,
			   bool color)
{
	const struct annotation a = {out, source, list, color};
	size_t n = diag_count(list), size = 0, others = 0, n_lines = 0, at = 0;
	cleanup_free uint32_t *lines = NULL;
	const char *line;

	diag_sort(list);
	lines = find_lines(&a, n, &n_lines);
	for (size_t i = 0; i < n; i++)
		put_diag(&a, diag_get(list, i), 0);
	for (uint32_t number = 1; (line = source_line(source, number, &size)); number++) {
		/* The last line break ends the last line and begins none. */
		if (!size && line == source->text + source->size)
			break;
		put_line(out, line, size, 0);
		strbuf_putc(out, '\n');
		while (at < n_lines && lines[at] < number)
			at++;
		for (size_t i = 0; at < n_lines && lines[at] == number && i < n; i++)
			put_diag(&a, diag_get(list, i), number);
	}
	for (size_t i = 0; i < n; i++) {
		if (diag_get(list, i)->span.source == source)
			continue;
		if (!others++)
			strbuf_puts(out, "#\n# In other files:\n");
		put_other(&a, diag_get(list, i));
	}
}
