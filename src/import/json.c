/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON with places. jansson says whether a text is JSON, and where it is not; it does not tell
 * where a value stands. JSON is YAML, so that the tree comes from document/, which does.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "document/load.h"
#include "import/readers.h"

static bool check_syntax(const struct source *source, struct diag_list *diags)
{
	struct span span = {.source = source};
	json_error_t error;
	struct diag *diag;
	json_t *json = json_loadb(source->text, source->size, JSON_REJECT_DUPLICATES, &error);

	if (json) {
		json_decref(json);
		return true;
	}
	if (error.line > 0) {
		span.line = span.end_line = (uint32_t)error.line;
		span.column = (uint32_t)MAX(error.column, 1);
		span.end_column = span.column + 1;
	}
	diag = diag_add(diags, "E0501", DIAG_ERROR, span, "this is no JSON: %s", error.text);
	if (*source->text == '<')
		diag_hint(diags, diag, "this looks like XML: --from libvirt reads it");
	return false;
}

static struct item *convert(struct arena *arena, struct item *parent, const char *name,
			    const struct node_entry *entry)
{
	static const enum item_kind kinds[] = {
		[NODE_NULL] = ITEM_NOTHING, [NODE_BOOL] = ITEM_SWITCH,   [NODE_INT] = ITEM_NUMBER,
		[NODE_FLOAT] = ITEM_NUMBER, [NODE_STRING] = ITEM_STRING, [NODE_SEQ] = ITEM_LIST,
		[NODE_MAP] = ITEM_MAP,
	};
	const struct node *node = entry->value;
	/* A map is best shown by its key. */
	const struct node *shown = entry->key && !node_is_scalar(node) ? entry->key : node;
	const char *text = node_is_scalar(node) && node->kind != NODE_NULL ? node->text : "";
	struct item *item = item_add(arena, parent, kinds[node->kind], name, text, shown->span);

	if (node_is_scalar(node))
		return item;
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct node *key = node->entries[i].key;

		convert(arena, item, key ? key->text : arena_printf(arena, "%u", i),
			&node->entries[i]);
	}
	return item;
}

int import_read_json(struct arena *arena, const struct source *source, struct diag_list *diags,
		     struct item **ret_root)
{
	const struct node *root;

	if (!text_check(source, diags) || !check_syntax(source, diags))
		return -EINVAL;
	root = load_tree(arena, source, NULL, diags);
	if (!root || diag_errors(diags))
		return -EINVAL;
	if (root->tree_nodes > ITEM_MAX_COUNT) {
		diag_add(diags, "E0503", DIAG_ERROR, root->span,
			 "there are too many values: no machine needs that");
		return -EINVAL;
	}
	*ret_root = convert(arena, NULL, "", &(struct node_entry){.value = root});
	return 0;
}
