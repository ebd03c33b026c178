/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of import/: the readers, which know a syntax and no machine, and the mappers, which know a
 * machine and no syntax.
 */
#pragma once

#include "import/draft.h"
#include "import/item.h"

struct source;

/*
 * The readers. Return: 0; -EINVAL with a diagnostic when the text is none, holds what only hostile
 * ones hold, or passes a budget; -ENOPKG with a diagnostic when the library for it is not there.
 */
int import_read_json(struct arena *arena, const struct source *source, struct diag_list *diags,
		     struct item **ret_root);
int import_read_xml(struct arena *arena, const struct source *source, struct diag_list *diags,
		    struct item **ret_root);

/* The command line of Cloud Hypervisor in a shell script, as the tree its JSON would be. */
int import_read_command(struct arena *arena, const struct source *source, struct diag_list *diags,
			struct item **ret_root);

/*
 * The mappers. They take what they map and leave the rest. @name: the machine's, or NULL. Return:
 * false with a diagnostic when @root is no machine that weft could run.
 */
bool import_map_libvirt(struct draft *draft, struct arena *arena, struct item *root,
			struct diag_list *diags, const char *name);
bool import_map_cloud_hypervisor(struct draft *draft, struct arena *arena, struct item *root,
				 struct diag_list *diags, const char *name);
bool import_map_firecracker(struct draft *draft, struct arena *arena, struct item *root,
			    struct diag_list *diags, const char *name);

/* Why what a path of item_path() names is left out, and what to do instead. */
struct import_reason {
	const char *path;
	const char *advice; /* NULL: it means nothing for weft, and is not listed */
};

extern const struct import_reason import_reasons_libvirt[];
extern const struct import_reason import_reasons_cloud_hypervisor[];
extern const struct import_reason import_reasons_firecracker[];
