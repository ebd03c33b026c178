/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the text is no YAML, in words for who wrote it. libyaml tells what it had expected and where
 * it gave up, which is often a line below the mistake; here the lines around are looked at again
 * for the mistakes people make: tabs, indentation, quotes, brackets, a colon without a space, a
 * value that begins with a character that YAML gives a meaning to.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/source.h"
#include "document/line.h"
#include "document/load.h"

struct fault {
	const yaml_parser_t *parser;
	const struct source *source;
	struct diag_list *diags;
	const struct node *last; /* the newest scalar that was read, or NULL */
	const char *problem;     /* libyaml's words, never NULL */
	const char *context;
	struct line line; /* where libyaml gave up */
	uint32_t column;  /* in it, from 1 */
	size_t at;        /* the same in bytes, at most line.size */
	struct line context_line;
	uint32_t context_column;
};

/* @size bytes of a line from @at on. */
static struct span part(const struct fault *f, const struct line *line, size_t at, size_t size)
{
	return (struct span){
		.source = f->source,
		.line = line->number,
		.column = line_column(line, at),
		.end_line = line->number,
		.end_column = line_column(line, at + size),
	};
}

static struct span content(const struct fault *f, const struct line *line)
{
	return part(f, line, line->indent, line->size - line->indent);
}

static struct span here(const struct fault *f)
{
	return part(f, &f->line, f->at, 1);
}

static struct span there(const struct fault *f)
{
	return (struct span){
		.source = f->source,
		.line = f->context_line.number,
		.column = f->context_column,
		.end_line = f->context_line.number,
		.end_column = f->context_column + 1,
	};
}

/* The character where libyaml gave up, 0 at the end of the line. */
static char char_here(const struct fault *f)
{
	return f->at < f->line.size ? f->line.text[f->at] : '\0';
}

static int shown(size_t size)
{
	return (int)MIN(size, (size_t)60);
}

/* A tab among the blanks a line begins with. */
static bool explain_tab(const struct fault *f)
{
	const char *tab = memchr(f->line.text, '\t', f->line.indent);
	struct diag *diag;

	if (!tab)
		return false;
	diag = diag_add(f->diags, "E0103", DIAG_ERROR,
			part(f, &f->line, (size_t)(tab - f->line.text), 1),
			"a tab cannot indent a line");
	diag_hint(f->diags, diag, "use spaces, two for each level");
	return true;
}

/* `kernel:vmlinuz` or `kernel vmlinuz`: a line that should be a pair and is none. */
static bool explain_no_pair(const struct fault *f, const struct line *line)
{
	const char *start = line->text + line->indent, *colon;
	size_t size = line->size - line->indent, word;
	const char *foreign = foreign_line(start, size);
	struct diag *diag;

	if (!line->number || size == 0 || line_colon(line) < line->size)
		return false;
	if (foreign) {
		diag = diag_add(f->diags, "E0107", DIAG_ERROR, content(f, line),
				"this is neither 'key: value' nor an item of a list");
		diag_hint(f->diags, diag, "%s", foreign);
		return true;
	}
	if (*start == '-' && size > 1 && start[1] != ' ' && start[1] != '-') {
		diag = diag_add(f->diags, "E0107", DIAG_ERROR, part(f, line, line->indent, 1),
				"there is no space after the dash of a list item");
		diag_hint(f->diags, diag, "write '- %.*s'", shown(size - 1), start + 1);
		return true;
	}
	colon = memchr(start, ':', size);
	if (colon) {
		word = (size_t)(colon - start);
		diag = diag_add(f->diags, "E0107", DIAG_ERROR,
				part(f, line, line->indent + word, 1),
				"there is no space after the colon");
		diag_hint(f->diags, diag, "write '%.*s: %.*s'", shown(word), start,
			  shown(size - word - 1), colon + 1);
		return true;
	}
	for (word = 0; word < size && start[word] != ' ' && start[word] != '=';)
		word++;
	diag = diag_add(f->diags, "E0107", DIAG_ERROR, content(f, line),
			"this is neither 'key: value' nor an item of a list: there is no colon");
	if (word < size && word > 0) {
		size_t rest = word + strspn(start + word, " =");

		diag_hint(f->diags, diag, "write '%.*s: %.*s'%s", shown(word), start,
			  shown(size - MIN(rest, size)), start + MIN(rest, size),
			  start[word] == '=' ? ", or indent it if it continues the value above"
					     : "");
	} else {
		diag_hint(f->diags, diag, "write '%.*s:' and its value", shown(word), start);
	}
	return true;
}

