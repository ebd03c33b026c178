/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file whole, without waiting and without trusting what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/source.h"
#include "base/utf8.h"

/* A file name may hold any bytes; what is shown of it is UTF-8 that leaves a terminal alone. */
static const char *printable_name(struct arena *arena, const char *name)
{
	size_t size = strlen(name), at = 0;
	char *copy = arena_strndup(arena, name, size);

	while (at < size) {
		uint32_t c = 0;
		size_t n = utf8_decode(name + at, size - at, &c);

		if (n == 0 || utf8_is_control(c))
			memset(copy + at, '?', n ? n : 1);
		at += n ? n : 1;
	}
	return copy;
}

static struct source *new_source(struct arena *arena, const char *name)
{
	struct source *source = arena_new(arena, struct source);
	const char *slash = strrchr(name, '/');

	source->arena = arena;
	source->name = printable_name(arena, name);
	source->directory = slash ? arena_strndup(arena, name, (size_t)(slash - name) + 1) : "";
	return source;
}

/* Gives the source its text, which is ended by NUL; a UTF-8 byte order mark is no part of it. */
static void set_text(struct source *source, const char *text, size_t size)
{
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	source->text = text;
	source->size = size;
}

/* Reads until @room bytes are there or the end. Return: how many, or a negative errno. */
static ssize_t read_full(int fd, char *buffer, size_t room)
{
	size_t done = 0;

	while (done < room) {
		ssize_t n = read(fd, buffer + done, room - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int read_stdin(struct arena *arena, size_t limit, struct source **ret_source)
{
	cleanup_free char *buffer = malloc(limit + 1);
	struct source *source;
	ssize_t n;

	invariant(buffer != NULL);
	n = read_full(STDIN_FILENO, buffer, limit + 1);
	if (n < 0)
		return (int)n;
	if ((size_t)n > limit)
		return SOURCE_TOO_LARGE;
	source = new_source(arena, "<stdin>");
	set_text(source, arena_strndup(arena, buffer, (size_t)n), (size_t)n);
	*ret_source = source;
	return 0;
}

int source_read(struct arena *arena, const char *path, size_t limit, struct source **ret_source)
{
	cleanup_fd int fd = -1;
	struct source *source;
	struct stat st;
	char *text;
	ssize_t n;

	if (strcmp(path, "-") == 0)
		return read_stdin(arena, limit, ret_source);

	/* Without O_NONBLOCK the open of a FIFO would wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENXIO ? SOURCE_NOT_REGULAR : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return SOURCE_NOT_REGULAR;
	if ((uint64_t)st.st_size > limit)
		return SOURCE_TOO_LARGE;

	/* One byte more than there should be: a short read then also proves the end of the file. */
	text = arena_alloc(arena, (size_t)st.st_size + 1);
	do
		n = read(fd, text, (size_t)st.st_size + 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != st.st_size)
		return SOURCE_CHANGED;
	text[n] = '\0';
	source = new_source(arena, path);
	source->device = st.st_dev;
	source->inode = st.st_ino;
	set_text(source, text, (size_t)n);
	*ret_source = source;
	return 0;
}

struct source *source_from_text(struct arena *arena, const char *name, const char *text,
				size_t size)
{
	struct source *source = new_source(arena, name);

	source->directory = "";
	set_text(source, arena_strndup(arena, text, size), size);
	return source;
}

const char *source_strerror(int error)
{
	switch (error) {
	case SOURCE_NOT_REGULAR:
		return "it is not a regular file";
	case SOURCE_TOO_LARGE:
		return "it is too large";
	case SOURCE_CHANGED:
		return "it was changed while it was read";
	case -ENOENT:
		return "there is no such file";
	case -EACCES:
		return "permission denied";
	case -EISDIR:
		return "it is a directory";
	default:
		return strerror(-error);
	}
}

/* Bytes of the line break at @at, 0 if there is none. */
static size_t line_break(const struct source *source, size_t at)
{
	if (source->text[at] == '\n')
		return 1;
	if (source->text[at] == '\r') /* the text ends with NUL: looking one further is safe */
		return source->text[at + 1] == '\n' ? 2 : 1;
	return 0;
}

static size_t find_lines(const struct source *source, uint32_t *starts)
{
	size_t n = 0, at = 0;

	if (starts)
		starts[n] = 0;
	n++;
	while (at < source->size) {
		size_t size = line_break(source, at);

		at += size ? size : 1;
		if (!size)
			continue;
		if (starts)
			starts[n] = (uint32_t)at;
		n++;
	}
	return n;
}

const char *source_line(const struct source *source, uint32_t line, size_t *ret_size)
{
	size_t start, end;

	if (!source->line_starts) {
		struct source *table = (struct source *)source;

		table->n_lines = (uint32_t)find_lines(source, NULL);
		table->line_starts = arena_new_array(source->arena, table->n_lines, uint32_t);
		find_lines(source, table->line_starts);
	}
	if (line < 1 || line > source->n_lines)
		return NULL;
	start = source->line_starts[line - 1];
	end = line < source->n_lines ? source->line_starts[line] : source->size;
	if (end > start && source->text[end - 1] == '\n')
		end--;
	if (end > start && line < source->n_lines && source->text[end - 1] == '\r')
		end--;
	*ret_size = end - start;
	return source->text + start;
}
