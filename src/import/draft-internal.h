/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a draft: what draft.c gathers and draft-write.c writes.
 */
#pragma once

#include "base/strbuf.h"
#include "import/draft.h"

#define DRAFT_MAX_COMMENTS 400 /* in all */

struct draft_comment {
	const char *text;
	struct draft_comment *next;
};

struct draft_comments {
	struct draft_comment *first, *last;
};

struct draft_entry {
	const char *group, *key, *value;
	const struct item *from;
	struct draft_comments comments;
	const char *refused; /* why it is a comment; NULL: it is not */
	struct draft_entry *next;
};

struct draft_block {
	struct draft *draft;
	const char *name;
	const struct item *from;
	struct draft_comments comments;
	struct draft_entry *first, *last;
	const char *refused;
	size_t n;
	struct draft_block *next;
};

struct draft {
	struct arena *arena;
	const struct source *source;
	struct diag_list *diags;
	const char *name;
	struct draft_comments comments;
	struct draft_block *sections, *last_section, *devices, *last_device;
	struct draft_comments *last_remarked;
	struct diag *last_diag;
	size_t n_comments, n_devices, n_unwritten_comments;
};

/* Appends a comment, or counts it when there are too many. */
void draft_comment(struct draft *draft, struct draft_comments *list, const char *text);

struct draft_entry *draft_entry_find(const struct draft_block *block, const char *group,
				     const char *key);
