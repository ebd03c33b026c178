/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: the ordered steps from what runs to what is wanted, each with its class and its reason.
 * Booting is the plan from nothing. How a step is done is not known here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "graph/graph.h"

/* What an edit takes, weakest first. */
enum plan_class {
	PLAN_NONE,      /* nothing: only text or defaults spelled out */
	PLAN_LIVE,      /* changed while the guest runs */
	PLAN_HOTPLUG,   /* added or removed while the guest runs */
	PLAN_REPLUG,    /* removed and added again: the guest sees another device */
	PLAN_RESTART,   /* waits for the next start of the guest */
	PLAN_FORBIDDEN, /* another machine, not an edit of this one */
};

enum plan_action {
	PLAN_ADD,
	PLAN_UPDATE,
	PLAN_REMOVE,
};

/* One property that differs. */
struct plan_change {
	const char *path;                /* "cpus.count", "devices.root.path" */
	const char *old_text, *new_text; /* as a person would write them; NULL: not there */
	enum plan_class class;
	const char *reason; /* why it is not live, or NULL */
	struct span span;   /* in the wanted description, or the old one for what is gone */
};

struct plan_step {
	enum plan_action action;
	enum plan_class class; /* the strongest of its changes */
	bool waiting; /* for a guest to let go of something; the plan that is made then does it */
	bool host;    /* it waits for a device of the host, or follows one that went */
	const struct graph_node *from, *to;
	const struct plan_change *changes;
	size_t n_changes;
	const struct graph_node *after; /* the running node that has what this one needs, or NULL */
};

struct plan {
	const struct plan_step *steps; /* in the order they are done */
	size_t n_steps;
};

/*
 * A node that runs. A restart-only edit leaves the machine with the old value of that property
 * while live edits of its neighbours go on, so two nodes say what runs.
 */
struct plan_running {
	const struct graph_node *base; /* as it was built */
	const struct graph_node *live; /* as last updated; @base if never */
	bool leaving;                  /* the guest has been asked to let go of it */
	struct graph_host host;        /* what `match` had found when it was built */
};

/**
 * plan_create() - the steps from what runs to what is wanted
 * @running: the nodes that run, @n_running of them, sorted by path; none: the machine boots
 * @wanted: the graph to reach
 * @replug: whether a device may be taken out and put in again; otherwise that waits for a restart
 * @arena: where the plan lives; the nodes must outlive it
 *
 * Steps come in an order that can be carried out: removals first (devices before what they sit on),
 * then updates, then additions (what others depend on first). What cannot come before something
 * else has gone is a step that waits; the plan that is made then does it.
 */
const struct plan *plan_create(const struct plan_running *running, size_t n_running,
			       const struct graph *wanted, bool replug, struct arena *arena);

/* Whether a step is done at once: not none, not for later. */
static inline bool plan_step_is_now(const struct plan_step *step)
{
	return step->class != PLAN_NONE && step->class < PLAN_RESTART && !step->waiting;
}

/* Whether there is anything to do now. */
bool plan_does_something(const struct plan *plan);

/* The strongest class of all steps. */
enum plan_class plan_class(const struct plan *plan);

/* "live", "hotplug" … as the schemas' x-change says them. */
const char *plan_class_name(enum plan_class class);
