/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in manual pages.
 */
#include <string.h>

#include "base/roff.h"
#include "base/strbuf.h"

void roff_put_text(struct strbuf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		strbuf_puts(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			strbuf_puts(out, "\\e");
		else if (*text == '-')
			strbuf_puts(out, "\\-");
		else if (*text == '~')
			strbuf_puts(out, "\\(ti");
		else if (*text == '^')
			strbuf_puts(out, "\\(ha");
		else if (*text == '`')
			strbuf_puts(out, "\\(ga");
		else if (*text == '\'')
			strbuf_puts(out, "\\(aq");
		else
			strbuf_putc(out, *text);
	}
}

void roff_put_sentences(struct strbuf *out, const char *text)
{
	const char *end;

	while ((end = strstr(text, ". "))) {
		cleanup_strbuf struct strbuf sentence = STRBUF_INIT;

		strbuf_add(&sentence, text, (size_t)(end + 1 - text));
		roff_put_text(out, sentence.text);
		strbuf_putc(out, '\n');
		text = end + 2;
	}
	roff_put_text(out, text);
	strbuf_putc(out, '\n');
}
