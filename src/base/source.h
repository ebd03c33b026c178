/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that diagnostics point into: a file read whole, or a text that came from elsewhere
 * (standard input, a command line option). Only the renderer of diagnostics looks lines up, so the
 * table of line starts is made when it first asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

struct arena;

struct source {
	const char *name;      /* as the user said it: "web.yaml", "<stdin>", "--set"; for show */
	const char *directory; /* what relative paths in it are relative to: "" or ends in '/' */
	const char *text;      /* ended by NUL (which may also occur in it); no byte order mark */
	size_t size;           /* bytes, without the ending NUL */
	dev_t device;          /* of the file that was read; 0 when it was none */
	ino_t inode;
	uint32_t *line_starts; /* made by source_line() */
	uint32_t n_lines;
	struct arena *arena;
};

/* Reasons of source_read() that have no errno of their own. */
enum {
	SOURCE_NOT_REGULAR = -0x10000, /* a FIFO, a socket, a device */
	SOURCE_TOO_LARGE,
	SOURCE_CHANGED, /* it was written while it was read */
};

/**
 * source_read() - read a file whole
 * @arena: holds the source and its text
 * @path: the file; "-" is standard input
 * @limit: the largest size taken, in bytes
 * @ret_source: the source
 *
 * Never waits for a FIFO and never reads a device: only regular files are read (standard input may
 * be anything). Four system calls.
 *
 * Return: 0, a negative errno (-EISDIR for a directory), or a SOURCE_ reason.
 */
int source_read(struct arena *arena, const char *path, size_t limit, struct source **ret_source);

/* A source of a text that is no file; @text is copied. */
struct source *source_from_text(struct arena *arena, const char *name, const char *text,
				size_t size);

/* What ended source_read(), as the end of the sentence "cannot read web.yaml: …". */
const char *source_strerror(int error);

/**
 * source_line() - a line of the text
 * @source: the source; its line table is made here at the first call
 * @line: counts from 1
 * @ret_size: bytes, without the line break
 *
 * Lines end with LF, CR LF or CR. Main thread.
 *
 * Return: the first byte of the line, or NULL when there is no such line.
 */
const char *source_line(const struct source *source, uint32_t line, size_t *ret_size);
