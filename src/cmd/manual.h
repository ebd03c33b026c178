/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual page of the program.
 */
#pragma once

struct strbuf;

/* weft(1) in man's roff, from the table of commands. */
void manual_put(struct strbuf *out);
