/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: what holds of the machine now, each with its reason, a message, and since when (after
 * the conventions of Kubernetes).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct json_t;

enum condition_type {
	CONDITION_READY,            /* the guest runs, and is what the description says */
	CONDITION_CONVERGING,       /* on the way: the guest has not let go of a device yet */
	CONDITION_RESTART_REQUIRED, /* an edit waits for the next start of the guest */
	CONDITION_CONFIG_INVALID,   /* the file is broken; the machine runs on as it was */
	CONDITION_DEGRADED, /* an edit could not be undone as a whole, or the host lost a device's
			       file */
	CONDITIONS,
};

struct condition {
	bool status;
	char *reason;  /* one word in CamelCase, NULL while false */
	char *message; /* a sentence, NULL while false */
	uint64_t generation;
	time_t since;
};

struct conditions {
	struct condition list[CONDITIONS];
};

const char *condition_name(enum condition_type type);

/*
 * Sets a condition; @reason and @message are copied, NULL when it is false. Return: whether
 * anything but the generation changed.
 */
bool conditions_set(struct conditions *conditions, enum condition_type type, bool status,
		    const char *reason, const char *message, uint64_t generation);

void conditions_fini(struct conditions *conditions);

/* A list of {type, status, reason, message, generation, since}; the caller owns the reference. */
struct json_t *conditions_to_json(const struct conditions *conditions);
