/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching directories for descriptions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "cmd/files.h"

#define MAX_DEPTH   32
#define MAX_SCANNED 1000000 /* names in all directories */

struct identity {
	dev_t device;
	ino_t inode;
};

struct search {
	struct arena *arena;
	const char *const *excludes;
	size_t n_excludes;
	struct diag_list *diags;
	struct file_list *list;
	struct identity *seen; /* of each that was found */
	size_t room, scanned, n_skipped;
	int operand;
};

static struct span place_of(struct search *s, const char *path)
{
	return (struct span){.source = source_from_text(s->arena, path, "", 0)};
}

static void add_file(struct search *s, const char *path, bool found, const struct stat *st)
{
	struct file_list *list = s->list;

	if (list->n == s->room) {
		size_t room = MAX(s->room * 2, (size_t)64);
		struct file_entry *items = arena_new_array(s->arena, room, struct file_entry);
		struct identity *seen = arena_new_array(s->arena, room, struct identity);

		if (list->n) {
			memcpy(items, list->items, list->n * sizeof(*items));
			memcpy(seen, s->seen, list->n * sizeof(*seen));
		}
		list->items = items;
		s->seen = seen;
		s->room = room;
	}
	if (st)
		s->seen[list->n] = (struct identity){st->st_dev, st->st_ino};
	list->items[list->n++] = (struct file_entry){path, s->operand, found};
}

static bool is_description(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static bool is_excluded(const struct search *s, const char *path, const char *name)
{
	for (size_t i = 0; i < s->n_excludes; i++)
		if (fnmatch(s->excludes[i], path, 0) == 0 || fnmatch(s->excludes[i], name, 0) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, sorted. Return: how many, or a negative errno. */
static ssize_t read_names(struct search *s, const char *path, const char ***ret)
{
	DIR *dir = opendir(path);
	const char **names = NULL;
	size_t n = 0, room = 0;
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) && s->scanned++ < MAX_SCANNED) {
		if (entry->d_name[0] == '.')
			continue;
		if (n == room) {
			room = MAX(room * 2, (size_t)32);
			names = reallocarray(names, room, sizeof(*names));
			invariant(names != NULL);
		}
		names[n++] = arena_strdup(s->arena, entry->d_name);
	}
	closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*ret = names;
	return (ssize_t)n;
}

static void search(struct search *s, const char *path, unsigned depth)
{
	cleanup_free const char **names = NULL;
	ssize_t n = read_names(s, path, &names);
	size_t length = strlen(path);

	if (n < 0) {
		diag_add(s->diags, "E0101", DIAG_ERROR, place_of(s, path),
			 "the directory cannot be read: %s", strerror((int)-n));
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		const char *below =
			arena_printf(s->arena, "%s%s%s", path,
				     length && path[length - 1] == '/' ? "" : "/", names[i]);
		struct stat st, target;

		if (lstat(below, &st) < 0 || is_excluded(s, below, names[i]))
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (depth < MAX_DEPTH)
				search(s, below, depth + 1);
			continue;
		}
		if (!is_description(names[i]) || s->list->n == FILES_MAX)
			continue;
		/* A link that leads nowhere is an error of the file; one to a directory is passed
		 * over. */
		if (stat(below, &target) == 0 && S_ISDIR(target.st_mode))
			continue;
		add_file(s, below, true, stat(below, &target) == 0 ? &target : &st);
	}
}

struct numbered {
	struct identity id;
	size_t at;
};

static int by_identity(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->id.device != y->id.device)
		return x->id.device < y->id.device ? -1 : 1;
	if (x->id.inode != y->id.inode)
		return x->id.inode < y->id.inode ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Drops what was found under another name before. */
static void drop_doubles(struct search *s)
{
	struct file_list *list = s->list;
	struct numbered *all = arena_new_array(s->arena, list->n, struct numbered);
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		all[i] = (struct numbered){s->seen[i], i};
	if (list->n)
		qsort(all, list->n, sizeof(*all), by_identity);
	for (size_t i = 1; i < list->n; i++)
		if (all[i].id.inode && all[i].id.inode == all[i - 1].id.inode &&
		    all[i].id.device == all[i - 1].id.device && list->items[all[i].at].found)
			list->items[all[i].at].path = NULL;
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].path)
			list->items[kept++] = list->items[i];
	list->n = kept;
}

void files_expand(struct arena *arena, char *const *operands, int n_operands,
		  const char *const *excludes, size_t n_excludes, struct diag_list *diags,
		  struct file_list *ret)
{
	struct search s = {.arena = arena,
			   .excludes = excludes,
			   .n_excludes = n_excludes,
			   .diags = diags,
			   .list = ret};

	*ret = (struct file_list){0};
	for (int i = 0; i < n_operands; i++) {
		size_t before = ret->n, errors = diag_errors(diags);
		struct diag *diag;
		struct stat st;

		s.operand = i;
		if (strcmp(operands[i], "-") == 0 || stat(operands[i], &st) < 0 ||
		    !S_ISDIR(st.st_mode)) {
			add_file(&s, operands[i], false, NULL);
			continue;
		}
		ret->directories = true;
		search(&s, operands[i], 0);
		if (ret->n > before || diag_errors(diags) > errors)
			continue;
		diag = diag_add(diags, "E0125", DIAG_ERROR, place_of(&s, operands[i]),
				"there is no description in the directory");
		diag_hint(diags, diag,
			  "descriptions are files called *.yaml or *.yml; what is hidden does not "
			  "count");
	}
	drop_doubles(&s);
}
