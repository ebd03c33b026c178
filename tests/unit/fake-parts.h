/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts for a builder that only hold what real ones hold, refuse nothing, and tell what a real one
 * could not have had. Every call can be made to fail.
 */
#pragma once

#include "build/build.h"

#define FAKE_MAX_PARTS 64

struct fake {
	const struct graph_node *base, *live;
	bool committed, leaving, prepared;
};

struct fake_world {
	struct builder *builder;
	struct fake *parts[FAKE_MAX_PARTS];
	unsigned n_parts, n_committed;
	unsigned calls, fail_at; /* the call that fails, counted from 1; 0: none */
	bool undo_fails;         /* the updates that come after it, too */
	uint64_t mmio64_base;
	const char *clash; /* what a real part could not have had */
};

/* The context is a struct fake_world. */
extern const struct part_ops fake_part_ops;

/* Between two applies: no two parts have one output, and nothing is left prepared. */
void fake_world_check(struct fake_world *w);

/* How many have been asked to go. */
unsigned fake_world_leaving(const struct fake_world *w);
