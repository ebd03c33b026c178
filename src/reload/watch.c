/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inotify watch on a file dies with its inode: editors, sed -i and git put another inode under the
 * name. A watch on the directory survives all of them, but for two things: a directory that is reached
 * through a symbolic link can be swapped as a whole, which only the directory that holds the link sees;
 * and a ConfigMap's files are links through `..data`, which is itself a link. So the path is resolved a
 * component at a time, as the kernel does, and every directory that holds a link of it is watched.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/loop.h"
#include "reload/watch.h"

#define MAX_LINKS	40 /* as the kernel: ELOOP */
#define MAX_DIRECTORIES 256

/*
 * Not IN_MODIFY: a disk image beside the description is written all the time. A description that is
 * rewritten in place is closed at the end.
 */
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* What a poll compares. */
struct stamp {
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct watch {
	struct loop *loop;
	void (*fn)(void *opaque);
	void *opaque;

	enum watch_mode mode;
	uint64_t poll_interval;
	char **paths;
	struct stamp *stamps;
	size_t n_paths;

	int inotify;
	struct loop_source *events, *quiet, *poll;
	uint64_t first_event; /* of those that are not told yet, 0 for none */
	int descriptors[MAX_DIRECTORIES];
	size_t n_descriptors;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void watch_trigger(struct watch *watch)
{
	uint64_t t = now(), latest;

	if (!watch->first_event)
		watch->first_event = t;
	latest = watch->first_event + WATCH_LATEST_NS;
	loop_timer_arm(watch->quiet, latest > t ? MIN(WATCH_QUIET_NS, latest - t) : 1);
}

static void on_quiet(void *opaque)
{
	struct watch *watch = opaque;

	watch->first_event = 0;
	watch->fn(watch->opaque);
}

/* What the events are does not matter, an overflow of the queue no more than the others. */
static void on_events(int fd, unsigned events, void *opaque)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct watch *watch = opaque;

	while (read(fd, buf, sizeof(buf)) > 0)
		continue;
	watch_trigger(watch);
}

static struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct stamp){ 0 };
	return (struct stamp){ true, st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim };
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void on_poll(void *opaque)
{
	struct watch *watch = opaque;
	bool changed = false;

	for (size_t i = 0; i < watch->n_paths; i++) {
		struct stamp stamp = stamp_of(watch->paths[i]);

		changed |= !same_stamp(&stamp, &watch->stamps[i]);
		watch->stamps[i] = stamp;
	}
	loop_timer_arm(watch->poll, watch->poll_interval);
	if (changed)
		watch_trigger(watch);
}

struct watch *watch_create(struct loop *loop, void (*fn)(void *opaque), void *opaque)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	invariant(watch != NULL);
	watch->loop = loop;
	watch->fn = fn;
	watch->opaque = opaque;
	watch->inotify = -1;
	watch->mode = WATCH_OFF;
	invariant(loop_add_timer(loop, on_quiet, watch, &watch->quiet) >= 0);
	return watch;
}

static void forget_paths(struct watch *watch)
{
	for (size_t i = 0; i < watch->n_paths; i++)
		free(watch->paths[i]);
	free(watch->paths);
	free(watch->stamps);
	watch->paths = NULL;
	watch->stamps = NULL;
	watch->n_paths = 0;
}

static void stop_inotify(struct watch *watch)
{
	watch->events = loop_source_remove(watch->events);
	watch->inotify = fd_close(watch->inotify);
	watch->n_descriptors = 0;
}

struct watch *watch_destroy(struct watch *watch)
{
	if (!watch)
		return NULL;
	stop_inotify(watch);
	loop_source_remove(watch->quiet);
	loop_source_remove(watch->poll);
	forget_paths(watch);
	free(watch);
	return NULL;
}

