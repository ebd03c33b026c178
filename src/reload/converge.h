/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convergence: the running machine goes to its description, whatever said that it may have changed.
 * Level-based: only what the file says now counts, never how it came there; one apply at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/exit-code.h"
#include "build/build.h"

struct converge;
struct document_options;
struct json_t;
struct loop;
struct parts;

/* Why the description is looked at; for the log and the history. */
enum converge_trigger {
	CONVERGE_BOOT,
	CONVERGE_REBOOT,
	CONVERGE_WATCH,
	CONVERGE_HANGUP,
	CONVERGE_APPLY,
	CONVERGE_UNPLUGGED,
	CONVERGE_HOST,   /* a device of the host came or went */
	CONVERGE_REVERT, /* an apply was not confirmed */
};

/* What somebody asks for with `weft apply`. */
struct converge_request {
	const char *path;         /* another description from now on; NULL: the one it has */
	bool dry_run;             /* up to the first commit, then all is taken back */
	uint64_t confirm_timeout; /* nanoseconds until it reverts by itself, 0: it does not */
	uint64_t if_generation;   /* only if this is what runs, 0: always */
	uid_t uid;                /* who asks, for the history */
	pid_t pid;
};

/**
 * converge_create() - the follower of one description
 * @loop, @builder, @parts: the main loop and the machine; outlive it
 * @path: the description
 * @options: overrides; outlive it
 */
struct converge *converge_create(struct loop *loop, struct builder *builder, struct parts *parts,
				 const char *path, const struct document_options *options);

/*
 * To be called when the guest has had its first moments: the start is saved and recorded, unless it
 * is already. What changes the machine before that, or ends it, does it too.
 */
void converge_started(struct converge *converge);

/* Takes NULL. Returns NULL. */
struct converge *converge_destroy(struct converge *converge);

/**
 * converge_boot() - start the guest from the description
 * @converge: nothing of the machine is there
 * @trigger: CONVERGE_BOOT: an invalid description is an error; CONVERGE_REBOOT: the one that ran is
 *	taken instead
 *
 * The first boot takes the state directory of the machine. Return: EXIT_DONE when the guest runs;
 *otherwise nothing is left, and diagnostics are printed.
 */
enum exit_code converge_boot(struct converge *converge, enum converge_trigger trigger);

/* Reads the description and goes to it; conditions, status and the log tell the outcome. */
void converge_now(struct converge *converge, enum converge_trigger trigger);

/**
 * converge_apply() - the same for somebody who waits for the answer
 * @converge: the machine runs
 * @request: what is asked for
 * @ret: {exit, outcome, plan, diagnostics}; the caller owns the reference
 *
 * Return: EXIT_DONE, EXIT_INVALID, EXIT_PENDING, EXIT_ROLLED_BACK, EXIT_DEGRADED; -EAGAIN when
 * if_generation is not what runs, -EBUSY when another apply waits to be confirmed.
 */
int converge_apply(struct converge *converge, const struct converge_request *request,
		   struct json_t **ret);

/* Keeps what an apply with a confirm_timeout did. Return: 0, or -ENOENT when none waits. */
int converge_confirm(struct converge *converge);

/* The guest let go of a device. */
void converge_unplugged(struct converge *converge, void *object);

/* The guest followed an edit further, or refused to. */
void converge_followed(struct converge *converge);

/* Something has gone wrong for good with a part, or with none any more: the condition Degraded says
 * so. */
void converge_say_what_is_lost(struct converge *converge);

/* The description that runs: what was accepted last. NULL before the boot. */
const struct generation *converge_generation(const struct converge *converge);

/* The plan to a file, or to the description itself with NULL, without doing anything. See
 * converge_apply(). */
int converge_plan(struct converge *converge, const char *path, struct json_t **ret);

/*
 * {name, file, generation, hash, accepted, conditions, devices, pending, …}; the caller owns the
 * reference.
 */
struct json_t *converge_status(const struct converge *converge);

/* The owner of the machine paused the guest, or let it go on. */
void converge_set_paused(struct converge *converge, bool paused);

/* The path of a file in the state directory; NULL when there is none. */
const char *converge_state_path(const struct converge *converge, const char *file);

/*
 * Who wants to know of what happens: each event is an object {time, type, …}. One listener; main
 * thread.
 */
void converge_set_listener(struct converge *converge,
			   void (*fn)(struct json_t *event, void *opaque), void *opaque);
