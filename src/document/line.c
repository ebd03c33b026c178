/* SPDX-License-Identifier: Apache-2.0 */
#include "document/line.h"

#include "base/compiler.h"
#include "base/source.h"
#include "base/utf8.h"

struct line line_get(const struct source *source, uint32_t number)
{
	struct line line = {.number = number};

	line.text = source_line(source, number, &line.size);
	if (!line.text)
		return (struct line){.text = ""};
	while (line.indent < line.size &&
	       (line.text[line.indent] == ' ' || line.text[line.indent] == '\t'))
		line.indent++;
	return line;
}

size_t line_byte(const struct line *line, uint32_t column)
{
	size_t at = 0;
	uint32_t c;

	while (column-- > 1 && at < line->size) {
		size_t n = utf8_decode(line->text + at, line->size - at, &c);

		at += n ? n : 1;
	}
	return at;
}

uint32_t line_column(const struct line *line, size_t byte)
{
	uint32_t column = 1, c;

	for (size_t at = 0; at < byte && at < line->size; column++) {
		size_t n = utf8_decode(line->text + at, line->size - at, &c);

		at += n ? n : 1;
	}
	return column;
}

struct line line_above(const struct source *source, uint32_t number)
{
	while (--number > 0) {
		struct line line = line_get(source, number);

		if (line.indent < line.size && line.text[line.indent] != '#')
			return line;
	}
	return (struct line){.text = ""};
}

size_t line_colon(const struct line *line)
{
	char quote = '\0';

	for (size_t i = line->indent; i < line->size; i++) {
		char c = line->text[i];

		if (quote) {
			quote = c == quote ? '\0' : quote;
		} else if ((c == '"' || c == '\'') &&
			   (i == line->indent || line->text[i - 1] == ' ')) {
			quote = c;
		} else if (c == '#' && i > 0 && line->text[i - 1] == ' ') {
			break;
		} else if (c == ':' && (i + 1 == line->size || line->text[i + 1] == ' ' ||
					line->text[i + 1] == '\t')) {
			return i;
		}
	}
	return line->size;
}

size_t line_value(const struct line *line, size_t colon)
{
	size_t at = MIN(colon + 1, line->size);

	while (at < line->size && (line->text[at] == ' ' || line->text[at] == '\t'))
		at++;
	return at < line->size && line->text[at] == '#' ? line->size : at;
}
