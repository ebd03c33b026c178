/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several mappers do: reading values of items, and putting them where they belong.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "import/draft.h"
#include "import/item.h"

struct arena;

/* What the mappers of JSON go with. */
struct mapper {
	struct draft *draft;
	struct arena *arena;
	struct item *root;
	const char *root_words; /* what the program itself adds to the command line: root=… */
};

/* Maps each item of the list @name. */
void map_each(struct mapper *m, const char *name, void (*map)(struct mapper *m, struct item *item));

static inline uint64_t map_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/*
 * Take @name below @parent as a number, or as a size ("512M", or bytes). Return: whether there is
 * one; what is none is remarked.
 */
bool map_number(struct draft *draft, struct item *parent, const char *name, uint64_t *ret);
bool map_size(struct draft *draft, struct item *parent, const char *name, uint64_t *ret);

/* Take @name below @parent and put it at @key of @block as what it is. Nothing when it is not
 * there. */
void map_string_to(struct draft_block *block, const char *group, const char *key,
		   struct item *parent, const char *name);
void map_number_to(struct draft *draft, struct draft_block *block, const char *key,
		   struct item *parent, const char *name);

/* A text that should be a number; what is none goes there as it is, to be refused. */
void map_digits_to(struct draft_block *block, const char *group, const char *key,
		   const struct item *from, const char *text);

/* Take a switch; put it only when it is not @usual, which weft does without being told. */
void map_switch_to(struct draft_block *block, const char *key, struct item *parent,
		   const char *name, bool usual);

/* Memory is a multiple of 1MiB. Puts @bytes, made larger when it is not. */
void map_memory_to(struct draft *draft, struct draft_block *block, const char *key,
		   const struct item *from, uint64_t bytes);

/*
 * The rate limiter of Firecracker and Cloud Hypervisor, buckets of bytes and of operations that are
 * filled within a time, to a group of @block.
 */
void map_rate_limiter(struct draft *draft, struct draft_block *block, const char *group,
		      struct item *limiter);

/* A limit by what a second takes, with a burst of @burst nanoseconds; 0 stands for "none". */
void map_rate(struct draft_block *block, const char *group, const struct item *from,
	      uint64_t bandwidth, uint64_t operations, uint64_t burst);

/*
 * The size of a file that is persistent memory: @bytes, or when it is 0 the length of the file, or
 * a placeholder when the file cannot be asked.
 */
void map_pmem_size(struct draft *draft, struct draft_block *block, const struct item *file,
		   uint64_t bytes);

/* Disks are the plain content of one: another format gets the name of a converted image. */
void map_disk_path(struct draft *draft, struct arena *arena, struct draft_block *block,
		   const struct item *path, bool plain);

/* A tap of a name that is made from those of machine and device when there is none. */
void map_tap(struct draft *draft, struct arena *arena, struct draft_block *block,
	     const struct item *from, const char *name);

/* No kernel: a placeholder, with why. The devices are there by now: it finds its console and disk.
 */
void map_no_kernel(struct draft *draft, struct arena *arena, const struct item *from,
		   const char *why);

/*
 * Words of a Linux command line that the devices of weft do not bear ("pci=off") are taken out, and
 * said.
 */
void map_cmdline(struct draft *draft, struct arena *arena, const struct item *from,
		 const char *cmdline);