/* Watches a directory; the kernel gives the same descriptor for one that is watched already. */
static int watch_directory(struct watch *watch, const char *directory, int *keep, size_t *n_keep)
{
	int wd = inotify_add_watch(watch->inotify, *directory ? directory : ".", EVENTS);

	/* A directory that is not there: the one above it tells when it comes. */
	if (wd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (size_t i = 0; i < *n_keep; i++)
		if (keep[i] == wd)
			return 0;
	if (*n_keep == MAX_DIRECTORIES)
		return -ENOSPC;
	keep[(*n_keep)++] = wd;
	return 0;
}

/*
 * Follows @path a component at a time. @done is the part that is resolved ("" is the working
 * directory), @rest the part that is left.
 */
static int watch_path(struct watch *watch, const char *path, int *keep, size_t *n_keep)
{
	char done[PATH_MAX] = "", rest[PATH_MAX], target[PATH_MAX], next[PATH_MAX];
	unsigned links = 0;
	int r = 0;

	if (strlen(path) >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(rest, path);
	while (*rest) {
		size_t len = strcspn(rest, "/");
		bool last;
		ssize_t n;

		if (len == 0) {
			if (!*done)
				strcpy(done, "/");
			memmove(rest, rest + 1, strlen(rest));
			continue;
		}
		last = rest[len] == '\0';
		if ((size_t)snprintf(next, sizeof(next), "%s%s%.*s", done,
				     *done && strcmp(done, "/") != 0 ? "/" : "", (int)len,
				     rest) >= sizeof(next))
			return -ENAMETOOLONG;
		n = readlink(next, target, sizeof(target) - 1);
		if (n < 0 && errno != EINVAL) {
			/* It is missing: what is above it tells when it comes. */
			return watch_directory(watch, done, keep, n_keep);
		}
		if (last || n >= 0)
			r = watch_directory(watch, done, keep, n_keep);
		if (r < 0)
			return r;
		if (n < 0) {
			strcpy(done, next);
			memmove(rest, rest + len, strlen(rest + len) + 1);
			continue;
		}
		if (++links > MAX_LINKS)
			return -ELOOP;
		target[n] = '\0';
		if ((size_t)snprintf(next, sizeof(next), "%s%s", target, rest + len) >= sizeof(next))
			return -ENAMETOOLONG;
		strcpy(rest, next);
		if (*target == '/')
			strcpy(done, "");
	}
	return 0;
}

static int start_inotify(struct watch *watch)
{
	int r;

	if (watch->inotify >= 0)
		return 0;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify < 0)
		return -errno;
	r = loop_add_fd(watch->loop, watch->inotify, LOOP_READ, on_events, watch, &watch->events);
	if (r < 0)
		watch->inotify = fd_close(watch->inotify);
	return r;
}

/* New directories are watched before old ones are let go, so that nothing is missed between. */
static int set_inotify(struct watch *watch)
{
	int keep[MAX_DIRECTORIES], error, r;
	size_t n_keep = 0;

	error = start_inotify(watch);
	if (error < 0)
		return error;
	for (size_t i = 0; i < watch->n_paths; i++) {
		r = watch_path(watch, watch->paths[i], keep, &n_keep);
		if (r < 0)
			error = r;
	}
	for (size_t i = 0; i < watch->n_descriptors; i++) {
		size_t j = 0;

		while (j < n_keep && keep[j] != watch->descriptors[i])
			j++;
		if (j == n_keep)
			inotify_rm_watch(watch->inotify, watch->descriptors[i]);
	}
	memcpy(watch->descriptors, keep, n_keep * sizeof(*keep));
	watch->n_descriptors = n_keep;
	return error;
}

static int set_poll(struct watch *watch)
{
	int r = 0;

	if (!watch->poll)
		r = loop_add_timer(watch->loop, on_poll, watch, &watch->poll);
	return r < 0 ? r : loop_timer_arm(watch->poll, watch->poll_interval);
}

int watch_set(struct watch *watch, enum watch_mode mode, uint64_t poll_interval,
	      const char *const *paths, size_t n_paths)
{
	char **copies = calloc(n_paths + 1, sizeof(*copies));
	struct stamp *stamps = calloc(n_paths + 1, sizeof(*stamps));

	invariant(copies != NULL && stamps != NULL);
	for (size_t i = 0; i < n_paths; i++) {
		copies[i] = strdup(paths[i]);
		invariant(copies[i] != NULL);
		if (mode == WATCH_POLL)
			stamps[i] = stamp_of(copies[i]);
	}
	forget_paths(watch);
	watch->paths = copies;
	watch->stamps = stamps;
	watch->n_paths = n_paths;
	watch->mode = mode;
	watch->poll_interval = poll_interval;
	if (mode != WATCH_INOTIFY)
		stop_inotify(watch);
	if (mode != WATCH_POLL)
		watch->poll = loop_source_remove(watch->poll);
	switch (mode) {
	case WATCH_INOTIFY:
		return set_inotify(watch);
	case WATCH_POLL:
		return set_poll(watch);
	default:
		return 0;
	}
}
