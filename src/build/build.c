/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepare all, commit all, or undo all. A part is a node that runs: the object that its kind's ops
 * made of it, and the generation its node belongs to.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/log.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "build/build.h"

struct part {
	struct list link; /* in builder->parts, oldest first */
	struct generation *base_generation, *live_generation;
	const struct graph_node *base, *live;
	struct graph_host host; /* what `match` had found when it was prepared */
	const struct part_ops *ops;
	void *object;
	bool committed, leaving;
	time_t asked_at; /* CLOCK_MONOTONIC: when it was asked to go, first */
	unsigned asked;  /* how often, since it is leaving */
};

struct builder {
	const struct part_ops *const *ops;
	void *context;
	struct list parts;
};

/* What a step has done so far, for the way back. */
struct journal_entry {
	const struct plan_step *step;
	struct part *part;
	const struct graph_node *old_live;
	struct generation *old_generation; /* of old_live, which a commit may have dropped */
	bool prepared, committed;
};

struct journal {
	struct journal_entry *entries;
	size_t n;
};

struct builder *builder_create(const struct part_ops *const *ops, void *context)
{
	struct builder *builder = calloc(1, sizeof(*builder));

	invariant(builder != NULL);
	builder->ops = ops;
	builder->context = context;
	list_init(&builder->parts);
	return builder;
}

static void part_destroy(struct builder *builder, struct part *part)
{
	list_del(&part->link);
	if (part->object)
		part->ops->destroy(builder->context, part->object);
	generation_unref(part->base_generation);
	generation_unref(part->live_generation);
	free(part);
}

void builder_teardown(struct builder *builder)
{
	while (!list_empty(&builder->parts))
		part_destroy(builder, list_entry(builder->parts.prev, struct part, link));
}

struct builder *builder_destroy(struct builder *builder)
{
	if (!builder)
		return NULL;
	builder_teardown(builder);
	free(builder);
	return NULL;
}

static struct part *find_part(const struct builder *builder, const char *path)
{
	struct part *part;

	list_for_each (part, &builder->parts, link)
		if (strcmp(part->live->path, path) == 0)
			return part;
	return NULL;
}

static int prepare_add(struct builder *builder, const struct plan_step *step,
		       struct generation *generation, struct journal_entry *entry,
		       struct diag_list *diags)
{
	const struct part_ops *ops = builder->ops[step->to->kind];
	struct part *part;

	if (!ops)
		return 0;
	part = calloc(1, sizeof(*part));
	if (!part)
		return -ENOMEM;
	part->base_generation = generation_ref(generation);
	part->live_generation = generation_ref(generation);
	part->base = part->live = step->to;
	part->ops = ops;
	if (step->to->host)
		part->host = *step->to->host;
	list_add_tail(&builder->parts, &part->link);
	entry->part = part;
	return ops->prepare(builder->context, step->to, &part->object, diags);
}

/* A removal has nothing to prepare but the check that it can be done at all. */
static int prepare_change(struct builder *builder, const struct plan_step *step,
			  struct journal_entry *entry, struct diag_list *diags)
{
	struct part *part = find_part(builder, step->from->path);

	if (!part)
		return 0;
	entry->part = part;
	entry->old_live = part->live;
	entry->old_generation = generation_ref(part->live_generation);
	if (step->action == PLAN_UPDATE && part->ops->update) {
		entry->prepared = part->ops->prepare_update != NULL;
		return entry->prepared ? part->ops->prepare_update(builder->context, part->object,
								   step->to, diags)
				       : 0;
	}
	if (step->action == PLAN_REMOVE && part->ops->request_removal)
		return 0;
	diag_add(diags, "E0490", DIAG_ERROR, step->from->span, "%s cannot %s while the guest runs",
		 step->from->path, step->action == PLAN_UPDATE ? "be changed" : "be removed");
	return -EOPNOTSUPP;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Asks the guest, for the first time or once more. */
static int ask_to_go(struct builder *builder, struct part *part)
{
	int r = part->ops->request_removal(builder->context, part->object);

	if (r < 0)
		return r;
	if (!part->leaving) {
		part->asked_at = now();
		part->asked = 0;
	}
	part->asked++;
	part->leaving = true;
	return 0;
}

static void set_live(struct part *part, const struct graph_node *live,
		     struct generation *generation)
{
	generation_ref(generation);
	generation_unref(part->live_generation);
	part->live_generation = generation;
	part->live = live;
}

static int commit_step(struct builder *builder, struct generation *generation,
		       struct journal_entry *entry, struct diag_list *diags)
{
	const struct plan_step *step = entry->step;
	struct part *part = entry->part;
	int r = 0;

