/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that include files. The chain that leads to a file is kept on the stack, so that a circle
 * is seen by the identity of the file and not by its name.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "document/include.h"
#include "document/load.h"
#include "document/overlay.h"

#define MAX_GLOB_NAMES (4 * INCLUDE_MAX_FILES) /* that one pattern may match */
#define MAX_GLOB_SCAN  65536                   /* entries of a directory that are looked at */
#define MAX_GLOB_STARS 4                       /* matching is exponential in them */

/* The files that led here. */
struct chain {
	const struct chain *up;
	const struct source *source;
	unsigned depth;
};

static struct node *compose(struct composition *c, const struct chain *up,
			    const struct source *source, struct span asked);

const struct node_entry *node_take(struct arena *arena, struct node *map, const char *key)
{
	const struct node_entry *found = node_find(map, key);
	struct node_entry *entries;
	uint32_t n = 0;

	if (!found)
		return NULL;
	entries = arena_new_array(arena, map->n_entries, struct node_entry);
	for (uint32_t i = 0; i < map->n_entries; i++)
		if (&map->entries[i] != found)
			entries[n++] = map->entries[i];
	map->entries = entries;
	map->n_entries = n;
	map->by_key = NULL;
	node_index(arena, map);
	node_weigh(map);
	return found;
}

void include_unreadable(struct composition *c, const char *path, int error, struct span asked)
{
	struct diag *diag;

	if (!asked.source)
		asked.source = source_from_text(c->arena, path, "", 0);
	c->failed = true;
	if (error == SOURCE_TOO_LARGE) {
		diag = diag_add(c->diags, "E0119", DIAG_ERROR, asked,
				"the file is larger than %d KiB", DOCUMENT_MAX_FILE / 1024);
		diag_hint(c->diags, diag, "no description needs that; is this the right file?");
		return;
	}
	diag = asked.line
		       ? diag_add(c->diags, "E0101", DIAG_ERROR, asked,
				  "the file '%s' cannot be read: %s", path, source_strerror(error))
		       : diag_add(c->diags, "E0101", DIAG_ERROR, asked,
				  "the file cannot be read: %s", source_strerror(error));
	if (error == SOURCE_NOT_REGULAR)
		diag_hint(c->diags, diag,
			  "only files are read; to read from a pipe, write - and give it "
			  "as standard input");
	else if (error == -EISDIR && asked.line)
		diag_hint(c->diags, diag, "to include all of it, write %s/*.yaml", path);
	else if (error == -EISDIR)
		diag_hint(c->diags, diag, "name a file in it");
	else if (strstr(path, "${"))
		diag_hint(c->diags, diag, "variables are not put into the names of included files");
	else if (strstr(path, "://"))
		diag_hint(c->diags, diag, "only files of this host can be included");
	else if (error == -ENOENT && asked.line && path[0] != '/')
		diag_hint(c->diags, diag,
			  "an included file is looked for beside the file that includes it");
}

void include_watch(struct composition *c, const char *path)
{
	for (size_t i = 0; i < c->n_watched; i++)
		if (strcmp(c->watched[i], path) == 0)
			return;
	if (c->n_watched < ARRAY_SIZE(c->watched))
		c->watched[c->n_watched++] = arena_strdup(c->arena, path);
}

static bool same_file(const struct source *a, const struct source *b)
{
	return a->inode && a->inode == b->inode && a->device == b->device;
}

static bool is_circle(struct composition *c, const struct chain *chain, const struct source *source,
		      struct span asked)
{
	struct diag *diag;

	for (const struct chain *link = chain; link; link = link->up) {
		if (!same_file(link->source, source))
			continue;
		diag = diag_add(c->diags, "E0121", DIAG_ERROR, asked,
				link == chain ? "the file includes itself"
					      : "the files include each other in a circle");
		diag_hint(c->diags, diag, "remove one of the includes");
		for (link = chain; link->up; link = link->up)
			for (size_t i = 0; i < c->n_sources; i++)
				if (c->sources[i] == link->source && c->asked[i].line)
					diag_relate(c->diags, diag, c->asked[i],
						    "%s is included here", link->source->name);
		c->failed = true;
		return true;
	}
	return false;
}

