/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description that an import makes: blocks of keys with values, and what is said of them. What
 * is said goes to the diagnostics and, as a comment, to the place in the description that it
 * concerns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct arena;
struct item;
struct source;
struct strbuf;

struct draft;       /* a description */
struct draft_block; /* one of its maps: cpus, memory, boot, smbios, lifecycle, or a device */

#define DRAFT_MAX_DEVICES 256
#define DRAFT_MAX_ENTRIES 600 /* of a block: pins of 255 CPUs, as many features, and some */

/* Where a kernel is missing: no file has that name, so that weft validate --host and run say so. */
#define DRAFT_KERNEL_PLACEHOLDER "REPLACE-ME-vmlinuz"

/* The strings live in @arena, the places in @source, and what is said also goes to @diags. */
struct draft *draft_create(struct arena *arena, const struct source *source,
			   struct diag_list *diags);

/* The machine's name: @text as a name of weft's; says so when it is another. NULL: from the file.
 */
void draft_name(struct draft *draft, const struct item *from, const char *text);

/* The name it got. */
const char *draft_machine(const struct draft *draft);

/* A line of comment on top of the description, or above a block. */
void draft_say(struct draft *draft, struct draft_block *block, const char *fmt, ...)
	printf_like(3, 4);

/* The block of that name, made when it is first asked for. */
struct draft_block *draft_section(struct draft *draft, const char *name);

/**
 * draft_device() - a new device
 * @draft: the draft
 * @type: its type
 * @name: the wanted name, changed into one that weft takes and no other device has; may be NULL
 * @from: the item it comes from
 *
 * Return: its block, never NULL; past DRAFT_MAX_DEVICES it is one that is not written.
 */
struct draft_block *draft_device(struct draft *draft, const char *type, const char *name,
				 const struct item *from);

/* The name the device got; of a section its key. */
const char *draft_block_name(const struct draft_block *block);

/* The device that comes from @item or from what it is in, or NULL. */
struct draft_block *draft_block_of(const struct draft *draft, const struct item *item);

/* The device of that type that was made last, or NULL. */
struct draft_block *draft_find(const struct draft *draft, const char *type);

/*
 * A key and its value: @value is YAML. @group is a map in the block that holds the key, or NULL. Of
 * a key that is there already nothing changes. @from may be NULL.
 */
void draft_put(struct draft_block *block, const char *group, const char *key,
	       const struct item *from, const char *value);

/* The same with the value in the form of its kind. */
void draft_put_string(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, const char *text);
void draft_put_number(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, uint64_t value);
void draft_put_size(struct draft_block *block, const char *group, const char *key,
		    const struct item *from, uint64_t bytes);
void draft_put_switch(struct draft_block *block, const char *group, const char *key,
		      const struct item *from, bool on);

/* What is said of an item: each is a diagnostic and a comment above @block (NULL: on top). */
enum draft_remark {
	DRAFT_NOTE,     /* it is mapped, and good to know */
	DRAFT_CHANGED,  /* it is mapped, with a difference */
	DRAFT_UNMAPPED, /* it is left out */
	DRAFT_MISSING,  /* the machine needs what the source does not have: a placeholder */
	DRAFT_UNREAD,   /* its value means nothing */
};

void draft_remark(struct draft *draft, struct draft_block *block, enum draft_remark remark,
		  const struct item *from, const char *fmt, ...) printf_like(5, 6);

/* What to do about the last remark, below it. */
void draft_advise(struct draft *draft, const char *fmt, ...) printf_like(2, 3);

/* "'X' is left out", for @item, with why and what to do (may be NULL). */
void draft_unmapped(struct draft *draft, struct draft_block *block, const struct item *item,
		    const char *advice);

/**
 * draft_finish() - write the description
 * @draft: the draft
 * @out: gets it
 *
 * What weft would refuse becomes a comment first, and is said: what is written is valid.
 */
void draft_finish(struct draft *draft, struct strbuf *out);