	if (!part)
		return 0;
	switch (step->action) {
	case PLAN_ADD:
		if (part->ops->commit)
			r = part->ops->commit(builder->context, part->object, diags);
		part->committed = r >= 0;
		break;
	case PLAN_UPDATE:
		r = part->ops->update(builder->context, part->object, step->to, diags);
		if (r >= 0)
			set_live(part, step->to, generation);
		break;
	case PLAN_REMOVE:
		/* A second request would be a second event to the guest. */
		if (part->leaving)
			return 0;
		r = ask_to_go(builder, part);
		break;
	}
	entry->committed = r >= 0;
	return r;
}

/*
 * What the guest is asked to let go of, and lets go of later, cannot be taken back: so that comes
 * when nothing else can fail. In the order of the plan otherwise.
 */
static int commit_all(struct builder *builder, struct generation *generation,
		      struct journal *journal, struct diag_list *diags)
{
	int r = 0;

	for (int removals = 0; removals <= 1; removals++)
		for (size_t i = 0; i < journal->n && r >= 0; i++)
			if ((journal->entries[i].step->action == PLAN_REMOVE) == removals)
				r = commit_step(builder, generation, &journal->entries[i], diags);
	return r;
}

/* A guest may be letting go already: then the next plan adds the part again. */
static void cancel_removal(struct builder *builder, struct part *part)
{
	part->leaving = false;
	if (part->ops->cancel_removal)
		part->ops->cancel_removal(builder->context, part->object);
}

static bool undo(struct builder *builder, struct journal *journal, struct diag_list *diags)
{
	bool whole = true;

	for (size_t i = journal->n; i-- > 0;) {
		struct journal_entry *entry = &journal->entries[i];
		struct part *part = entry->part;

		if (!part)
			continue;
		if (entry->step->action == PLAN_ADD) {
			part_destroy(builder, part);
		} else if (entry->committed && entry->step->action == PLAN_REMOVE) {
			cancel_removal(builder, part);
		} else if (entry->committed) {
			if (part->ops->update(builder->context, part->object, entry->old_live,
					      diags) >= 0) {
				set_live(part, entry->old_live, entry->old_generation);
				continue;
			}
			log_error("%s: the old values could not be set again", part->live->path);
			whole = false;
		} else if (entry->prepared) {
			part->ops->cancel_update(builder->context, part->object);
		}
	}
	return whole;
}

static bool is_to_go(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].action == PLAN_REMOVE &&
		    strcmp(plan->steps[i].from->path, path) == 0)
			return true;
	return false;
}

/* What was asked to go and may stay after all is not asked again. */
static void keep_what_may_stay(struct builder *builder, const struct plan *plan)
{
	struct part *part;

	list_for_each (part, &builder->parts, link)
		if (part->leaving && !is_to_go(plan, part->live->path))
			cancel_removal(builder, part);
}

static enum build_result carry_out(struct builder *builder, const struct plan *plan,
				   struct generation *generation, bool rehearse,
				   struct diag_list *diags)
{
	cleanup_arena struct arena *arena = arena_create();
	struct journal journal = {
		.entries = arena_new_array(arena, plan->n_steps, struct journal_entry),
	};
	bool whole = true;
	int r = 0;

	for (size_t i = 0; i < plan->n_steps && r >= 0; i++) {
		const struct plan_step *step = &plan->steps[i];
		struct journal_entry *entry = &journal.entries[journal.n];

		if (!plan_step_is_now(step))
			continue;
		entry->step = step;
		journal.n++;
		r = step->action == PLAN_ADD ? prepare_add(builder, step, generation, entry, diags)
					     : prepare_change(builder, step, entry, diags);
	}
	if (r >= 0 && !rehearse)
		r = commit_all(builder, generation, &journal, diags);
	if (r < 0 || rehearse)
		whole = undo(builder, &journal, diags);
	else
		keep_what_may_stay(builder, plan);
	for (size_t i = 0; i < journal.n; i++)
		generation_unref(journal.entries[i].old_generation);
	if (r >= 0)
		return BUILD_DONE;
	return whole ? BUILD_ROLLED_BACK : BUILD_DEGRADED;
}