/* Whether the newest scalar was quoted and ended just before the place libyaml gave up at. */
static bool after_quote(const struct fault *f)
{
	const struct node *last = f->last;
	size_t end;

	if (!last || (last->style != NODE_SINGLE_QUOTED && last->style != NODE_DOUBLE_QUOTED) ||
	    last->span.end_line != f->line.number || last->span.end_column > f->column)
		return false;
	for (end = line_byte(&f->line, last->span.end_column); end < f->at; end++)
		if (f->line.text[end] != ' ')
			return false;
	return true;
}

/* Text after a closing quote: the quote closed something else than its author thought. */
static bool explain_quote(const struct fault *f)
{
	const struct node *last = f->last;
	struct span open;
	struct diag *diag;

	if (!after_quote(f))
		return false;
	if (last->span.line < f->line.number) {
		open = last->span;
		open.end_line = open.line;
		open.end_column = open.column + 1;
		diag = diag_add(f->diags, "E0105", DIAG_ERROR, open,
				"the quote that opens here is not closed on its line");
		diag_hint(f->diags, diag, "add the closing quote");
		diag_relate(f->diags, diag, here(f),
			    "the next quote is read as its end, and then "
			    "this makes no sense");
		return true;
	}
	diag = diag_add(f->diags, "E0105", DIAG_ERROR, here(f),
			"there is text after the closing quote");
	if (last->style == NODE_SINGLE_QUOTED)
		diag_hint(f->diags, diag,
			  "quote the value as a whole; inside single quotes, an "
			  "apostrophe is written twice: 'it''s'");
	else
		diag_hint(f->diags, diag,
			  "quote the value as a whole; inside double quotes, a quote "
			  "is written as \\\"");
	return true;
}

/* A plain value that begins with what YAML reads as something else. @at: its first byte. */
static void explain_start(const struct fault *f, const struct line *line, size_t at)
{
	size_t size = line->size - at;
	const char *comment = NULL, *text = line->text + at, *what;
	struct diag *diag;

	for (size_t i = 1; i < size && !comment; i++)
		if (text[i] == '#' && text[i - 1] == ' ')
			comment = text + i;
	if (comment)
		size = (size_t)(comment - text);
	while (size > 1 && text[size - 1] == ' ')
		size--;
	what = *text == '*'   ? "names an anchor (an alias)"
	       : *text == '&' ? "sets an anchor"
	       : *text == '!' ? "is a tag"
	       : *text == '%' ? "is a directive"
			      : "means something else in YAML";
	diag = diag_add(f->diags, "E0108", DIAG_ERROR, part(f, line, at, size),
			"what begins with '%c' %s, not a plain value", *text, what);
	if (*text == '*' && memmem(text, size, ", *", 3))
		diag_hint(f->diags, diag, "several aliases are a list: [%.*s]", shown(size), text);
	else
		diag_hint(f->diags, diag, "quote it: '%.*s'", shown(size), text);
}

static bool explain_indentation(const struct fault *f)
{
	struct line above = line_above(f->source, f->line.number);
	size_t indent = f->context_column ? f->context_column - 1 : 0;
	struct diag *diag;

	if (f->at != f->line.indent || f->line.indent == indent)
		return false;
	diag = diag_add(f->diags, "E0104", DIAG_ERROR, here(f),
			"this line is indented by %zu, which fits none of the lines above",
			f->line.indent);
	if (above.number && above.indent != indent)
		diag_hint(f->diags, diag, "indent it by %zu like line %u, or by %zu like line %u",
			  above.indent, above.number, indent, f->context_line.number);
	else
		diag_hint(f->diags, diag, "indent it by %zu like line %u", indent,
			  f->context_line.number);
	diag_relate(f->diags, diag, there(f), "the map begins here");
	return true;
}

