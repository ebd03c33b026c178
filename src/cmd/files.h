/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a command line names, those in directories with them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct diag_list;

#define FILES_MAX         100000
#define FILES_MAX_EXCLUDE 64

struct file_entry {
	const char *path;
	int operand; /* by which it is here */
	bool found;  /* in a directory, not named */
};

struct file_list {
	struct file_entry *items;
	size_t n;
	bool directories; /* an operand was one */
};

/**
 * files_expand() - what operands stand for
 * @arena: holds the list
 * @operands, @n_operands: files, which need not be there, and directories
 * @excludes, @n_excludes: patterns (fnmatch) of paths or last parts of them that directories are
 * searched without
 * @diags: gets directories that cannot be read, or hold no description
 * @ret: the list
 *
 * In a directory every *.yaml and *.yml counts, those in directories below too, in the order of
 * their names. What is hidden (.git) is passed over; a link to a file is taken, one to a directory
 * is not; a file that is found under two names counts once.
 */
void files_expand(struct arena *arena, char *const *operands, int n_operands,
		  const char *const *excludes, size_t n_excludes, struct diag_list *diags,
		  struct file_list *ret);
