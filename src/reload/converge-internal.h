/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of convergence, shared by what acts on it (converge.c) and what tells of it (status.c).
 */
#pragma once

#include "base/sha256.h"
#include "graph/generation.h"
#include "plan/plan.h"
#include "reload/conditions.h"
#include "reload/converge.h"

struct hostdev;
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
	struct hostdev *hosts; /* devices of the host that `match` names */
	int watch_error;       /* that was told */

	struct generation *newest;   /* as read last, valid or not: its files are watched */
	struct generation *accepted; /* the newest that is valid; what waits for it is said */
	uint64_t number;             /* its number; counts over the life of the state directory */
	struct generation *target;   /* the newest that no policy held back: what we are going to */
	struct conditions conditions;
	struct json_t *pending;     /* steps that wait for a restart */
	struct json_t *undone;      /* these, and what waits for the guest or the host */
	struct json_t *diagnostics; /* of the newest reading, or NULL */
	bool starting;              /* … and the state directory does not know it yet */
	bool paused;                /* by its owner */
	bool missing; /* the file was not there or empty; it may be in the middle of a checkout */

	struct loop_source *detach_timer, *confirm_timer;
	struct generation *before; /* what an apply that is not confirmed goes back to, or NULL */
	char *path_before;
	uint8_t refused[SHA256_SIZE]; /* digest of a description that was not confirmed */

	void (*listener)(struct json_t *event, void *opaque);
	void *opaque;
};

/*
 * @to is what is wanted from now on. Unless a policy @held it back it was carried out, too: it is
 * what a crash comes back to.
 */
void converge_accept(struct converge *c, struct generation *to, bool held);

/* Goes to a generation that is valid. @ret_plan, if wanted, gets the plan as JSON. */
enum exit_code converge_go_to(struct converge *c, struct generation *to,
			      enum converge_trigger trigger, const struct converge_request *request,
			      struct json_t **ret_plan, struct diag_list *diags);

/* A description, with the places that are taken by what runs. */
struct generation *converge_load(struct converge *c, const char *path);

/* The steps to @to, and what the policy of @to leaves of them now (@plan itself: all). */
const struct plan *converge_plan_to(struct converge *c, const struct generation *to,
				    struct arena *arena);
const struct plan *converge_policy(const struct plan *plan, const struct generation *to,
				   enum converge_trigger trigger, struct arena *arena);

/* Watches the files that were read last, as reload.watch says. */
void converge_watch(struct converge *c);

/* Watches what was read to make @newest. Return: whether those are other files than before. */
bool converge_follow_includes(struct converge *c, struct generation *newest);

/* Reads the description in a moment, unless it is not watched. */
void converge_look_again(struct converge *c);

void converge_forget_faults(struct converge *c);
void converge_on_confirm_timeout(void *opaque);

/* What a description means, without places: the same whatever runs. */
void converge_digest(const struct generation *generation, uint8_t digest[SHA256_SIZE]);

/* Set the conditions: steps of the plan that wait for a restart, what the guest has not followed
 * yet. */
void converge_say_what_waits(struct converge *c, const struct plan *plan);
void converge_say_what_is_left(struct converge *c);

/* Tells the listener of an event; takes the reference of @fields, an object or NULL. */
void converge_emit(struct converge *c, const char *type, struct json_t *fields);

/* Adds a line to the history, and tells it as an event. Takes the reference of @plan, which may be
 * NULL. */
void converge_record(struct converge *c, enum converge_trigger trigger,
		     const struct converge_request *request, const char *outcome,
		     struct json_t *plan);

/* Sets a condition, and tells of it when it changed. */
void converge_condition(struct converge *c, enum condition_type type, bool status,
			const char *reason, const char *message);

/* "watch", "apply" … */
const char *converge_trigger_name(enum converge_trigger trigger);