/* "did not find expected key": a token inside a block map that is no key. */
static bool explain_expected_key(const struct fault *f)
{
	size_t colon, value;
	struct diag *diag;
	char c = char_here(f);

	if (explain_tab(f) || explain_quote(f))
		return true;
	if (c == ']' || c == '}') {
		diag = diag_add(f->diags, "E0106", DIAG_ERROR, here(f), "this '%c' closes nothing",
				c);
		diag_hint(f->diags, diag, "remove it, or add the one that opens");
		return true;
	}
	if (f->at == f->line.indent && c == ':') {
		diag = diag_add(f->diags, "E0112", DIAG_ERROR, here(f),
				"there is no key before this colon");
		diag_hint(f->diags, diag, "write a key, or remove the line");
		return true;
	}
	if (f->at == f->line.indent && c == '-') {
		diag = diag_add(f->diags, "E0104", DIAG_ERROR, here(f),
				"an item of a list stands here among the keys of a map");
		diag_hint(f->diags, diag, "put the list under a key: 'key:' and then its items");
		diag_relate(f->diags, diag, there(f), "the map begins here");
		return true;
	}
	if (explain_indentation(f))
		return true;
	colon = line_colon(&f->line);
	value = line_value(&f->line, colon);
	if (value < f->at && strchr("*&!", f->line.text[value])) {
		explain_start(f, &f->line, value);
		return true;
	}
	diag = diag_add(f->diags, "E0110", DIAG_ERROR,
			part(f, &f->line, f->at, f->line.size - f->at),
			"there is more text after the value");
	diag_hint(f->diags, diag, "put quotes around the whole value, or a '#' before a comment");
	return true;
}

/* "mapping values are not allowed in this context": a colon where no key can be. */
static bool explain_colon(const struct fault *f)
{
	struct line above = line_above(f->source, f->line.number);
	size_t colon = line_colon(&f->line), start, above_colon;
	struct diag *diag;

	if (explain_tab(f))
		return true;
	start = line_value(&f->line, colon);
	if (colon < f->at && start < f->at) {
		size_t size = f->line.size - start;

		diag = diag_add(f->diags, "E0108", DIAG_ERROR, here(f),
				"a second colon: the value '%.*s' looks like a key",
				shown(f->at - start), f->line.text + start);
		diag_hint(f->diags, diag,
			  "if the colon belongs to the value, quote it: '%.*s'; if it is a key, "
			  "put it on a line of its own, indented",
			  shown(size), f->line.text + start);
		return true;
	}
	above_colon = line_colon(&above);
	if (above.number && above_colon == above.size)
		return explain_no_pair(f, &above);
	if (!above.number || f->line.indent <= above.indent)
		return false;
	diag = diag_add(
		f->diags, "E0104", DIAG_ERROR, content(f, &f->line),
		"this key is indented deeper than the one above, which already has a value");
	diag_hint(
		f->diags, diag,
		"begin both in the same column, or take the value '%.*s' away if this key belongs "
		"under it",
		shown(above.size - line_value(&above, above_colon)),
		above.text + line_value(&above, above_colon));
	diag_relate(f->diags, diag, content(f, &above), "this is the key above");
	return true;
}

/* "could not find expected ':'": a line of its own that is no pair. */
static bool explain_simple_key(const struct fault *f)
{
	struct diag *diag;

	if (!f->context_line.number)
		return false;
	if (explain_no_pair(f, &f->context_line))
		return true;
	diag = diag_add(f->diags, "E0107", DIAG_ERROR, there(f),
			"there is no colon after this key");
	diag_hint(f->diags, diag, "write the colon behind the key, outside of quotes");
	return true;
}

/* "found character that cannot start any token" */
static bool explain_character(const struct fault *f)
{
	struct diag *diag;

	if (f->at <= f->line.indent && explain_tab(f))
		return true;
	if (char_here(f) == '\t') {
		diag = diag_add(f->diags, "E0103", DIAG_ERROR, here(f),
				"a tab stands where a space must");
		diag_hint(f->diags, diag, "use spaces");
		return true;
	}
	if (!char_here(f))
		return false;
	explain_start(f, &f->line, f->at);
	return true;
}

/* "did not find expected alphabetic or numeric character", or whatever a tag lacks */
static bool explain_anchor(const struct fault *f)
{
	size_t at = line_byte(&f->context_line, f->context_column);

	if (!f->context_line.number || at >= f->context_line.size)
		return false;
	explain_start(f, &f->context_line, at);
	return true;
}

static bool explain_open_quote(const struct fault *f)
{
	struct diag *diag;

	if (!f->context_line.number)
		return false;
	diag = diag_add(f->diags, "E0105", DIAG_ERROR, there(f),
			"the quote that opens here is never closed");
	diag_hint(f->diags, diag, "add the closing quote at the end of the value");
	return true;
}