/* The tree of one included file, laid over @below; @below when there is nothing in it. */
static struct node *include_file(struct composition *c, const struct chain *chain, const char *path,
				 struct span asked, bool by_glob, struct node *below)
{
	struct source *source;
	struct node *root;
	int r;

	if (c->n_sources == INCLUDE_MAX_FILES || chain->depth == INCLUDE_MAX_DEPTH) {
		diag_add(c->diags, "E0119", DIAG_ERROR, asked,
			 c->n_sources == INCLUDE_MAX_FILES
				 ? "the description has more than %d files"
				 : "files include files more than %d levels deep",
			 c->n_sources == INCLUDE_MAX_FILES ? INCLUDE_MAX_FILES : INCLUDE_MAX_DEPTH);
		c->failed = true;
		return below;
	}
	include_watch(c, path);
	r = source_read(c->arena, path, DOCUMENT_MAX_FILE, &source);
	if (r < 0) {
		include_unreadable(c, path, r, asked);
		return below;
	}
	/* A pattern that matches the file that says it does not mean it. */
	if (by_glob && same_file(chain->source, source))
		return below;
	if (is_circle(c, chain, source, asked))
		return below;
	root = compose(c, chain, source, asked);
	if (!root)
		return below;
	return below ? overlay(c->arena, below, root) : root;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in @directory that match, sorted. Return: how many, or a negative errno. */
static int match_names(struct composition *c, const char *directory, const char *pattern,
		       const char **names)
{
	DIR *dir = opendir(*directory ? directory : ".");
	struct dirent *entry;
	int n = 0, scanned = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) && n < MAX_GLOB_NAMES && scanned++ < MAX_GLOB_SCAN)
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD | FNM_NOESCAPE) == 0)
			names[n++] = arena_printf(c->arena, "%s%s", directory, entry->d_name);
	closedir(dir);
	qsort(names, (size_t)n, sizeof(*names), compare_names);
	return n;
}

static struct node *refuse(struct composition *c, struct span asked, struct node *below,
			   const char *message)
{
	struct diag *diag = diag_add(c->diags, "E0122", DIAG_ERROR, asked, "%s", message);

	diag_hint(c->diags, diag, "for example include: [common.yaml, disks/*.yaml]");
	c->failed = true;
	return below;
}

static struct node *include_glob(struct composition *c, const struct chain *chain, const char *path,
				 struct span asked, struct node *below)
{
	const char *slash = strrchr(path, '/'), *pattern = slash ? slash + 1 : path;
	const char *directory =
		slash ? arena_strndup(c->arena, path, (size_t)(pattern - path)) : "";
	const char *names[MAX_GLOB_NAMES];
	unsigned stars = 0;
	int n;

	for (const char *s = pattern; *s; s++)
		stars += *s == '*';
	if (strpbrk(directory, "*?["))
		return refuse(c, asked, below, "a pattern can only be in the last part of a path");
	if (stars > MAX_GLOB_STARS)
		return refuse(c, asked, below, "a pattern has at most four stars");
	include_watch(c, path);
	n = match_names(c, directory, pattern, names);
	if (n < 0) {
		include_unreadable(c, directory, n, asked);
		return below;
	}
	for (int i = 0; i < n; i++)
		below = include_file(c, chain, names[i], asked, true, below);
	return below;
}

static struct node *include_entry(struct composition *c, const struct chain *chain,
				  const struct node_entry *entry, struct node *below)
{
	const struct node *node = entry->value;
	struct span asked = node_entry_span(entry);
	const char *path;

	if (node->kind != NODE_STRING)
		return refuse(c, asked, below,
			      arena_printf(c->arena, "'include' takes names of files, not %s",
					   node_kind_name(node->kind)));
	if (!node->size)
		return refuse(c, asked, below, "the name of a file to include is empty");
	path = node->text[0] == '/'
		       ? node->text
		       : arena_printf(c->arena, "%s%s", chain->source->directory, node->text);
	if (strpbrk(node->text, "*?["))
		return include_glob(c, chain, path, asked, below);
	return include_file(c, chain, path, asked, false, below);
}

