/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names out of texts.
 */
#include <string.h>

#include "base/arena.h"
#include "base/label.h"

char *label_from(struct arena *arena, const char *text, size_t size)
{
	char *name = arena_strndup(arena, text, MIN(size, (size_t)LABEL_SIZE_MAX)), *to = name;

	for (const char *from = name; *from; from++) {
		if (*from >= 'A' && *from <= 'Z')
			*to++ = (char)(*from - 'A' + 'a');
		else if ((*from >= 'a' && *from <= 'z') || (*from >= '0' && *from <= '9') ||
			 *from == '-')
			*to++ = *from;
		else if (to > name && to[-1] != '-') /* one for all that a name cannot have */
			*to++ = '-';
	}
	while (to > name && to[-1] == '-')
		to--;
	*to = '\0';
	while (*name == '-')
		name++;
	return *name ? name : NULL;
}

char *label_from_path(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return label_from(arena, base, strcspn(base, "."));
}