static bool explain_bracket(const struct fault *f)
{
	char open = '[', close = ']';
	struct diag *diag;
	size_t open_at;

	if (!f->context_line.number)
		return false;
	if (strchr(f->problem, '}')) {
		open = '{';
		close = '}';
	}
	if (explain_quote(f))
		return true;
	if (char_here(f) == '{' && f->at > 0 && f->line.text[f->at - 1] == '$') {
		size_t size = strcspn(f->line.text + f->at, "}");

		diag = diag_add(f->diags, "E0108", DIAG_ERROR,
				part(f, &f->line, f->at - 1, size + 2),
				"inside of brackets or braces, a ${variable} has to be in quotes");
		diag_hint(f->diags, diag, "write \"${%.*s}\"", shown(size ? size - 1 : 0),
			  f->line.text + f->at + 1);
		return true;
	}
	open_at = line_byte(&f->context_line, f->context_column);
	if (f->line.number != f->context_line.number &&
	    line_value(&f->context_line, open_at) < f->context_line.size) {
		diag = diag_add(f->diags, "E0106", DIAG_ERROR, there(f),
				"the '%c' that opens here is not closed", open);
		diag_hint(f->diags, diag, "add '%c', or a comma between the items", close);
		if (f->at < f->line.size)
			diag_relate(f->diags, diag, here(f),
				    "'%c' or a comma is expected here at the latest", close);
		return true;
	}
	diag = diag_add(f->diags, "E0106", DIAG_ERROR, here(f),
			f->line.number == f->context_line.number
				? "a comma or '%c' is expected here"
				: "a comma, or the closing '%c', is missing before this",
			close);
	diag_hint(
		f->diags, diag,
		char_here(f) && strchr("[{", char_here(f))
			? "quote a value that holds a bracket or a brace"
		: open == '{'
			? "pairs in braces are written as {key: value, key: value}"
			: "items in brackets are written as [one, two]; quote one that holds a bracket, "
			  "a brace, a comma or ': '");
	diag_relate(f->diags, diag, there(f), "the '%c' is opened here", open);
	return true;
}

static bool explain_content(const struct fault *f)
{
	struct diag *diag;
	char c = char_here(f);

	if (!c || !strchr("]},", c))
		return false;
	diag = diag_add(f->diags, "E0106", DIAG_ERROR, here(f),
			c == ',' ? "nothing stands before this '%c'" : "this '%c' closes nothing",
			c);
	diag_hint(f->diags, diag, "remove it; quote the value if the '%c' belongs to it", c);
	return true;
}

static bool explain_dash(const struct fault *f)
{
	struct diag *diag = diag_add(f->diags, "E0104", DIAG_ERROR, here(f),
				     "a list cannot begin on the line of its key");

	diag_hint(f->diags, diag,
		  "begin it on the next line, indented, or write [one, two]; quote "
		  "the value if it begins with a dash");
	return true;
}

static bool explain_no_dash(const struct fault *f)
{
	struct diag *diag;

	if (explain_tab(f) || explain_quote(f))
		return true;
	diag = diag_add(f->diags, "E0104", DIAG_ERROR, here(f),
			"an item of the list above, which begins with '- ', is expected here");
	diag_hint(f->diags, diag, "indent this line like the lines it belongs to");
	diag_relate(f->diags, diag, there(f), "the list begins here");
	return true;
}

static bool explain_question(const struct fault *f)
{
	explain_start(f, &f->line, MIN(f->at, f->line.size - (f->line.size > 0)));
	return true;
}

static bool explain_escape(const struct fault *f)
{
	struct diag *diag;

	if (strncmp(f->problem, "found unknown", 13) == 0) {
		diag = diag_add(f->diags, "E0109", DIAG_ERROR, part(f, &f->line, f->at, 2),
				"'%.2s' is no escape of double quotes", f->line.text + f->at);
		diag_hint(f->diags, diag, "write \\\\ for a backslash, or use single quotes");
		return true;
	}
	diag = diag_add(f->diags, "E0109", DIAG_ERROR, part(f, &f->line, f->at, 2),
			"this escape names no character");
	diag_hint(f->diags, diag,
		  "write \\x and 2, \\u and 4 or \\U and 8 hexadecimal digits; JSON's "
		  "surrogate pairs are not taken, write the character itself");
	return true;
}

static bool explain_block(const struct fault *f)
{
	struct diag *diag = diag_add(f->diags, "E0110", DIAG_ERROR, here(f),
				     "text after '|' or '>' begins on the next line");

	diag_hint(f->diags, diag,
		  "move it to the next line, indented; quote the value if the "
		  "character belongs to it");
	return true;
}

