/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a source to a description: read, map, list what is left, write.
 */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "import/import.h"
#include "import/readers.h"

#define MAX_LISTED 200

struct rest {
	struct arena *arena;
	struct draft *draft;
	const struct import_reason *reasons;
	size_t n;
};

static bool begins_with(const char *path, const char *start)
{
	size_t size = strlen(start);

	return !strncmp(path, start, size) && (!path[size] || path[size] == '/');
}

/*
 * The reason for a path, or for one above it: "devices/graphics" is that of its attributes, too,
 * and of a name after a star at any level.
 */
static const struct import_reason *reason_of(const struct rest *rest, const char *path)
{
	for (const struct import_reason *r = rest->reasons; r->path; r++) {
		if (begins_with(path, r->path))
			return r;
		if (*r->path != '*')
			continue;
		for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
			if (begins_with(at + 1, r->path + 2))
				return r;
	}
	return NULL;
}

static bool is_any_taken(const struct item *item)
{
	if (item->taken)
		return true;
	for (const struct item *below = item->first; below; below = below->next)
		if (is_any_taken(below))
			return true;
	return false;
}

/* null, false and what is empty say that something is not there. */
static bool says_nothing(const struct item *item)
{
	return item->kind >= ITEM_MAP && !item_means(item);
}

static void list_item(struct rest *rest, struct item *item)
{
	const struct import_reason *reason = reason_of(rest, item_path(rest->arena, item));

	if (reason && !reason->advice)
		return;
	if (++rest->n <= MAX_LISTED)
		draft_unmapped(rest->draft, draft_block_of(rest->draft, item), item,
			       reason ? reason->advice : NULL);
}

/* Lists what nobody took, each as a whole. */
static void list_rest(struct rest *rest, struct item *item)
{
	bool scalar = !item->first && (item->kind != ITEM_ELEMENT || *item->text);

	if (!is_any_taken(item)) {
		if (!says_nothing(item))
			list_item(rest, item);
		return;
	}
	if (scalar && !item->taken)
		list_item(rest, item);
	for (struct item *below = item->first; below; below = below->next)
		list_rest(rest, below);
}

static int read_source(struct arena *arena, const struct source *source, enum import_from from,
		       struct diag_list *diags, struct item **ret_root)
{
	const char *start = source->text + strspn(source->text, " \t\r\n");

	if (from == IMPORT_LIBVIRT)
		return import_read_xml(arena, source, diags, ret_root);
	if (from == IMPORT_CLOUD_HYPERVISOR && *start && !strchr("{[<", *start))
		return import_read_command(arena, source, diags, ret_root);
	return import_read_json(arena, source, diags, ret_root);
}

static bool map(struct rest *rest, struct item *root, const struct import_options *options,
		struct diag_list *diags)
{
	root->taken = true;
	switch (options->from) {
	case IMPORT_LIBVIRT:
		rest->reasons = import_reasons_libvirt;
		return import_map_libvirt(rest->draft, rest->arena, root, diags, options->name);
	case IMPORT_CLOUD_HYPERVISOR:
		rest->reasons = import_reasons_cloud_hypervisor;
		return import_map_cloud_hypervisor(rest->draft, rest->arena, root, diags,
						   options->name);
	case IMPORT_FIRECRACKER:
		rest->reasons = import_reasons_firecracker;
		return import_map_firecracker(rest->draft, rest->arena, root, diags, options->name);
	}
	return false;
}

int import_source(struct arena *arena, const struct source *source,
		  const struct import_options *options, struct diag_list *diags, struct strbuf *out)
{
	struct rest rest = {.arena = arena, .draft = draft_create(arena, source, diags)};
	struct item *root;
	int r = read_source(arena, source, options->from, diags, &root);

	if (r < 0)
		return r;
	if (!map(&rest, root, options, diags))
		return -EINVAL;
	list_rest(&rest, root);
	if (rest.n > MAX_LISTED)
		draft_remark(rest.draft, NULL, DRAFT_UNMAPPED, root, "%zu more are left out",
			     rest.n - MAX_LISTED);
	draft_finish(rest.draft, out);
	return 0;
}
