/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptions from what other programs call a machine: libvirt's domain XML, Cloud Hypervisor's
 * JSON or command line, Firecracker's JSON. A reader makes a tree of items with places (item.h), a
 * mapper takes from it what weft knows (draft.h), and what nobody took is listed: nothing is lost
 * silently.
 */
#pragma once

#include <stddef.h>

#include "base/compiler.h"

struct arena;
struct diag_list;
struct source;
struct strbuf;

#define IMPORT_MAX_FILE (1024 * 1024) /* bytes */

enum import_from {
	IMPORT_LIBVIRT,
	IMPORT_CLOUD_HYPERVISOR,
	IMPORT_FIRECRACKER,
};

struct import_options {
	enum import_from from;
	const char *name; /* of the machine, or NULL for that of the source, or of its file */
};

/**
 * import_source() - write the description of the machine that a source tells of
 * @arena: holds what is needed meanwhile; must outlive @diags
 * @source: the text
 * @options: what it is
 * @diags: gets errors when it is none, and warnings for all that the description lacks
 * @out: gets the description; nothing on failure
 *
 * The description is valid, in the layout of weft fmt, and holds the same list as comments. What
 * weft would refuse stands in it as a comment, too. A kernel that the source does not name is a
 * placeholder. Nothing of the host is looked at but the length of files that are persistent memory.
 *
 * Return: 0, also with warnings; -EINVAL when the source is no such machine; -ENOPKG when the
 * library that reads it is not there.
 */
int import_source(struct arena *arena, const struct source *source,
		  const struct import_options *options, struct diag_list *diags,
		  struct strbuf *out) must_use;
