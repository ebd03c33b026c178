/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of a machine: what has to outlive the process. One machine of a name runs at
 *a time: its lock is here. Every file is written beside, synced and renamed, so that a crash at any
 * moment leaves the old one or the new one.
 *
 *	lock            held while the machine runs; holds the process id
 *	state.yaml      generation, hash, PCI slots, places of persistent memory (by libcyaml)
 *	last-good.yaml  the newest description that was carried out: whole, canonical
 *	history.ndjson  what was applied, a line each; history.ndjson.1 what was before
 *	control.sock    the control interface
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "graph/graph.h"

struct json_t;
struct state;

/**
 * state_directory() - where machines keep their state
 *
 * $XDG_STATE_HOME/weft; without it /var/lib/weft for root and ~/.local/state/weft for others.
 *
 * Return: the path, which the caller frees; NULL when there is no home directory.
 */
char *state_directory(void);

/**
 * state_open() - take the state of a machine
 * @name: the machine's name, a label
 * @ret: the state, for state_close()
 * @ret_pid: of -EBUSY, the process that has it; 0 when it does not say
 *
 * Removes what a crash left half-written. Main thread, as all here.
 *
 * Return: 0, -EBUSY when a machine of that name runs, or another negative errno.
 */
int state_open(const char *name, struct state **ret, pid_t *ret_pid) must_use;

/*
 * Whether a process that lives took the state of that machine a moment ago: it may not listen yet.
 * Any thread of any process.
 */
bool state_was_just_taken(const char *name);

/* Lets the lock go. Takes NULL. Returns NULL. */
struct state *state_close(struct state *state);

/* The path of a file in the directory; lives as long as the state. */
const char *state_path(struct state *state, const char *file);

/* The slots and the persistent memory that were given, as pins without anything else; live as long
 * as the state. */
const struct graph_pins *state_pins(const struct state *state);

/* The number of the last generation, 0 before the first, and whether it was this graph. */
uint64_t state_generation(const struct state *state);
bool state_is(const struct state *state, const struct graph *graph);

/**
 * state_accept() - a description was carried out
 * @state: the state
 * @graph: what runs
 * @root: its values, for last-good.yaml
 * @generation: its number
 *
 * Places of devices that are gone are forgotten. The files are written by a thread, in the time the
 * disk takes; what cannot be written is logged, and they are as they were. Of many calls the newest
 * counts. Return: 0 or a negative errno.
 */
int state_accept(struct state *state, const struct graph *graph, const struct value *root,
		 uint64_t generation) must_use;

/*
 * The process is about to end: what is saved from now on is written at once, and the disk is not
 * waited for. A crash of the host can lose it, the end of weft cannot.
 */
void state_hurry(struct state *state);

/* Adds a line to the history. Return: 0 or a negative errno. */
int state_record(struct state *state, const struct json_t *entry) must_use;
