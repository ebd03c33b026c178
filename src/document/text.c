/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the bytes of a source are text, which libyaml would say too, but without telling where;
 * and characters that look like others, which come from web pages and word processors.
 */
#include "base/compiler.h"
#include "base/source.h"
#include "base/utf8.h"
#include "document/load.h"

/* What YAML 1.2.2 (section 5.1) takes, less the breaks of 1.1 that move line numbers. */
static bool is_taken(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return (c < 0x7f || c >= 0xa0) && c != 0x2028 && c != 0x2029 && c != 0xfeff &&
	       c != 0xfffe && c != 0xffff;
}

/* The first byte that is no text; the size when all are. *@ret_char: what it is, 0xffffffff: no
 * UTF-8. */
static size_t find_fault(const char *text, size_t size, uint32_t *ret_char)
{
	size_t at = 0;

	while (at < size) {
		unsigned char byte = (unsigned char)text[at];
		size_t n;

		if (byte >= 0x20 && byte < 0x7f) {
			at++;
			continue;
		}
		n = utf8_decode(text + at, size - at, ret_char);
		if (n == 0) {
			*ret_char = UINT32_MAX;
			return at;
		}
		if (!is_taken(*ret_char))
			return at;
		at += n;
	}
	return size;
}

static struct span place_of(const struct source *source, size_t at)
{
	struct span span = {.source = source, .line = 1, .column = 1};
	uint32_t c;

	for (size_t i = 0; i < at;) {
		if (source->text[i] == '\n' ||
		    (source->text[i] == '\r' && source->text[i + 1] != '\n')) {
			span.line++;
			span.column = 0;
		}
		i += utf8_decode(source->text + i, source->size - i, &c);
		span.column++;
	}
	span.end_line = span.line;
	span.end_column = span.column + 1;
	return span;
}

bool text_check(const struct source *source, struct diag_list *diags)
{
	const unsigned char *start = (const unsigned char *)source->text;
	uint32_t c = 0;
	size_t at = find_fault(source->text, source->size, &c);
	struct diag *diag;
	struct span span;

	if (at == source->size)
		return true;
	if (source->size >= 2 &&
	    ((start[0] == 0xff && start[1] == 0xfe) || (start[0] == 0xfe && start[1] == 0xff) ||
	     !start[0] || !start[1])) {
		span = (struct span){.source = source};
		diag = diag_add(diags, "E0102", DIAG_ERROR, span,
				"the file is UTF-16 or UTF-32 text, or no text at all");
		diag_hint(diags, diag, "save it as UTF-8");
		return false;
	}
	span = place_of(source, at);
	if (c == UINT32_MAX) {
		diag = diag_add(diags, "E0102", DIAG_ERROR, span, "the byte 0x%02x is no UTF-8",
				source->text[at] & 0xff);
		diag_hint(diags, diag, "save the file as UTF-8");
	} else if (c == 0) {
		diag = diag_add(diags, "E0102", DIAG_ERROR, span,
				"there is a NUL byte here: this is no text, or it is damaged");
		diag_hint(diags, diag, "is this the right file?");
	} else if (c == 0xfeff) {
		diag = diag_add(diags, "E0102", DIAG_ERROR, span,
				"there is a byte order mark (U+FEFF) inside the text");
		diag_hint(diags, diag,
			  "delete it: it is invisible, and stands before the "
			  "character that is marked");
	} else {
		diag = diag_add(diags, "E0102", DIAG_ERROR, span,
				"there is a control character (U+%04X) in the text", c);
		diag_hint(diags, diag, "delete it, or write it as \\u%04x in double quotes", c);
	}
	return false;
}

/* A quote of typography, in code points: U+201C, or 0. */
static bool is_typographic_quote(uint32_t c)
{
	return (c >= 0x2018 && c <= 0x201f) || c == 0xab || c == 0xbb;
}

/* A blank that is none to YAML. */
static bool is_other_blank(uint32_t c)
{
	return c == 0xa0 || (c >= 0x2000 && c <= 0x200d) || c == 0x202f || c == 0x2060 ||
	       c == 0x3000;
}

void text_check_plain(const struct node *node, struct diag_list *diags)
{
	struct diag *diag;
	uint32_t c;

	for (size_t at = 0, n; at < node->size; at += n) {
		if (!(node->text[at] & 0x80)) {
			n = 1;
			continue;
		}
		n = utf8_decode(node->text + at, node->size - at, &c);
		if (n == 0)
			return;
		if (at == 0 && is_typographic_quote(c)) {
			diag = diag_add(
				diags, "E0127", DIAG_ERROR, node->span,
				"this begins with a typographic quote (U+%04X), which quotes nothing",
				c);
			diag_hint(diags, diag,
				  "write ' or \" around the text; if the character belongs to it, "
				  "both");
			return;
		}
		if (is_other_blank(c)) {
			diag = diag_add(diags, "E0127", DIAG_ERROR, node->span,
					"there is a blank here that is no space (U+%04X)", c);
			diag_hint(diags, diag,
				  "replace it with a space; quote the text if it belongs to it");
			return;
		}
	}
}
