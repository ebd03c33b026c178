/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in manual pages, which are made from tables that know nothing of roff.
 */
#pragma once

struct strbuf;

/* Text that roff takes as it is: no requests at the start of lines, no escapes, hyphens that copy.
 */
void roff_put_text(struct strbuf *out, const char *text);

/* The same with each sentence on a line of its own, as roff wants, and a newline at the end. */
void roff_put_sentences(struct strbuf *out, const char *text);