enum build_result builder_apply(struct builder *builder, const struct plan *plan,
				struct generation *generation, struct diag_list *diags)
{
	return carry_out(builder, plan, generation, false, diags);
}

enum build_result builder_rehearse(struct builder *builder, const struct plan *plan,
				   struct generation *generation, struct diag_list *diags)
{
	return carry_out(builder, plan, generation, true, diags);
}

void builder_refresh(struct builder *builder, struct diag_list *diags)
{
	struct part *part;

	list_for_each (part, &builder->parts, link)
		if (part->ops->refresh)
			part->ops->refresh(builder->context, part->object, part->live, diags);
}

void builder_ask_again(struct builder *builder)
{
	struct part *part;

	list_for_each (part, &builder->parts, link) {
		if (!part->leaving && part->ops->ask_again)
			part->ops->ask_again(builder->context, part->object);
		else if (part->leaving && ask_to_go(builder, part) < 0)
			log_warn("%s: the guest could not be asked again to let go",
				 part->live->path);
	}
}

static void explain_removal(const struct builder *builder, const struct part *part,
			    struct strbuf *why)
{
	size_t said;

	strbuf_printf(why, "%s%s: ", why->size ? "; " : "", part->live->path);
	said = why->size;
	if (part->ops->explain_removal)
		part->ops->explain_removal(builder->context, part->object, why);
	if (why->size == said)
		strbuf_puts(why, "the guest has not let go of it yet");
}

bool builder_is_settled(const struct builder *builder, struct strbuf *why)
{
	bool settled = true;
	struct part *part;

	list_for_each (part, &builder->parts, link) {
		size_t before = why->size;

		if (part->leaving)
			explain_removal(builder, part, why);
		else if (!part->ops->settled ||
			 part->ops->settled(builder->context, part->object, why))
			continue;
		settled = settled && why->size == before;
	}
	return settled;
}

void builder_explain_losses(const struct builder *builder, struct strbuf *why)
{
	struct part *part;

	list_for_each (part, &builder->parts, link) {
		const struct span *span = &part->live->span;
		struct strbuf text = STRBUF_INIT;

		if (part->ops->explain_loss)
			part->ops->explain_loss(builder->context, part->object, &text);
		if (text.size)
			strbuf_printf(why, "%s%s (%s:%u): %s", why->size ? "; " : "",
				      part->live->path, span->source ? span->source->name : "",
				      span->line, text.text);
		strbuf_fini(&text);
	}
}

void builder_removed(struct builder *builder, void *object)
{
	struct part *part, *next;

	list_for_each_safe (part, next, &builder->parts, link)
		if (part->object == object) {
			part_destroy(builder, part);
			return;
		}
}

static int compare_running(const void *a, const void *b)
{
	const struct plan_running *x = a, *y = b;

	return strcmp(x->live->path, y->live->path);
}

const struct plan_running *builder_running(const struct builder *builder, struct arena *arena,
					   size_t *ret_n)
{
	struct plan_running *running;
	struct part *part;
	size_t n = 0;

	list_for_each (part, &builder->parts, link)
		n++;
	running = arena_new_array(arena, n, struct plan_running);
	n = 0;
	list_for_each (part, &builder->parts, link)
		running[n++] = (struct plan_running){
			.base = part->base,
			.live = part->live,
			.leaving = part->leaving,
			.host = part->host,
		};
	qsort(running, n, sizeof(*running), compare_running);
	*ret_n = n;
	return running;
}

bool builder_is_leaving(const struct builder *builder, const char *path)
{
	const struct part *part = find_part(builder, path);

	return part && part->leaving;
}

void builder_explain_leaving(const struct builder *builder, const char *path, struct strbuf *why)
{
	const struct part *part = find_part(builder, path);

	if (!part || !part->leaving)
		return;
	strbuf_printf(why, "the guest has not let go for %lld s, asked ",
		      (long long)(now() - part->asked_at));
	if (part->asked == 1)
		strbuf_puts(why, "once");
	else
		strbuf_printf(why, "%u times", part->asked);
}

void builder_each(const struct builder *builder, enum graph_kind kind, void (*fn)(void *object))
{
	struct part *part;

	list_for_each (part, &builder->parts, link)
		if (part->live->kind == kind && part->object)
			fn(part->object);
}

void *builder_object(const struct builder *builder, const char *path)
{
	const struct part *part = find_part(builder, path);

	return part ? part->object : NULL;
}
