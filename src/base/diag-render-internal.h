/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of base/: what the forms of diagnostics share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/strbuf.h"

extern const char *const diag_severity_names[];
extern const char *const diag_severity_colors[];

static inline void diag_paint(struct strbuf *out, bool color, const char *sequence)
{
	if (color)
		strbuf_puts(out, sequence);
}

/*
 * Appends one character of a source as it is shown: @size bytes that are @c, 0 when they are none;
 * @cell is where it stands. Return: its width.
 */
size_t diag_put_char(struct strbuf *out, const char *bytes, size_t size, uint32_t c, size_t cell);

/* One diagnostic as diag_render_text() prints it. */
void diag_put(struct strbuf *out, const struct diag *diag, bool color);
