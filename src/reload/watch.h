/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching files whose names lead through anything: renames over them, checkouts, symbolic links
 * that are swapped, ConfigMaps. Only the time of a change is told, never what it was: the reader
 * reads it all.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct loop;
struct watch;

/* A change is told when it has been quiet for this long, or this long after the first event. */
#define WATCH_QUIET_NS  (150 * 1000000ULL)
#define WATCH_LATEST_NS (2000 * 1000000ULL)

enum watch_mode {
	WATCH_INOTIFY,
	WATCH_POLL, /* for file systems that tell nothing: NFS, FUSE, single bind-mounted files */
	WATCH_OFF,
};

/**
 * watch_create() - a watch of nothing yet
 * @loop: the main loop; outlives the watch
 * @fn: called on the main thread when something may have changed
 */
struct watch *watch_create(struct loop *loop, void (*fn)(void *opaque), void *opaque);

/* Takes NULL. Returns NULL. */
struct watch *watch_destroy(struct watch *watch);

/**
 * watch_set() - what is watched from now on
 * @watch: the watch
 * @mode: how
 * @poll_interval: of WATCH_POLL, in nanoseconds
 * @paths: files; copied. They need not exist
 *
 * To be called before the files are read: what changes after this call is told. Directories are
 * watched, not files: every directory on the way to a file that holds a symbolic link of it, and
 * the one that holds the file itself.
 *
 * Return: 0, or a negative errno when a directory cannot be watched; the others are.
 */
int watch_set(struct watch *watch, enum watch_mode mode, uint64_t poll_interval,
	      const char *const *paths, size_t n_paths);

/* Tells a change after the usual quiet time, without one having been seen. */
void watch_trigger(struct watch *watch);
