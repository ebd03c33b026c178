/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quoting. Only what no reader of YAML can take for something else is written plain.
 */
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "document/quote.h"

bool quote_is_plain(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n"};
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=";

	if (!*text || strspn(text, safe) != strlen(text))
		return false;
	if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') && *text != '/')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(text, words[i]))
			return false;
	return true;
}

/* One character in double quotes. Bytes that are no UTF-8 have no escape: they stay. */
static size_t put_char(struct strbuf *out, const char *text)
{
	uint32_t c = 0;
	size_t size = utf8_decode(text, strlen(text), &c);

	if (c == '"' || c == '\\')
		strbuf_printf(out, "\\%c", (int)c);
	else if (size && c != ' ' && c < 0x10000 &&
		 (c < 0x20 || c == 0x7f || c == 0xfffe || c == 0xffff || utf8_is_control(c)))
		strbuf_printf(out, "\\u%04x", c);
	else
		strbuf_add(out, text, size ? size : 1);
	return size ? size : 1;
}

void quote_put(struct strbuf *out, const char *text)
{
	if (quote_is_plain(text)) {
		strbuf_puts(out, text);
		return;
	}
	strbuf_putc(out, '"');
	while (*text)
		text += put_char(out, text);
	strbuf_putc(out, '"');
}

void quote_variables(struct strbuf *out, const char *text)
{
	for (const char *at; (at = strstr(text, "${")); text = at + 2) {
		strbuf_add(out, text, (size_t)(at - text));
		strbuf_puts(out, "$${");
	}
	strbuf_puts(out, text);
}
