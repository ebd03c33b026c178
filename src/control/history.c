/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the history of a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "control/history.h"

#define MAX_BYTES (1 * MiB)

/* The last bytes of a file, ended by NUL. */
static int read_tail(const char *path, char **ret_text, bool *ret_cut)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct stat st;
	off_t start;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	start = st.st_size > (off_t)MAX_BYTES ? st.st_size - (off_t)MAX_BYTES : 0;
	text = malloc((size_t)(st.st_size - start) + 1);
	if (!text)
		return -ENOMEM;
	n = pread(fd, text, (size_t)(st.st_size - start), start);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	*ret_cut = start > 0;
	*ret_text = TAKE_PTR(text);
	return 0;
}

/* From the end back, so that no more is parsed than is wanted. */
static void take_lines(char *text, bool cut, uint64_t limit, json_t *entries)
{
	while (*text && json_array_size(entries) < limit) {
		char *newline = strrchr(text, '\n'), *line;
		json_t *entry;

		if (newline)
			*newline = '\0';
		line = strrchr(text, '\n');
		line = line ? line + 1 : text;
		if (line == text && cut)
			return;
		entry = json_loads(line, 0, NULL);
		if (json_is_object(entry))
			json_array_insert_new(entries, 0, entry);
		else
			json_decref(entry);
		if (line == text)
			return;
		*line = '\0';
	}
}

int history_read(const char *path, uint64_t limit, json_t **ret)
{
	cleanup_free char *text = NULL;
	bool cut = false;
	int r = path ? read_tail(path, &text, &cut) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = json_array();
	if (r == 0)
		take_lines(text, cut, limit, *ret);
	return 0;
}
