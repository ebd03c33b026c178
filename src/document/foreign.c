/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of something else than YAML, as people leave or paste them into a description, and what to
 * do with them.
 */
#include <ctype.h>
#include <string.h>

#include "base/compiler.h"
#include "document/load.h"

static const struct {
	const char *start, *hint;
} foreign[] = {
	{"<<<<<<<", "git left a conflict here: keep one of the two parts, and remove the marks"},
	{"|||||||", "git left a conflict here: keep one of the parts, and remove the marks"},
	{">>>>>>>", "git left a conflict here: keep one of the two parts, and remove the marks"},
	{"=======", "git left a conflict here: keep one of the two parts, and remove the marks"},
	{"<<*", "a merge is written '<<: *name'"},
	{"<<&", "a merge is written '<<: *name'"},
	{"//", "a comment begins with '#'"},
	{"/*", "a comment begins with '#'"},
	{"*/", "a comment begins with '#'"},
	{";", "a comment begins with '#'"},
	{"--", "a comment begins with '#', a list item with '- '"},
	{"<", "a description is YAML, not XML: 'key: value' on each line"},
	{"[",
	 "a description is YAML, not INI or TOML: a group is 'name:' with its keys indented below"},
};

const char *foreign_line(const char *text, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		size_t n = strlen(foreign[i].start);

		if (size >= n && memcmp(text, foreign[i].start, n) == 0)
			return foreign[i].hint;
	}
	if (size && !isalnum((unsigned char)*text) && !strchr("_\"'$.{}-", *text) &&
	    !(*text & 0x80))
		return "a line is 'key: value', an item '- value' or a comment that begins with '#'";
	return NULL;
}
