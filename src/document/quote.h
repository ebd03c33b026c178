/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings as a description says them.
 */
#pragma once

#include <stdbool.h>

struct strbuf;

/* Whether a string written plain is that string again in any YAML, 1.1 included. */
bool quote_is_plain(const char *text);

/* The string as a YAML scalar on one line: plain where that is safe, otherwise in double quotes. */
void quote_put(struct strbuf *out, const char *text);

/* The text with what would be a variable of a description escaped: "${" becomes "$${". */
void quote_variables(struct strbuf *out, const char *text);