static bool explain_rest(const struct fault *f)
{
	struct diag *diag;

	if (explain_tab(f) || explain_quote(f))
		return true;
	if (char_here(f) == ']' || char_here(f) == '}')
		return explain_content(f);
	if (f->at == f->line.indent) {
		struct line first = line_get(f->source, 1);

		while (first.number &&
		       (first.indent == first.size || first.text[first.indent] == '#'))
			first = line_get(f->source, first.number + 1);
		if (first.number && first.number < f->line.number &&
		    first.indent != f->line.indent) {
			diag = diag_add(f->diags, "E0104", DIAG_ERROR, here(f),
					"this line is indented by %zu, the first by %zu",
					f->line.indent, first.indent);
			diag_hint(f->diags, diag, "begin them in the same column");
			diag_relate(f->diags, diag, content(f, &first),
				    "the description begins here");
			return true;
		}
		if (first.number && explain_no_pair(f, &first))
			return true;
	}
	diag = diag_add(f->diags, "E0110", DIAG_ERROR, here(f),
			"the description ended above, and here is more text");
	diag_hint(f->diags, diag, "a description is one map: 'key: value' on each line");
	return true;
}

static bool explain_directive(const struct fault *f)
{
	struct diag *diag =
		diag_add(f->diags, "E0110", DIAG_ERROR, content(f, &f->line),
			 "a line that begins with %% is a directive, and this one is not "
			 "known here");

	diag_hint(f->diags, diag, "remove the line");
	return true;
}

/* What libyaml says, by its beginning, and who knows what it means. */
static const struct {
	const char *problem, *context;
	bool (*explain)(const struct fault *f);
} explanations[] = {
	{"found a tab character", NULL, explain_tab},
	{"found character that cannot start", NULL, explain_character},
	{"mapping values are not allowed", NULL, explain_colon},
	{"could not find expected ':'", NULL, explain_simple_key},
	{"did not find expected key", NULL, explain_expected_key},
	{"did not find expected '-' indicator", NULL, explain_no_dash},
	{"did not find expected ',' or", NULL, explain_bracket},
	{"did not find expected node content", NULL, explain_content},
	{"did not find expected <document start>", NULL, explain_rest},
	{"did not find expected alphabetic", "while scanning a", explain_anchor},
	{"block sequence entries are not", NULL, explain_dash},
	{"mapping keys are not allowed", NULL, explain_question},
	{"found unexpected", "while scanning a quoted", explain_open_quote},
	{"found unknown escape", NULL, explain_escape},
	{"did not find expected hex", NULL, explain_escape},
	{"found invalid Unicode", NULL, explain_escape},
	{"did not find expected comment or line break", "while scanning a block", explain_block},
	{"found an indentation indicator", NULL, explain_block},
	{"", "while scanning a tag", explain_anchor},
	{"", "while parsing a tag", explain_anchor},
	{"found undefined tag handle", NULL, explain_anchor},
	{"found incompatible YAML document", NULL, explain_directive},
	{"found duplicate %", NULL, explain_directive},
	{"", "while scanning a directive", explain_directive},
	{"", "while scanning a %", explain_directive},
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

void syntax_error(const yaml_parser_t *parser, const struct source *source,
		  const struct load_origin *origin, const struct node *last_scalar,
		  struct diag_list *diags)
{
	uint32_t shift = origin ? origin->column : 0;
	struct fault f = {
		.parser = parser,
		.source = source,
		.diags = diags,
		.last = last_scalar,
		.problem = parser->problem ? parser->problem : "",
		.context = parser->context ? parser->context : "",
		.context_line.text = "",
	};

	invariant(parser->error != YAML_MEMORY_ERROR);
	f.column =
		(uint32_t)parser->problem_mark.column + 1 + (parser->problem_mark.line ? 0 : shift);
	f.line = line_get(source, (uint32_t)parser->problem_mark.line + 1);
	f.at = line_byte(&f.line, f.column);
	if (parser->context) {
		f.context_line = line_get(source, (uint32_t)parser->context_mark.line + 1);
		f.context_column = (uint32_t)parser->context_mark.column + 1 +
				   (parser->context_mark.line ? 0 : shift);
	}
	for (size_t i = 0; i < ARRAY_SIZE(explanations); i++)
		if (begins(f.problem, explanations[i].problem) &&
		    (!explanations[i].context || begins(f.context, explanations[i].context)) &&
		    explanations[i].explain(&f))
			return;
	diag_add(diags, "E0110", DIAG_ERROR, here(&f), "this is no YAML: %s%s%s", f.context,
		 f.context[0] ? ", " : "", f.problem);
}