/* All that @entry, the pair of `include`, names; NULL when that is nothing. */
static struct node *include_all(struct composition *c, const struct chain *chain,
				const struct node_entry *entry)
{
	const struct node *value = entry->value;
	struct node *below = NULL;

	if (c->no_includes) {
		diag_add(c->diags, "E0122", DIAG_ERROR, entry->key->span,
			 "this description comes from no file, so it cannot include any");
		c->failed = true;
		return NULL;
	}
	if (value->kind != NODE_SEQ)
		return include_entry(c, chain, entry, NULL);
	for (uint32_t i = 0; i < value->n_entries; i++)
		below = include_entry(c, chain, &value->entries[i], below);
	return below;
}

/* `x-*` keys at the top hold anchors for the rest of their file, and mean nothing themselves. */
static void drop_extensions(struct arena *arena, struct node *root)
{
	struct node_entry *entries;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < root->n_entries; i++)
		kept += strncmp(root->entries[i].key->text, "x-", 2) != 0;
	if (kept == root->n_entries)
		return;
	entries = arena_new_array(arena, kept, struct node_entry);
	kept = 0;
	for (uint32_t i = 0; i < root->n_entries; i++)
		if (strncmp(root->entries[i].key->text, "x-", 2) != 0)
			entries[kept++] = root->entries[i];
	root->entries = entries;
	root->n_entries = kept;
	root->by_key = NULL;
	node_index(arena, root);
	node_weigh(root);
}

static struct node *check_root(struct composition *c, struct node *root,
			       const struct source *source, size_t errors)
{
	struct span span = {.source = source};
	struct diag *diag;

	if (root && root->kind == NODE_MAP)
		return root;
	c->failed = true;
	if (diag_errors(c->diags) > errors)
		return NULL; /* why there is no map was told */
	if (!root || root->kind == NODE_NULL) {
		diag = diag_add(c->diags, "E0117", DIAG_ERROR, span, "the description is empty");
		diag_hint(c->diags, diag,
			  "a machine needs at least 'version: 1', a name and 'boot:'; `weft init` "
			  "writes a first one");
		return NULL;
	}
	diag = diag_add(c->diags, "E0117", DIAG_ERROR, root->span,
			"a description is a map of keys and values, this is %s",
			node_kind_name(root->kind));
	if (root->kind == NODE_STRING && foreign_line(root->text, root->size))
		diag_hint(c->diags, diag, "%s", foreign_line(root->text, root->size));
	else
		diag_hint(c->diags, diag,
			  root->kind == NODE_STRING
				  ? "write 'key: value' on each line, the first is 'version: 1'"
				  : "begin with 'version: 1'");
	return NULL;
}

static struct node *compose(struct composition *c, const struct chain *up,
			    const struct source *source, struct span asked)
{
	struct chain chain = {.up = up, .source = source, .depth = up ? up->depth + 1 : 0};
	size_t errors = diag_errors(c->diags);
	const struct node_entry *include;
	struct node *root, *below;

	c->asked[c->n_sources] = asked;
	c->sources[c->n_sources++] = source;
	c->bytes += source->size;
	if (c->bytes > DOCUMENT_MAX_BYTES) {
		diag_add(c->diags, "E0119", DIAG_ERROR, asked,
			 "the files of the description are larger than %d MiB",
			 DOCUMENT_MAX_BYTES / 1024 / 1024);
		c->failed = true;
		return NULL;
	}
	root = check_root(c, load_tree(c->arena, source, NULL, c->diags), source, errors);
	if (!root)
		return NULL;
	drop_extensions(c->arena, root);
	include = node_take(c->arena, root, "include");
	below = include ? include_all(c, &chain, include) : NULL;
	return below ? overlay(c->arena, below, root) : root;
}

struct node *include_compose(struct composition *c, const struct source *source, struct span asked)
{
	return compose(c, NULL, source, asked);
}
