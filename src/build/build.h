/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder: carries a plan out. Every step is prepared before the first is committed, and a
 * journal undoes what was done when one fails, so an apply happens whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "graph/generation.h"
#include "plan/plan.h"

struct strbuf;

/*
 * What the builder does with one kind of node. The real ones are in build/parts.c; tests bring
 * fakes. All run on the main thread; those that can fail add a diagnostic and return a negative
 * errno.
 */
struct part_ops {
	/* Opens, allocates, checks; the guest sees nothing. */
	int (*prepare)(void *context, const struct graph_node *node, void **ret_object,
		       struct diag_list *diags);
	/* Makes it part of the machine. Optional. */
	int (*commit)(void *context, void *object, struct diag_list *diags);
	/*
	 * Opens what an update to @to needs; nobody sees it. update() or cancel_update() follows.
	 * What other parts give up in the same plan is there for update(), in whatever order.
	 * Optional.
	 */
	int (*prepare_update)(void *context, void *object, const struct graph_node *to,
			      struct diag_list *diags);
	void (*cancel_update)(void *context, void *object);
	/* Takes @to's live properties over. Undo calls it with the old node, unprepared. */
	int (*update)(void *context, void *object, const struct graph_node *to,
		      struct diag_list *diags);
	/* Looks at what the host has behind it, which may have changed by itself. Optional. */
	void (*refresh)(void *context, void *object, const struct graph_node *live,
			struct diag_list *diags);
	/* Asks the guest to let go; builder_removed() is called when it has. NULL: it cannot go. */
	int (*request_removal)(void *context, void *object);
	/* Takes the request back, if the guest has not followed it yet. Optional. */
	void (*cancel_removal)(void *context, void *object);
	/* Adds to @why what keeps it in the guest that was asked, if that is known. Optional. */
	void (*explain_removal)(void *context, void *object, struct strbuf *why);
	/* Adds to @why what has gone wrong with it for good, if something has. Optional. */
	void (*explain_loss)(void *context, void *object, struct strbuf *why);
	/*
	 * Whether the guest has followed the last update (brought the CPU on line …); what it has
	 * not is added to @why. Optional: it always has.
	 */
	bool (*settled)(void *context, void *object, struct strbuf *why);
	/* Asks the guest once more for what it has not followed. Optional. */
	void (*ask_again)(void *context, void *object);
	/* Takes it out of the machine if it is there, and frees it. */
	void (*destroy)(void *context, void *object);
};

enum build_result {
	BUILD_DONE,
	BUILD_ROLLED_BACK, /* a step failed; all is as it was */
	BUILD_DEGRADED,    /* a step failed and undoing another did, too */
};

struct builder;

/**
 * builder_create() - a builder of an empty machine
 * @ops: by graph kind, GRAPH_KINDS of them; NULL for kinds that nothing is built for
 * @context: given to the ops
 */
struct builder *builder_create(const struct part_ops *const *ops, void *context);

/* Destroys what is left of the parts, newest first. Takes NULL. */
struct builder *builder_destroy(struct builder *builder);

/**
 * builder_apply() - prepare all steps of a plan, then commit them
 * @builder: the builder
 * @plan: made against builder_running(); steps of class restart or forbidden are left out
 * @generation: the wanted one; referenced while parts of it run
 * @diags: what failed, and where the file asked for it
 *
 * Removals are only asked for here: the part runs on until builder_removed(). One that the plan
 * does not want any more is taken back. Steps that wait for a removal are left to the next plan.
 */
enum build_result builder_apply(struct builder *builder, const struct plan *plan,
				struct generation *generation, struct diag_list *diags) must_use;

/* The same up to the first commit; what was prepared is taken back. */
enum build_result builder_rehearse(struct builder *builder, const struct plan *plan,
				   struct generation *generation, struct diag_list *diags) must_use;

/* Has every part look at what the host has behind it; @diags gets warnings. */
void builder_refresh(struct builder *builder, struct diag_list *diags);

/* The guest let go of the part with this object: it is destroyed. */
void builder_removed(struct builder *builder, void *object);

/* What runs, sorted by path, in @arena; the nodes live as long as their part. */
const struct plan_running *builder_running(const struct builder *builder, struct arena *arena,
					   size_t *ret_n);

/* Whether a part has been asked to go and has not gone yet. */
bool builder_is_leaving(const struct builder *builder, const char *path);

/* Adds to @why since when the guest has been asked to let go of a part that is leaving, and how
 * often. */
void builder_explain_leaving(const struct builder *builder, const char *path, struct strbuf *why);

/* Whether the guest has followed everything; what it has not is added to @why, "; " between. */
bool builder_is_settled(const struct builder *builder, struct strbuf *why);

/* Adds to @why what has gone wrong with parts for good, each with its line in the file, "; "
 * between. */
void builder_explain_losses(const struct builder *builder, struct strbuf *why);

/* Asks the guest once more for everything that it has not followed, removals and updates. */
void builder_ask_again(struct builder *builder);

/* Destroys every part, newest first: the end of the machine, or of one life of it. */
void builder_teardown(struct builder *builder);

/* Calls @fn with the object of every running part of a kind, oldest first. */
void builder_each(const struct builder *builder, enum graph_kind kind, void (*fn)(void *object));

/* The object of a running part, or NULL. */
void *builder_object(const struct builder *builder, const char *path);
