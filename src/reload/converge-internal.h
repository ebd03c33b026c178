/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of convergence, shared by what acts on it (converge.c) and what tells of it (status.c).
 */
#pragma once

#include "graph/generation.h"
#include "plan/plan.h"
#include "reload/conditions.h"
#include "reload/converge.h"

struct loop_source;
struct watch;

struct converge {
	struct loop *loop;
	struct builder *builder;
	struct parts *parts;
	struct state *state;
	const struct document_options *options;
	char *path;
	struct watch *watch;

	struct generation *accepted; /* the newest that was carried out */
	uint64_t number;	     /* its number; counts over the life of the state directory */
	struct conditions conditions;
	struct json_t *pending;	    /* steps that wait for a restart */
	struct json_t *diagnostics; /* of the newest reading, or NULL */
	bool paused;		    /* by its owner */
	bool missing;		    /* the file was not there or empty; it may be in the middle of a checkout */

	struct loop_source *detach_timer, *confirm_timer;
	struct generation *before; /* what an apply that is not confirmed goes back to, or NULL */
	char *path_before;
	uint8_t refused[32]; /* hash of a description that was not confirmed */

	void (*listener)(struct json_t *event, void *opaque);
	void *opaque;
};

/* @to was carried out: it is what runs now, and what a crash comes back to. */
void converge_accept(struct converge *c, struct generation *to);

/* Set the conditions: steps of the plan that wait for a restart, what the guest has not followed yet. */
void converge_say_what_waits(struct converge *c, const struct plan *plan);
void converge_say_what_is_left(struct converge *c);

/* Tells the listener of an event; takes the reference of @fields, an object or NULL. */
void converge_emit(struct converge *c, const char *type, struct json_t *fields);

/* Adds a line to the history, and tells it as an event. Takes the reference of @plan, which may be NULL. */
void converge_record(struct converge *c, enum converge_trigger trigger,
		     const struct converge_request *request, const char *outcome,
		     struct json_t *plan);

/* Sets a condition, and tells of it when it changed. */
void converge_condition(struct converge *c, enum condition_type type, bool status,
			const char *reason, const char *message);

/* "watch", "apply" … */
const char *converge_trigger_name(enum converge_trigger trigger);
