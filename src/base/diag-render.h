/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics as text for people, lines for editors, JSON for programs.
 */
#pragma once

#include <stdbool.h>

#include "base/diag.h"

struct json_t;
struct strbuf;

#define DIAG_MAX_SHOWN 50 /* by diag_render_text() */

/**
 * diag_render_text() - print for a person
 * @out: gets the text
 * @list: sorted here
 * @color: whether escape sequences may be used (diag_color())
 *
 * Each with its source line, a caret under the place, the hint and the related places; at most
 * DIAG_MAX_SHOWN of them and a line that tells how many more there are.
 */
void diag_render_text(struct strbuf *out, struct diag_list *list, bool color);

/* One line each, as gcc prints them: FILE:LINE:COLUMN: SEVERITY: MESSAGE [CODE]; notes for
 * relatives. */
void diag_render_gcc(struct strbuf *out, struct diag_list *list);

/**
 * diag_render_annotated() - print a file with what is wrong as comments in its place
 * @out: gets the text
 * @source: the file
 * @list: sorted here
 * @color: as above
 *
 * Under each line what is said of it, with its place underlined, and the places that other
 * diagnostics point at; before all what is said of the whole file, after all what is said of other
 * files.
 */
void diag_render_annotated(struct strbuf *out, const struct source *source, struct diag_list *list,
			   bool color);

/* An array of objects; a new reference. */
struct json_t *diag_render_json(struct diag_list *list);

/* Whether @fd is a terminal that shows colours (and NO_COLOR is not set). */
bool diag_color(int fd);

/**
 * diag_print() - sort the list and write it as text to @fd
 * @list: the list; nothing is written when it is empty
 * @fd: where to
 */
void diag_print(struct diag_list *list, int fd);
